"""
Whether somebody takes telemetry where it is sent.

Owns what is sent: over HTTP one export request without any item for each signal, which OTLP allows and
which shows whether path and credentials are right; over gRPC a connection alone.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from urllib.parse import urlsplit

from otel_kit._version import __version__
from otel_kit.cli.doctor.probes import LONGEST_SECONDS, Answer, Probe
from otel_kit.cli.doctor.remarks import Level, Remark, remark
from otel_kit.environment import OtelEnvironment, Signal
from otel_kit.environment.findings import shown
from otel_kit.telemetry.connections import basic_authorization, open_pool, tls_context

__all__ = ["grpc_remarks", "otlp_probes"]

SIGNALS = ("traces", "metrics", "logs")

START = "start what listens there (`otel-kit collector run`), or set OTEL_EXPORTER_OTLP_ENDPOINT"


def otlp_probes(otel: OtelEnvironment) -> Iterator[Probe]:
    """
    A question for each signal that leaves by OTLP.
    """
    if otel.disabled:
        return
    for name in SIGNALS:
        signal: Signal = getattr(otel, name)
        if "otlp" not in signal.exporter:
            continue
        # nobody has named the default, so that silence there is no fault
        level: Level = "info" if signal.endpoint_is_default else "error"
        question = _connect if signal.protocol == "grpc" and _has_grpc() else _post
        yield Probe(name, shown("_ENDPOINT", signal.endpoint), partial(question, signal), level, START)


def grpc_remarks(otel: OtelEnvironment) -> list[Remark]:
    """
    A warning where gRPC is asked for and not installed.
    """
    wanted = any(getattr(otel, name).protocol == "grpc" for name in SIGNALS)
    if otel.disabled or not wanted or _has_grpc():
        return []
    what = "OTEL_EXPORTER_OTLP_PROTOCOL=grpc, but the exporter is not installed, so OTLP goes over HTTP"
    return [remark("warning", "reach", what, "pip install 'otel-kit[grpc]'")]


def _has_grpc() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.grpc") is not None
    except ModuleNotFoundError:
        return False


def _post(signal: Signal) -> Answer:
    """
    One empty request, with the headers and over the proxy and TLS that the service would use.
    """
    in_json = signal.protocol == "http/json"
    login = basic_authorization(urlsplit(signal.endpoint))
    response = open_pool(signal).request(
        "POST",
        signal.endpoint,
        body=b"{}" if in_json else b"",
        headers={
            **({"Authorization": login} if login else {}),
            **signal.headers,
            "User-Agent": f"otel-kit-doctor/{__version__}",
            "Content-Type": "application/json" if in_json else "application/x-protobuf",
        },
        timeout=LONGEST_SECONDS,
        retries=False,
        redirect=False,
        preload_content=False,
    )
    response.close()
    return _judge(response.status)


def _judge(status: int) -> Answer:
    detail = f"answers an empty export request with {status}"
    if 200 <= status < 300:
        return Answer(True, detail)
    if status in (401, 403, 407):
        return Answer(True, detail, "error", "correct the credentials in OTEL_EXPORTER_OTLP_HEADERS")
    if status in (404, 405) or 300 <= status < 400:
        remedy = "correct the path: the general endpoint is a base URL, a signal's own is taken as it stands"
        return Answer(True, detail, "error", remedy)
    if status in (429, 502, 503, 504):
        return Answer(True, detail, "warning", "see what is wrong there; the service waits and sends again")
    if status >= 500:
        return Answer(True, detail, "error", "see what is wrong there")
    # some stores take no request without items
    return Answer(True, detail, "info", "nothing, if telemetry arrives: some stores refuse a request without items")


def _connect(signal: Signal) -> Answer:
    parts = urlsplit(signal.endpoint)
    secure = parts.scheme == "https"
    address = (parts.hostname or "localhost", parts.port or (443 if secure else 4317))
    with socket.create_connection(address, LONGEST_SECONDS) as connection:
        if not secure:
            return Answer(True, "takes connections (nothing was sent)")
        context = tls_context(signal)
        context.set_alpn_protocols(["h2"])
        with context.wrap_socket(connection, server_hostname=address[0]):
            return Answer(True, "takes connections with TLS (nothing was sent)")
