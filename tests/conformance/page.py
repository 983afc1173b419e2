"""
A page of `/metrics` as a scraper reads it: types, samples with their labels in order, and the lines themselves.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Page", "Sample", "read_sample"]

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Sample(NamedTuple):
    """
    One line of the page.
    """

    name: str
    labels: dict[str, str]
    value: float


def read_sample(line: str) -> Sample:
    """
    `name{label="value"} 1`, as a page or a document has it.
    """
    found = _SAMPLE.fullmatch(line)
    assert found is not None, f"no sample: {line}"
    return Sample(found[1], dict(_LABEL.findall(found[2] or "")), float(found[3]))


class Page:
    """
    What one scrape has brought.
    """

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.types = {words[2]: words[3] for words in map(str.split, self.lines) if words[:2] == ["#", "TYPE"]}
        self.samples = [read_sample(line) for line in self.lines if line and not line.startswith("#")]

    def of(self, metric: str) -> list[Sample]:
        """
        All samples of a metric, under whichever endings its type has.
        """
        names = {metric, *(metric + ending for ending in ("_bucket", "_sum", "_count"))}
        return [sample for sample in self.samples if sample.name in names]

    def labels(self, metric: str) -> list[list[str]]:
        """
        Each list of label names, in their order, under which the metric has samples.
        """
        found = [[name for name in sample.labels if name not in ("le", "quantile")] for sample in self.of(metric)]
        return [labels for number, labels in enumerate(found) if labels not in found[:number]]

    def bounds(self, metric: str) -> list[str]:
        """
        The bounds of a histogram as they are written, `+Inf` included.
        """
        written = [sample.labels["le"] for sample in self.samples if sample.name == f"{metric}_bucket"]
        return list(dict.fromkeys(written))

    def sum(self, name: str, **labels: str) -> float:
        """
        Of all samples of this very name that have these labels; 0 where there is none.
        """
        return sum(one.value for one in self.samples if one.name == name and labels.items() <= one.labels.items())
