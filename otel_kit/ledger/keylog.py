"""
The key log of a seat: which series has which slots, one line each, only ever added to.

Owns the form of a line and reading what others append. Knows nothing of values.

A line cut short, by a kill or a full disk, has no newline yet: readers leave it, the next owner
cuts it off. A metric stands in a line of its own before its first series.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from otel_kit.catalogue import Declaration
from otel_kit.faults import fault

__all__ = ["KeyLog", "Row"]


class Row(NamedTuple):
    """
    One series and its first slot.
    """

    slot: int
    declaration: Declaration
    key: tuple[str, ...]


class KeyLog:
    """
    What has been read of one key log so far.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.consumed = 0
        """Bytes up to the end of the last whole line."""
        self.used = 0
        """Slots up to the end of the last series."""
        self._declarations: dict[int, Declaration] = {}
        self._numbers: dict[tuple[object, ...], int] = {}

    def feed(self, data: bytes) -> None:
        """
        Read on, with what follows the first `consumed` bytes.
        """
        end = data.rfind(b"\n") + 1
        self.consumed += end
        for line in data[:end].splitlines():
            try:
                self._read(json.loads(line))
            except (ValueError, TypeError, KeyError, IndexError) as error:
                fault("ledger", error)

    def lines_for(self, slot: int, declaration: Declaration, key: tuple[str, ...]) -> bytes:
        """
        What to append for a new series.
        """
        number = self._numbers.get(declaration.schema)
        lines: list[list[object]] = []
        if number is None:
            number = len(self._declarations)
            d = declaration
            more = [True] if d.extremes else []
            lines.append(["metric", number, d.kind, d.name, d.help, d.labels, d.buckets, d.unit, d.merge, *more])
        lines.append(["series", slot, declaration.width, number, *key])
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    def _read(self, fields: list[Any]) -> None:
        if fields[0] == "metric":
            number, kind, name, text, labels, buckets, unit, merge, *more = fields[1:]
            declaration = Declaration(kind, name, text, tuple(labels), tuple(buckets), unit, merge, *more)
            self._declarations[number] = declaration
            self._numbers[declaration.schema] = number
            return
        slot, width, number = fields[1:4]
        declaration, key = self._declarations[number], tuple(fields[4:])
        if width != declaration.width or slot < 0 or len(key) not in (0, len(declaration.labels)):
            raise ValueError("a row that does not fit its metric")
        self.rows.append(Row(slot, declaration, key))
        self.used = max(self.used, slot + width)
