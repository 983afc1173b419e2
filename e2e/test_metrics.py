"""
Metrics of our services in a real Prometheus: by the scrape, or over OTLP, never twice, always by their names.

What the Collector counts of spans is there as well, of every request, and an exemplar leads into Tempo.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from e2e.programs import Samples, Tempo, wait_for
from e2e.runs import CHATS, FAILURES, JOBS, ROUTE, Run, run
from e2e.services.serving import NAMESPACE, STAGE

DOCUMENTED = {
    "http_requests_total",
    "http_request_duration_seconds_bucket",
    "http_request_duration_seconds_count",
    "http_request_duration_seconds_sum",
    "http_errors_total",
    "chat_completions_total",
    "chat_completion_errors_total",
    "provider_latency_seconds_bucket",
    "provider_latency_seconds_count",
    "provider_latency_seconds_sum",
}
"""What the contract calls the metrics that these requests leave behind."""

IN_PROGRESS = "http_requests_in_progress"
"""Documented too; a series of it is there once a request was in progress at the moment of a scrape."""


@pytest.fixture(scope="module")
def scraped(tempo_store: Tempo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """
    The default way: Prometheus scrapes the services, which push to the Collector as well.
    """
    with run(tempo_store, tmp_path_factory.mktemp("scraped"), scrapes=True) as made:
        yield made


@pytest.fixture(scope="module")
def pushed(tempo_store: Tempo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """
    The other way: nobody scrapes, and the Collector passes on what the services push.
    """
    with run(tempo_store, tmp_path_factory.mktemp("pushed"), scrapes=False) as made:
        yield made


@pytest.fixture(params=["scraped", "pushed"])
def either(request: pytest.FixtureRequest) -> Run:
    """
    Both ways, one after the other, once all requests are counted.
    """
    made: Run = request.getfixturevalue(request.param)
    made.wait("http_requests_total", CHATS + FAILURES, endpoint=ROUTE)
    return made


@pytest.fixture(scope="module", params=["scraped", "pushed"])
def settled(request: pytest.FixtureRequest) -> Run:
    """
    Both ways, after pushes enough to count twice what should be counted once.
    """
    made: Run = request.getfixturevalue(request.param)
    made.wait("http_requests_total", CHATS + FAILURES, endpoint=ROUTE)
    made.settle()
    return made


def test_requests_are_counted_once(settled: Run) -> None:
    """
    Over all jobs and instances each request counts one, by method, route and status.
    """
    assert (CHATS, FAILURES) == (
        settled.total("http_requests_total", method="POST", endpoint=ROUTE, status_code="200"),
        settled.total("http_requests_total", method="POST", endpoint=ROUTE, status_code="502"),
    )
    assert CHATS + FAILURES == settled.total("http_request_duration_seconds_count", endpoint=ROUTE)


def test_counters_of_the_domain_are_counted_once(settled: Run) -> None:
    """
    What the service itself counts keeps its labels.
    """
    assert CHATS == settled.total("chat_completions_total", provider="models", model="gpt-4")
    assert FAILURES == settled.total("chat_completion_errors_total", provider="models", error_type="unavailable")


def test_names_are_the_documented_ones(either: Run) -> None:
    """
    No doubled `_total`, no unit behind the name, nothing renamed: the same names whichever way they come.
    """
    names = either.prometheus.names('{__name__=~"http_.*|chat_.*|provider_.*"}')

    assert DOCUMENTED == {name for name in names if not name.startswith("http_client_")} - {IN_PROGRESS}


def test_requests_in_progress_are_seen(either: Run) -> None:
    """
    The gauge is there, under its documented name, while a request is being answered, and falls to 0 after it.
    """
    asking = threading.Thread(target=either.services.models.ask, args=("GET", "/generate/slow"))
    asking.start()
    either.wait(IN_PROGRESS, 1, endpoint="/generate/{model}")
    asking.join()

    wait_for(lambda: not either.total(IN_PROGRESS, endpoint="/generate/{model}"), "nothing is in progress")


def test_both_ways_give_the_same_names(scraped: Run, pushed: Run) -> None:
    """
    A dashboard made for the one works with the other, down to the metrics of libraries and of the kit.
    """
    for each in (scraped, pushed):
        each.wait("http_requests_total", CHATS + FAILURES, endpoint=ROUTE)
    by_scrape = scraped.prometheus.names(f'{{job="{JOBS[0]}"}}')
    by_push = pushed.prometheus.names(f'{{job="{NAMESPACE}/{pushed.services.assistant.service_name}"}}')

    assert own_names(by_scrape) == own_names(by_push)


def own_names(names: set[str]) -> set[str]:
    """
    Without what a scrape adds to a page, what the Collector counts, what is there at moments, and `target_info`.
    """
    return {name for name in names - {"up", "target_info", IN_PROGRESS} if not name.startswith(("scrape_", "traces_"))}


def test_buckets_are_the_same_page(either: Run) -> None:
    """
    The histogram in Prometheus has the very buckets that the service's own page has.
    """
    page = Samples(either.services.assistant.page())
    own = {one.labels["le"]: one.value for one in page.of("http_request_duration_seconds_bucket", endpoint=ROUTE)}
    stored = either.prometheus.query(f'sum by (le) (http_request_duration_seconds_bucket{{endpoint="{ROUTE}"}})')

    assert {float(le): value for le, value in own.items()} == {float(one.labels["le"]): one.value for one in stored}


@pytest.mark.parametrize("metric", ["http_request_duration_seconds_bucket", "http_requests_total"])
def test_an_exemplar_leads_into_tempo(either: Run, metric: str) -> None:
    """
    The last request of its series before a scrape or an export has its trace behind the number.
    """
    answer = either.services.models.ask("GET", "/generate/gpt-4")
    query = f'{metric}{{endpoint="/generate/{{model}}"}}'
    (found,) = wait_for(
        lambda: either.tempo.search(f'{{ span.correlation_id = "{answer.correlation_id}" }}'), "the trace"
    )
    wait_for(
        lambda: found in {exemplar.labels.get("trace_id") for exemplar in either.prometheus.exemplars(query)},
        f"the exemplar of {found}",
        timeout=25,
    )
    traces = {exemplar.labels["trace_id"] for exemplar in either.prometheus.exemplars(query)}

    assert [] == [trace for trace in traces if not either.tempo.trace(trace)]


def test_the_scrape_is_the_only_way_by_default(scraped: Run) -> None:
    """
    Although the services push, each of their series has a job of the scrape; the rest is what the Collector counts.

    `target_info` says of each service, with value 1, who it is; it counts nothing.
    """
    scraped.settle()
    scraped.wait("traces_span_metrics_calls_total", CHATS)
    scraped.wait("http_requests_total", CHATS, endpoint=ROUTE)
    pushed_in = scraped.prometheus.names(f'{{__name__=~".+", job!~"{"|".join(JOBS)}"}}')

    assert {"target_info"} == {name for name in pushed_in if not name.startswith("traces_")}


def test_pushed_series_say_where_they_come_from(pushed: Run) -> None:
    """
    Job is namespace and service, instance the service's own; stage and version are labels, no join is needed.
    """
    pushed.wait("http_requests_total", CHATS, endpoint=ROUTE)
    name = pushed.services.assistant.service_name
    series = pushed.prometheus.query(f'http_requests_total{{endpoint="{ROUTE}"}}')
    expected = {"job": f"{NAMESPACE}/{name}", "deployment_environment_name": STAGE, "service_version": "1.2.3"}

    assert all(expected.items() <= one.labels.items() for one in series)
    assert {one.labels["service_instance_id"] for one in series} == {one.labels["instance"] for one in series}


@pytest.mark.parametrize(
    ("status", "count"), [("STATUS_CODE_UNSET", CHATS), ("STATUS_CODE_ERROR", FAILURES)], ids=["good", "failed"]
)
def test_the_collector_counts_spans(scraped: Run, status: str, count: int) -> None:
    """
    Calls and durations of the assistant's route, by its service, in seconds.
    """
    labels = {
        "service_name": scraped.services.assistant.service_name,
        "http_route": ROUTE,
        "span_kind": "SPAN_KIND_SERVER",
        "status_code": status,
    }
    calls, durations = "traces_span_metrics_calls_total", "traces_span_metrics_duration_seconds_count"
    scraped.wait(calls, count, **labels)
    scraped.wait(durations, count, **labels)

    assert (count, count) == (scraped.total(calls, **labels), scraped.total(durations, **labels))


def test_an_exemplar_of_the_collector_leads_into_tempo(scraped: Run) -> None:
    """
    What it counts of spans has exemplars too.
    """
    query = f'traces_span_metrics_duration_seconds_bucket{{service_name="{scraped.services.assistant.service_name}"}}'
    found = wait_for(lambda: scraped.prometheus.exemplars(query), "an exemplar", timeout=25)

    assert all(scraped.tempo.trace(exemplar.labels["trace_id"]) for exemplar in found)


def test_the_service_graph_has_the_edge(scraped: Run) -> None:
    """
    The assistant asks the models, and each failure of theirs is counted on the edge.
    """
    edge = {"client": scraped.services.assistant.service_name, "server": scraped.services.models.service_name}
    total, failed = "traces_service_graph_request_total", "traces_service_graph_request_failed_total"
    scraped.wait(total, CHATS + FAILURES, **edge)
    scraped.wait(failed, FAILURES, **edge)
    scraped.wait("traces_service_graph_request_server_seconds_count", CHATS + FAILURES, **edge)

    assert (CHATS + FAILURES, FAILURES) == (scraped.total(total, **edge), scraped.total(failed, **edge))
