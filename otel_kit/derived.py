"""
Gauges derived at scrape: what share one metric has of another, over the last minutes.

Owns when totals are sampled and what a share is made of. The value is worked out anew for whoever reads: on
`/metrics` a share of the totals of all workers, over OTLP that of this process alone. Nothing is done per request.

Knows no profile: which gauge is derived from what is declared as a `Share`.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from otel_kit.catalogue import DeclarationError
from otel_kit.ledger import Counter, Gauge, Histogram, Ledger, Summary
from otel_kit.ledger.history import History, SharedHistory, increases
from otel_kit.ledger.look import Look

__all__ = ["Derived", "Share"]

SAMPLES_PER_WINDOW = 60
SHORTEST_STEP_SECONDS = 0.25


@dataclass(frozen=True)
class Share:
    """
    `gauge` is `scale` times the increase of `part`, over the increase of `whole`; 0 where that has not grown.

    All series of a metric count together; a histogram or summary counts its observations. A window reaches back to
    the last sample before it: it is longer by up to a sixtieth and a second. While none is so old, it begins with
    the first.

    Raises:
        DeclarationError: A gauge with labels, a part or whole that may fall, or a window or scale that is no
            positive number.
    """

    gauge: Gauge
    part: Counter | Histogram | Summary
    whole: Counter | Histogram | Summary
    window_seconds: float = 300.0
    scale: float = 100.0

    def __post_init__(self) -> None:
        name = self.gauge.name
        if self.gauge.declaration.kind != "gauge" or self.gauge.labelnames:
            raise DeclarationError(f"metric {name!r} can't be derived: it must be a gauge without labels")
        for metric in (self.part, self.whole):
            if metric.declaration.kind == "gauge":
                raise DeclarationError(f"gauge {name!r} can't be derived from gauge {metric.name!r}, which may fall")
        if not (0.0 < self.window_seconds < math.inf and 0.0 < self.scale < math.inf):
            raise DeclarationError(f"gauge {name!r} is derived over a window, and by a scale, above 0")


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
