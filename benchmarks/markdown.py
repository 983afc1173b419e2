"""
A table in Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """
    A Markdown table, or nothing where there are no rows; the first column to the left, the others to the right.
    """
    body = ["| " + " | ".join(row) + " |" for row in rows]
    if not body:
        return ""
    rule = "| --- |" + " ---: |" * (len(header) - 1)
    return "\n".join(["| " + " | ".join(header) + " |", rule, *body])
