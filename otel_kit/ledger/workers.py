"""
Whether this process shares its numbers, and since when.

Owns the life of sharing: begun when the process serves, kept by the pulse, left behind in a
forked child. Knows nothing of how numbers are laid out. What needs a POSIX system is imported
only when there is somebody to share with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from otel_kit.catalogue import Declaration
from otel_kit.faults import fault
from otel_kit.ledger.cells import Child, renew_lock
from otel_kit.ledger.group import find_group
from otel_kit.ledger.metrics import Gauge
from otel_kit.ledger.pulse import LONE_BEAT_SECONDS, Pulse
from otel_kit.ledger.registry import Registry

if TYPE_CHECKING:
    from otel_kit.ledger.sharing import Sharing

__all__ = ["State", "Workers"]

State = Literal["idle", "alone", "shared", "unshared"]
"""`idle` before `attach`; `unshared` is a worker that found no place for its seat."""

CHECKS_PER_RETRY = 40

SHARED = Declaration(
    "gauge",
    "otel_kit_ledger_shared",
    "1 if the numbers of this page cover all workers of the server, 0 if only the one that answers.",
    merge="min",
)


class Workers:
    """
    This process among the workers of its server.

    Args:
        refresh: Called four times a second while numbers are shared.
        beat: Called as often then, and in a process alone once a second while that is wanted.
    """

    def __init__(self, registry: Registry, refresh: Callable[[], None], beat: Callable[[], None]) -> None:
        self.state: State = "idle"
        self.sharing: Sharing | None = None
        self._registry, self._refresh, self._beat = registry, refresh, beat
        self._pulse: Pulse | None = None
        self._beats_alone = False
        self._place: tuple[str, str | None] = ("", None)
        self._checks = 0

    def attach(self, service: str, group: str | None, directory: str | None) -> None:
        """
        Find out who serves with this process, and share its numbers with them. Never raises.
        """
        with self._registry.lock:
            if self.state != "idle":
                return
            found = group if group is not None else find_group(service)
            if found is None:
                self.state = "alone"
                self._pulse_alone()
                return
            self._place = (found, directory)
            self.state = "unshared"
            self._open(quiet=False)
            self._pulse = Pulse(self._refresh, self.check, self._beat)

    def keep_beating(self, wanted: bool) -> None:
        """
        Whether a process that serves alone needs a pulse as well.
        """
        idle = None
        with self._registry.lock:
            self._beats_alone = wanted
            if self.state == "alone":
                if wanted:
                    self._pulse_alone()
                else:
                    idle, self._pulse = self._pulse, None
        # without the lock, which a beat may be waiting for
        if idle is not None:
            idle.stop()

    def _pulse_alone(self) -> None:
        if self._beats_alone and self._pulse is None:
            self._pulse = Pulse(self._beat, seconds=LONE_BEAT_SECONDS)

    def close(self) -> None:
        """
        Leave the seat. The process may go on counting, and may attach again.

        Optional: the kernel does the same for a process that ends.
        """
        pulse, self._pulse = self._pulse, None
        if pulse is not None:
            pulse.stop()
        with self._registry.lock:
            sharing, self.sharing = self.sharing, None
            self._registry.store = None
            self.state = "idle"
            self._tell()
            if sharing is not None:
                for _, _, child in self._children():
                    child.leave()
                sharing.close()

    def begin_in_child(self) -> None:
        """
        A forked child counts for itself and from zero: the seat is its parent's.

        What was set before anybody served, as in a gunicorn master that preloads the app, was
        set for the workers: such gauges are kept.
        """
        keep_gauges = self.state == "idle"
        renew_lock()
        self._registry.renew_lock()
        self._registry.store = None
        self._pulse = None
        self.state = "idle"
        self._tell()
        for family in self._registry.all_families():
            for child in list(family.series.values()):
                child.forget(keep_gauges)
        sharing, self.sharing = self.sharing, None
        if sharing is not None:
            # the parent's lock must not outlive the parent because a child has it open
            sharing.close()

    def check(self) -> None:
        """
        At each beat: keep seat and siblings right, or look for a place again. Never raises.
        """
        try:
            with self._registry.lock:
                if self.sharing is not None:
                    self.sharing.check(self._children)
                    self._tell()
                elif self.state == "unshared":
                    self._retry()
        except Exception as error:  # the thread must live on, whatever the disk has come up with
            fault("ledger", error)

    def _retry(self) -> None:
        self._checks += 1
        if self._checks % CHECKS_PER_RETRY == 0:
            self._open(quiet=True)

    def _open(self, quiet: bool) -> None:
        try:
            from otel_kit.ledger.sharing import open_sharing

            self.sharing = open_sharing(*self._place)
        except (OSError, ImportError) as error:
            if not quiet:
                fault("ledger", error)
        else:
            self.state = "shared"
            self._registry.store = self.sharing
            for declaration, key, child in self._children():
                self.sharing.place(declaration, key, child)
        self._tell()

    def _tell(self) -> None:
        family = self._registry.intern(Gauge, SHARED, None, local=True)
        if self.state in ("shared", "unshared"):
            family.set(1.0 if self.sharing is not None and not self.sharing.homeless else 0.0)
            self._registry.register(family)
        else:
            self._registry.unregister(family)

    def _children(self) -> Iterator[tuple[Declaration, tuple[str, ...], Child]]:
        family: Any
        for family in self._registry.families():
            if not family.local:
                for key, child in family.series.items():
                    yield family.declaration, key, child
