"""
What the exporting libraries log.
"""

from __future__ import annotations

import logging

import pytest
from opentelemetry import context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY

from otel_kit.logs import quiet
from otel_kit.logs.quiet import LibraryNoise


def record(name: str, message: str = "failed") -> logging.LogRecord:
    """
    A warning of a library.
    """
    return logging.LogRecord(name, logging.WARNING, "", 0, message, (), None)


def test_lets_everybody_else_pass() -> None:
    """
    Records of an application are seen and exported, each time.
    """
    noise = LibraryNoise()

    assert [(True, True)] * 3 == [noise.judge(record("app")) for _ in range(3)]


def test_the_exporter_speaks_seldom_and_is_not_exported() -> None:
    """
    One line per kind in ten seconds; another text is another kind.
    """
    noise = LibraryNoise()
    name = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

    assert [(False, True), (False, False), (False, True)] == [
        noise.judge(record(name)),
        noise.judge(record(name)),
        noise.judge(record(name, "other")),
    ]


def test_speaks_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    When the time is over the same kind is said again.
    """
    noise = LibraryNoise()
    monkeypatch.setattr(quiet, "EVERY_SECONDS", 0.0)

    assert [(False, True)] * 2 == [noise.judge(record("opentelemetry.sdk")) for _ in range(2)]


def test_an_http_client_is_noise_only_while_it_exports() -> None:
    """
    urllib3 belongs to the application too; inside an export its records stay at home.
    """
    noise = LibraryNoise()
    outside = noise.judge(record("urllib3.connectionpool"))
    token = context.attach(context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    try:
        inside = noise.judge(record("urllib3.connectionpool"))
    finally:
        context.detach(token)

    assert ((True, True), (False, True)) == (outside, inside)


def test_is_bounded() -> None:
    """
    Endless names and texts are not kept for ever.
    """
    noise = LibraryNoise()
    for number in range(5_000):
        noise.judge(record(f"app.{number}"))
        noise.judge(record("opentelemetry.sdk", f"text {number}"))

    assert len(noise._families) <= 1_024
    assert len(noise._said_at) <= 256
