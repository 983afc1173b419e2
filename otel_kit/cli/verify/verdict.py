"""
What a check found, and how that is shown: a mark a line, or one JSON document.

Owns marks, layout and the cleaning of text that a server sent. Knows nothing of what is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from otel_kit.cli.screen import Screen

__all__ = ["Check", "Status", "Verdict", "clean", "failed", "info", "passed", "show", "skipped", "status_of", "to_json"]

Status = Literal["passed", "failed", "info", "skipped"]

# the information sign is as wide as a letter on most terminals, so it has one more space
MARKS: Mapping[Status, str] = {"passed": "✅ ", "failed": "❌ ", "info": "ℹ️  ", "skipped": "ℹ️  "}  # noqa: RUF001
LONGEST = 120


@dataclass(frozen=True)
class Verdict:
    """
    How one check went. `detail` is one line: of a failure what is wrong and the remedy.
    """

    status: Status
    detail: str = ""


@dataclass(frozen=True)
class Check:
    """
    A verdict under the name of its check.
    """

    name: str
    status: Status
    detail: str


def passed(detail: str = "") -> Verdict:
    """
    All is as documented.
    """
    return Verdict("passed", detail)


def failed(why: str, remedy: str) -> Verdict:
    """
    Something is not, and what to do about it.
    """
    return Verdict("failed", f"{why}: {remedy}")


def info(detail: str) -> Verdict:
    """
    Nothing to judge by, and what would change that.
    """
    return Verdict("info", detail)


def skipped(detail: str) -> Verdict:
    """
    Left out, by whose wish.
    """
    return Verdict("skipped", detail)


def clean(text: str, longest: int = LONGEST) -> str:
    """
    Text from elsewhere, fit for a terminal: printable, and not longer than this.
    """
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in cut)


def status_of(checks: Iterable[Check]) -> int:
    """
    The exit status: 1 where one failed.
    """
    return 1 if any(check.status == "failed" for check in checks) else 0


def show(checks: Iterable[Check], screen: Screen) -> None:
    """
    A mark a line; below it the detail, where the mark alone would not do.
    """
    for check in checks:
        screen.line(f"{MARKS[check.status]}{check.name}")
        if check.detail:
            style: Literal["red", "dim"] = "red" if check.status == "failed" else "dim"
            screen.line(f"   {screen.paint(check.detail, style)}")


def to_json(checks: list[Check], **facts: Any) -> str:
    """
    One document: the facts of the run, then the checks.
    """
    whole = {**facts, "passed": status_of(checks) == 0, "checks": [asdict(check) for check in checks]}
    return json.dumps(whole, ensure_ascii=False, indent=2)
