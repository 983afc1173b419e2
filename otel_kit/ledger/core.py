"""
The ledger: one process's metrics, and the totals over all workers of its server.

Owns the order of a snapshot: refresh, read, add up. Whether and how numbers are shared is the
business of `workers` and `sharing`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from otel_kit.catalogue import Declaration
from otel_kit.faults import after_fork, counts, fault
from otel_kit.ledger.family import OVERFLOW_KEY, Family
from otel_kit.ledger.look import Look
from otel_kit.ledger.metrics import KINDS, REGISTRY, Counter, Gauge
from otel_kit.ledger.registry import Registry
from otel_kit.ledger.snapshot import FamilySnapshot
from otel_kit.ledger.workers import State, Workers

__all__ = ["Ledger"]

REFRESH_WAIT_SECONDS = 0.1

REFUSED = Declaration(
    "counter", "otel_kit_series_refused_total", "Label sets that found no room, by metric.", ("metric",)
)
ERRORS = Declaration(
    "counter", "otel_kit_internal_errors_total", "Faults of the kit itself, by component.", ("component",)
)


class Ledger:
    """
    The metrics of a registry, ready to be read.
    """

    def __init__(self, registry: Registry = REGISTRY) -> None:
        self.registry = registry
        self.start_time = time.time()
        """Epoch seconds since when `snapshot(own=True)` counts."""
        self._workers = Workers(registry, self.refresh, self._beat)
        self._hooks: list[Callable[[], object]] = []
        self._beats: list[Callable[[], object]] = []
        self._refreshing = threading.RLock()
        self._depth = 0
        registry.refused = registry.intern(Counter, REFUSED, None, local=False)
        self._errors = registry.intern(Counter, ERRORS, None, local=False)
        for family in (registry.refused, self._errors):
            family.is_own = True
            registry.register(family)

    @property
    def clean_label(self) -> Callable[[str, str], str]:
        """
        What each label goes through, by name and value, once, when its series is made.

        Series that there are already are made anew, since modules count before anything is set up.
        """
        return self.registry.clean_label

    @clean_label.setter
    def clean_label(self, clean: Callable[[str, str], str]) -> None:
        self.registry.clean_label = clean
        self.registry.clean_early_series()

    @property
    def clean_help(self) -> Callable[[str], str]:
        """
        What each help text goes through, once; those of metrics that are declared already, too.
        """
        return self.registry.clean_help

    @clean_help.setter
    def clean_help(self, clean: Callable[[str], str]) -> None:
        self.registry.clean_help = clean
        self.registry.clean_early_help()

    @property
    def directory(self) -> str | None:
        """
        What the workers of this server have in common on disk; None while this process counts for itself.
        """
        sharing = self._workers.sharing
        return None if sharing is None else sharing.directory

    @property
    def state(self) -> State:
        """
        Whether this process is alone, and if not, whether its numbers are shared.
        """
        return self._workers.state

    def declare(self, declaration: Declaration, max_series: int | None = None) -> Family[Any]:
        """
        The listed metric of this declaration.

        Raises:
            DeclarationError: Its name, or one derived from it, belongs to another metric.
        """
        family = self.registry.intern(KINDS[declaration.kind], declaration, max_series, local=False)
        self.registry.register(family)
        return family

    def register(self, *families: Family[Any]) -> None:
        """
        List metrics that were made with `registry=None`, all of them or none; no change for one that is listed.

        Raises:
            DeclarationError: The name of one, or a name derived from it, belongs to another metric.
        """
        self.registry.register(*families)

    def unregister(self, family: Family[Any]) -> None:
        """
        Take a metric off the list, and free its name.
        """
        self.registry.unregister(family)

    def on_refresh(self, hook: Callable[[], object]) -> None:
        """
        Call the hook before each snapshot, and each quarter of a second while numbers are shared.

        It sets gauges from live state. It must be quick and safe in any thread.
        """
        self._hooks = [*self._hooks, hook]

    def off_refresh(self, hook: Callable[[], object]) -> None:
        """
        Call the hook no more; no error if it was never there.
        """
        self._hooks = [known for known in self._hooks if known != hook]

    def on_beat(self, hook: Callable[[], object]) -> None:
        """
        Call the hook when this process begins to serve, and from then on at least once a second, whoever asks or not.

        For what must look again and again. It must be quick, safe in any thread, and may come when nothing is due.
        """
        self._beats = [*self._beats, hook]
        self._workers.keep_beating(True)

    def off_beat(self, hook: Callable[[], object]) -> None:
        """
        Call the hook no more; no error if it was never there.
        """
        self._beats = [known for known in self._beats if known != hook]
        self._workers.keep_beating(bool(self._beats))

    def _beat(self) -> None:
        for hook in self._beats:
            try:
                hook()
            except Exception as error:  # one that fails must not stop the others, nor the thread
                fault("ledger", error)

    def refresh(self) -> None:
        """
        Bring gauges up to date. Two at once would repeat the work: the later one waits shortly.
        """
        if not self._refreshing.acquire(timeout=REFRESH_WAIT_SECONDS):
            return
        try:
            if self._depth:  # a hook that takes a snapshot itself
                return
            self._depth = 1
            self._run_hooks()
        finally:
            self._depth = 0
            self._refreshing.release()

    def _run_hooks(self) -> None:
        for hook in self._hooks:
            try:
                hook()
            except Exception as error:  # a hook is anybody's: one that fails must not stop the others
                fault("ledger", error)
        for family in self.registry.families():
            if isinstance(family, Gauge):
                for child in list(family.series.values()):
                    child.refresh()
        for component, count in counts().items():
            self._errors.labels(component).publish((float(count),))

    def snapshot(self, own: bool = False) -> list[FamilySnapshot]:
        """
        All metrics as they are now.

        Args:
            own: False gives totals over all workers of this server, dead ones included, and the
                metrics of other libraries. True gives what this process alone counted since
                `start_time`, without those: they have their own way out over OTLP.
        """
        return list(self.read(own))

    def read(self, own: bool = False) -> Iterator[FamilySnapshot]:
        """
        As `snapshot`, one metric at a time, so that an event loop may do other things in between.
        """
        self.refresh()
        with self.registry.lock:
            families = list(self.registry.listed.values()) if own else self.registry.families()
            look = self.look(own)
        yield from look.families(families)

    def look(self, own: bool = False) -> Look:
        """
        What is counted at this moment, for metrics to be asked one by one. Gauges are not brought up to date.
        """
        sharing = self._workers.sharing
        if own or sharing is None:
            return Look(own, None)
        with self.registry.lock:
            return Look(own, sharing.merge(self._declared, self.registry.version))

    def _declared(self, name: str) -> Declaration | None:
        family = self.registry.listed.get(name)
        return None if family is None else family.declaration

    def foreign(self, declaration: Declaration, labels: Sequence[str], values: Sequence[float]) -> bool:
        """
        Publish another library's cumulative numbers of this process, so that any worker's scrape has them.

        Args:
            labels: Values, one for each label of the declaration.
            values: As in `Series.values`, since this process began.

        Returns:
            False if they were not taken: the name belongs to another metric, or its cap is reached.
        """
        family = self.registry.foreign_family(KINDS[declaration.kind], declaration)
        if family is None:
            return False
        child = family.labels(*labels)
        if labels and child is family.series.get(OVERFLOW_KEY):
            return False
        with self.registry.lock:
            child.publish(values)
        return True

    def attach(self, service: str = "", *, group: str | None = None, directory: str | None = None) -> None:
        """
        Called when this process begins to serve: share the numbers if it is a worker among others.

        Never raises, and does nothing the second time.

        Args:
            service: Name that keeps apart services under one supervisor.
            group: Be a worker of this group, whoever the parent is; for tests.
            directory: Keep the files below this one; for tests.
        """
        self._workers.attach(service, group, directory)
        self._beat()

    def close(self) -> None:
        """
        Leave the seat, in good order. Counting goes on in memory; the totals stay with the server.
        """
        self._workers.close()

    def begin_in_child(self) -> None:
        """
        Called in a forked child, which counts from zero and for itself.
        """
        self.start_time = time.time()
        self._refreshing, self._depth = threading.RLock(), 0
        after_fork()
        self._workers.begin_in_child()

    def reset(self) -> None:
        """
        All values of this process back to zero; for tests.
        """
        with self.registry.lock:
            for family in self.registry.all_families():
                for child in family.series.values():
                    child.zero()
