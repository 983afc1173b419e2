"""
Whether the Collector that this environment configures is up.

Owns the question to its health port on loopback, which is where it always listens.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection

from otel_kit.cli.collector.rows import PORTS
from otel_kit.cli.doctor.probes import LONGEST_SECONDS, Answer, Probe
from otel_kit.cli.doctor.remarks import Level
from otel_kit.cli.doctor.sources import Sources
from otel_kit.cli.doctor.values import uses_collector

__all__ = ["collector_probes"]

VARIABLE = "OTEL_KIT_HEALTH_PORT"
HOST = "127.0.0.1"


def collector_probes(sources: Sources) -> Iterator[Probe]:
    """
    One question; silence matters only where this environment has a Collector's settings.
    """
    written = sources.environ.get(VARIABLE, "").strip()
    port = int(written) if written.isdecimal() and 0 < int(written[:6]) < 65536 else PORTS[VARIABLE]
    level: Level = "warning" if uses_collector(sources) else "info"
    remedy = "otel-kit collector run, where one is meant to run on this machine"
    yield Probe("collector", f"http://{HOST}:{port}/", partial(_ask, port), level, remedy)


def _ask(port: int) -> Answer:
    connection = HTTPConnection(HOST, port, timeout=LONGEST_SECONDS)
    try:
        connection.request("GET", "/")
        status = connection.getresponse().status
    finally:
        connection.close()
    if status == 200:
        return Answer(True, "is healthy")
    return Answer(True, f"is not healthy ({status})", "warning", "read what the Collector writes on stderr")
