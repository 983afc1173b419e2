"""
Stack traces as text, and the mark that keeps one from being logged twice.

Owns how an exception is read: its frames on the thread that raised it, while they are alive;
the text, which costs milliseconds with deep stacks, where it is first asked for. Whole with
causes, contexts and groups, and bounded. Knows nothing of records or layouts.

A server logs an unhandled exception again after the request's context is gone. The request
line, which carries the stack and the correlation id, leaves a mark on the exception, and the
server's record of a marked one is dropped.
"""

from __future__ import annotations

import traceback
from types import TracebackType

from otel_kit.logs.values import CUT_MARGIN, TEXT_LIMIT, safe_text

__all__ = ["ExceptionText", "describe", "is_marked", "mark"]

FRAME_BYTES = 150
MAX_CHAIN = 16
_MARK = "__otel_kit_logged__"


class ExceptionText:
    """
    An exception after it has been read: its type's full name, its text, the whole stack trace.

    Args:
        stack: The trace, or what its text is made of once somebody asks.
    """

    __slots__ = ("_stack", "message", "size", "type")

    def __init__(self, kind: str, message: str, stack: str | traceback.TracebackException) -> None:
        self.type = kind
        self.message = message
        self._stack = stack
        self.size = len(stack) if isinstance(stack, str) else _estimate(stack)
        """About how many bytes the trace takes."""

    @property
    def stack(self) -> str:
        """
        The stack trace as text, without an end of line.
        """
        if not isinstance(self._stack, str):
            # two threads at once make the same text twice, which does no harm
            self._stack = _text(self._stack, self)
        return self._stack


def describe(
    kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
) -> ExceptionText | None:
    """
    The exception of a `sys.exc_info()` triple; None where there is none.
    """
    found = kind or (None if error is None else type(error))
    if found is None:
        return None
    if error is None:
        return ExceptionText(_name_of(found), "", found.__name__)
    message = safe_text(error)
    stack: str | traceback.TracebackException
    try:
        stack = traceback.TracebackException(found, error, frames, lookup_lines=False, compact=True)
    except Exception:  # an exception whose attributes raise, or no stack left to read on
        stack = f"{_name_of(found)}: {message}"
    return ExceptionText(_name_of(found), message, stack)


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


def _text(trace: traceback.TracebackException, known: ExceptionText) -> str:
    pieces: list[str] = []
    length = 0
    try:
        for piece in trace.format():
            pieces.append(piece)
            length += len(piece)
            if length > TEXT_LIMIT + CUT_MARGIN:
                break
    except Exception:  # what is in an exception group or a syntax error can be anything
        pieces.append(f"{known.type}: {known.message}")
    return "".join(pieces)[: TEXT_LIMIT + CUT_MARGIN].rstrip("\n")


def _estimate(trace: traceback.TracebackException) -> int:
    """
    About how long the text will be: two lines a frame, over all causes.
    """
    frames, link, depth = 0, trace, 0
    while link is not None and depth < MAX_CHAIN:
        frames += len(link.stack)
        link, depth = link.__cause__ or link.__context__, depth + 1  # type: ignore[assignment]
    return min(FRAME_BYTES * (frames + depth), TEXT_LIMIT)
