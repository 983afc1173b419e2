"""
Prometheus text 0.0.4 and OpenMetrics 1.0, written from families.

Owns the page: heads of families, their order, the last line, and the templates that one page has
in common with the next. Those go when their series go. A series that can't be written is left
out and counted, never the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from otel_kit.exposition.families import Family, LeftOut, arrange
from otel_kit.exposition.samples import WRITERS, Labels, Templates, Unfit, encodable, escaped

__all__ = ["Renderer"]

SERIES_A_CHUNK = 64
SPARE_TEMPLATES = 64

Shape = tuple[object, ...]


class Renderer:
    """
    Writes pages, and keeps the text that does not change between them.

    Args:
        left_out: Where to count what can't be shown; None for a record of its own.
    """

    def __init__(self, left_out: LeftOut | None = None) -> None:
        self._left_out = left_out or LeftOut()
        self._templates: dict[str, dict[Shape, Templates]] = {}

    def chunks(self, families: Iterable[Family], openmetrics: bool) -> Iterator[str]:
        """
        The page in pieces of a few dozen series, so that a caller can pause between them.

        Args:
            families: Those that win a dispute over a name first.
        """
        groups = arrange(families, openmetrics, self._left_out)
        for group in groups:
            yield _head(group[0], openmetrics)
            seen: set[Labels] | None = set() if len(group) > 1 else None
            for family in group:
                yield from self._samples(family, openmetrics, seen)
        if openmetrics:
            yield "# EOF\n"
        self._forget(groups)

    def _samples(self, family: Family, openmetrics: bool, seen: set[Labels] | None) -> Iterator[str]:
        write = WRITERS[family.kind]
        # a family declared anew with other bounds or labels must not meet templates of the old ones
        shapes = self._templates.setdefault(family.name, {})
        templates = shapes.setdefault(family.shape, {})
        for start in range(0, len(family.series), SERIES_A_CHUNK):
            lines = []
            for series in family.series[start : start + SERIES_A_CHUNK]:
                try:
                    if seen is not None:
                        _see(series.labels, seen)
                    lines.append(write(family, templates, series, openmetrics))
                except Unfit as unfit:
                    self._left_out.add(family.name, str(unfit))
                except Exception as error:  # whatever a foreign value raises costs its own series only
                    self._left_out.add(family.name, f"a series can't be written ({type(error).__name__})")
            yield "".join(lines)

    def _forget(self, groups: list[list[Family]]) -> None:
        """
        Drop templates of series that are gone.
        """
        shown = {group[0].name: group for group in groups}
        for name in list(self._templates):
            if name not in shown:
                self._templates.pop(name, None)
        for name, group in shown.items():
            for shape, templates in list(self._templates.get(name, {}).items()):
                alike = [family for family in group if family.shape == shape]
                alive = [series.key or series.labels for family in alike for series in family.series]
                if len(templates) > 2 * len(alive) + SPARE_TEMPLATES:
                    kept: Templates = {key: templates[key] for key in alive if key in templates}
                    self._templates[name][shape] = kept


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
