"""
Which files of `collector/` the fault tests take, and the variables that point them at stores.
"""

from __future__ import annotations

from e2e.faults.stores import Store

__all__ = ["FRONT", "OF_RECORD", "forward_to"]

FRONT = ("base.yaml", "redaction.yaml")
"""What stands before every backend."""

OF_RECORD = (*FRONT, "backends/otlp.yaml")
"""One backend of record."""


def forward_to(kept: Store) -> dict[str, str]:
    """
    The variables that make this store the backend of `backends/otlp.yaml`.
    """
    return {"OTLP_FORWARD_ENDPOINT": kept.url}
