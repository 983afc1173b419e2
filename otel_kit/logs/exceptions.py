"""
Stack traces as text, and the mark that keeps one from being logged twice.

Owns how an exception is read: on the thread that raised it, while its frames are alive, whole
with causes, contexts and groups, and bounded. Knows nothing of records or layouts.

A server logs an unhandled exception again after the request's context is gone. The request
line, which carries the stack and the correlation id, leaves a mark on the exception, and the
server's record of a marked one is dropped.
"""

from __future__ import annotations

import traceback
from types import TracebackType

from otel_kit.logs.values import CUT_MARGIN, TEXT_LIMIT, safe_text

__all__ = ["ExceptionText", "describe", "is_marked", "mark"]

_MARK = "__otel_kit_logged__"


class ExceptionText:
    """
    An exception after it has been read: its type's full name, its text, the whole stack trace.
    """

    __slots__ = ("message", "stack", "type")

    def __init__(self, kind: str, message: str, stack: str) -> None:
        self.type = kind
        self.message = message
        self.stack = stack


def describe(
    kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
) -> ExceptionText | None:
    """
    The exception of a `sys.exc_info()` triple; None where there is none.
    """
    found = kind or (None if error is None else type(error))
    if found is None:
        return None
    message = "" if error is None else safe_text(error)
    return ExceptionText(_name_of(found), message, _stack(found, error, frames, message))


def mark(error: BaseException) -> None:
    """
    Note that the stack of `error` stands in the log.
    """
    # BaseException's own setter, so that an exception made from a frozen dataclass takes it too
    BaseException.__setattr__(error, _MARK, True)


def is_marked(error: BaseException | None) -> bool:
    """
    Whether the stack of `error` stands in the log already.
    """
    return error is not None and BaseException.__getattribute__(error, "__dict__").get(_MARK) is True


def _name_of(kind: type[BaseException]) -> str:
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def _stack(kind: type[BaseException], error: BaseException | None, frames: TracebackType | None, message: str) -> str:
    pieces: list[str] = []
    length = 0
    try:
        if error is None:
            return kind.__name__
        for piece in traceback.TracebackException(kind, error, frames, compact=True).format():
            pieces.append(piece)
            length += len(piece)
            if length > TEXT_LIMIT + CUT_MARGIN:
                break
    except Exception:  # an exception whose attributes raise, or no stack left to format on
        pieces.append(f"{_name_of(kind)}: {message}")
    return "".join(pieces)[: TEXT_LIMIT + CUT_MARGIN].rstrip("\n")
