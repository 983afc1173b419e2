"""
Rates as people write them: `10/minute`, `100 per hour`, `5/10 seconds`, several joined by `;`.

Owns the notation, which is that of the library `limits`, and its bounds. Read by a parser of its
own, since importing the library takes longer than the rest of set-up's reading together.

As there, a month has 30 days and a year 360.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["MAX_AMOUNT", "MAX_SECONDS", "Rate", "parse_rates"]

MAX_AMOUNT = 1_000_000_000
MAX_SECONDS = 366 * 86400
MAX_TEXT = 256

NOTATION = "write a rate like 10/minute, 100 per hour or 5/10 seconds; join several by ;"

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 30 * 86400, "year": 360 * 86400}
_ONE = re.compile(r"\s*([0-9]{1,12})\s*(?:/|per)\s*([0-9]{1,12})?\s*([a-z]+)\s*", re.IGNORECASE | re.ASCII)
_BETWEEN = re.compile(r"[,;|]")


class Rate(NamedTuple):
    """
    So many per so many units; `seconds` is the length of the window.
    """

    amount: int
    multiples: int
    unit: str
    seconds: int

    def __str__(self) -> str:
        return f"{self.amount} per {self.multiples} {self.unit}"


def parse_rates(text: object) -> tuple[Rate, ...]:
    """
    The rates of one text, each window once.

    Raises:
        ValueError: With the remedy as its text.
    """
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise ValueError(NOTATION)
    rates = {(rate.amount, rate.seconds): rate for rate in reversed([_rate(part) for part in _BETWEEN.split(text)])}
    return tuple(reversed(rates.values()))


def _rate(text: str) -> Rate:
    match = _ONE.fullmatch(text)
    if match is None:
        raise ValueError(NOTATION)
    unit = match[3].lower()
    seconds = _UNITS.get(unit) or _UNITS.get(unit.removesuffix("s"))
    if seconds is None:
        raise ValueError(f"count by {', '.join(_UNITS)}")
    amount, multiples = int(match[1]), int(match[2] or 1)
    if not 1 <= amount <= MAX_AMOUNT:
        raise ValueError(f"let from 1 to {MAX_AMOUNT} pass; no limit at all is None")
    if not 1 <= multiples * seconds <= MAX_SECONDS:
        raise ValueError("let the window last from a second to a year")
    return Rate(amount, multiples, unit if unit in _UNITS else unit.removesuffix("s"), multiples * seconds)
