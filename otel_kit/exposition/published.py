"""
Instruments of other libraries in a server of several workers.

OpenTelemetry's SDK knows one process. Where workers share the ledger, each publishes what its
own instruments hold into the ledger's foreign families about once a second, and whichever worker
answers shows the totals of all. A process alone reads its instruments directly.

Publishing runs foreign callbacks, which may block: it has threads of its own and never runs in
the ledger's. A worker that is killed loses what its instruments counted since the last time.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import Protocol

from otel_kit.catalogue import Declaration, DeclarationError, Kind
from otel_kit.exposition.families import Family, LeftOut
from otel_kit.exposition.samples import encodable
from otel_kit.faults import fault
from otel_kit.ledger import Ledger, Series

__all__ = ["PublishedInstruments"]

PUBLISH_EVERY_SECONDS = 1.0
WAIT_SECONDS = 2.0
PER_PROCESS = ("service_instance_id", "process_")


class Reader(Protocol):
    """
    What reads the instruments of this process.
    """

    def families(self) -> list[Family]:
        """
        Everything they hold, `target_info` included.
        """


class PublishedInstruments:
    """
    The instruments of all workers, for a page.

    `on_refresh` is to be registered with the ledger.
    """

    def __init__(self, reader: Reader, ledger: Ledger) -> None:
        self._reader = reader
        self._ledger = ledger
        self._left_out = LeftOut()
        self._publishing = threading.Lock()
        self._published_at: float | None = None

    def families(self) -> list[Family]:
        """
        What the page has to show beside the ledger: all of it where this process is alone, else the
        resource, after having brought the ledger up to date. May block.
        """
        # once published they stay in the ledger, so they must not be shown a second time
        if self._published_at is None and not self._is_shared():
            return self._reader.families()
        return self.publish()

    def on_refresh(self) -> None:
        """
        Publish in a thread apart if it is time; to be called whenever the ledger is refreshed.
        """
        due = self._published_at is None or monotonic() - self._published_at >= PUBLISH_EVERY_SECONDS
        if due and self._is_shared() and not self._publishing.locked():
            threading.Thread(target=self.publish, name="otel_kit-publish", daemon=True).start()

    def publish(self) -> list[Family]:
        """
        Make the ledger hold what the instruments hold now; what is left is the resource, returned.
        """
        # two at once could write older numbers over newer ones
        if not self._publishing.acquire(timeout=WAIT_SECONDS):
            fault("exposition", "instruments of other libraries are still being published")
            return []
        try:
            self._published_at = monotonic()
            families = self._reader.families()
            for family in families:
                if family.kind != "info":
                    self._publish(family, family.kind)
            return [_common(family) for family in families if family.kind == "info"]
        except Exception as error:  # a thread of its own has nobody else to tell
            fault("exposition", error)
            return []
        finally:
            self._publishing.release()

    def _is_shared(self) -> bool:
        return self._ledger.state == "shared"

    def _publish(self, family: Family, kind: Kind) -> None:
        declarations: dict[tuple[str, ...], Declaration] = {}
        for series in family.series:
            names = tuple(name for name, _ in series.labels)
            try:
                declaration = declarations.get(names)
                if declaration is None:
                    declaration = declarations[names] = _declaration(family, kind, names)
            except DeclarationError:
                self._left_out.add(family.name, "a series has a name, label or bound that can't be shared")
                continue
            values = [value for _, value in series.labels]
            if not self._ledger.foreign(declaration, values, series.values):
                self._left_out.add(family.name, "the ledger has no room for it, or shows its name already")


def _declaration(family: Family, kind: Kind, labels: tuple[str, ...]) -> Declaration:
    # the kind of thing that is no sum (a temperature, a share) has no total over workers
    merge = "max" if kind == "gauge" and not family.additive else "sum"
    text = encodable(family.help)
    return Declaration(kind, family.name, text, labels, family.buckets, family.unit, merge)  # type: ignore[arg-type]


def _common(target: Family) -> Family:
    """
    The resource without what differs from worker to worker: one target has one `target_info`.
    """
    labels = tuple(pair for pair in target.series[0].labels if not pair[0].startswith(PER_PROCESS))
    return Family(target.kind, target.name, target.help, [Series(labels, (1.0,))])
