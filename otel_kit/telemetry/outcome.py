"""
What became of one attempt to send, and what a sender has to be able to do.

Owns the judgement of answers as values, so that the worker that retries knows no protocol and
the senders know nothing of queues.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

from otel_kit.telemetry.accounts import DropReason

__all__ = ["Outcome", "Prepared", "Sender", "Verdict"]

Verdict = Literal[
    "delivered",  # the collector has it, but for `rejected` items
    "later",  # ask again: busy, overloaded, timed out, connection lost
    "unreachable",  # nobody there: asking again at once is useless
    "split",  # too large: send it in halves
    "drop",  # will never be taken
]


class Outcome(NamedTuple):
    """
    The result of one attempt.
    """

    verdict: Verdict

    kind: str = ""
    """
    What went wrong, from a closed set, for the log: "HTTP 503", "connection refused".
    """

    reason: DropReason = "failed"
    """
    Counted when the items are dropped because of this outcome.
    """

    rejected: int = 0
    """
    Items the collector refused although it took the rest (OTLP partial success).
    """

    retry_after_seconds: float | None = None
    """
    How long the collector asked to be left alone; None when it didn't say.
    """

    answered: bool = True
    """
    Whether anything at the other end spoke.
    """


class Prepared(NamedTuple):
    """
    A batch ready to be sent, as often as it takes.
    """

    payload: Any
    """
    What `send` takes; None when nothing of the batch can be sent.
    """

    unencodable: int = 0
    """
    Items of the batch that are not in the payload.
    """


class Sender(Protocol):
    """
    The way out for one signal. Only one thread uses it at a time, but `reset` may come from another.
    """

    host: str
    """
    Where it goes, fit for a log line: scheme, host and port, no credentials, no path.
    """

    endpoint_is_default: bool
    """
    True when nobody named the endpoint.
    """

    def prepare(self, items: Sequence[Any]) -> Prepared:
        """
        The payload of a batch, made once however often it is sent.
        """

    def send(self, payload: Any, timeout_seconds: float) -> Outcome:
        """
        One attempt. Never raises.
        """

    def reset(self) -> None:
        """
        Forget connections: after a fork, and when a thread that may hold one was given up.
        """
