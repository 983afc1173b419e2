"""
The start-up block for a person at a terminal: what is on, where it goes, what is off and why.

Owns the words and the order of its rows. Takes the report as a record brings it: plain data that may have been cut,
so nothing is taken to be there. What has no row of its own here still gets one, by the name it has in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from textwrap import wrap
from typing import Any

__all__ = ["START_MESSAGE", "start_rows"]

START_MESSAGE = "otel_kit.started"

LABEL_WIDTH = 14
TEXT_WIDTH = 62
"""With the clock and the labels before it, a row fits a terminal of a hundred columns."""

Row = tuple[str, str]


def start_rows(report: Mapping[str, Any]) -> list[str]:
    """
    The block, row by row: what each is about, and what holds.
    """
    shown: list[str] = []
    for label, text in _facts(report):
        pieces = wrap(text, TEXT_WIDTH, break_long_words=False, break_on_hyphens=False)
        for piece in pieces or [""]:
            shown.append(f"{label:<{LABEL_WIDTH}}{piece}".rstrip())
            label = ""
    return shown


def _facts(report: Mapping[str, Any]) -> Iterator[Row]:
    for name, rows in _ROWS.items():
        if name in report:
            yield from rows(report[name])
    for name, value in report.items():
        if name not in _ROWS and name not in _SAID_ELSEWHERE and value:
            yield name.replace("_", " "), _words(value)
    yield from _off(report.get("off"))


def _service(value: Any) -> Iterator[Row]:
    facts = _mapping(value)
    yield "service", f"{_words(facts.get('name'))} {_words(facts.get('version'))}, {_words(facts.get('environment'))}"


def _under(label: str) -> Callable[[Any], Iterator[Row]]:
    def row(value: Any) -> Iterator[Row]:
        yield label, _words(value)

    return row


def _signal(label: str) -> Callable[[Any], Iterator[Row]]:
    def row(value: Any) -> Iterator[Row]:
        facts = dict(_mapping(value))
        if not facts.pop("on", False):
            yield label, f"off: {_words(facts.get('why'))}"
            return
        to = _words(facts.pop("to", None))
        yield label, "; ".join([f"to {to}", *(_words(fact) for fact in facts.values())])

    return row


def _limits(value: Any) -> Iterator[Row]:
    facts = dict(_mapping(value))
    if "why" in facts:  # it stands with all that is off
        return
    rules = facts.pop("rules", None)
    yield "limits", ", ".join(map(_rule, rules)) if isinstance(rules, list) else _words(rules)
    yield "", f"kept in {_words(facts.get('storage'))}, clients by {_words(facts.get('identity'))} identity"
    if "holds" in facts:
        yield "", _words(facts["holds"])


def _rule(value: Any) -> str:
    return " ".join(_words(fact) for fact in value.values()) if isinstance(value, Mapping) else _words(value)


def _health(value: Any) -> Iterator[Row]:
    facts = _mapping(value)
    yield "health", _words(facts.get("routes"))
    for name in ("checks", "providers"):
        if facts.get(name):
            listed = facts[name] if isinstance(facts[name], list) else [facts[name]]
            yield "", f"{name}: " + ", ".join(_words(_mapping(one).get("name", one)) for one in listed)


def _cors(value: Any) -> Iterator[Row]:
    if value != "none":  # else it stands with all that is off
        yield "cors", _words(value)


def _context(value: Any) -> Iterator[Row]:
    facts = _mapping(value)
    yield "trace context", f"joined from: {_words(facts.get('joined'))}; others: {_words(facts.get('others'))}"


def _body(value: Any) -> Iterator[Row]:
    yield "body limit", f"{_words(value)} bytes"


def _off(value: Any) -> Iterator[Row]:
    label = "off"
    for name, why in _mapping(value).items():
        yield label, f"{name}: {_words(why)}"
        label = ""


_ROWS: dict[str, Callable[[Any], Iterator[Row]]] = {
    "service": _service,
    "profile": _under("profile"),
    "traces": _signal("traces"),
    "logs": _signal("logs"),
    "metrics": _signal("metrics"),
    "pages": _under("pages"),
    "lines": _under("lines"),
    "correlation": _under("correlation"),
    "trace_context": _context,
    "engine": _under("server spans"),
    "clients": _under("clients"),
    "limits": _limits,
    "health": _health,
    "cors": _cors,
    "max_body_bytes": _body,
}

_SAID_ELSEWHERE = frozenset({"off", "findings"})
"""The one stands last; each of the others has a line of its own."""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _words(value: Any) -> str:
    """
    Plain data as one would say it: lists and mappings with commas, nothing as `none`.
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_words(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
