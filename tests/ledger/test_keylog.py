"""
Lines of a key log, whole, cut short and damaged.
"""

from __future__ import annotations

import dataclasses
import json

from otel_kit.catalogue import Declaration
from otel_kit.ledger.keylog import KeyLog, Row

SIZES = Declaration("histogram", "sizes", "Größen.", ("x", "y"), (0.1, 1.0), "s")


def test_what_is_written_is_read() -> None:
    """
    The declaration stands before its first series, and once.
    """
    log = KeyLog()
    for slot, key in ((0, ("a", "ä\n")), (4, ("b", "")), (8, ())):
        log.feed(log.lines_for(slot, SIZES, key))

    assert [Row(0, SIZES, ("a", "ä\n")), Row(4, SIZES, ("b", "")), Row(8, SIZES, ())] == log.rows
    assert 12 == log.used


def test_extremes_are_written_where_they_are_kept() -> None:
    """
    The lines of all other metrics are as they ever were.
    """
    log, plain = KeyLog(), KeyLog()
    kept = dataclasses.replace(SIZES, extremes=True)
    log.feed(log.lines_for(0, kept, ("a", "b")))

    assert ([Row(0, kept, ("a", "b"))], 6) == (log.rows, log.used)
    assert [9, 6] == [len(json.loads(line)) for line in plain.lines_for(0, SIZES, ("a", "b")).splitlines()]


def test_line_without_an_end_waits() -> None:
    """
    It is read when its owner has finished it.
    """
    log, other = KeyLog(), KeyLog()
    lines = other.lines_for(0, SIZES, ("a", "b"))
    log.feed(lines[:-3])
    before = len(log.rows)
    log.feed(lines[log.consumed :])

    assert (0, 1) == (before, len(log.rows))
    assert len(lines) == log.consumed


def test_damaged_lines_are_skipped() -> None:
    """
    A line that makes no sense costs itself only.
    """
    log, other = KeyLog(), KeyLog()
    good = other.lines_for(0, SIZES, ("a", "b"))
    bad = [b"{", b"[]", b"7", b'["series", 0, 4, 9, "a", "b"]', b'["series", -1, 4, 0, "a", "b"]']
    bad += [b'["series", 0, 3, 0, "a", "b"]', b'["series", 0, 4, 0, "a"]', b'["metric", 1, "gauge", "a b"]', b"\xff"]
    log.feed(good + b"\n".join(bad) + b"\n")

    assert [Row(0, SIZES, ("a", "b"))] == log.rows
