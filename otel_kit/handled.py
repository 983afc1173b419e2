"""
The exception behind an answer of 500 or more that somebody gives for it.

Owns how it is found and when it is read. Frameworks answer inside of their `except`, so whoever
sends stands where the exception is being handled; only on the way through another task that is lost.
"""

from __future__ import annotations

import sys

from starlette.exceptions import HTTPException

from otel_kit.context import RequestRecord
from otel_kit.faults import fault
from otel_kit.logs.exceptions import describe

__all__ = ["describe_failure", "find_error", "note_handled"]


def note_handled(record: RequestRecord) -> None:
    """
    Keep the exception for which an answer of 500 or more is being given at this moment. Never raises.

    It is read at once: whoever handles it may drop its frames as soon as the answer is sent.
    """
    try:
        if record.raised is None:
            handled = sys.exc_info()[1]
            record.raised = handled if isinstance(handled, Exception) else None
        if record.raised is not None and record.failure is None and not _says_it_all(record.raised):
            record.failure = describe(type(record.raised), record.raised, record.raised.__traceback__)
    except Exception as error:
        fault("asgi", error)


def find_error(record: RequestRecord) -> None:
    """
    Name the error of an answer of 500 or more. `HTTPException` is an answer by choice, which its status names.
    """
    note_handled(record)
    if not isinstance(record.raised, HTTPException):
        record.error = record.raised


def _says_it_all(error: BaseException) -> bool:
    # an answer by choice that nothing has led to: the status tells the whole of it
    return isinstance(error, HTTPException) and error.__cause__ is None and error.__context__ is None


def describe_failure(record: RequestRecord, status: int) -> None:
    """
    At the end: what the span and the line tell of the error, if there is one.
    """
    if record.error is None:
        if status < 500:
            record.failure = None  # a middleware has made something else of what was noted
    elif record.failure is None:
        record.failure = describe(type(record.error), record.error, record.error.__traceback__)
