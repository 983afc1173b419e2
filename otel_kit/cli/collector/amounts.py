"""
Numbers and times: what can be meant by one.

Owns the bounds of each. A bare number where a time belongs would count as nanoseconds, and a number with a zero
before it as octal, without a word; so neither is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from otel_kit.cli.collector.problems import Problem, problem_of

__all__ = ["judged_amounts"]

_NUMBERS = {
    # from more than the limiter's reserve for sudden growth, up to a tebibyte
    "OTEL_KIT_COLLECTOR_MEMORY_MIB": (100, 2**20),
    # one batch has to fit in; a pebibyte
    "OTEL_KIT_QUEUE_BYTES": (262_144, 2**50),
    # a day
    "OTEL_KIT_COLLECTOR_SAMPLING_SLOW_MS": (1, 86_400_000),
    # at some 5 KiB a span, more than any machine has memory for
    "OTEL_KIT_COLLECTOR_SAMPLING_TRACES": (1, 10_000_000),
}

_TIMES = {
    "OTEL_KIT_COLLECTOR_SAMPLING_WAIT": ("100ms", "1h"),
}

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)")
_TIME = re.compile(f"(?:{_PART.pattern})+")


def judged_amounts(variables: Mapping[str, str]) -> list[Problem]:
    """
    What ought to be a number or a time and is none, or one outside of its bounds.
    """
    problems = []
    for name, (least, most) in _NUMBERS.items():
        value = variables.get(name)
        if value is not None and not (re.fullmatch(r"[1-9][0-9]{0,17}", value) and least <= int(value) <= most):
            remedy = f"write digits alone, {least} or more"
            problems.append(problem_of(name, value, f"is no whole number from {least} to {most}", remedy))
    for name, (shortest, longest) in _TIMES.items():
        value = variables.get(name)
        if value is not None and not seconds_of(shortest) <= seconds_of(value) <= seconds_of(longest):
            remedy = "write a number with its unit, such as 5s or 500ms"
            problems.append(problem_of(name, value, f"is no time from {shortest} to {longest}", remedy))
    return problems


def seconds_of(text: str) -> float:
    """
    Seconds of a time as Go writes it: `500ms`, `1m30s`; less than none where it is no time.
    """
    if not _TIME.fullmatch(text):
        return -1.0
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
