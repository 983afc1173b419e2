"""
Gauges derived at scrape: what share one metric has of another, over the last minutes.

Owns when totals are sampled and what a share is made of. The value is worked out anew for whoever reads: on
`/metrics` a share of the totals of all workers, over OTLP that of this process alone. Nothing is done per request.

Knows no profile: which gauge is derived from what is declared as a `Share`.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from otel_kit.catalogue import DeclarationError
from otel_kit.errors import ProfileError
from otel_kit.ledger import Counter, Gauge, Histogram, Ledger, Summary
from otel_kit.ledger.history import History, SharedHistory, increases
from otel_kit.ledger.look import Look
from otel_kit.shape import check_instance, check_number, name_of

__all__ = ["Derived", "Share"]

SAMPLES_PER_WINDOW = 60
SHORTEST_STEP_SECONDS = 0.25

_GROWING = (Counter, Histogram, Summary)


@dataclass(frozen=True)
class Share:
    """
    `gauge` is `scale` times the increase of `part`, over the increase of `whole`; 0 where that has not grown.

    All series of a metric count together; a histogram or summary counts its observations. A window reaches back to
    the last sample before it: it is longer by up to a sixtieth and a second. While none is so old, it begins with
    the first.

    Raises:
        ProfileError: A gauge with labels, a part or whole that may fall, or a window or scale that is no positive
            number.
    """

    gauge: Gauge
    """Has no labels; nobody else sets it."""
    part: Counter | Histogram | Summary
    """What is counted of the whole, such as requests that failed."""
    whole: Counter | Histogram | Summary
    """What it is a part of, such as all requests."""
    window_seconds: float = 300.0
    """How far back the increase reaches."""
    scale: float = 100.0
    """100 for percent, 1 for a ratio."""

    def __post_init__(self) -> None:
        place = f"derived gauge {name_of(self.gauge)}"
        check_instance(place, "gauge", self.gauge, Gauge, "give an otel_kit.Gauge without labels")
        if self.gauge.labelnames:
            raise ProfileError(place, f"it has the label {self.gauge.labelnames[0]}", "declare it without labels")
        for name, metric in (("part", self.part), ("whole", self.whole)):
            check_instance(place, name, metric, _GROWING, "give a Counter, Histogram or Summary: a gauge may fall")
        for name, value in (("window_seconds", self.window_seconds), ("scale", self.scale)):
            check_number(place, name, value, above=0.0)


class Derived:
    """
    Keeps the gauges of these shares up to date, from now on until `leave`.

    Several applications of one process may have the same shares: they are worked out once.

    Raises:
        DeclarationError: A gauge is derived already, and in another way.
    """

    def __init__(self, shares: Iterable[Share], ledger: Ledger) -> None:
        self._running: list[RunningShare] = []
        try:
            for share in shares:
                self._running.append(_join(share, ledger))
        except DeclarationError:
            self.leave()
            raise

    def leave(self) -> None:
        """
        Derive these gauges no more; no change the second time.
        """
        running, self._running = self._running, []
        for one in running:
            one.leave()


def _join(share: Share, ledger: Ledger) -> RunningShare:
    known = share.gauge.derived
    if known is None:
        return RunningShare(share, ledger)
    if not isinstance(known, RunningShare) or known.share != share:
        raise DeclarationError(f"gauge {share.gauge.name!r} is derived already, and in another way")
    known.users += 1
    return known


class RunningShare:
    """
    One share, and the samples it needs.
    """

    def __init__(self, share: Share, ledger: Ledger) -> None:
        self.share = share
        self.users = 1
        self._ledger = ledger
        step = max(share.window_seconds / SAMPLES_PER_WINDOW, SHORTEST_STEP_SECONDS)
        self._times = share.window_seconds, step
        self._begin(self._counts(ledger.look(own=True)))
        share.gauge.derived = self
        ledger.on_beat(self.sample)

    def leave(self) -> None:
        """
        One user less; with the last one the gauge is an ordinary one again.
        """
        self.users -= 1
        if not self.users:
            self._ledger.off_beat(self.sample)
            self.share.gauge.derived = None

    def _begin(self, counts: tuple[float, float]) -> None:
        self._since = self._ledger.start_time
        self._sampling = threading.Lock()
        self._own = History(*self._times)
        self._shared: SharedHistory | None = None
        self._due = 0.0
        self._own.update(monotonic(), lambda: counts)

    def sample(self) -> None:
        """
        Sample if it is time; to be called often.
        """
        if self._since != self._ledger.start_time:
            # a forked child, which counts from zero
            self._begin((0.0, 0.0))
        now, directory = monotonic(), self._ledger.directory
        if now < self._due and directory == self._directory():
            return
        with self._sampling:
            self._due = (now // self._times[1] + 1) * self._times[1]
            self._own.update(now, lambda: self._counts(self._ledger.look(own=True)))
            if directory != self._directory():
                self._shared = None if directory is None else SharedHistory(self._path(directory), *self._times)
            if self._shared is not None:
                self._shared.update(now, lambda: self._counts(self._ledger.look()))

    def __call__(self, look: Look) -> float:
        """
        The share at this moment.
        """
        self.sample()
        history: History | None = None if look.own else self._shared
        if history is None:
            history, look = self._own, self._ledger.look(own=True)
        begin = monotonic() - self.share.window_seconds
        part, whole = increases(history.since(begin), self._counts(look))
        return self.share.scale * part / whole if whole else 0.0

    def _counts(self, look: Look) -> tuple[float, float]:
        return look.count(self.share.part), look.count(self.share.whole)

    def _directory(self) -> str | None:
        return None if self._shared is None else os.path.dirname(self._shared.path)

    def _path(self, directory: str) -> str:
        share = self.share
        # other code, as after a reload, must not take these samples for its own
        metrics = [one.declaration.schema for one in (share.gauge, share.part, share.whole)]
        digest = hashlib.sha256(repr((metrics, *self._times)).encode()).hexdigest()
        return os.path.join(directory, f"{digest[:16]}.h")
