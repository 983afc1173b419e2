"""
Questions to other machines, all at once and none longer than a second.

Owns the time: a thread for each question, since a name's resolution can't be bounded otherwise.
Knows nothing of what is asked.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from otel_kit.cli.doctor.remarks import Level, Remark, printable, remark, safe

__all__ = ["LONGEST_SECONDS", "Answer", "Probe", "ask", "judge_answers", "reason"]

LONGEST_SECONDS = 1.0

LATE = f"gives no answer within {LONGEST_SECONDS:g} s"


@dataclass(frozen=True)
class Answer:
    """
    What came of one question.
    """

    reachable: bool
    detail: str
    """The end of a sentence that begins with the address."""
    level: Level | None = None
    """None where all is well."""
    remedy: str = ""
    target: str = ""
    address: str = ""
    milliseconds: float | None = None
    """Until there was an answer, or a refusal."""


@dataclass(frozen=True)
class Probe:
    """
    One question.
    """

    target: str
    """traces, metrics, logs, rate limits or collector."""
    address: str
    """Without credentials."""
    question: Callable[[], Answer]
    """Takes a second at most where it can; may raise OSError."""
    level: Level
    """Of a finding when nobody answers."""
    remedy: str
    """What to do then."""


def ask(probes: Sequence[Probe]) -> list[Answer]:
    """
    Ask all, and wait for a second.
    """
    asked = [_Question(probe) for probe in probes]
    deadline = time.monotonic() + LONGEST_SECONDS
    return [one.answer_by(deadline) for one in asked]


def judge_answers(answers: Sequence[Answer]) -> list[Remark]:
    """
    A finding for each that is not well; the same words for several signals are said once.
    """
    said: dict[tuple[Level, str, str, str], list[Answer]] = {}
    for answer in answers:
        if answer.level is not None:
            said.setdefault((answer.level, _server(answer.address), answer.detail, answer.remedy), []).append(answer)
    found = []
    for (level, server, detail, remedy), group in said.items():
        targets = ", ".join(one.target for one in group)
        address = group[0].address if len(group) == 1 else server
        found.append(remark(level, "reach", f"{targets}: {address} {detail}", remedy))
    return found


def _server(address: str) -> str:
    """
    An address without the path.
    """
    scheme, separator, rest = address.rpartition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}" if separator else address


class _Question:
    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._answer = Answer(False, LATE, probe.level, probe.remedy)
        self._thread = threading.Thread(target=self._ask, name="otel_kit.doctor", daemon=True)
        self._thread.start()

    def answer_by(self, deadline: float) -> Answer:
        self._thread.join(max(deadline - time.monotonic(), 0.0))
        answer = self._answer
        return replace(
            answer, target=self._probe.target, address=safe(self._probe.address), detail=printable(answer.detail)
        )

    def _ask(self) -> None:
        begun = time.monotonic()
        try:
            answer = self._probe.question()
        except Exception as error:  # a name that can't be encoded, a library's own error: no answer all the same
            answer = Answer(False, reason(error), self._probe.level, self._probe.remedy)
        self._answer = replace(answer, milliseconds=round((time.monotonic() - begun) * 1000, 1))


def reason(error: BaseException) -> str:
    """
    Why there was no answer, in words; the error's own text may hold a credential.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return f"fails in the TLS handshake ({(cause.reason or type(cause).__name__).replace('_', ' ').lower()})"
        if isinstance(cause, socket.gaierror):
            return "has a host name that is not known here"
        if isinstance(cause, ConnectionRefusedError):
            return "refuses the connection"
        if isinstance(cause, TimeoutError):
            return LATE
        if isinstance(cause, ConnectionResetError | BrokenPipeError):
            return "closes the connection"
        if isinstance(cause, OSError) and cause.strerror:
            return f"can't be reached ({cause.strerror.lower()})"
    return f"can't be asked ({type(error).__name__})"


def _causes(error: BaseException | None) -> list[BaseException]:
    """
    The error and what led to it, as far as libraries keep it.
    """
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < 10:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found
