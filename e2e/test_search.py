"""
One correlation id, copied from an answer's header, finds everything about the request in every store.

Two services of ours, the assistant and the models, send to a Collector as a user starts it; behind it are
the real Loki, Tempo and Jaeger.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.chats import OF_ASSISTANT, OF_MODELS, SPANS, Chat, one, story
from e2e.programs import Collector, Jaeger, Loki, Tempo, launched_collector, unique, wait_for
from e2e.questions import LogLine
from e2e.services.serving import NAMESPACE, STAGE, Pair, serve_pair


@pytest.fixture(scope="module")
def collector(
    loki_store: Loki, tempo_store: Tempo, jaeger_store: Jaeger, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collector]:
    """
    A Collector as a user starts it.
    """
    stores = {
        "LOKI_ENDPOINT": loki_store.url,
        "TEMPO_OTLP_ENDPOINT": tempo_store.otlp_url,
        "JAEGER_OTLP_ENDPOINT": jaeger_store.otlp_url,
    }
    with launched_collector(stores, tmp_path_factory.mktemp("collector")) as running:
        yield running


@pytest.fixture(scope="module")
def services(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """
    Both services, which send to it.
    """
    with serve_pair(collector.url, tmp_path_factory.mktemp("services")) as pair:
        yield pair


@pytest.fixture(scope="module")
def chats(services: Pair, loki_store: Loki, tempo_store: Tempo, jaeger_store: Jaeger) -> dict[str, Chat]:
    """
    One request to each model, by the model's name.
    """
    return {
        model: Chat(
            services.assistant.ask("POST", f"/chat/{model}"), services, loki_store, tempo_store, jaeger_store, model
        )
        for model in SPANS
    }


@pytest.fixture
def chat(chats: dict[str, Chat]) -> Chat:
    """
    The request that was answered.
    """
    assert 200 == chats["gpt-4"].answer.status
    return chats["gpt-4"]


@pytest.fixture
def failed(chats: dict[str, Chat]) -> Chat:
    """
    The request that was not.
    """
    assert 502 == chats["broken"].answer.status
    return chats["broken"]


@pytest.fixture
def forgotten(chats: dict[str, Chat]) -> Chat:
    """
    The request that was answered, and whose background task failed afterwards.
    """
    assert 200 == chats["forgetful"].answer.status
    return chats["forgetful"]


def whole_story(services: Pair) -> set[tuple[str, str, str, str]]:
    """
    What a chat that works leaves in a store of traces.
    """
    assistant, models = (service.service_name for service in services)
    return {
        (assistant, "POST /chat/{model}", "server", "nobody"),
        (assistant, "GET", "client", f"{assistant} POST /chat/{{model}}"),
        (models, "GET /generate/{model}", "server", f"{assistant} GET"),
        (assistant, "remember", "internal", f"{assistant} POST /chat/{{model}}"),
    }


@pytest.mark.parametrize(("service", "messages"), [("assistant", OF_ASSISTANT), ("models", OF_MODELS)])
def test_loki_has_the_lines_of_each_service(chat: Chat, service: str, messages: set[str]) -> None:
    """
    A service's name and the correlation id find that service's lines of this request.
    """
    name = getattr(chat.services, service).service_name
    lines = chat.lines(f'{{service_name="{name}"}}', messages)

    assert messages == {line.text for line in lines} - {client_line(lines)}


def client_line(lines: list[LogLine]) -> str:
    """
    What the library httpx says of its request, where it is among the lines.
    """
    return next((line.text for line in lines if line.text.startswith("HTTP Request")), "")


def test_lines_carry_the_trace_they_belong_to(chat: Chat) -> None:
    """
    Each line of both services names the one trace that Tempo has, and a span in it.
    """
    spans = chat.in_tempo()
    lines = chat.lines(f'{{service_namespace="{NAMESPACE}"}}', OF_ASSISTANT | OF_MODELS)

    assert {spans[0].trace_id} == {line.labels["trace_id"] for line in lines}
    assert {line.labels["span_id"] for line in lines} <= {span.span_id for span in spans}


def test_lines_of_the_background_task_name_its_span(chat: Chat) -> None:
    """
    What the task says after the answer leads to the task's own span.
    """
    remembered = one(chat.in_tempo(), chat.services.assistant.service_name, "remember")
    lines = chat.lines(f'{{service_name="{chat.services.assistant.service_name}"}}', OF_ASSISTANT)

    assert [remembered.span_id] == [line.labels["span_id"] for line in lines if line.text == "chat_remembered"]


def test_index_labels_are_the_four(chat: Chat) -> None:
    """
    Streams differ by service, namespace, stage and class of the line, and by nothing that grows.
    """
    name = chat.services.assistant.service_name
    chat.lines(f'{{service_name="{name}"}}', OF_ASSISTANT)
    streams = chat.loki.streams(f'{{service_name="{name}"}}')
    labels = {"service_name": name, "service_namespace": NAMESPACE, "deployment_environment_name": STAGE}

    assert all({**labels, "log_class": stream["log_class"]} == stream for stream in streams)
    assert {"application", "error"} >= {stream["log_class"] for stream in streams}


def test_what_was_said_beside_the_message_can_be_searched(chat: Chat) -> None:
    """
    A field that the caller gave is a filter in Loki.
    """
    name = chat.services.assistant.service_name
    lines = chat.lines(f'{{service_name="{name}"}} | model="gpt-4"', OF_ASSISTANT - {"request_completed"})

    assert OF_ASSISTANT - {"request_completed"} == {line.text for line in lines}


def test_tempo_has_one_trace_of_both_services(chat: Chat) -> None:
    """
    TraceQL finds it by the correlation id; each span has its right parent, the background task's too.
    """
    assert whole_story(chat.services) == story(chat.in_tempo())


def test_jaeger_has_one_trace_of_both_services(chat: Chat) -> None:
    """
    Jaeger finds the same trace by its tag.
    """
    assert whole_story(chat.services) == story(chat.in_jaeger())


def test_both_stores_have_the_same_trace(chat: Chat) -> None:
    """
    Ids agree, so a link from one leads into the other.
    """
    assert {(span.trace_id, span.span_id) for span in chat.in_tempo()} == {
        (span.trace_id, span.span_id) for span in chat.in_jaeger()
    }


def test_every_span_has_the_correlation_id(chat: Chat) -> None:
    """
    Also those of the library that makes the request, and of the task after the answer.
    """
    assert {chat.id} == {span.attributes.get("correlation_id") for span in chat.in_tempo()}


def test_spans_say_where_they_come_from(chat: Chat) -> None:
    """
    The resource has name, namespace, version, stage and instance.
    """
    span = one(chat.in_tempo(), chat.services.models.service_name, "GET /generate/{model}")
    known = {"service.namespace": NAMESPACE, "service.version": "1.2.3", "deployment.environment.name": STAGE}

    assert known.items() <= span.resource.items()
    assert span.resource["service.instance.id"]


@pytest.mark.parametrize("store", ["tempo", "jaeger"])
def test_an_error_is_on_the_span_that_failed(failed: Chat, store: str) -> None:
    """
    The exception is an event with type, text and stack; all spans from there up to the root are in error.
    """
    spans = failed.in_tempo() if store == "tempo" else failed.in_jaeger()
    broken = one(spans, failed.services.models.service_name, "GET /generate/{model}")
    ((name, details),) = broken.events

    assert ["error"] * 3 == [span.status for span in spans]
    assert "exception" == name
    assert ("e2e.services.models.ModelBroken", "the model lost its thread") == (
        details["exception.type"],
        details["exception.message"],
    )
    assert "in generate" in details["exception.stacktrace"]


def test_a_failure_after_the_answer_is_found_too(forgotten: Chat) -> None:
    """
    The background task's span has the exception; a line of class error has the same correlation id.
    """
    name = forgotten.services.assistant.service_name
    task = one(forgotten.in_tempo(), name, "remember")
    query = f'{{service_name="{name}", log_class="error"}} | correlation_id="{forgotten.id}"'
    lines = wait_for(lambda: forgotten.loki.query(query), query)

    assert ("error", ["exception"]) == (task.status, [event for event, _ in task.events])
    assert ["MemoryLost"] == [line.labels["exception_type"].rpartition(".")[2] for line in lines]


def test_an_id_that_the_client_brings_is_kept(services: Pair, tempo_store: Tempo, loki_store: Loki) -> None:
    """
    Who sends a correlation id finds the lines of both services and the trace by it.
    """
    id = unique("case")
    answer = services.assistant.ask("POST", "/chat/gpt-4", headers={"X-Correlation-ID": id})
    query = f'{{service_namespace="{NAMESPACE}"}} | correlation_id="{id}"'
    names = {service.service_name for service in services}

    assert id == answer.correlation_id
    wait_for(lambda: names == {line.labels["service_name"] for line in loki_store.query(query)}, query)
    assert 1 == len(wait_for(lambda: tempo_store.search(f'{{ span.correlation_id = "{id}" }}'), "the trace"))


def test_tempo_finds_errors_by_status(failed: Chat) -> None:
    """
    A search for what failed in a service finds the trace.
    """
    failed.in_tempo()
    found = failed.tempo.search(
        f'{{ resource.service.name = "{failed.services.models.service_name}" && status = error }}'
    )

    assert [failed.in_tempo()[0].trace_id] == found


def test_an_error_is_kept_as_such_in_loki(failed: Chat) -> None:
    """
    The failed request's line has the class whose retention is longer, with the exception and its stack.
    """
    (line,) = failed.lines(
        f'{{service_name="{failed.services.models.service_name}", log_class="error"}}', {"request_completed"}
    )

    assert "ERROR" == line.labels["severity_text"]
    assert "ModelBroken" in line.labels["exception_type"]
    assert "in generate" in line.labels["exception_stacktrace"]


def test_one_request_does_not_find_another(chats: dict[str, Chat]) -> None:
    """
    Different requests have different ids, traces and lines.
    """
    ids = {chat.in_tempo()[0].trace_id for chat in chats.values()}
    counts = [
        len(chat.lines(f'{{service_name="{chat.services.models.service_name}"}}', OF_MODELS)) for chat in chats.values()
    ]

    assert len(chats) == len(ids) == len({chat.id for chat in chats.values()})
    assert [len(OF_MODELS)] * len(chats) == counts


def test_the_collector_complains_of_nothing(chats: dict[str, Chat], collector: Collector) -> None:
    """
    Requests that work and requests that fail are nothing to warn of.
    """
    for chat in chats.values():
        chat.in_tempo()

    assert [] == collector.warnings()
