"""
Where each signal goes: `OTEL_{TRACES,METRICS,LOGS}_EXPORTER` and `OTEL_EXPORTER_OTLP_*`.

Owns endpoints, headers and timeouts, and their order: a signal's own variable, then the
general one, then the default. Sends nothing and resolves no name.

The specification counts `OTEL_EXPORTER_OTLP_TIMEOUT` in milliseconds, while the Python
exporters read seconds; the value here is in seconds and has to be handed to them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import SplitResult, urlsplit

from otel_kit.environment.certificates import read_certificate, read_client_pair
from otel_kit.environment.findings import SECRET_NAME
from otel_kit.environment.model import Compression, ExporterName, Protocol, Signal, SignalName
from otel_kit.environment.pairs import parse_headers
from otel_kit.environment.reader import EnvironmentReader

__all__ = ["read_signal"]

PROTOCOLS = ("http/protobuf", "http/json", "grpc")
COMPRESSIONS = ("none", "gzip", "deflate")
EXPORTERS = ("otlp", "otlp_proto_http", "otlp_proto_grpc", "console", "none")

IMPLIED_PROTOCOLS: dict[str, Protocol] = {"otlp_proto_http": "http/protobuf", "otlp_proto_grpc": "grpc"}
"""
Python's own names of exporters, which settle the protocol too.
"""

DEFAULT_TIMEOUT_SECONDS = 10.0

SUSPICIOUS_TIMEOUT_SECONDS = 0.1
"""
Below it the writer probably meant seconds, as stock Python exporters do.
"""

_HOST = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?")


def read_signal(reader: EnvironmentReader, signal: SignalName) -> Signal:
    """
    The judged destination of one signal.
    """
    exporter, implied = read_exporter(reader, signal)
    protocol = implied or cast(Protocol, _choice(reader, signal, "PROTOCOL", PROTOCOLS) or "http/protobuf")
    endpoint, endpoint_is_default = read_endpoint(reader, signal, protocol)
    client_certificate, client_key = read_client_pair(reader, *_variables(signal, "CLIENT_CERTIFICATE"))
    headers, headers_variable = read_headers(reader, signal)
    if headers_variable is not None and "otlp" in exporter:
        warn_about_clear_text(reader, headers_variable, headers, endpoint)
    return Signal(
        exporter=exporter,
        endpoint=endpoint,
        endpoint_is_default=endpoint_is_default,
        headers=headers,
        timeout_seconds=read_timeout(reader, signal),
        compression=cast(Compression, _choice(reader, signal, "COMPRESSION", COMPRESSIONS) or "none"),
        certificate=read_certificate(reader, *_variables(signal, "CERTIFICATE")),
        client_certificate=client_certificate,
        client_key=client_key,
        protocol=protocol,
    )


def read_exporter(reader: EnvironmentReader, signal: SignalName) -> tuple[tuple[ExporterName, ...], Protocol | None]:
    """
    The signal's exporters, and the protocol where a name implies it.

    `prometheus` is accepted for metrics and pushes nothing: the kit serves `/metrics` anyway.
    """
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    names = tuple(dict.fromkeys(name.lower() for name in reader.items(variable)))
    allowed = (*EXPORTERS, "prometheus") if signal == "metrics" else EXPORTERS
    if any(name not in allowed for name in names) or ("none" in names and len(names) > 1):
        reader.refuse(variable, "is not a known exporter", f"use {', '.join(allowed)}; none stands alone")
        return ("otlp",), None
    if not names:
        return ("otlp",), None
    implied = next((IMPLIED_PROTOCOLS[name] for name in names if name in IMPLIED_PROTOCOLS), None)
    pushed = ("otlp" if name in IMPLIED_PROTOCOLS else name for name in names if name != "prometheus")
    return cast("tuple[ExporterName, ...]", tuple(dict.fromkeys(pushed)) or ("none",)), implied


def read_endpoint(reader: EnvironmentReader, signal: SignalName, protocol: Protocol) -> tuple[str, bool]:
    """
    The full URL, and whether it is the default one.

    Source: OpenTelemetry specification, "Endpoint URLs for OTLP/HTTP": the signal's own is used as it is,
    the general one gets the signal's path.
    """
    own_insecure, general_insecure = _variables(signal, "INSECURE")
    insecure = reader.flag(own_insecure, default=reader.flag(general_insecure))
    # gRPC targets may have no scheme
    scheme = None if protocol != "grpc" else "http" if insecure else "https"
    own, general = (_endpoint(reader, variable, scheme) for variable in _variables(signal, "ENDPOINT"))
    if own is not None:
        return own, False
    if protocol == "grpc":
        return general or "http://localhost:4317", general is None
    base = urlsplit(general or "http://localhost:4318")
    return base._replace(path=f"{base.path.rstrip('/')}/v1/{signal}").geturl(), general is None


def _endpoint(reader: EnvironmentReader, variable: str, implied_scheme: str | None) -> str | None:
    value = reader.text(variable)
    if value is None:
        return None
    if implied_scheme is not None and "://" not in value:
        value = f"{implied_scheme}://{value}"
    problem = endpoint_problem(value)
    if problem is not None:
        reader.refuse(variable, problem, "write it like http://localhost:4318")
        return None
    if "@" in urlsplit(value).netloc and _is_clear_text(value):
        reader.note(variable, "sends a password unencrypted", "use an https:// endpoint")
    return value


def endpoint_problem(value: str) -> str | None:
    """
    What keeps `value` from being a URL one can send to; None when nothing does.
    """
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return "has a bad port or address"
    if url.scheme not in ("http", "https"):
        return "does not start with http:// or https://"
    if not value.isprintable() or " " in value or "\\" in value or not _is_host(url):
        return "is not a URL with a host"
    if port == 0:
        return "has port 0"
    return None


def _is_host(url: SplitResult) -> bool:
    host = url.hostname or ""
    # urlsplit has checked what stands between brackets
    return "[" in url.netloc or bool(_HOST.fullmatch(host))


def read_headers(reader: EnvironmentReader, signal: SignalName) -> tuple[Mapping[str, str], str | None]:
    """
    The headers to send, and the variable they came from.
    """
    found: tuple[Mapping[str, str], str | None] = {}, None
    for variable in reversed(_variables(signal, "HEADERS")):
        value = reader.text(variable)
        headers = None if value is None else parse_headers(value)
        if headers is not None:
            found = headers, variable
        elif value is not None:
            reader.refuse(variable, "is not a list of headers", "write name=value,name=value, percent-encoded ASCII")
    return found


def warn_about_clear_text(reader: EnvironmentReader, variable: str, headers: Mapping[str, str], endpoint: str) -> None:
    """
    Note that a credential would cross a network unencrypted.
    """
    secrets = sorted(name for name in headers if SECRET_NAME.search(name))
    if secrets and _is_clear_text(endpoint):
        host = urlsplit(endpoint).hostname
        reader.note(variable, f"sends {', '.join(secrets)} unencrypted to {host}", "use an https:// endpoint")


def _is_clear_text(endpoint: str) -> bool:
    url = urlsplit(endpoint)
    return url.scheme == "http" and not is_loopback(url.hostname or "")


def is_loopback(host: str) -> bool:
    """
    Whether the name or address stays on this machine, as far as can be told without asking a resolver.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".").lower().rpartition(".")[2] == "localhost"


def read_timeout(reader: EnvironmentReader, signal: SignalName) -> float:
    """
    Seconds for one export.
    """
    seconds = DEFAULT_TIMEOUT_SECONDS
    for variable in reversed(_variables(signal, "TIMEOUT")):
        found = reader.milliseconds(variable)
        if found is None:
            continue
        if found < SUSPICIOUS_TIMEOUT_SECONDS:
            reader.note(variable, "is read as milliseconds", "write 10000 for ten seconds")
        seconds = found
    return seconds


def _variables(signal: SignalName, what: str) -> tuple[str, str]:
    return f"OTEL_EXPORTER_OTLP_{signal.upper()}_{what}", f"OTEL_EXPORTER_OTLP_{what}"


def _choice(reader: EnvironmentReader, signal: SignalName, what: str, allowed: tuple[str, ...]) -> str | None:
    # both are read, so that no bad value stays behind for the SDK
    own, general = (reader.choice(variable, allowed) for variable in _variables(signal, what))
    return own or general
