"""
Which sender a signal gets: OTLP in one of its three protocols, or the console.

Owns the choice. The parts of a signal that differ (encoding, official exporter, conversion) are
one `SignalParts` each, so that the choice itself is written once.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, NamedTuple

from otel_kit.environment.model import Signal, SignalName
from otel_kit.telemetry.official import OfficialSender
from otel_kit.telemetry.outcome import Sender
from otel_kit.telemetry.sender import OtlpHttpSender, host_of

__all__ = ["Encode", "SignalParts", "choose_sender"]

Encode = Callable[[Sequence[Any]], tuple[bytes, int]]

DEFAULT_HTTP_ENDPOINT = "http://localhost:4318"
GRPC_PACKAGE = "opentelemetry-exporter-otlp-proto-grpc"

_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


class SignalParts(NamedTuple):
    """
    What differs from signal to signal.
    """

    name: SignalName

    encode: Encode
    """
    Protobuf bytes of a batch, and how many of its items are not in them.
    """

    request: Callable[[], Any]
    """
    Makes an empty export request of the official class.
    """

    convert: Callable[[Any], Any]
    """
    What an official exporter takes for an item.
    """

    console: Callable[[], Any]
    """
    Makes the SDK's console exporter.
    """

    grpc: tuple[str, str]
    """
    Module and name of the official gRPC exporter.
    """

    official: type[OfficialSender] = OfficialSender


def choose_sender(exporter: str, signal: Signal, parts: SignalParts, notes: list[str]) -> Sender:
    """
    The sender for `exporter` ("otlp" or "console"); what had to be decided otherwise goes to `notes`.
    """
    if exporter == "console":
        return parts.official(parts.console(), parts.convert, "console")
    if signal.protocol == "grpc":
        made = grpc_exporter(signal, parts)
        if made is not None:
            return parts.official(made, parts.convert, host_of(signal.endpoint))
        notes.append(f"{parts.name}: {GRPC_PACKAGE} is not installed, so OTLP goes over HTTP")
        signal = over_http(signal, parts.name)
    if signal.protocol == "http/json":
        return OtlpHttpSender(signal, in_json(parts), "application/json")
    return OtlpHttpSender(signal, parts.encode)


def grpc_exporter(signal: Signal, parts: SignalParts) -> Any:
    """
    The official gRPC exporter; None where it is not installed.
    """
    module, name = parts.grpc
    try:
        exporter = getattr(import_module(module), name)
    except ImportError:
        return None
    return exporter(
        endpoint=signal.endpoint,
        insecure=signal.endpoint.startswith("http://"),
        headers=dict(signal.headers),
        timeout=signal.timeout_seconds,
    )


def over_http(signal: Signal, name: SignalName) -> Signal:
    """
    The same destination with HTTP's path, or HTTP's default.
    """
    base = DEFAULT_HTTP_ENDPOINT if signal.endpoint_is_default else signal.endpoint.rstrip("/")
    return replace(signal, protocol="http/protobuf", endpoint=f"{base}/v1/{name}")


def in_json(parts: SignalParts) -> Encode:
    """
    The signal's encoding in OTLP's JSON form.
    """
    # here, since OTLP's usual form does without it
    from google.protobuf.json_format import MessageToDict

    def encode(items: Sequence[Any]) -> tuple[bytes, int]:
        body, lost = parts.encode(items)
        if not body:
            return b"", lost
        message = parts.request()
        message.ParseFromString(body)
        found = MessageToDict(message, use_integers_for_enums=True)
        return json.dumps(with_hexadecimal_ids(found), separators=(",", ":")).encode(), lost

    return encode


def with_hexadecimal_ids(value: Any) -> Any:
    """
    Trace and span ids as OTLP's JSON form wants them, where protobuf's has base64.
    """
    if isinstance(value, list):
        return [with_hexadecimal_ids(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: b64decode(inner).hex() if key in _IDS and isinstance(inner, str) else with_hexadecimal_ids(inner)
        for key, inner in value.items()
    }
