"""
An OTLP collector in a thread: the real protocol on loopback, in every mood a collector has.

Owns what arrived, as the official protobuf classes. Usable as a fixture's object
(`with OtlpReceiver() as receiver`) and as a program: `python -m tests.otlp_receiver PORT FILE`
appends one JSON line for each item to FILE.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

REQUESTS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}
RESPONSES = {
    "/v1/traces": (ExportTraceServiceResponse, "rejected_spans"),
    "/v1/logs": (ExportLogsServiceResponse, "rejected_log_records"),
    "/v1/metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
}
IDS = ("traceId", "spanId", "parentSpanId")

MODES = ("ok", "status", "hang", "slow", "partial", "reset", "refuse")


class OtlpReceiver:
    """
    Listens on loopback and answers as `mode` says.

    Modes: `ok`; `status` answers `status` (with `retry_after`, `location` and `body` when set) and keeps
    nothing; `hang` never answers; `slow` answers after `delay` seconds; `partial` keeps the request and
    rejects `rejected` items; `reset` closes the connection without an answer; `refuse` does not listen.
    `max_bytes` answers 413 to larger bodies, in any mode. `on_request` is told of each request that is kept, from the
    first one.
    """

    def __init__(self, port: int = 0, mode: str = "ok", on_request: Callable[[str, Any], None] | None = None) -> None:
        self.mode = mode
        self.status = 503
        self.retry_after: str | None = None
        self.location: str | None = None
        self.body = b""
        self.delay = 1.0
        self.rejected = 1
        self.max_bytes: int | None = None
        self.requests: list[tuple[str, Any, dict[str, str]]] = []
        self.attempts: list[tuple[str, int]] = []
        self.connections_made = 0
        self.on_request = on_request
        self.changed = threading.Condition()
        self.released = threading.Event()
        self._server: _Server | None = None
        self.port = port
        if mode == "refuse":
            self.port = port or free_port()
        else:
            self.listen()

    def listen(self) -> None:
        """
        Begin to listen, on the same port again when it stood still.
        """
        receiver = self

        class Handler(_Handler):
            owner = receiver

        self._server = _Server(self, Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """
        Stop listening: further connections are refused, those that hang are let go.
        """
        self.released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.close_connections()
            self._server = None

    def __enter__(self) -> OtlpReceiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """
        The base URL, for `OTEL_EXPORTER_OTLP_ENDPOINT`.
        """
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, condition: Callable[[], Any], timeout: float = 20.0) -> bool:
        """
        Wait until `condition` holds of what arrived; False when the time passed first.
        """
        deadline = time.monotonic() + timeout
        with self.changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self.changed.wait(min(left, 0.1))
        return True

    @property
    def spans(self) -> list[Any]:
        """
        All spans that were kept.
        """
        return [span for _, _, span in self.spans_with_owner()]

    def spans_with_owner(self) -> Iterator[tuple[Any, Any, Any]]:
        """
        Resource, scope and span of each.
        """
        for request in self.of("/v1/traces"):
            for group in request.resource_spans:
                for scoped in group.scope_spans:
                    for span in scoped.spans:
                        yield group.resource, scoped.scope, span

    @property
    def logs(self) -> list[Any]:
        """
        All log records that were kept.
        """
        return [
            record
            for request in self.of("/v1/logs")
            for group in request.resource_logs
            for scoped in group.scope_logs
            for record in scoped.log_records
        ]

    @property
    def metrics(self) -> list[Any]:
        """
        All metrics that were kept, oldest first.
        """
        return [
            metric
            for request in self.of("/v1/metrics")
            for group in request.resource_metrics
            for scoped in group.scope_metrics
            for metric in scoped.metrics
        ]

    def metric(self, name: str) -> Any:
        """
        The newest metric of this name, or None.
        """
        return next((metric for metric in reversed(self.metrics) if metric.name == name), None)

    def of(self, path: str) -> list[Any]:
        """
        The requests that came to a path.
        """
        with self.changed:
            return [request for kept, request, _ in self.requests if kept == path]

    def headers_of(self, path: str) -> dict[str, str]:
        """
        The headers of the last request that was kept, by lower-case name.
        """
        with self.changed:
            return next(headers for kept, _, headers in reversed(self.requests) if kept == path)

    def keep(self, path: str, request: Any, headers: dict[str, str]) -> None:
        """
        Take a request in.
        """
        with self.changed:
            self.requests.append((path, request, headers))
            self.changed.notify_all()
        if self.on_request is not None:
            self.on_request(path, request)

    def note_attempt(self, path: str, size: int) -> None:
        """
        Count a request before it is judged.
        """
        with self.changed:
            self.attempts.append((path, size))
            self.changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, owner: OtlpReceiver, handler: type[_Handler]) -> None:
        self.owner = owner
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", owner.port), handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        self.owner.connections_made += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """
        Quiet: a client that goes away is part of the tests.
        """


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: OtlpReceiver

    def do_POST(self) -> None:
        owner, path = self.owner, self.path
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        owner.note_attempt(path, len(raw))
        mode = owner.mode
        if owner.max_bytes is not None and len(raw) > owner.max_bytes:
            return self.answer(413)
        if mode == "hang":
            owner.released.wait(60)
            return self.drop()
        if mode == "reset":
            return self.drop()
        if mode == "status":
            return self.answer(owner.status, owner.body)
        if mode == "slow":
            owner.released.wait(owner.delay)
        is_json = self.headers.get("Content-Type", "").startswith("application/json")
        try:
            request = parse(path, decompress(raw, self.headers.get("Content-Encoding")), is_json)
        except Exception as error:
            print(f"receiver: {path}: {error!r}", file=sys.stderr)
            return self.answer(400)
        owner.keep(path, request, {name.lower(): value for name, value in self.headers.items()})
        return self.answer(200, self.success(path, mode == "partial", is_json), is_json)

    def success(self, path: str, partial: bool, is_json: bool) -> bytes:
        response_class, rejected = RESPONSES[path]
        response = response_class()
        if partial:
            setattr(response.partial_success, rejected, self.owner.rejected)
            response.partial_success.error_message = "some were refused"
        return json.dumps(MessageToDict(response)).encode() if is_json else response.SerializeToString()

    def answer(self, status: int, body: bytes = b"", is_json: bool = False) -> None:
        self.send_response(status)
        if self.owner.retry_after is not None:
            self.send_header("Retry-After", self.owner.retry_after)
        if self.owner.location is not None:
            self.send_header("Location", self.owner.location)
        self.send_header("Content-Type", "application/json" if is_json else "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drop(self) -> None:
        # an abortive close, which the peer sees as "connection reset"
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *arguments: Any) -> None:
        """
        Quiet.
        """


def free_port() -> int:
    """
    A port of loopback on which nobody listens at this moment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def decompress(raw: bytes, encoding: str | None) -> bytes:
    """
    The body as it was before compression.
    """
    if encoding == "gzip":
        return gzip.decompress(raw)
    return zlib.decompress(raw) if encoding == "deflate" else raw


def parse(path: str, body: bytes, is_json: bool) -> Any:
    """
    The request as the official class.
    """
    if not is_json:
        return REQUESTS[path].FromString(body)
    return ParseDict(_with_base64_ids(json.loads(body)), REQUESTS[path]())


def _with_base64_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_base64_ids(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    from base64 import b64encode

    return {
        key: b64encode(bytes.fromhex(inner)).decode() if key in IDS else _with_base64_ids(inner)
        for key, inner in value.items()
    }


def value_of(value: Any) -> Any:
    """
    An AnyValue as Python data.
    """
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(inner) for inner in value.array_value.values]
    if kind == "kvlist_value":
        return attributes_of(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)


def attributes_of(pairs: Any) -> dict[str, Any]:
    """
    A list of KeyValues (or a message that has `attributes`) as a dictionary.
    """
    return {pair.key: value_of(pair.value) for pair in getattr(pairs, "attributes", pairs)}


def main(port: int, path: str) -> None:
    """
    Listen until the process is ended, and write what comes.
    """
    kinds = {"/v1/traces": "span", "/v1/logs": "log", "/v1/metrics": "metric"}

    def write(kind: str, request: Any) -> None:
        fresh = OtlpReceiver.__new__(OtlpReceiver)
        fresh.changed = threading.Condition()
        fresh.requests = [(kind, request, {})]
        with open(path, "a", encoding="utf-8") as output:
            for item in (*fresh.spans, *fresh.logs, *fresh.metrics):
                output.write(json.dumps({"kind": kinds[kind], "item": MessageToDict(item)}) + "\n")

    receiver = OtlpReceiver(port, on_request=write)
    print(f"listening on {receiver.url}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
