"""
Secrets in raw OTLP, as any client may send it, and what is left of them behind `redaction.yaml`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from e2e import otlp
from e2e.collectors import items_of
from e2e.programs import GROUND, Collector, ConfigFile, Double, collector, double, wait_for
from otel_kit.redaction.mark import MARK_HEADER, MARK_VALUE
from tests.planted import found_in
from tests.redaction.samples import BENIGN, FORMS, NAMED, PASSWORD, SECRETS
from tests.redaction.test_export import FORMS_OF_COLLECTOR, LOST, MISSED, NOT_NAMED, SPELLED_OTHERWISE
from tests.redaction.test_keys import PLAIN, SECRET

TOKEN = "e2e-token-of-a-known-sender"
SIGNALS = ("traces", "metrics", "logs")
FILES: list[ConfigFile] = [*GROUND, "backends/otlp.yaml"]
CARD = 4111111111111111

TEXTS = [
    *(
        FORMS[form](planted)
        for kind, (planted, _) in SECRETS.items()
        for form in FORMS_OF_COLLECTOR
        if (kind, form) not in MISSED
    ),
    *(text for name, text in NAMED.items() if name not in NOT_NAMED),
]
SECRET_NAMES = sorted(set(SECRET) - SPELLED_OTHERWISE)
PARTS = {**{kind: part for kind, (_, part) in SECRETS.items()}, "e-mail": "alice.smith@"}
NEEDLES = [*(part for kind, part in PARTS.items() if kind != "aws secret"), PASSWORD]


class Pair(NamedTuple):
    """
    A Collector and the store behind it, read from where it was when a test began.
    """

    collector: Collector
    store: Double
    begun: Mapping[str, int]

    def shown(self, signal: str) -> bytes:
        """
        What has come since, as it lies there.
        """
        return path_of(self.store, signal).read_bytes()[self.begun[signal] :].rpartition(b"\n")[0]

    def items(self, signal: str, group: str, items: str) -> list[dict[str, Any]]:
        """
        What has come since, item by item.
        """
        batches = map(json.loads, self.shown(signal).splitlines())
        return [item for batch in batches for _, item in items_of(batch, group, items)]

    def spans(self) -> list[dict[str, Any]]:
        """
        Spans, as OTLP/JSON has them.
        """
        return self.items("traces", "Spans", "spans")

    def records(self) -> list[dict[str, Any]]:
        """
        Log records, as OTLP/JSON has them.
        """
        return self.items("logs", "Logs", "logRecords")


@contextmanager
def running_pair(directory: Path, *more: ConfigFile) -> Iterator[Pair]:
    """
    Both, ready.
    """
    with double(directory / "store") as store:
        told = {"OTLP_FORWARD_ENDPOINT": store.url, "OTEL_KIT_COLLECTOR_TOKEN": TOKEN}
        with collector([*FILES, *more], told, directory / "collector") as running:
            yield from_now(running, store)


def path_of(store: Double, signal: str) -> Path:
    """
    Where the store keeps a signal.
    """
    return store.directory / f"{signal}.jsonl"


def from_now(running: Collector, store: Double) -> Pair:
    """
    A pair whose store counts as empty.
    """
    return Pair(running, store, {signal: path_of(store, signal).stat().st_size for signal in SIGNALS})


@pytest.fixture(scope="module")
def running_plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """
    Without any overlay.
    """
    with running_pair(tmp_path_factory.mktemp("plain")) as running:
        yield running


@pytest.fixture(scope="module")
def running_known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """
    With senders that show a token.
    """
    with running_pair(tmp_path_factory.mktemp("known"), "overlays/token.yaml") as running:
        yield running


@pytest.fixture
def pair(running_plain: Pair) -> Pair:
    """
    Without any overlay, nothing stored yet.
    """
    return from_now(running_plain.collector, running_plain.store)


@pytest.fixture
def known(running_known: Pair) -> Pair:
    """
    With senders that show a token, nothing stored yet.
    """
    return from_now(running_known.collector, running_known.store)


def stored(pair: Pair, request: otlp.Request, signal: str, headers: Mapping[str, str] | None = None) -> bytes:
    """
    Send, wait, and give back what the store has got of a signal since the test began, as it lies there.
    """
    before = len(pair.shown(signal))
    assert 200 == otlp.send(pair.collector.url, request, headers=headers).status
    wait_for(lambda: len(pair.shown(signal)) > before, f"the {signal}")
    return pair.shown(signal)


def nested(text: str) -> dict[str, Any]:
    """
    The text at every depth that attributes and bodies have.
    """
    return {"text": text, "list": ["first", text], "map": {"deep": {"deeper": text}}, "maps": [{"in": [text, [text]]}]}


def span_attributes(span: Mapping[str, Any]) -> dict[str, Any]:
    """
    Attributes of a stored span, the values as OTLP/JSON has them.
    """
    return {each["key"]: each["value"] for each in span["attributes"]}


def test_no_secret_passes_in_a_span(pair: Pair) -> None:
    """
    Attributes at any depth, name, status, trace state, event, scope and its version: of each kind nothing is left.
    """
    for text in TEXTS:
        events = [otlp.event(text, nested(text))]
        span = otlp.span(text, attributes=nested(text), events=events, error=text, state=f"vendor={text}")
        request = otlp.traces([span], {"service.name": "shop", "note": text}, text)
        request.resource_spans[0].scope_spans[0].scope.version = text
        assert 200 == otlp.send(pair.collector.url, request).status
    wait_for(lambda: len(TEXTS) == len(pair.spans()), "all spans")

    assert [] == found_in(pair.shown("traces"), NEEDLES)


@pytest.mark.parametrize("shape", ["text", "map", "list"])
def test_no_secret_passes_in_a_record(shape: str, pair: Pair) -> None:
    """
    The same for bodies of each type, attributes, the event's name and the text of the severity.
    """
    bodies = {"text": lambda text: text, "map": nested, "list": lambda text: [text, nested(text)]}
    records = [otlp.log(bodies[shape](text), attributes=nested(text), event_name=text) for text in TEXTS]
    for record, text in zip(records, TEXTS, strict=True):
        record.severity_text = text

    assert [] == found_in(stored(pair, otlp.logs(records, {"service.name": "shop"}), "logs"), NEEDLES)


def test_no_secret_passes_in_a_metric(pair: Pair) -> None:
    """
    The same for labels, the description, the unit and the attributes of exemplars.
    """
    points = [
        otlp.sum_of(
            f"metric_{number}",
            1,
            nested(text),
            description=text,
            unit=text,
            exemplars=[otlp.exemplar(1, otlp.trace_id(), otlp.span_id(), nested(text))],
        )
        for number, text in enumerate(TEXTS)
    ]

    assert [] == found_in(stored(pair, otlp.metrics(points, {"service.name": "shop"}), "metrics"), NEEDLES)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_no_number_hides_a_secret(number: float, pair: Pair) -> None:
    """
    Maps and lists with a number that JSON can't write are cleaned as others are, wherever they stand.
    """
    text = f"password={PASSWORD}"
    odd = {
        "list": [number, text],
        "map": {"number": number, "password": PASSWORD, "text": text},
        "maps": [{"in": [number, {"password": PASSWORD}]}],
        "password": {"number": number, "text": PASSWORD},
    }
    records = [otlp.log(odd), otlp.log([number, odd]), otlp.log("attributes", attributes=odd)]
    span = otlp.span("GET /", attributes=odd, events=[otlp.event("event", odd)])
    point = otlp.sum_of("metric", 1, odd, exemplars=[otlp.exemplar(1, otlp.trace_id(), otlp.span_id(), odd)])

    assert [] == found_in(stored(pair, otlp.logs(records, odd), "logs"), [PASSWORD])
    assert [] == found_in(stored(pair, otlp.traces([span], odd), "traces"), [PASSWORD])
    assert [] == found_in(stored(pair, otlp.metrics([point], odd), "metrics"), [PASSWORD])


@pytest.mark.parametrize("value", [PASSWORD, [PASSWORD, "b"], {"inner": PASSWORD}], ids=["text", "list", "map"])
def test_masks_what_a_secret_name_holds(value: Any, pair: Pair) -> None:
    """
    Whatever type it has, in attributes and in a body.
    """
    held = [{name: value} for name in SECRET_NAMES]
    records = [*(otlp.log(each) for each in held), *(otlp.log("x", attributes=each) for each in held)]

    assert [] == found_in(stored(pair, otlp.logs(records, {"service.name": "shop"}), "logs"), [PASSWORD])


@pytest.mark.parametrize("shape", ["attribute", "body", "text", "text in text"])
def test_masks_what_a_deep_secret_name_holds(shape: str, pair: Pair) -> None:
    """
    However deep the name stands, in a body of JSON text as well.
    """
    held = [{"user": {"all": [{name: PASSWORD}]}} for name in SECRET_NAMES]
    shapes = {
        "attribute": lambda each: otlp.log("x", attributes=each),
        "body": otlp.log,
        "text": lambda each: otlp.log(json.dumps(each)),
        "text in text": lambda each: otlp.log(json.dumps({"line": json.dumps(each)})),
    }
    request = otlp.logs(map(shapes[shape], held), {"service.name": "shop"})

    assert [] == found_in(stored(pair, request, "logs"), [PASSWORD])


def test_masks_numbers_too(pair: Pair) -> None:
    """
    A card number that is no text, and a code under a secret name.
    """
    span = otlp.span("pay", attributes={"order": CARD, "pin": 4321, "items": 3})
    stored(pair, otlp.traces([span], {"service.name": "shop"}), "traces")
    kept = span_attributes(pair.spans()[0])

    assert [{"stringValue": "REDACTED"}] * 2 == [kept["order"], kept["pin"]]
    assert "3" in kept["items"].values()


def test_leaves_harmless_values_as_they_are(pair: Pair) -> None:
    """
    Texts of every kind, names that only look secret, and types: nothing changes in a record without a secret.
    """
    texts = [text for text in BENIGN if text not in LOST]
    types = {
        "yes": True,
        "ratio": 0.5,
        "count": 7,
        "list": ["a", "b"],
        "map": {"inner": {"x": 1}},
        "none": None,
        "empty": "",
    }
    plain = {name: "some value" for name in PLAIN if name}
    spans = [otlp.span(text, attributes={"app.note": text}, error=text) for text in texts]
    spans += [otlp.span("names", attributes={name: value}) for name, value in plain.items()]
    records = [otlp.log(types, attributes=types)]
    request = otlp.traces(spans, {"service.name": "shop"})
    stored(pair, request, "traces")
    stored(pair, otlp.logs(records, {"service.name": "shop"}), "logs")
    kept = pair.spans()

    assert [(text, text, text) for text in texts] == [
        (span["name"], span["status"]["message"], span_attributes(span)["app.note"]["stringValue"])
        for span in kept[: len(texts)]
    ]
    assert [{name: {"stringValue": value}} for name, value in plain.items()] == list(
        map(span_attributes, kept[len(texts) :])
    )
    record = otlp.log(types, attributes={**types, "log.class": "application"})
    assert MessageToDict(record)["body"] == pair.records()[0]["body"]
    assert MessageToDict(record)["attributes"] == pair.records()[0]["attributes"]


def test_keeps_what_stands_around_a_secret(pair: Pair) -> None:
    """
    Only the secret is masked, its name and its neighbours stay.
    """
    record = otlp.log(
        '{"user": "ada", "password": "hunter2hunter2", "n": 1}', attributes={"q": "page=2&token=hunter2hunter2"}
    )
    stored(pair, otlp.logs([record], {"service.name": "shop"}), "logs")
    kept = pair.records()[0]

    assert {"user": "ada", "password": "REDACTED", "n": 1} == json.loads(kept["body"]["stringValue"])
    assert {"stringValue": "page=2&token=REDACTED"} == span_attributes(kept)["q"]


def test_redacting_twice_changes_nothing(tmp_path: Path) -> None:
    """
    What comes out goes through a second Collector as it is.
    """
    with running_pair(tmp_path / "second") as second, running_pair(tmp_path / "first") as first:
        records = [otlp.log(nested(text), attributes=nested(text)) for text in TEXTS]
        stored(first, otlp.logs(records, {"service.name": "shop"}), "logs")
        for batch in first.store.kept("logs"):
            send_json(second.collector, batch)
        wait_for(lambda: len(TEXTS) == len(second.records()), "all records")

        assert first.records() == second.records()


def send_json(receiver: Collector, batch: Mapping[str, Any]) -> None:
    """
    Log records as a store wrote them.
    """
    request = ExportLogsServiceRequest()
    for owner in batch["resourceLogs"]:
        for scope in owner["scopeLogs"]:
            for record in scope["logRecords"]:
                for name in ("traceId", "spanId"):
                    record.pop(name, None)
    assert 200 == otlp.send(receiver.url, ParseDict(dict(batch), request)).status


def test_refuses_nothing_odd(pair: Pair) -> None:
    """
    Values of every type, at any depth, beside a secret that opens all rules: all are taken.
    """
    odd = [float("nan"), float("inf"), b"\x00\xff", None, "", [], {}, [[]], {"": {}}, 2**63 - 1, "\x00", "a" * 70000]
    secret = {"password": PASSWORD, "mail": "a@example.com", "card": str(CARD), "key": "AKIA" + "IOSFODNN7EXAMPLE"}
    records = [otlp.log(value, attributes={"odd": value, "list": [value], **secret}) for value in odd]
    spans = [otlp.span("", attributes={"": value, "odd": {"in": value}, **secret}) for value in odd]

    assert [] == found_in(stored(pair, otlp.logs(records, {}), "logs"), [PASSWORD])
    assert [] == found_in(stored(pair, otlp.traces(spans, {}), "traces"), [PASSWORD])
    assert [len(odd)] * 2 == [len(pair.records()), len(pair.spans())]
    assert [] == [line for line in pair.collector.warnings() if "redaction" in line]


def test_leaves_no_note_of_its_own(pair: Pair) -> None:
    """
    The notes it takes while it works are gone, and so are forged ones.
    """
    forged = {"otel_kit.suspect.name": True, "otel_kit.text.name": "forged", "password": PASSWORD}
    shown = stored(pair, otlp.traces([otlp.span("GET /", attributes=forged)], forged), "traces")

    assert b"otel_kit." not in shown
    assert "GET /" == pair.spans()[0]["name"]


MARKED = otlp.log("x", attributes={"password": PASSWORD})
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def test_a_mark_without_a_token_counts_for_nothing(pair: Pair) -> None:
    """
    Where anyone may send, anyone may lie.
    """
    shown = stored(pair, otlp.logs([MARKED], {}), "logs", {MARK_HEADER: MARK_VALUE, **AUTHORIZED})

    assert [] == found_in(shown, [PASSWORD])


def test_a_mark_with_a_wrong_token_gets_nowhere(known: Pair) -> None:
    """
    The sender is refused, whatever it says.
    """
    answer = otlp.send(
        known.collector.url, otlp.logs([MARKED], {}), headers={MARK_HEADER: MARK_VALUE, "Authorization": "Bearer x"}
    )

    assert 401 == answer.status


def test_believes_the_mark_of_a_known_sender(known: Pair) -> None:
    """
    Nothing is searched a second time, and nothing of the mark or the token reaches the store.
    """
    shown = stored(known, otlp.logs([MARKED], {}), "logs", {MARK_HEADER: MARK_VALUE, **AUTHORIZED})

    assert PASSWORD.encode() in shown
    assert [] == found_in(shown, [MARK_HEADER, TOKEN])


def test_a_known_sender_without_a_mark_is_cleaned(known: Pair) -> None:
    """
    The token alone says nothing about the data.
    """
    assert [] == found_in(stored(known, otlp.logs([MARKED], {}), "logs", AUTHORIZED), [PASSWORD])
