"""
One request to an OTLP receiver, by any of its three protocols, without any repetition.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import importlib
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["Answer", "Request", "send", "send_by_grpc"]

Request: TypeAlias = ExportTraceServiceRequest | ExportLogsServiceRequest | ExportMetricsServiceRequest

PATHS: dict[type[Any], str] = {
    ExportTraceServiceRequest: "/v1/traces",
    ExportLogsServiceRequest: "/v1/logs",
    ExportMetricsServiceRequest: "/v1/metrics",
}
METHODS: dict[type[Any], str] = {
    ExportTraceServiceRequest: "trace.v1.TraceService",
    ExportLogsServiceRequest: "logs.v1.LogsService",
    ExportMetricsServiceRequest: "metrics.v1.MetricsService",
}
IDS = ("traceId", "spanId", "parentSpanId")


class Answer(NamedTuple):
    """
    What the receiver said; header names in lower case.
    """

    status: int
    headers: dict[str, str]
    body: bytes


def send(
    url: str,
    request: Request,
    *,
    headers: Mapping[str, str] | None = None,
    compress: bool = False,
    as_json: bool = False,
    timeout: float = 10.0,
) -> Answer:
    """
    One POST by a connection of its own.

    Raises:
        OSError: Nobody answered.
    """
    target = urllib.parse.urlsplit(url)
    body = in_json(request) if as_json else request.SerializeToString()
    sent = {"Content-Type": "application/json" if as_json else "application/x-protobuf", **(headers or {})}
    if compress:
        body, sent["Content-Encoding"] = gzip.compress(body, 1), "gzip"
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=timeout)
    try:
        connection.request("POST", target.path.rstrip("/") + PATHS[type(request)], body, sent)
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, response.read())
    finally:
        connection.close()


def send_by_grpc(port: int, request: Request, *, headers: Mapping[str, str] | None = None, timeout: float = 10) -> None:
    """
    One call over a channel of its own.

    Raises:
        grpc.RpcError: It was refused, or nobody answered.
    """
    # only who sends by gRPC needs the library, which has no types
    grpc: Any = importlib.import_module("grpc")
    method = f"/opentelemetry.proto.collector.{METHODS[type(request)]}/Export"
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(method, request_serializer=type(request).SerializeToString)
        call(request, timeout=timeout, metadata=tuple((headers or {}).items()), wait_for_ready=True)


def in_json(request: Request) -> bytes:
    """
    The request as OTLP/JSON: protobuf's JSON, but with ids in hex.
    """
    return json.dumps(_with_hex_ids(MessageToDict(request))).encode()


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {key: base64.b64decode(inner).hex() if key in IDS else _with_hex_ids(inner) for key, inner in value.items()}
