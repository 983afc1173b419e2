"""
What the log says about a collector that is away: little.

Owns the one line a minute that all signals share, and the line when the collector is back.
At the default address nobody may listen on purpose: that is said once, and then no more until
something has answered there. Headers and bodies never get here.
"""

from __future__ import annotations

import logging
import threading
import time

from otel_kit.telemetry.accounts import Accounts, SignalName

__all__ = ["Outages"]

LOG_EVERY_SECONDS = 60.0

_logger = logging.getLogger("otel_kit")


class Outages:
    """
    The state of the way out, for all signals together.
    """

    def __init__(self) -> None:
        self._watched: list[tuple[Accounts, str | None]] = []
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._failing: dict[SignalName, str] = {}
        self._answered: set[str] = set()
        self._logged_at = -LOG_EVERY_SECONDS
        self._said_silent: set[str] = set()
        self._said_failing = False
        self._said_left = 0

    def watch(self, accounts: Accounts, unnamed_host: str | None = None) -> None:
        """
        Take `accounts` into the number of dropped items that a line reports.

        Args:
            unnamed_host: Where these items go when nobody has named an endpoint.
        """
        self._watched.append((accounts, unnamed_host))

    def failing(self) -> dict[SignalName, str]:
        """
        Signals whose last delivery failed, and why.
        """
        with self._lock:
            return dict(self._failing)

    def is_silent(self, host: str) -> bool:
        """
        Whether nothing has ever answered there.
        """
        return host not in self._answered

    def answered(self, host: str) -> None:
        """
        Note that something answered at `host`, whatever it said.
        """
        if host not in self._answered:
            self._answered.add(host)

    def delivered(self, signal: SignalName, host: str) -> None:
        """
        Note a delivery; says so in the log when the last line was about a failure.
        """
        if signal not in self._failing:
            return
        with self._lock:
            self._failing.pop(signal, None)
            say = self._said_failing and not self._failing
            if say:
                self._said_failing = False
        if say:
            _logger.info("otel_kit.export_recovered", extra={"endpoint": host, "items_dropped": self._dropped()})

    def failed(self, signal: SignalName, host: str, kind: str, expected: bool) -> None:
        """
        Note a failed attempt, and log it unless a line was written in the last minute.

        Args:
            kind: What went wrong, from a closed set: "connection refused", "HTTP 503" …
            expected: True when nobody named this endpoint, so that silence there is no fault.
        """
        if expected and self.is_silent(host):
            self._say_silent_once(host)
            return
        now = time.monotonic()
        with self._lock:
            self._failing[signal] = kind
            if now - self._logged_at < LOG_EVERY_SECONDS:
                return
            self._logged_at = now
            self._said_failing = True
            failing = dict(self._failing)
        _logger.warning(
            "otel_kit.export_failing",
            extra={
                "endpoint": host,
                "error.type": kind,
                "signals": ", ".join(sorted(failing)),
                "items_dropped": self._dropped(),
            },
        )

    def say_what_is_left(self, all_resolved: bool) -> bool:
        """
        Log how much of each signal has not been delivered, at an end; returns whether there was a line to write.

        There is none where no line's numbers have grown since the last one. An unnamed endpoint where nothing ever
        answered is no loss that anybody would want to read of.

        Args:
            all_resolved: Whether the queues have emptied. What was refused may be a loss even so; what has come in
                since is none.
        """
        # a first attempt that still hangs is no failure yet, so it is the queues that say what is left
        if all_resolved and not self._failing:
            return False
        left = self._left()
        if _total(left) <= self._said_left:
            return False
        _logger.warning("otel_kit.undelivered", extra={"items": left})
        # the line itself is one more record that waits
        self._said_left = _total(self._left())
        return True

    def _left(self) -> dict[SignalName, dict[str, int]]:
        left: dict[SignalName, dict[str, int]] = {}
        for accounts, unnamed_host in self._watched:
            if unnamed_host is not None and self.is_silent(unnamed_host):
                continue
            view = accounts.view()
            lost = {"queued": view["queued"], "dropped": view["dropped"]}
            # of two exporters of one signal the worse one: its items are the same
            left[accounts.signal] = max(left.get(accounts.signal, lost), lost, key=lambda one: sum(one.values()))
        return left

    def _say_silent_once(self, host: str) -> None:
        with self._lock:
            first = not self._said_silent
            self._said_silent.add(host)
        if first:
            _logger.info(
                "otel_kit.no_collector",
                extra={"endpoint": host, "detail": f"nothing listens at {host}; the kit keeps trying, seldom"},
            )

    def _dropped(self) -> int:
        return sum(accounts.dropped_count() for accounts, _ in self._watched)

    def reset_after_fork(self) -> None:
        """
        Forget what the parent process has seen.
        """
        self._begin()


def _total(left: dict[SignalName, dict[str, int]]) -> int:
    return sum(sum(lost.values()) for lost in left.values())
