"""
The log encoder: the kit's items under their OTLP names, the SDK's records as the official encoder has them.
"""

from __future__ import annotations

import logging
import random
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk.resources import Resource

from otel_kit.context import RequestRecord
from otel_kit.logs.exceptions import ExceptionText
from otel_kit.logs.item import LogItem, RequestItem
from otel_kit.redaction import Policy
from otel_kit.telemetry.logs import LogEncoder, item_attributes, severity
from tests.otlp_receiver import attributes_of
from tests.telemetry import spans_made

RESOURCE = Resource({"service.name": "orders"})


def encoder(policy: Policy | None = None, **options: Any) -> LogEncoder:
    return LogEncoder(policy or Policy(), lambda: RESOURCE, **options)


def parsed(made: LogEncoder, records: list[Any]) -> Any:
    return ExportLogsServiceRequest.FromString(made.encode(records)[0])


def item(message: str = "paid", **changed: Any) -> LogItem:
    made = LogItem(1_700_000_000.5, logging.WARNING, "WARNING", "shop.orders", message)
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def record_of(made: LogItem, **options: Any) -> Any:
    return parsed(encoder(**options), [made]).resource_logs[0].scope_logs[0].log_records[0]


@pytest.mark.parametrize("seed", range(30))
def test_equals_official_encoder(seed: int) -> None:
    """
    Generated records of the SDK parse to the very message that the official encoder makes.
    """
    chance = random.Random(seed)
    records = [spans_made.record(chance) for _ in range(20)]

    assert encode_logs(records) == parsed(encoder(), records)


def test_item_has_logger_as_scope_and_kits_resource() -> None:
    """
    An item stands under the service's resource and the scope of its logger.
    """
    group = parsed(encoder(), [item()]).resource_logs[0]

    assert ("shop.orders", {"service.name": "orders"}) == (
        group.scope_logs[0].scope.name,
        attributes_of(group.resource),
    )


def test_item_fields() -> None:
    """
    Time, severity, body, trace and correlation id of an item are where OTLP wants them.
    """
    made = item(trace_id="0af7651916cd43dd8448eb211c80319c", span_id="b7ad6b7169203331", trace_flags=1)
    made.correlation_id = "c-1"

    record = record_of(made)

    assert (
        1_700_000_000_500_000_000,
        13,
        "WARN",
        "paid",
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
        1,
        {"log.class": "application", "correlation_id": "c-1"},
    ) == (
        record.time_unix_nano,
        record.severity_number,
        record.severity_text,
        record.body.string_value,
        record.trace_id.hex(),
        record.span_id.hex(),
        record.flags,
        attributes_of(record),
    )


def test_exception_has_the_conventions_names() -> None:
    """
    Type, message and stack of an exception are three attributes.
    """
    record = record_of(item(exception=ExceptionText("ValueError", "bad", "Traceback: bad")))

    assert {
        "log.class": "application",
        "exception.type": "ValueError",
        "exception.message": "bad",
        "exception.stacktrace": "Traceback: bad",
    } == attributes_of(record)


def test_extra_keeps_its_names_and_types() -> None:
    """
    The caller's fields arrive as they are; one whose name is taken is prefixed.
    """
    record = record_of(item(extra={"order": 7, "tags": ["a", {"b": None}], "log.class": "mine"}))

    assert {
        "log.class": "application",
        "order": 7,
        "tags": ["a", {"b": None}],
        "extra.log.class": "mine",
    } == attributes_of(record)


def request_item(path: str = "/items/3", status: int | None = 200, **changed: Any) -> RequestItem:
    record = RequestRecord({"type": "http", "path": path}, "c-2")
    record.method, record.path, record.route = "GET", path, "/items/{id}"
    record.status_code, record.client, record.duration_seconds = status, "10.0.0.1", 0.25
    made = RequestItem(record, 1.0, logging.INFO, "INFO", "otel_kit.request", "request_completed")
    for name, value in changed.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"path": "/items/4"},
        {"status": None},
        {"status": 503, "levelno": logging.ERROR, "levelname": "ERROR", "log_class": "error"},
        {"route": None},
        {"client": None, "correlation_id": None},
        {"extra": {"order": 7}},
        {"exception": ExceptionText("ValueError", "bad", "Traceback")},
        {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "trace_flags": 1},
    ],
)
def test_requests_of_one_kind_keep_what_is_their_own(changed: dict[str, Any]) -> None:
    """
    After another request of its route each has its own fields, those that it alone has and those it lacks.
    """
    used, made = encoder(), request_item(**changed)
    for other in (request_item(path="/items/1"), request_item(path="/items/2"), made):
        used.encode([other])

    record = parsed(used, [made]).resource_logs[0].scope_logs[0].log_records[0]

    assert item_attributes(made) == attributes_of(record)
    assert severity(made.levelno, made.levelname) == (record.severity_number, record.severity_text)
    assert ("request_completed", made.trace_id or "") == (record.body.string_value, record.trace_id.hex())


def test_request_line_has_http_names() -> None:
    """
    A request's line carries method, path, route, status, client and duration.
    """
    made = request_item()

    assert {
        "log.class": "application",
        "correlation_id": "c-2",
        "http.request.method": "GET",
        "url.path": "/items/3",
        "http.route": "/items/{id}",
        "http.response.status_code": 200,
        "client.address": "10.0.0.1",
        "http.server.request.duration": 0.25,
    } == attributes_of(record_of(made))


@pytest.mark.parametrize(
    ("level", "name", "expected"),
    [
        (5, "TRACE", (1, "TRACE")),
        (10, "DEBUG", (5, "DEBUG")),
        (20, "INFO", (9, "INFO")),
        (25, "NOTICE", (12, "NOTICE")),
        (30, "WARNING", (13, "WARN")),
        (40, "ERROR", (17, "ERROR")),
        (50, "CRITICAL", (21, "FATAL")),
        (1000, "LOUD", (24, "LOUD")),
    ],
)
def test_severity(level: int, name: str, expected: tuple[int, str]) -> None:
    """
    Levels of `logging` fall into OpenTelemetry's ranges.
    """
    assert expected == severity(level, name)


def test_secrets_leave_no_part_of_a_record() -> None:
    """
    Message, extra and exception of an item, and body and attributes of a record, go through the policy.
    """
    secret = "swordfish99"
    made = encoder(Policy(patterns=[secret]))
    exception = ExceptionText("E", f"x {secret}", f"stack {secret}")
    records = [item(f"m {secret}", extra={"a": secret, "b": [secret]}, exception=exception)]
    foreign = spans_made.record(random.Random(1))
    foreign.log_record.body = {"deep": secret}
    foreign.log_record.attributes = {"a": secret}

    body, _ = made.encode([*records, foreign])

    assert secret.encode() not in body


def test_attribute_limits() -> None:
    """
    Length and number of a record's attributes end at the limits, and the rest is counted.
    """
    record = record_of(item(extra={"a": "x" * 50, "b": 1, "c": 2}), limit=10, count_limit=2)

    assert ({"log.class": "applicatio", "a": "x" * 10}, 2) == (attributes_of(record), record.dropped_attributes_count)


def test_one_bad_record_leaves_the_others() -> None:
    """
    Of three items the one whose trace id is no hexadecimal text is left out and counted.
    """
    bad = item(trace_id="no hex", span_id="none")

    body, lost = encoder().encode([item(), bad, item("a\ud800b")])

    records = ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs[0].log_records
    assert (1, ["paid", "a\N{REPLACEMENT CHARACTER}b"]) == (lost, [record.body.string_value for record in records])
