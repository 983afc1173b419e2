"""
A log line for a person at a terminal.

Owns the console's tree: what happens inside a request hangs on a branch, the line that says how
it went closes it, stack traces and the start-up block stand below their lines. The first
characters of the correlation id tell requests apart that run at once. Nothing a record holds
reaches the terminal as a control character: a row below a line is marked as one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from otel_kit.logs.item import LogItem, RequestItem
from otel_kit.logs.start_block import START_MESSAGE, start_rows
from otel_kit.logs.values import Plain

__all__ = ["ConsoleLayout", "wants_colour"]

_ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LEVEL_COLOURS = {"DEBUG": "2", "INFO": "32", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}
_DIM = "2"
_BOLD = "1"


class ConsoleLayout:
    """
    Items as readable lines.

    Args:
        colour: Whether escape sequences of our own colour the line.
    """

    def __init__(self, colour: bool = False) -> None:
        self._colour = colour

    def line(self, item: LogItem) -> bytes:
        """
        The line, with what stands below it: the start-up block, stack traces.
        """
        extra, below = _below(item)
        parts = [
            self._painted(_clock(item.created), _DIM),
            self._painted(f"{_visible(item.levelname):<8}", _LEVEL_COLOURS.get(item.levelname, "0")),
            self._branch(item),
        ]
        parts.extend(self._request(item) if isinstance(item, RequestItem) else self._application(item))
        parts.extend(self._extra(extra))
        text = " ".join(part for part in parts if part)
        text += "".join(f"\n{' ' * 22}│ {_visible(row)}" for row in below)
        return (text + "\n").encode("utf-8", "replace")

    def _branch(self, item: LogItem) -> str:
        if item.correlation_id is None:
            return ""
        mark = "└─" if item.kind == "request" else "├─"
        return self._painted(f"{mark} {_visible(item.correlation_id[:8])}", _DIM)

    def _request(self, item: RequestItem) -> list[str]:
        status = "-" if item.status_code is None else str(item.status_code)
        shown = f"{_visible(item.method)} {_visible(item.path)} {status}"
        return [self._painted(shown, _BOLD), f"{item.duration_seconds * 1000.0:.2f} ms"]

    def _application(self, item: LogItem) -> list[str]:
        shown = [self._painted(_visible(item.logger), _DIM), _visible(item.message)]
        if item.log_class in ("audit", "security"):
            shown.append(self._painted(f"[{item.log_class}]", _BOLD))
        return shown

    def _extra(self, extra: Mapping[str, Plain]) -> list[str]:
        return [self._painted(f"{_visible(name)}={_visible(_short(value))}", _DIM) for name, value in extra.items()]

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour else text


def wants_colour(environ: Mapping[str, str], terminal: bool) -> bool:
    """
    Colour on a terminal, unless `NO_COLOR` has a value or the terminal is a dumb one.

    Source: no-color.org.
    """
    return terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _below(item: LogItem) -> tuple[Mapping[str, Plain], list[str]]:
    """
    What stays of the extra on the line, and the rows below it.
    """
    extra, rows = dict(item.extra or {}), []
    report = extra.get("report")
    if item.message == START_MESSAGE and item.logger == "otel_kit" and isinstance(report, Mapping):
        rows += start_rows(report)
        del extra["report"]
    stack = extra.get("stack_info")
    if isinstance(stack, str):
        rows += stack.split("\n")
        del extra["stack_info"]
    if item.exception is not None:
        rows += item.exception.stack.split("\n")
    return extra, rows


def _visible(text: str) -> str:
    return _ACTING.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _clock(created: float) -> str:
    return f"{time.strftime('%H:%M:%S', time.localtime(created))}.{int(created * 1000) % 1000:03d}"
