"""
Health as metrics: of several applications in one process the worst is shown.

Owns what each application has said, and which series is written for all of them together. A series that no
application stands for any more is taken away. How several workers become one number is the gauge's own affair.
"""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakSet

from otel_kit.health_layout import HealthRoute, HealthRoutes
from otel_kit.ledger import Gauge, ledger

__all__ = ["CheckGauge", "StatusGauge"]


class CheckGauge:
    """
    The part of one application in the metric of every check: 1 while it is healthy wherever it is declared.

    Args:
        gauge: Its one label is the check's name; None where the profile has no such metric.
    """

    def __init__(self, gauge: Gauge | None) -> None:
        self.gauge = gauge
        self._healthy: dict[str, bool] = {}

    def show(self, name: str, healthy: bool) -> None:
        """
        The check has answered.
        """
        if self.gauge is None:
            return
        with ledger.registry.lock:
            self._healthy[name] = healthy
            _checks.add(self)
            self._write(self.gauge, name)

    def leave(self) -> None:
        """
        Stand for no check any more, until one answers.
        """
        if self.gauge is None:
            return
        with ledger.registry.lock:
            names, self._healthy = self._healthy, {}
            _checks.discard(self)
            for name in names:
                self._write(self.gauge, name)

    @staticmethod
    def _write(gauge: Gauge, name: str) -> None:
        said = [one._healthy[name] for one in _checks if one.gauge is gauge and name in one._healthy]
        if said:
            gauge.labels(name).set(float(all(said)))
        else:
            gauge.remove(name)


class StatusGauge:
    """
    The part of one application in the metric of the whole service: 1 for one word, 0 for the others.

    Of two words that one is worse which has the higher status on its route, or stands further behind there.

    Args:
        gauge: Its one label is the word; None where the profile has no such metric.
        degraded_status: HTTP status where the profile leaves it to the setting.
    """

    def __init__(self, gauge: Gauge | None, routes: HealthRoutes, degraded_status: int) -> None:
        every = next((route for route in routes.routes if route.kind == "all"), None)
        self.gauge = gauge
        self.route: HealthRoute | None = None if gauge is None else every
        """Whose words are shown; None where none are."""
        self._word: str | None = None
        statuses = {} if every is None else every.statuses
        self._badness = {
            word: (degraded_status if status == "by setting" else status, place)
            for place, (word, status) in enumerate(statuses.items())
        }

    def show(self, word: str) -> None:
        """
        The word of the route, as it is now.
        """
        if self.gauge is None:
            return
        with ledger.registry.lock:
            self._word = word
            _statuses.add(self)
            self._write(self.gauge, self._badness)

    def leave(self) -> None:
        """
        Say nothing any more, until there is a word again.
        """
        if self.gauge is None:
            return
        with ledger.registry.lock:
            said, self._word = self._word, None
            _statuses.discard(self)
            if said is not None:
                self._write(self.gauge, self._badness)

    @staticmethod
    def _write(gauge: Gauge, words: Iterable[str]) -> None:
        others = [one for one in _statuses if one.gauge is gauge]
        known = dict.fromkeys([*words, *(word for one in others for word in one._badness)])
        if not others:
            for word in known:
                gauge.remove(word)
            return
        worst = max(others, key=StatusGauge._badness_now)._word
        # the old word goes before the new one comes: no reader finds two
        for word in sorted(known, key=lambda word: word == worst):
            gauge.labels(word).set(float(word == worst))

    def _badness_now(self) -> tuple[int, int]:
        return self._badness.get(self._word or "", (0, 0))


_checks: WeakSet[CheckGauge] = WeakSet()
_statuses: WeakSet[StatusGauge] = WeakSet()
