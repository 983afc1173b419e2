"""
Prometheus text 0.0.4 and OpenMetrics 1.0, written from families.

Owns the page: heads of families, their order, the last line, and the templates that one page has
in common with the next. Those go when their series go. A series or family that can't be written
is left out and counted, never the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from otel_kit.exposition.families import Family, LeftOut, arrange
from otel_kit.exposition.samples import WRITERS, Labels, Templates, Unfit, encodable, escaped, numbers_tidied
from otel_kit.faults import fault
from otel_kit.ledger.snapshot import Series

__all__ = ["Renderer"]

SERIES_A_CHUNK = 64
SPARE_TEMPLATES = 64

SCALARS = ("counter", "gauge")

Shape = tuple[object, ...]


class Kept:
    """
    What one shape of a family has in common from page to page: templates of series, and of runs of series.
    """

    __slots__ = ("runs", "templates")

    def __init__(self) -> None:
        self.templates: Templates = {}
        self.runs: dict[int, tuple[list[object], str]] = {}

    def run(self, family: Family, start: int, batch: list[Series], openmetrics: bool) -> str | None:
        """
        The lines of counters or gauges that were in the same order on the last page, by one format.

        None where a series needs a look of its own.
        """
        keys, template = self.runs.get(start, ((), ""))
        if keys != [series.key or series.labels for series in batch]:
            return None
        values = [series.values[0] for series in batch]
        if family.kind == "counter":
            # the sum finds NaN, which the least value may hide
            if not (min(values) >= 0 and sum(values) >= 0):
                return None
            if openmetrics and any(series.exemplars for series in batch):
                return None
        return numbers_tidied(template % tuple(values))

    def remember(self, start: int, batch: list[Series]) -> None:
        """
        Keep a run whose series all have templates by now.
        """
        keys: list[object] = [series.key or series.labels for series in batch]
        try:
            templates = [self.templates.get(series.key or series.labels) for series in batch]
        except TypeError:  # labels that can't be looked up, of a series that has been left out
            return
        if all(templates):
            self.runs[start] = keys, "".join(filter(None, templates)).replace(" %s\n", " %r\n")

    def forget(self, shown: list[list[Series]]) -> None:
        """
        Drop what belongs to series that are gone, once it is as much again as what is shown.
        """
        if len(self.templates) > 2 * sum(map(len, shown)) + SPARE_TEMPLATES:
            alive = [series.key or series.labels for rows in shown for series in rows]
            self.templates = {key: self.templates[key] for key in alive if key in self.templates}
            self.runs = {}


class Renderer:
    """
    Writes pages, and keeps the text that does not change between them.

    Args:
        left_out: Where to count what can't be shown; None for a record of its own.
    """

    def __init__(self, left_out: LeftOut | None = None) -> None:
        self._left_out = left_out or LeftOut()
        self._kept: dict[str, dict[Shape, Kept]] = {}

    def chunks(self, families: Iterable[Family], openmetrics: bool) -> Iterator[str]:
        """
        The page in pieces of a few dozen series, so that a caller can pause between them.

        Args:
            families: Those that win a dispute over a name first.
        """
        groups = arrange(families, openmetrics, self._left_out)
        for group in groups:
            head = self._head(group[0], openmetrics)
            if not head:
                continue
            yield head
            seen: set[Labels] | None = set() if len(group) > 1 else None
            for family in group:
                yield from self._samples(family, openmetrics, seen)
        if openmetrics:
            yield "# EOF\n"
        try:
            self._forget(groups)
        except TypeError as error:  # labels that can't be looked up: the page itself is written
            fault("exposition", error)

    def _head(self, family: Family, openmetrics: bool) -> str:
        """
        What stands above the samples; nothing where the family can't be shown.
        """
        try:
            return _head(family, openmetrics)
        except Exception as error:  # whatever a foreign family has as its text costs that family only
            self._left_out.add(family.name, f"the family can't be written ({type(error).__name__})")
            return ""

    def _samples(self, family: Family, openmetrics: bool, seen: set[Labels] | None) -> Iterator[str]:
        # a family declared anew with other bounds or labels must not meet templates of the old ones
        kept = self._kept.setdefault(family.name, {}).setdefault(family.shape, Kept())
        in_runs = seen is None and family.kind in SCALARS
        for start in range(0, len(family.series), SERIES_A_CHUNK):
            batch = family.series[start : start + SERIES_A_CHUNK]
            try:
                text = kept.run(family, start, batch, openmetrics) if in_runs else None
            except Exception:  # whatever is odd about one of them is found when each is looked at
                text = None
            if text is None:
                text = "".join(self._each(family, kept.templates, batch, openmetrics, seen))
                if in_runs:
                    kept.remember(start, batch)
            yield text

    def _each(
        self, family: Family, templates: Templates, batch: list[Series], openmetrics: bool, seen: set[Labels] | None
    ) -> Iterator[str]:
        write = WRITERS[family.kind]
        for series in batch:
            try:
                if seen is not None:
                    _see(series.labels, seen)
                text = write(family, templates, series, openmetrics)
            except Unfit as unfit:
                self._left_out.add(family.name, str(unfit))
            except Exception as error:  # whatever a foreign value raises costs its own series only
                self._left_out.add(family.name, f"a series can't be written ({type(error).__name__})")
            else:
                yield text

    def _forget(self, groups: list[list[Family]]) -> None:
        """
        Drop what is kept of series that are gone.
        """
        shown = {group[0].name: group for group in groups}
        for name in list(self._kept):
            if name not in shown:
                self._kept.pop(name, None)
        for name, group in shown.items():
            for shape, kept in list(self._kept.get(name, {}).items()):
                kept.forget([family.series for family in group if family.shape == shape])


def _see(labels: Labels, seen: set[Labels]) -> None:
    if labels in seen:
        raise Unfit("a series is there twice, the first is shown")
    seen.add(labels)


def _head(family: Family, openmetrics: bool) -> str:
    if not openmetrics:
        kind = "gauge" if family.kind == "info" else family.kind
        documentation = family.help.replace("\\", "\\\\").replace("\n", "\\n")
        return f"# HELP {family.name} {encodable(documentation)}\n# TYPE {family.name} {kind}\n"
    name = family.base
    head = f"# HELP {name} {escaped(family.help)}\n# TYPE {name} {family.kind}\n"
    if family.unit and family.kind != "info" and name.endswith(f"_{family.unit}"):
        head += f"# UNIT {name} {family.unit}\n"
    return head
