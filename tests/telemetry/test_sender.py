"""
OTLP over HTTP against a receiver that speaks the real protocol.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from otel_kit.environment.model import Signal
from otel_kit.redaction import Policy
from otel_kit.telemetry.sender import OtlpHttpSender, host_of, judge, parse_retry_after
from otel_kit.telemetry.senders import SignalParts, choose_sender, in_json
from otel_kit.telemetry.spans import SpanEncoder
from tests.otlp_receiver import OtlpReceiver, attributes_of
from tests.telemetry.test_spans import light_span


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        yield running


def sender_to(receiver: OtlpReceiver, **changed: Any) -> OtlpHttpSender:
    signal = Signal(endpoint=f"{receiver.url}/v1/traces", endpoint_is_default=False, **changed)
    return OtlpHttpSender(signal, SpanEncoder(Policy()).encode)


def send(sender: Any, timeout: float = 3.0, spans: int = 2) -> Any:
    payload = sender.prepare([light_span() for _ in range(spans)]).payload
    return sender.send(payload, timeout)


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
def test_delivers_with_each_compression(receiver: OtlpReceiver, compression: str) -> None:
    """
    The receiver gets both spans, whatever the body was squeezed with.
    """
    outcome = send(sender_to(receiver, compression=compression))

    assert ("delivered", 2) == (outcome.verdict, len(receiver.spans))


def test_headers_go_along(receiver: OtlpReceiver) -> None:
    """
    Configured headers, content type, user agent and the mark of redacted data are on the request.
    """
    send(sender_to(receiver, headers={"x-tenant": "a"}))
    headers = receiver.headers_of("/v1/traces")

    assert ("a", "application/x-protobuf", "1", True) == (
        headers["x-tenant"],
        headers["content-type"],
        headers["x-otel-kit-redacted"],
        headers["user-agent"].startswith("otel-kit/"),
    )


@pytest.mark.parametrize(("configured", "expected"), [({}, "Basic dTpw"), ({"Authorization": "Bearer t"}, "Bearer t")])
def test_login_in_the_endpoint_is_a_header(receiver: OtlpReceiver, configured: dict[str, str], expected: str) -> None:
    """
    Name and password of the URL go along as a header, unless another one was configured.
    """
    signal = Signal(endpoint=f"{receiver.url.replace('//', '//u:p@')}/v1/traces", headers=configured)

    send(OtlpHttpSender(signal, SpanEncoder(Policy()).encode))

    assert expected == receiver.headers_of("/v1/traces")["authorization"]


def test_a_header_that_cannot_be_written_drops(receiver: OtlpReceiver) -> None:
    """
    It would fail each time, so the batch is given up and the failure counted.
    """
    outcome = send(sender_to(receiver, headers={"x-tenant": "a\nb"}))

    assert ("drop", False) == (outcome.verdict, outcome.answered)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (307, ("drop", "redirected")),
        (400, ("drop", "rejected")),
        (401, ("drop", "rejected")),
        (413, ("split", "too_large")),
        (500, ("drop", "server_error")),
        (429, ("later", "failed")),
        (502, ("later", "failed")),
        (503, ("later", "failed")),
        (504, ("later", "failed")),
    ],
)
def test_judges_each_status(receiver: OtlpReceiver, status: int, expected: tuple[str, str]) -> None:
    """
    Only what the protocol says may be tried again is tried again; a redirect is followed nowhere.
    """
    receiver.mode, receiver.status, receiver.location = "status", status, f"{receiver.url}/v1/logs"

    outcome = send(sender_to(receiver))

    assert (expected, f"HTTP {status}", 1) == (
        (outcome.verdict, outcome.reason),
        outcome.kind,
        len(receiver.attempts),
    )


def test_retry_after_is_read(receiver: OtlpReceiver) -> None:
    """
    The seconds a busy collector asks for are part of the outcome.
    """
    receiver.mode, receiver.status, receiver.retry_after = "status", 429, "7"

    assert 7.0 == send(sender_to(receiver)).retry_after_seconds


def test_partial_success_is_read(receiver: OtlpReceiver) -> None:
    """
    A 200 that rejects a span is a delivery of the others.
    """
    receiver.mode = "partial"

    outcome = send(sender_to(receiver))

    assert ("delivered", 1) == (outcome.verdict, outcome.rejected)


def test_refused_connection(receiver: OtlpReceiver) -> None:
    """
    Where nobody listens the outcome says so at once.
    """
    receiver.stop()

    outcome = send(sender_to(receiver))

    assert ("unreachable", "connection refused", False) == (outcome.verdict, outcome.kind, outcome.answered)


def test_reset_connection_is_tried_once_more(receiver: OtlpReceiver) -> None:
    """
    A connection that breaks is replaced once, since a kept one may have been closed meanwhile.
    """
    receiver.mode = "reset"

    outcome = send(sender_to(receiver))

    assert ("later", "connection lost", 2) == (outcome.verdict, outcome.kind, len(receiver.attempts))


def test_hanging_collector_costs_the_timeout(receiver: OtlpReceiver) -> None:
    """
    An attempt ends with its time.
    """
    receiver.mode = "hang"
    begun = time.monotonic()

    outcome = send(sender_to(receiver), timeout=0.3)

    assert ("later", "timeout", True) == (outcome.verdict, outcome.kind, time.monotonic() - begun < 4.0)


def test_works_after_the_collector_came_back(receiver: OtlpReceiver) -> None:
    """
    A restarted collector is found through a new connection, without a lost batch.
    """
    sender = sender_to(receiver)
    send(sender)
    receiver.stop()
    receiver.listen()

    assert ("delivered", 4) == (send(sender).verdict, len(receiver.spans))


@pytest.mark.parametrize("mode", ["ok", "partial"])
def test_connection_is_kept(receiver: OtlpReceiver, mode: str) -> None:
    """
    Several batches go over one connection.
    """
    receiver.mode = mode
    sender = sender_to(receiver)
    for _ in range(3):
        send(sender)

    assert (1, 3) == (receiver.connections_made, len(receiver.attempts))


def test_endless_answers_are_not_read(receiver: OtlpReceiver) -> None:
    """
    A body far beyond what an answer may be is left alone.
    """
    receiver.mode, receiver.status, receiver.body = "status", 200, b"\x00" * 5_000_000

    assert "delivered" == send(sender_to(receiver)).verdict


def test_answers_that_drip_end_with_the_time(receiver: OtlpReceiver) -> None:
    """
    The body of an answer counts into the request's time, however slowly it comes; the status is known by then.
    """
    begun = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=drip, args=(listening,), daemon=True).start()
        signal = Signal(endpoint=f"http://127.0.0.1:{listening.getsockname()[1]}/v1/traces")
        outcome = send(OtlpHttpSender(signal, SpanEncoder(Policy()).encode), timeout=0.4)

    assert ("delivered", True) == (outcome.verdict, time.monotonic() - begun < 4.0)


def drip(listening: socket.socket) -> None:
    """
    Answer one request with a body that comes byte by byte.
    """
    connection, _ = listening.accept()
    with connection, suppress(OSError):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
        for _ in range(50):
            connection.sendall(b"\0")
            time.sleep(0.1)


def test_json_protocol(receiver: OtlpReceiver) -> None:
    """
    OTLP in JSON arrives as the same span, ids in hexadecimal.
    """
    receiver.mode = "partial"
    parts = SignalParts(
        "traces", SpanEncoder(Policy()).encode, ExportTraceServiceRequest, lambda x: x, object, ("", "")
    )
    signal = Signal(endpoint=f"{receiver.url}/v1/traces", protocol="http/json")
    sender = choose_sender("otlp", signal, parts, [])

    outcome = send(sender, spans=2)

    span = receiver.spans[0]
    assert ("delivered", 1, 1, {"a": "b"}, "application/json") == (
        outcome.verdict,
        outcome.rejected,
        int.from_bytes(span.trace_id, "big"),
        attributes_of(span),
        receiver.headers_of("/v1/traces")["content-type"],
    )


def test_json_form_of_nothing_is_nothing() -> None:
    """
    A batch without items has no body.
    """
    parts = SignalParts("traces", lambda items: (b"", 3), ExportTraceServiceRequest, lambda x: x, object, ("", ""))

    assert (b"", 3) == in_json(parts)([])


def test_missing_grpc_exporter_falls_back_to_http() -> None:
    """
    Where gRPC is asked for and not installed, OTLP goes over HTTP and a note says so.
    """
    notes: list[str] = []
    parts = SignalParts("traces", lambda items: (b"", 0), None, lambda x: x, object, ("no.such.module", "X"))

    sender = choose_sender("otlp", Signal(endpoint="http://localhost:4317", protocol="grpc"), parts, notes)

    assert ("http://localhost:4318", True) == (sender.host, "not installed" in notes[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        ("3", 3.0),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("9" * 40, 999_999_999.0),
    ],
)
def test_retry_after_forms(text: str | None, expected: float | None) -> None:
    """
    Seconds and dates are read, the rest is as good as missing.
    """
    assert expected == parse_retry_after(text)


@pytest.mark.parametrize("body", [b"", b"\xff\xff", b"{nonsense", b'{"partialSuccess": null}'])
def test_unreadable_answers_count_as_full_success(body: bytes) -> None:
    """
    A 200 without a readable word about rejected items is a delivery of all.
    """
    assert 0 == judge(200, None, body).rejected


def test_negative_rejections_count_as_none() -> None:
    """
    A collector that rejects fewer than no items has rejected none.
    """
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = -5

    assert 0 == judge(200, None, answer.SerializeToString()).rejected


@pytest.mark.parametrize(
    ("answer", "rejected_items"),
    [
        (ExportTraceServiceResponse(), 0),
        (ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess()), 0),
        (ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=300)), 300),
        (
            ExportTraceServiceResponse(
                partial_success=ExportTracePartialSuccess(rejected_spans=7, error_message="x" * 500)
            ),
            7,
        ),
    ],
)
def test_rejections_are_read_as_the_official_classes_write_them(answer: Any, rejected_items: int) -> None:
    """
    Empty, small and long answers give the number that is in them; a cut one gives none.
    """
    body = answer.SerializeToString()

    assert (rejected_items, 0) == (judge(200, None, body).rejected, judge(200, None, body[:-1]).rejected)


def test_host_has_no_credentials_and_no_path() -> None:
    """
    What is logged of an endpoint is scheme, host and port.
    """
    assert "https://c.example:4318" == host_of("https://user:pass@c.example:4318/v1/traces?token=x")
