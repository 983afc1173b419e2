"""
Two agents and two gateways on one loopback, and the traces that are sent through them.

Owns who knows whom. A gateway's store is a double with its number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from e2e import otlp
from e2e.otlp import Request
from e2e.programs import Collector, Double, collector, double

__all__ = ["Tiers", "ids", "members", "send", "share", "spans_of", "stored", "trace", "traces_in", "two_tiers"]


class Tiers(NamedTuple):
    """
    Two of each; a gateway's store has its number.
    """

    agents: list[Collector]
    gateways: list[Collector]
    stores: list[Double]


@contextmanager
def two_tiers(
    directory: Path,
    gateway: Mapping[str, str] | None = None,
    *files: str | dict[str, Any],
    extensions: Sequence[str] = (),
    secured: Mapping[str, str] | None = None,
) -> Iterator[Tiers]:
    """
    Two of each, ready.

    Args:
        gateway: Variables of the gateways.
        files: The gateways' beside the base; Tempo alone where there are none.
        extensions: The gateways' whole list, where the files' own does not do.
        secured: Variables of the agents' `gateway/secured.yaml`; None leaves that file out.
    """
    with ExitStack() as running:
        stores, gateways, agents = [], [], []
        for name in ("gateway-1", "gateway-2"):
            place = directory / name
            store = running.enter_context(double(place / "store"))
            environment = {"TEMPO_OTLP_ENDPOINT": store.url, "OTLP_FORWARD_ENDPOINT": store.url, **(gateway or {})}
            chosen = files or ("backends/tempo.yaml",)
            started = collector(["base.yaml", *chosen], environment, place, name=name, extensions=extensions)
            gateways.append(running.enter_context(started))
            stores.append(store)
        for name in ("agent-1", "agent-2"):
            agents.append(running.enter_context(agent(directory / name, gateways, secured)))
        yield Tiers(agents, gateways, stores)


@contextmanager
def agent(
    directory: Path, gateways: Sequence[Collector], secured: Mapping[str, str] | None = None
) -> Iterator[Collector]:
    """
    A Collector that balances over these gateways.
    """
    files = ["base.yaml", "overlays/gateway.yaml", *([] if secured is None else ["gateway/secured.yaml"])]
    environment = {**members(gateways), **(secured or {})}
    with collector(files, environment, directory, binary="collector-lb", name=directory.name) as running:
        yield running


def members(gateways: Sequence[Collector]) -> dict[str, str]:
    """
    The variable that names them.
    """
    return {"OTEL_KIT_COLLECTOR_GATEWAYS": ",".join(f"127.0.0.1:{each.grpc}" for each in gateways)}


def trace(*, error: bool = False) -> list[Span]:
    """
    Four spans of two services' halves; the error is in the last one.
    """
    whole, root = otlp.trace_id(), otlp.span_id()
    steps = [otlp.span(f"step {number}", trace=whole, parent=root, kind="INTERNAL") for number in range(2)]
    failed = otlp.span("charge", trace=whole, parent=root, kind="CLIENT", error="declined" if error else None)
    return [otlp.span("GET /items", trace=whole, id=root), *steps, failed]


def share(tiers: Tiers, traces: Sequence[list[Span]]) -> None:
    """
    The even spans of every trace by the first agent, the odd ones by the second; all are accepted.
    """
    for number, running in enumerate(tiers.agents):
        spans = [span for each in traces for span in each[number::2]]
        assert 200 == send(running, otlp.traces(spans, {"service.name": f"half-{number}"}))


def send(running: Collector, request: Request) -> int:
    """
    The answer's status.
    """
    return otlp.send(running.url, request).status


def ids(traces: Iterable[list[Span]]) -> set[str]:
    """
    The trace ids, in hex.
    """
    return {spans[0].trace_id.hex() for spans in traces}


def stored(stores: Sequence[Double]) -> Counter[tuple[str, str]]:
    """
    How often each span, by trace and span id, is in the stores together.
    """
    return Counter((span["traceId"], span["spanId"]) for store in stores for span in store.spans())


def spans_of(traces: Iterable[list[Span]]) -> set[tuple[str, str]]:
    """
    What must be stored of these traces, by trace and span id.
    """
    return {(span.trace_id.hex(), span.span_id.hex()) for spans in traces for span in spans}


def traces_in(store: Double) -> set[str]:
    """
    The ids of the traces that this store has anything of.
    """
    return {span["traceId"] for span in store.spans()}
