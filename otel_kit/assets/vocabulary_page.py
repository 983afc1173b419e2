"""
The reference page of the words in which a profile is written.

Owns the order of the page and a few sentences between; what each word means is read from below it in the code.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import get_args

from otel_kit import event_layout, layout
from otel_kit.assets.profile_pages import table
from otel_kit.health_layout import KUBERNETES_PROBES, documents, report, routes
from otel_kit.profiles import (
    CheckReport,
    EventCount,
    Field,
    HealthReport,
    HealthRoute,
    HealthRoutes,
    LogLayout,
    Profile,
    Reading,
    RequestMetric,
    SecurityEvent,
    Share,
    Threshold,
    Verification,
    counted,
    readings,
    requests,
    with_events,
)
from otel_kit.settings.reference import docstrings_below

__all__ = ["CLASSES", "vocabulary_page"]

CLASSES: tuple[type, ...] = (
    Profile,
    RequestMetric,
    LogLayout,
    Field,
    HealthRoutes,
    HealthRoute,
    HealthReport,
    CheckReport,
    report.Facts,
    report.Memory,
    Share,
    SecurityEvent,
    EventCount,
    Reading,
    Threshold,
    Verification,
)

_WORDS: dict[type, tuple[tuple[ModuleType, str, str], ...]] = {
    RequestMetric: ((requests, "Role", "Roles"), (requests, "Source", "What fills a label")),
    Field: ((layout, "Source", "What fills a log field"),),
    HealthRoute: ((routes, "HealthKind", "Kinds of routes"), (routes, "Form", "Forms of a document")),
    HealthReport: ((report, "HealthStatus", "What checks say together"), (report, "Phase", "Phases of a service")),
    SecurityEvent: (
        (event_layout, "EventLevel", "Levels of an event"),
        (event_layout, "EventName", "Events there are"),
    ),
}
"""Closed sets, behind the class that takes them: their module, their name, a heading."""

_FUNCTIONS: dict[type, tuple[Callable[..., object], ...]] = {
    CheckReport: (documents.state_only, documents.all_services, documents.one_service),
    EventCount: (counted, with_events),
    Threshold: (
        readings.rate,
        readings.increase,
        readings.quantiles,
        readings.mean,
        readings.share,
    ),
}
"""What makes such things, behind the class."""

_SENTENCE = re.compile(r"([.:]) (?=[A-Z`])")

_MERGING = """\
## Gauges of several workers

`otel_kit.Gauge(…, multiprocess_mode=…)` says how the gauges of several workers become one on `/metrics`; over OTLP each
worker sends its own.
Counters, histograms and summaries always add up.

| `multiprocess_mode` | shows | is for |
| --- | --- | --- |
| `sum` (the default), `livesum`, `all`, `liveall` | the sum of the living workers | connections, requests that run |
| `max`, `livemax` | the largest | a figure that each worker reads from one place; a `status_gauge` |
| `min`, `livemin` | the smallest | a `health_gauge`: 0 as long as a check fails in one of them |"""

_DEFAULTS = {
    "field(default_factory=dict)": "{}",
    "field(default_factory=lambda: MappingProxyType({}))": "{}",
    "field(default_factory=lambda: STATUSES)": "STATUSES",
    "field(default_factory=partial(HealthRoutes, KUBERNETES_PROBES))": "HealthRoutes(KUBERNETES_PROBES)",
    "field(default_factory=Facts)": "Facts()",
    "field(default_factory=Verification)": "Verification()",
    "_unknown_memory": "",
}


def vocabulary_page(note: str) -> str:
    """
    Every class, field and word that a profile may use.

    Args:
        note: Stands below the title.
    """
    parts = [
        "# The words of a profile",
        note,
        "A profile is a value of `otel_kit.profiles.Profile`; [the tutorial](../tutorial-profile.md) writes one.\n"
        "Classes are imported from `otel_kit.profiles`, functions that write PromQL from `otel_kit.profiles.readings`, "
        "metrics from `otel_kit`.\n"
        "What can't be used is one line where it is declared: the place, what was found, what would be accepted.",
    ]
    for cls in CLASSES:
        parts += _class_entry(cls)
    return "\n\n".join([*parts, _MERGING]) + "\n"


def _class_entry(cls: type) -> Iterator[str]:
    yield f"## {cls.__name__}"
    yield _lines(inspect.getdoc(cls) or "")
    yield table(("field", "type", "default", "meaning"), _fields(cls))
    told = [(f"`report.{name}`", meaning) for name, meaning in _told(cls)] if cls is HealthReport else []
    if told:
        yield "Worked out of these:"
        yield table(("in a document's function", "meaning"), told)
    if cls is HealthRoute:
        yield "Words and their statuses where a route has none of its own (`STATUSES`):"
        yield table(("word", "status"), ((f"`{word}`", str(status)) for word, status in routes.STATUSES.items()))
        probes = ", ".join(f"`{route.path}` ({route.kind})" for route in KUBERNETES_PROBES)
        yield f"`KUBERNETES_PROBES` are {probes}."
    for module, name, heading in _WORDS.get(cls, ()):
        yield f"### {heading}"
        yield ", ".join(f"`{word}`" for word in get_args(getattr(module, name))) + "."
        yield _lines(docstrings_below(_tree(module).body).get(name, ""))
    functions = _FUNCTIONS.get(cls, ())
    if functions:
        rows = ((f"`{one.__name__}{_signature(one)}`", _cell(inspect.getdoc(one) or "")) for one in functions)
        yield table(("function", "gives"), rows)


def _fields(cls: type) -> Iterator[tuple[str, ...]]:
    body = _body(cls)
    meanings = docstrings_below(body)
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            default = "" if node.value is None else ast.unparse(node.value)
            default = _DEFAULTS.get(default, default)
            name = node.target.id
            meaning = _cell(meanings.get(name, ""))
            yield f"`{name}`", f"`{ast.unparse(node.annotation)}`", f"`{default}`" if default else "", meaning


def _told(cls: type) -> Iterator[tuple[str, str]]:
    for node in _body(cls):
        if isinstance(node, ast.FunctionDef):
            called = "" if node.decorator_list else f"({', '.join(one.arg for one in node.args.args[1:])})"
            yield f"{node.name}{called}", _cell(ast.get_docstring(node) or "")


def _body(cls: type) -> list[ast.stmt]:
    tree = _tree(sys.modules[cls.__module__])
    return next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__)


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _signature(function: Callable[..., object]) -> str:
    parameters = inspect.signature(function).parameters.values()
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in parameters]
    return f"({', '.join(map(str, bare))})"


def _lines(text: str) -> str:
    """
    What a docstring says before its sections, a sentence on each line.
    """
    paragraphs = text.partition("\n\nRaises:")[0].partition("\n\nArgs:")[0].split("\n\n")
    return "\n\n".join(_SENTENCE.sub(r"\1\n", " ".join(one.split())) for one in paragraphs)


def _cell(text: str) -> str:
    return _lines(text).replace("\n\n", " ").replace("\n", " ")
