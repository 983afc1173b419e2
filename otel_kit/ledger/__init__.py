"""
The ledger: metrics in plain cells, and exact totals over any number of workers.

`Counter("orders_total", "Orders taken.", ["status"]).labels(status="paid").inc()` counts;
`ledger.snapshot()` reads. Nothing is opened or started before `ledger.attach()`.

A killed worker loses nothing that was counted: its cells are in files, and the next worker
counts on in them. See `seat` for how, and `merge` for what a total is.
"""

from __future__ import annotations

import os

from otel_kit.ledger.cells import GLOBAL_LOCK
from otel_kit.ledger.core import Ledger
from otel_kit.ledger.metrics import Counter, Gauge, Histogram, Summary
from otel_kit.ledger.registry import Registry
from otel_kit.ledger.snapshot import Exemplar, FamilySnapshot, Series

__all__ = [
    "GLOBAL_LOCK",
    "Counter",
    "Exemplar",
    "FamilySnapshot",
    "Gauge",
    "Histogram",
    "Ledger",
    "Registry",
    "Series",
    "Summary",
    "ledger",
]

ledger = Ledger()
"""The process's own."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=ledger.begin_in_child)
