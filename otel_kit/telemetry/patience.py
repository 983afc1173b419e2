"""
When the next attempt is due: delay for company, backoff, Retry-After, and the hurry at the end.

Owns the times of one worker, all in monotonic seconds, so that a step of the wall clock
stretches nothing. Not locked: the worker calls it under the lock of the accounts where it matters.
"""

from __future__ import annotations

import random
import time

__all__ = ["Patience"]

# of its own: an application that seeds the module's generator gets its numbers undisturbed
_jitter = random.SystemRandom()

FIRST_BACKOFF_SECONDS = 0.5
LAST_BACKOFF_SECONDS = 10.0
SILENT_BACKOFF_SECONDS = 30.0
HURRIED_BACKOFF_SECONDS = 0.1
LONGEST_RETRY_AFTER_SECONDS = 60.0
SHORTEST_ATTEMPT_SECONDS = 0.05


class Patience:
    """
    Starts as if an item had just come.

    Args:
        delay_seconds: How long an item waits for company.
    """

    def __init__(self, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds
        self._failures = 0
        self._not_before = 0.0
        self._asked_until = 0.0
        self._hurry_until = 0.0
        self._asker: object = None
        self.due_at = 0.0
        self.begin_delay()

    def begin_delay(self) -> None:
        """
        What waits from now on may wait for company.
        """
        self.due_at = time.monotonic() + self._delay_seconds

    def hurry(self, deadline: float, asker: object = None) -> None:
        """
        Wait for nothing until `deadline`, but for what the collector asked for with Retry-After.

        Args:
            asker: Who may end this hurry before its time. Of two with one deadline it is the later one.
        """
        if deadline >= self._hurry_until:
            self._hurry_until, self._asker = deadline, asker
        self._not_before = self._asked_until

    def calm_down(self, asker: object = None) -> None:
        """
        End the hurry that `asker` asked for, while a longer or later one goes on; None ends any.
        """
        if asker is None or self._asker is asker:
            self._hurry_until = 0.0

    def is_hurried(self) -> bool:
        """
        Whether somebody waits for the queue to empty.
        """
        return time.monotonic() < self._hurry_until

    def is_futile(self) -> bool:
        """
        Whether the next attempt comes only after whoever waits has gone.
        """
        return self.is_hurried() and self._not_before >= self._hurry_until

    def before_attempt(self) -> float:
        """
        Seconds until the batch at hand may be sent.
        """
        return self._not_before - time.monotonic()

    def limit(self, timeout_seconds: float) -> float:
        """
        The time an attempt may take: the usual one, or what is left when somebody waits.
        """
        left = self._hurry_until - time.monotonic()
        return timeout_seconds if left <= 0.0 else max(min(timeout_seconds, left), SHORTEST_ATTEMPT_SECONDS)

    def succeed(self) -> None:
        """
        An attempt had a result: the next batch starts afresh.
        """
        self._failures = 0
        self._not_before = self._asked_until = 0.0
        self.begin_delay()

    def fail(self, retry_after_seconds: float | None, silent: bool) -> None:
        """
        An attempt has to be made again.

        Args:
            silent: True at a default endpoint where nothing has ever answered: that is tried seldom.
        """
        now = time.monotonic()
        if retry_after_seconds is not None:
            self._asked_until = now + min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS)
        self._not_before = max(now + self._backoff(silent), self._asked_until)
        self._failures += 1

    def _backoff(self, silent: bool) -> float:
        if self.is_hurried():
            return HURRIED_BACKOFF_SECONDS
        longest = SILENT_BACKOFF_SECONDS if silent else LAST_BACKOFF_SECONDS
        # spread, so that a fleet does not come back in step
        return min(FIRST_BACKOFF_SECONDS * 2.0 ** min(self._failures, 10), longest) * _jitter.uniform(0.8, 1.2)
