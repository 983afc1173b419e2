"""
One terminal: titles, marks, columns and colours.

Owns how wide a line may be and when there is colour. Knows nothing of what is shown.
"""

from __future__ import annotations

import os
import shutil
from typing import Literal, TextIO

__all__ = ["Screen", "Style", "fit"]

MAX_WIDTH = 100
MIN_WIDTH = 60

Style = Literal["bold", "dim", "red", "green", "yellow", "cyan"]
_CODES: dict[Style, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Screen:
    """
    Writes lines, each at once, so that a reader sees things as they happen.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        terminal = out.isatty()
        self.coloured = terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        columns = shutil.get_terminal_size((MAX_WIDTH, 24)).columns if terminal else MAX_WIDTH
        self.width = max(min(columns, MAX_WIDTH), MIN_WIDTH)
        reconfigure = getattr(out, "reconfigure", None)
        if reconfigure is not None:
            # a terminal that has no box characters shows question marks in their place
            reconfigure(errors="replace")

    def line(self, text: str = "") -> None:
        """
        One line, which the caller has made to fit.
        """
        print(text, file=self._out, flush=True)

    def title(self, text: str) -> None:
        """
        The head of a section.
        """
        rule = "─" * max(self.width - len(text) - 4, 3)
        self.line()
        self.line(f"{self.paint('──', 'dim')} {self.paint(text, 'bold')} {self.paint(rule, 'dim')}")

    def paint(self, text: str, style: Style) -> str:
        """
        The text in a style, where there are styles.
        """
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.coloured else text


def fit(text: str, width: int) -> str:
    """
    Exactly `width` characters: filled up with spaces, or cut with an ellipsis.
    """
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}…"
