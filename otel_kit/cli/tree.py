"""
A trace as a tree: who called whom, when, for how long, and what went wrong.

Owns the order of spans and the reading of stack traces. Works on any spans that arrived; one
whose parent did not is a root.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from otel_kit.cli.receiver import Span
from otel_kit.cli.screen import Screen, fit

__all__ = ["Fault", "Row", "draw", "faults_of", "rows"]

BAR_WIDTH = 34

_CAUSED = re.compile(r"\n\n(?:The above exception was|During handling of the above exception).*?:\n\n")
_FRAME = re.compile(r'^ +File "(.*?)", line (\d+), in (\S+)$', re.MULTILINE)


class Row(NamedTuple):
    """
    A span and its place in the tree.
    """

    span: Span
    branch: str
    """Lines that lead to the span, from the left."""
    below: str
    """Lines that go on beneath it."""


class Fault(NamedTuple):
    """
    One exception of a chain, and where it was raised.
    """

    text: str
    place: str


def rows(spans: list[Span]) -> list[Row]:
    """
    The spans in the order of a tree, siblings by their starts.
    """
    known = {span.span_id for span in spans}
    ordered = sorted(spans, key=lambda span: span.start_ns)
    roots = [span for span in ordered if span.parent_id not in known]
    return [row for root in roots for row in _walk(root, ordered, "", "")]


def _walk(span: Span, spans: list[Span], branch: str, below: str) -> Iterator[Row]:
    children = [child for child in spans if child.parent_id == span.span_id]
    yield Row(span, branch, below + ("│  " if children else "   "))
    for child in children:
        last = child is children[-1]
        yield from _walk(child, spans, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))


def faults_of(span: Span) -> list[Fault]:
    """
    The exception that a span recorded, then what caused it, and so on down to the first.
    """
    for name, attributes in span.events:
        if name == "exception":
            chain = _CAUSED.split(attributes.get("exception.stacktrace", "").strip())
            return [_fault(one) for one in reversed(chain) if one]
    return []


def _fault(trace: str) -> Fault:
    frames = _FRAME.findall(trace)
    text = next((line for line in reversed(trace.splitlines()) if line and not line.startswith(" ")), "")
    file, line, function = frames[-1] if frames else ("", "", "")
    return Fault(text, f"{file.rpartition('/')[2]}:{line} in {function}" if frames else "")


def draw(spans: list[Span], screen: Screen) -> None:
    """
    Show the tree with a time line, and the faults beneath the innermost span that recorded them.
    """
    start = min(span.start_ns for span in spans)
    whole = max(max(span.end_ns for span in spans) - start, 1)
    # a fault is told where it arose and not again where it passed through: later spans win
    origins = {faults[0].text: span.span_id for span in spans if (faults := faults_of(span))}
    for row in rows(spans):
        screen.line(_line(row, start, whole, screen))
        faults = faults_of(row.span)
        if faults and origins[faults[0].text] == row.span.span_id:
            for position, fault in enumerate(faults):
                _tell(row, fault, position, screen)


def _line(row: Row, start: int, whole: int, screen: Screen) -> str:
    span = row.span
    label_width = screen.width - BAR_WIDTH - 16
    name = fit(f"{row.branch}{span.name}", label_width)
    offset = min(int((span.start_ns - start) / whole * BAR_WIDTH), BAR_WIDTH - 1)
    length = max(min(round((span.end_ns - span.start_ns) / whole * BAR_WIDTH), BAR_WIDTH - offset), 1)
    bar = f"{' ' * offset}{'━' * length}".ljust(BAR_WIDTH)
    duration = f"{span.seconds * 1000:7.1f} ms"
    mark = screen.paint("✗", "red") if span.failed else screen.paint("✓", "green")
    return f"  {name} {screen.paint(bar, 'red' if span.failed else 'cyan')} {duration} {mark}"


def _tell(row: Row, fault: Fault, position: int, screen: Screen) -> None:
    indent = f"  {row.below}"
    word = "caused by " if position else ""
    room = screen.width - len(indent) - len(word) - 2
    screen.line(f"{indent}{word}{screen.paint(fit(fault.text, room).rstrip(), 'red')}")
    if fault.place:
        screen.line(f"{indent}{' ' * len(word)}{screen.paint(f'at {fault.place}', 'dim')}")
