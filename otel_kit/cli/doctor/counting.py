"""
Whether limits can be counted in the Redis that is set: tried once, by the client and the script of the service.

Owns the try and the words for what Redis says to it. Of an error's own text nothing is shown but the name of a
command: it may quote an address or a password.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid

from otel_kit.cli.doctor.probes import LONGEST_SECONDS, Answer
from otel_kit.ratelimit.redis_breaker import FailureKind, failure_kind
from otel_kit.ratelimit.redis_client import RedisClient
from otel_kit.ratelimit.redis_lane import SCRIPT
from otel_kit.ratelimit.redis_script import pack
from otel_kit.ratelimit.redis_url import VARIABLE
from otel_kit.ratelimit.storage import Window

__all__ = ["RIGHTS", "Counting"]

RIGHTS = "~otel-kit:1:* -@all +evalsha +eval +select +time +get +set +del +lindex +lpush +ltrim +pexpire"
"""What a user of a single Redis needs, in the words of `ACL SETUSER`."""

CLOSE_SECONDS = 0.1

Fault = tuple[str, str]
"""The end of a sentence that begins with the address, and the remedy."""

_SAID: tuple[tuple[str, Fault], ...] = (
    (
        r"DB index is out of range|invalid DB index",
        (
            "has no database of that number",
            f"name one in {VARIABLE} that it has: 0 to 15 unless its `databases` differs",
        ),
    ),
    (
        r"^(MovedError|AskError|ClusterDownError|ClusterCrossSlotError)|SELECT is not allowed in cluster mode",
        ("is a node of a Cluster", f"write redis+cluster://host:port,host:port in {VARIABLE}"),
    ),
    (
        r"Cluster mode is not enabled|cluster support disabled",
        (
            "is no Cluster, or does not let its user ask CLUSTER SLOTS",
            f"write redis://host:6379 in {VARIABLE} for a single Redis; a Cluster's user needs +cluster|slots +command",
        ),
    ),
    (
        r"slots are not covered",
        ("is a Cluster with slots that no node serves", "bring the missing nodes back: CLUSTER INFO on one of them"),
    ),
    (
        r"(?i)unknown command\W+sentinel",
        (
            "is no Sentinel",
            f"write the Sentinels' own ports in {VARIABLE}, 26379 as a rule; redis://host:port/0 for a Redis itself",
        ),
    ),
    (
        r"(?i)unknown command\W+(eval|evalsha|select)\b",
        (
            "runs no scripts, as a Sentinel or a proxy does not",
            f"write redis+sentinel://host:port/name in {VARIABLE} for a Sentinel, else the address of a Redis",
        ),
    ),
    (
        r"^MasterNotFoundError.*AuthenticationError",
        (
            "has Sentinels that refuse user or password",
            f"write the Sentinels' own, or none, as ?sentinel_password= in {VARIABLE}",
        ),
    ),
    (
        r"^MasterNotFoundError: No master found for '[^']*'$",
        (
            "knows no primary of that name that is up",
            f"write the name that the Sentinels know behind the last / in {VARIABLE}: SENTINEL MASTERS lists them",
        ),
    ),
    (
        r"^MasterNotFoundError",
        ("has no Sentinel that answers in time", f"start them, or correct {VARIABLE}"),
    ),
    (
        r"MISCONF",
        ("refuses to write because it can't save to disk", "mend what its log tells, or turn its saving off"),
    ),
)
"""What the client library's error says, and what it means; the first that fits."""

_KINDS: dict[FailureKind, Fault] = {
    "authentication": (
        "refuses user or password",
        f"correct user and password in {VARIABLE}, special characters percent-encoded",
    ),
    "read_only": (
        "is a replica and takes no writes",
        f"name its primary in {VARIABLE}, or the Sentinels that know which one it is",
    ),
    "out_of_memory": ("is out of memory", "raise its maxmemory, or free some of it"),
    "loading": ("is still reading its data from disk", "wait until it has"),
}

_COMMAND = re.compile(r"run the '([a-z|]{2,20})' command")
_FIRST_WORD = re.compile(r"[A-Z]{3,20}\b")


class Counting:
    """
    One try; made before the clock runs, as the libraries take their time to be imported.

    Raises:
        ConfigurationError: The URL can't be used.
    """

    def __init__(self, url: str) -> None:
        self._client = RedisClient(url, 1)

    def answer(self, begun: float) -> Answer:
        """
        What came of it.

        Args:
            begun: Monotonic time of the question's begin, from which it has a second.
        """
        left = begun + LONGEST_SECONDS - CLOSE_SECONDS - time.monotonic()
        error = asyncio.run(self._try(max(left, 0.0)))
        if error is None:
            return Answer(True, "counts")
        fault = _fault(error)
        if fault is None:
            # the library's own time-out is none of Python's
            raise TimeoutError if failure_kind(error) == "timeout" else error
        return Answer(True, fault[0], "error", fault[1])

    async def _try(self, seconds: float) -> Exception | None:
        try:
            (answer,) = await asyncio.wait_for(self._client.run(SCRIPT, [_row()]), seconds)
        except Exception as error:  # of the library, of Redis or of the network, as it is for a request
            answer = error
        try:
            await asyncio.wait_for(self._client.close(), CLOSE_SECONDS)
        except Exception as error:  # what it answered before counts more
            answer = answer if isinstance(answer, Exception) else error
        return answer if isinstance(answer, Exception) else None


def _row() -> list[str | int]:
    # two requests of one key: the other kind of window drops what the first has left there and begins anew,
    # so that all commands of the script are used but LTRIM; what stays ends by itself within a second
    key = f"otel-kit:1:{{{uuid.uuid4().hex}}}:doctor"
    return pack([[Window(1000, 1, "sliding-window-counter", key)], [Window(1000, 1, "moving-window", key)]])


def _fault(error: Exception) -> Fault | None:
    """
    What it means; None where nobody has answered.
    """
    text = f"{type(error).__name__}: {error}"
    for pattern, fault in _SAID:
        if re.search(pattern, text):
            return fault
    kind = failure_kind(error)
    if kind == "other" and isinstance(error.__cause__, Exception):
        # a Cluster's client wraps what it met on its way to a node
        return _fault(error.__cause__)
    if kind in ("connection", "timeout"):
        return None
    return _rights(text) if kind == "permission" else _KINDS.get(kind) or _other(error)


def _rights(text: str) -> Fault:
    named = _COMMAND.search(text)
    if named:
        what = f"does not let its user run {named[1].upper()}"
    elif "key" in text:
        what = "does not let its user touch the limits' keys"
    else:
        what = "does not let its user run all that the limits' script calls"
    return what, f"ACL SETUSER name on >password {RIGHTS}"


def _other(error: Exception) -> Fault:
    named = _FIRST_WORD.match(str(error))
    return f"can't count ({named[0] if named else type(error).__name__})", "see what is wrong there"
