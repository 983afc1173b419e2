"""
The examination as a reader sees it, in a hundred columns.

Owns the layout. Settings at their default are folded unless all are asked for.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from otel_kit._version import __version__
from otel_kit.cli.doctor.examination import Examination
from otel_kit.cli.doctor.probes import Answer
from otel_kit.cli.doctor.remarks import Level, Remark
from otel_kit.cli.doctor.rows import Group, SettingRow
from otel_kit.cli.screen import Screen, Style, fit

__all__ = ["show"]

_TITLES: dict[Group, str] = {
    "kit": "settings of otel_kit",
    "opentelemetry": "settings of OpenTelemetry",
    "collector": "settings of the Collector",
}
_STYLES: dict[Level, Style] = {"error": "red", "warning": "yellow", "info": "cyan"}

LEVEL_WIDTH = 9


def show(found: Examination, screen: Screen, everything: bool) -> None:
    """
    All of it; findings last, since that is where a terminal stands.
    """
    screen.line(f"otel-kit doctor {__version__}")
    for group, title in _TITLES.items():
        rows = [row for row in found.settings if row.group == group]
        if rows:
            screen.title(title)
            _show_settings(rows, screen, everything)
    screen.title("reachable")
    for answer in found.answers:
        _show_answer(answer, screen)
    _show_places(found, screen)
    _show_versions(found, screen)
    if found.application is not None:
        screen.title(f"application {found.target}")
        for line in _application(found.application):
            screen.line(fit(f"  {line}", screen.width).rstrip())
    screen.title("findings")
    for one in found.findings:
        _show_finding(one, screen)
    counts = found.counts
    screen.line(f"{_number(counts['error'], 'error')}, {_number(counts['warning'], 'warning')}, {counts['info']} info")


def _show_settings(rows: list[SettingRow], screen: Screen, everything: bool) -> None:
    shown = [row for row in rows if everything or row.origin != "default"]
    for row in shown:
        note = ", beats .env" if row.beats_file else ""
        for line in _wrapped(f"{row.variable} = {row.value or '(none)'}  [{row.origin}{note}]", screen.width, "  "):
            screen.line(line)
        for line in _wrapped(row.effect, screen.width, "      "):
            screen.line(screen.paint(line, "dim"))
    folded = len(rows) - len(shown)
    if folded:
        screen.line(f"  {folded} {'settings are' if folded > 1 else 'setting is'} at the default; --all shows them")


def _show_answer(answer: Answer, screen: Screen) -> None:
    word = answer.level or "ok"
    style: Style = "green" if answer.level is None else _STYLES[answer.level]
    time = "" if answer.milliseconds is None else f", {answer.milliseconds:.0f} ms"
    text = f"{answer.target}: {answer.address} {answer.detail}{time}"
    _labelled(word, style, text, screen)


def _show_places(found: Examination, screen: Screen) -> None:
    screen.title("places to write")
    for place in found.places:
        text = f"{place.purpose}: {place.path} {place.problem}".rstrip()
        _labelled("no" if place.problem else "ok", "yellow" if place.problem else "green", text, screen)


def _show_versions(found: Examination, screen: Screen) -> None:
    screen.title("versions")
    told = [f"{one.name} {one.installed or 'missing'}" for one in found.versions]
    for line in _wrapped(", ".join(told), screen.width, "  "):
        screen.line(line)


def _application(application: dict[str, Any]) -> Iterator[str]:
    report = application.get("report")
    yield f"{application.get('title')}: {'set up' if application.get('set_up') else 'not set up'} by otel_kit"
    if isinstance(report, dict):
        service = report.get("service") or {}
        yield f"service {service.get('name')}, profile {report.get('profile')}, server spans by {report.get('engine')}"
        for name, why in (report.get("off") or {}).items():
            yield f"off: {name} ({why})"
    if application.get("middleware"):
        yield "middleware: " + ", ".join(str(name).rpartition(".")[2] for name in application["middleware"])


def _show_finding(one: Remark, screen: Screen) -> None:
    _labelled(one.level, _STYLES[one.level], one.what, screen)
    for line in _wrapped(one.remedy, screen.width, " " * (LEVEL_WIDTH + 1) + "→ ", " " * (LEVEL_WIDTH + 3)):
        screen.line(line)


def _labelled(word: str, style: Style, text: str, screen: Screen) -> None:
    first, *others = _wrapped(text, screen.width, " " * (LEVEL_WIDTH + 1))
    screen.line(f" {screen.paint(word.ljust(LEVEL_WIDTH), style)}{first.strip()}")
    for line in others:
        screen.line(line)


def _wrapped(text: str, width: int, first: str, following: str | None = None) -> list[str]:
    indent = first if following is None else following
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=indent)


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
