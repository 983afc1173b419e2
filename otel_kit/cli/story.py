"""
The sections of the demonstration: each shows one kind of evidence of the same request.

Owns their words and columns, and what counts as seen. Starts nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from otel_kit.cli.page import Movement, Page, movements
from otel_kit.cli.receiver import Span
from otel_kit.cli.screen import Screen, Style, fit
from otel_kit.cli.traffic import Answer
from otel_kit.cli.tree import draw, faults_of
from otel_kit.profiles.goblin import PROFILE

__all__ = [
    "Evidence",
    "delivered",
    "is_settled",
    "missing",
    "show_id",
    "show_lines",
    "show_movements",
    "show_traffic",
    "show_tree",
]

FAMILIES = tuple(metric.name for metric in PROFILE.metrics)
SIGNALS = ("traces", "logs")
_LEVELS: dict[str, Style] = {"WARNING": "yellow", "ERROR": "red"}
_SHOWN_ELSEWHERE = frozenset(
    {"timestamp", "level", "logger", "message", "correlation_id", "trace_id", "span_id", "log.class", "exception"}
)


@dataclass(frozen=True)
class Evidence:
    """
    What there is to see of the request that failed.
    """

    failed: Answer
    spans: list[Span]
    lines: list[dict[str, Any]]
    log_records: int
    """Over OTLP, with the same correlation id."""
    before: Page
    after: Page
    arrived: tuple[int, int]
    """Spans and log records that the collector had when `after` was read."""
    at_the_end: tuple[int, int]
    """Log records that came after that, as the service ended, and the data points, which come then."""
    stop_seconds: float

    @property
    def trace_id(self) -> str:
        """
        Of the request; empty when no span has arrived.
        """
        return self.spans[0].trace_id if self.spans else ""

    @property
    def exemplars(self) -> list[tuple[str, str]]:
        """
        Name and labels of the series on `/metrics` that lead to the request's trace.
        """
        return [series for series, trace_id in self.after.exemplars.items() if trace_id == self.trace_id]


def show_traffic(answers: Iterable[Answer], screen: Screen) -> Iterator[Answer]:
    """
    Each request as it is answered.
    """
    screen.title("Traffic")
    for answer in answers:
        step = answer.step
        style: Style = "green" if answer.status < 400 else "yellow" if answer.status < 500 else "red"
        status = screen.paint(str(answer.status), style)
        note = step.note + (f" in {answer.chunks} events" if answer.chunks else "")
        screen.line(f"  {step.method:4} {step.path:18} {status} {answer.seconds * 1000:6.0f} ms  {note}".rstrip())
        yield answer


def show_tree(evidence: Evidence, screen: Screen) -> None:
    """
    The failed request as a tree of spans.
    """
    screen.title("The failed request as a trace")
    if evidence.spans:
        draw(evidence.spans, screen)


def show_lines(evidence: Evidence, screen: Screen) -> None:
    """
    Its log lines, which are JSON on the service's standard output.
    """
    screen.title("Its log lines")
    for line in evidence.lines:
        level = str(line["level"])
        painted = screen.paint(f"{level:7}", _LEVELS.get(level, "green"))
        time_of_day = str(line["timestamp"])[11:23]
        screen.line(f"  {screen.paint(time_of_day, 'dim')} {painted} {line['logger']}: {line['message']}")
        fields = " ".join(f"{key}={value}" for key, value in line.items() if key not in _SHOWN_ELSEWHERE)
        stack = str(line.get("exception", "")).splitlines()
        if stack:
            fields += f" and the stack trace, {len(stack)} lines, down to {stack[-1]}"
        for piece in wrap(fields, screen.width - 23):
            screen.line(f"{' ' * 23}{screen.paint(piece, 'dim')}")


def show_movements(evidence: Evidence, screen: Screen) -> None:
    """
    What all of the traffic has moved on `/metrics`.
    """
    screen.title("What moved on /metrics")
    family = ""
    for movement in _movements(evidence):
        if movement.name != family:
            family = movement.name
            screen.line(f"  {screen.paint(family, 'bold')}")
        amount = _amount(movement, evidence.after.kinds.get(family, ""))
        screen.line(f"    {fit(movement.labels, screen.width - 5 - len(amount))} {amount}")


def _movements(evidence: Evidence) -> list[Movement]:
    return movements(evidence.before, evidence.after, FAMILIES)


def _amount(movement: Movement, kind: str) -> str:
    if movement.mean is not None:
        return f"+{movement.by:g}, mean {movement.mean * 1000:.0f} ms"
    return f"= {movement.by:g}" if kind == "gauge" else f"+{movement.by:.6g}"


def show_id(evidence: Evidence, screen: Screen) -> None:
    """
    The id that is in all of it, and whether everything arrived.
    """
    screen.title("One id ties them together")
    count = sum(span.attributes.get("correlation_id") == evidence.failed.correlation_id for span in evidence.spans)
    rows = [
        ("correlation id", screen.paint(evidence.failed.correlation_id, "bold")),
        ("  is in", "the answer's header X-Correlation-ID"),
        ("", f"{count} of {len(evidence.spans)} spans of the trace {evidence.trace_id}"),
        ("", f"{len(evidence.lines)} log lines, and {evidence.log_records} log records over OTLP"),
    ]
    names = ", ".join(dict.fromkeys(name for name, _ in evidence.exemplars))
    rows.extend(("", piece) for piece in wrap(f"exemplars on /metrics: {names}", screen.width - 18))
    spans, records = evidence.arrived
    rows.append(("collector got", f"{spans} spans, {records} log records"))
    rows.extend(("accounts", _account(evidence.after, signal)) for signal in SIGNALS)
    rows.append(("stopped", f"by SIGTERM, after {evidence.stop_seconds:.1f} s"))
    more, points = evidence.at_the_end
    rows.append(("", f"which brought the collector {more} more log records, and {points} data points"))
    for label, text in rows:
        screen.line(f"  {label:16}{text}")


def _account(page: Page, signal: str) -> str:
    accepted, sent, dropped = (_items(page, signal, word) for word in ("accepted", "delivered", "dropped"))
    queued = page.total("otel_kit_items_queued", f'signal="{signal}"')
    return f"{signal}: {accepted:g} accepted = {sent:g} delivered + {dropped:g} dropped + {queued:g} queued"


def _items(page: Page, signal: str, word: str) -> float:
    return page.total(f"otel_kit_items_{word}_total", f'signal="{signal}"')


def delivered(page: Page) -> tuple[float, ...]:
    """
    Spans and log records that the service says were taken by the collector.
    """
    return tuple(_items(page, signal, "delivered") for signal in SIGNALS)


def is_settled(page: Page) -> bool:
    """
    Whether nothing waits to be sent any more.
    """
    return not any(page.total("otel_kit_items_queued", f'signal="{signal}"') for signal in SIGNALS)


def missing(evidence: Evidence) -> list[str]:
    """
    What the demonstration has promised and not shown.
    """
    wanted = evidence.failed.correlation_id
    moved = {movement.name for movement in _movements(evidence)}
    checks = {
        "an answer that failed, with a correlation id": evidence.failed.status >= 500 and bool(wanted),
        "the request's spans, several and nested": len(evidence.spans) > 2,
        "the id on every span": all(span.attributes.get("correlation_id") == wanted for span in evidence.spans),
        "the error with its cause": any(len(faults_of(span)) > 1 for span in evidence.spans),
        "the line of the request": any(line["message"] == "request_completed" for line in evidence.lines),
        "its log records over OTLP": evidence.log_records == len(evidence.lines),
        "requests, errors, tokens and latency on /metrics": moved
        >= {"http_requests_total", "http_errors_total", "chat_completion_tokens_total", "provider_latency_seconds"},
        "accounts that agree with what arrived": is_settled(evidence.after)
        and evidence.arrived == delivered(evidence.after),
        "an exemplar that leads to the trace": bool(evidence.exemplars),
    }
    return [what for what, seen in checks.items() if not seen]
