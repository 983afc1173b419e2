"""
The lines of one series, in the letters both Prometheus formats share.

Owns escaping, the forms of numbers and exemplars. The text of a series that does not change
(names and labels) is kept as a `%` template, so that writing a series is one look-up and one
format. Integral values are written without a fraction, but bounds (`le`) always with one, as
OpenMetrics' canonical form wants them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate

from otel_kit.exposition.families import Family, FamilyKind
from otel_kit.ledger.snapshot import Exemplar, Series

__all__ = ["WRITERS", "Labels", "Templates", "Unfit", "Writer", "encodable", "escaped", "numbers_tidied"]

Labels = tuple[tuple[str, str], ...]
Templates = dict[tuple[object, ...], str]
Writer = Callable[[Family, Templates, Series, bool], str]

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
RESERVED_LABELS: dict[FamilyKind, str] = {"histogram": "le", "summary": "quantile"}
GO_EXPONENT_FROM = 1e6
NOT_NUMBERS = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}


class Unfit(ValueError):
    """
    A series that neither format can hold; the text is a fixed sentence that says why.
    """


def encodable(text: str) -> str:
    """
    The text with a question mark for what UTF-8 has no bytes for, and for NUL, at which Prometheus' own
    lexer stops reading.
    """
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "?")


def escaped(text: str) -> str:
    """
    What stands between the quotes of a label value.
    """
    return encodable(text).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def number(value: float) -> str:
    """
    A sample value: `42`, `0.5`, `1e+16`, `NaN`, `+Inf`.
    """
    text = repr(value)
    return text[:-2] if text[-2:] == ".0" else NOT_NUMBERS.get(text, text)


def numbers_tidied(lines: str) -> str:
    """
    Lines whose values are as Python writes floats, with the values as `number` writes them.

    A line end is never inside a label value, where it is escaped, so only values are touched.
    """
    lines = lines.replace(".0\n", "\n")
    if "n\n" in lines or "f\n" in lines:
        for theirs, ours in NOT_NUMBERS.items():
            lines = lines.replace(f" {theirs}\n", f" {ours}\n")
    return lines


def bound(value: float) -> str:
    """
    A bucket's `le`: `1.0`, `0.005`, `1e+06`.

    Source: OpenMetrics 1.0, "Considerations: Canonical Numbers", which are those of Go's `%g`.
    """
    text = repr(float(value))
    if value < GO_EXPONENT_FROM or "e" in text:
        return text
    point = text.index(".")
    digits = f"{text[0]}.{text[1:point]}{text[point + 1 :]}".rstrip("0").rstrip(".")
    return f"{digits}e+{point - 1:02d}"


def scalar(family: Family, templates: Templates, series: Series, openmetrics: bool) -> str:
    """
    The line of a gauge, or of an info.
    """
    template = templates.get(series.key or series.labels) or _remember(family, templates, series)
    return template % number(series.values[0])


def counter(family: Family, templates: Templates, series: Series, openmetrics: bool) -> str:
    """
    The line of a counter, with its exemplar in OpenMetrics.
    """
    value = series.values[0]
    if not value >= 0:
        raise Unfit("a counter is negative or not a number")
    template = templates.get(series.key or series.labels) or _remember(family, templates, series)
    if openmetrics and series.exemplars and (exemplar := series.exemplars[0]) is not None:
        return template % (number(value) + _exemplar(exemplar))
    return template % number(value)


def summary(family: Family, templates: Templates, series: Series, openmetrics: bool) -> str:
    """
    Sum and count.
    """
    template = templates.get(series.key or series.labels) or _remember(family, templates, series)
    total, count = series.values
    return template % (number(total), count)


def histogram(family: Family, templates: Templates, series: Series, openmetrics: bool) -> str:
    """
    Cumulative buckets, sum and count; the count is the last bucket, so the two always agree.
    """
    template = templates.get(series.key or series.labels) or _remember(family, templates, series)
    total, *counts = series.values
    cumulative = [*accumulate(counts)]
    text = template % (*cumulative, number(total), cumulative[-1])
    if not openmetrics:
        return text
    # OpenMetrics has no sum, and then no count either, where a bound is negative
    bare = bool(family.buckets) and family.buckets[0] < 0
    return _with_exemplars(text, series, bare) if bare or any(series.exemplars) else text


WRITERS: dict[FamilyKind, Writer] = {
    "counter": counter,
    "gauge": scalar,
    "info": scalar,
    "summary": summary,
    "histogram": histogram,
}


def _with_exemplars(text: str, series: Series, bare: bool) -> str:
    lines = text.split("\n")
    # the first place is the sum's, which has no exemplar
    for position, exemplar in enumerate(series.exemplars[1:]):
        if exemplar is not None:
            lines[position] += _exemplar(exemplar)
    return "\n".join([*lines[:-3], ""] if bare else lines)


def _exemplar(exemplar: Exemplar) -> str:
    ids = exemplar.trace_id + exemplar.span_id
    if not (ids.isalnum() and ids.isascii()):
        return ""
    labels = f'trace_id="{exemplar.trace_id}",span_id="{exemplar.span_id}"'
    return f" # {{{labels}}} {number(exemplar.value)} {exemplar.timestamp:.3f}"


def _remember(family: Family, templates: Templates, series: Series) -> str:
    template = templates[series.key or series.labels] = _template(family, series.labels)
    return template


def _template(family: Family, labels: Labels) -> str:
    names = [name for name, _ in labels]
    if len(set(names)) < len(names) or RESERVED_LABELS.get(family.kind) in names:
        raise Unfit("a series has a label twice, or one that its kind reserves")
    if not all(LABEL_NAME.match(name) for name in names):
        raise Unfit("a series has a bad label name")
    inner = ",".join(f'{name}="{escaped(value)}"' for name, value in labels).replace("%", "%%")
    braces = f"{{{inner}}}" if inner else ""
    if family.kind == "histogram":
        opening = f"{family.name}_bucket{{{inner}{',' if inner else ''}le="
        bounds = [*map(bound, family.buckets), "+Inf"]
        buckets = "".join(f'{opening}"{upper}"}} %d\n' for upper in bounds)
        return f"{buckets}{family.name}_sum{braces} %s\n{family.name}_count{braces} %d\n"
    if family.kind == "summary":
        return f"{family.name}_sum{braces} %s\n{family.name}_count{braces} %d\n"
    return f"{family.name}{braces} %s\n"
