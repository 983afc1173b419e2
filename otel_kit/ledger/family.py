"""
A metric and its series: how label values become cells, and where the cap is.

Owns the lookup by label values. Knows nothing of workers: where cells are put is decided by
what the registry has in its `place`.

`children` is looked up by the values as they came, `series` by the cleaned ones. Both are
bounded: a caller that sends ever new values gets the overflow series, and is not remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from otel_kit.catalogue import OVERFLOW_LABEL, Declaration
from otel_kit.ledger.cells import Child
from otel_kit.ledger.children import CounterChild, GaugeChild, HistogramChild, SummaryChild
from otel_kit.ledger.extremes import ExtremesChild

if TYPE_CHECKING:
    from otel_kit.ledger.look import Look
    from otel_kit.ledger.registry import Registry

__all__ = ["MAX_SERIES", "OVERFLOW_KEY", "Family", "label_pairs", "make_child"]

MAX_SERIES = 2000
"""As the OpenTelemetry SDK's."""

OVERFLOW_KEY: tuple[str, ...] = ()
"""Key of the overflow series: no metric with labels has an empty key otherwise."""

ChildT = TypeVar("ChildT", bound=Child)


class Family(Generic[ChildT]):
    """
    One declared metric.

    `local` means that the numbers are this process's own affair: no other worker's are added.
    `is_own` means that the ledger itself fills it, with names that need no policy, even where it fails.
    `derived` is asked for the one value of a gauge that follows from other metrics; its cells are not read then.
    """

    def fill(self, declaration: Declaration, registry: Registry, max_series: int | None, local: bool) -> None:
        """
        What a constructor would do: constructing a metric gives an old object where there is one.
        """
        self.declaration = registry.cleanly_described(declaration)
        self.name = declaration.name
        self.documentation = declaration.help
        self.labelnames = declaration.labels
        self.max_series = MAX_SERIES if max_series is None else max_series
        self.local = local
        self.is_own = False
        self.derived: Callable[[Look], float] | None = None
        self.children: dict[tuple[str, ...], ChildT] = {}
        self.series: dict[tuple[str, ...], ChildT] = {}
        self._registry = registry
        if not self.labelnames:
            self.labels()

    def labels(self, *values: object, **names: object) -> ChildT:
        """
        The series with these label values, made when it is new.

        Beyond `max_series` it is the overflow series, and the refusal is counted.

        Raises:
            ValueError: Values are missing, left over or given both ways.
        """
        if names:
            values = self._in_order(values, names)
        raw = tuple([value if value.__class__ is str else _text(value) for value in values])
        child = self.children.get(raw)
        return child if child is not None else self._find(raw)

    def _in_order(self, values: tuple[object, ...], names: dict[str, object]) -> tuple[object, ...]:
        if values or names.keys() != set(self.labelnames):
            raise ValueError(f"metric {self.name} takes the labels {self.labelnames}")
        return tuple([names[label] for label in self.labelnames])

    def _find(self, raw: tuple[str, ...]) -> ChildT:
        if len(raw) != len(self.labelnames):
            raise ValueError(f"metric {self.name} takes the labels {self.labelnames}")
        registry = self._registry
        key = self._clean(raw)
        with registry.lock:
            child = self.series.get(key)
            if child is None:
                if not self._has_room(key):
                    registry.refuse(self)
                    return self.overflow()
                child = self._make(key)
            # several raw values may clean to one, and must not crowd out others for good
            if len(self.children) < 2 * self.max_series:
                self.children[raw] = child
            return child

    def _clean(self, raw: tuple[str, ...]) -> tuple[str, ...]:
        return raw if self.is_own else tuple(map(self._registry.clean, self.labelnames, raw))

    def clean_early_series(self) -> None:
        """
        Put each series under the key that the policy gives it now. Those that become one are added up.
        """
        early, self.series = self.series, {}
        self.children.clear()
        for key, child in early.items():
            clean = self._clean(key) if key else key
            known = self.series.setdefault(clean, child)
            child.labels = label_pairs(self.declaration, clean)
            if known is not child:
                known.take_in(child)

    def _has_room(self, key: tuple[str, ...]) -> bool:
        inherited = self._registry.inherited(self.declaration, key)
        return inherited < 0 or max(len(self.series), inherited) < self.max_series

    def overflow(self) -> ChildT:
        """
        The series that takes the values of all refused ones.
        """
        with self._registry.lock:
            child = self.series.get(OVERFLOW_KEY)
            return child if child is not None else self._make(OVERFLOW_KEY)

    def take_away(self, values: tuple[object, ...], left: float) -> None:
        """
        Forget the series with these label values.

        Args:
            left: Stays in its cells, which other workers may go on reading.
        """
        key = self._clean(tuple(map(_text, values)))
        with self._registry.lock:
            child = self.series.pop(key, None)
            if child is not None:
                self.children = {raw: known for raw, known in self.children.items() if known is not child}
                child.publish((left,) * child.width)

    def _make(self, key: tuple[str, ...]) -> ChildT:
        child = cast(ChildT, make_child(self.declaration))
        child.labels = label_pairs(self.declaration, key)
        child.per_second = self.declaration.per_second
        self._registry.place(self, key, child)
        self.series[key] = child
        return child

    @property
    def unlabelled(self) -> ChildT:
        """
        The only series of a metric without labels.

        Raises:
            ValueError: The metric has labels: say which series.
        """
        if self.labelnames:
            raise ValueError(f"metric {self.name} takes the labels {self.labelnames}")
        return self.series[()]


def make_child(declaration: Declaration) -> Child:
    """
    Empty cells for one series of this metric.
    """
    if declaration.kind == "histogram":
        make = ExtremesChild if declaration.extremes else HistogramChild
        return make(declaration.summed, declaration.buckets)
    makers = {"counter": CounterChild, "gauge": GaugeChild, "summary": SummaryChild}
    return makers[declaration.kind](declaration.summed)


def label_pairs(declaration: Declaration, key: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """
    Names and values of one series, as exposed.
    """
    if declaration.labels and key == OVERFLOW_KEY:
        return ((OVERFLOW_LABEL, "true"),)
    return tuple(zip(declaration.labels, key, strict=True))


def _text(value: Any) -> str:
    # the text itself of a str that is also an enum member, since both find the same series
    return str.__str__(value) if isinstance(value, str) else str(value)
