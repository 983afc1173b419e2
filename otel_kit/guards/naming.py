"""
Under which route a request is counted that is refused before routing begins.

Owns that one answer. Only a template without parameters can be told from the path alone; whatever else
is refused here stays unmatched.
"""

from __future__ import annotations

from otel_kit.context import current_record

__all__ = ["name_route"]


def name_route(literals: frozenset[str]) -> None:
    """
    Count the request at hand under its path if that is one of these templates.
    """
    record = current_record.get()
    if record is None:
        return
    # as it came in: the scope of a mounted application has another idea of where its paths begin
    if record.local_path in literals:
        record.own_route = record.local_path
