"""
A double of the vector store: a few notes in memory, and how to find those that fit a question.

Owns the span of a look-up, by the semantic conventions for database clients.
"""

from __future__ import annotations

import asyncio
import re

from opentelemetry import trace

__all__ = ["find_notes", "heartbeat"]

_COLLECTION = "goblin_notes"
_NOTES = (
    "Gold keeps best in a dry cave behind two doors, of which the second is the real one.",
    "A bridge pays for itself within a year if the toll is asked on the far side.",
    "Lanterns draw moths, and moths draw bats, so carry the lantern on a long pole.",
    "Mushrooms with white gills are for guests who have been told.",
)

_tracer = trace.get_tracer("goblin.notes")


async def find_notes(question: str) -> str:
    """
    The note that has most words in common with the question.
    """
    attributes = {"db.system.name": "chroma", "db.operation.name": "query", "db.collection.name": _COLLECTION}
    with _tracer.start_as_current_span(f"query {_COLLECTION}", kind=trace.SpanKind.CLIENT, attributes=attributes):
        await asyncio.sleep(0.004)
        wanted = _words(question)
        return max(_NOTES, key=lambda note: len(wanted & _words(note)))


async def heartbeat() -> None:
    """
    Raises when the store can't be asked.
    """
    await asyncio.sleep(0.001)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
