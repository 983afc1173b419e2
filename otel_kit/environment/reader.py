"""
Reading single variables: whitespace is unset, a bad value is noted and removed.

Owns the one rule of all `OTEL_*`: a value that can't be used counts as unset, and leaves the
environment, because the SDK reads `os.environ` itself and some of its modules raise at import.
A value that is merely spelled otherwise (case, blanks) is written back the way the SDK expects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, MutableMapping, Sequence
from importlib.metadata import entry_points

from otel_kit.environment.findings import Finding, shown

__all__ = ["EnvironmentReader"]

LARGEST_INTEGER = 2**31 - 1

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class EnvironmentReader:
    """
    One pass over an environment; what it meets collects in `findings`.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self.environ = environ
        self.findings: list[Finding] = []
        self.variables_read: set[str] = set()

    def text(self, variable: str) -> str | None:
        """
        The value without surrounding blanks; None when unset, empty, or not printable text.
        """
        self.variables_read.add(variable)
        raw = self.environ.get(variable)
        if raw is None:
            return None
        value = raw.strip()
        if not value:
            # the SDK takes an empty limit for none at all, the specification for unset
            self.environ.pop(variable, None)
            return None
        # undecodable bytes reach Python as lone surrogates
        if _CONTROL.search(value) or any("\ud800" <= character <= "\udfff" for character in value):
            self.refuse(variable, "holds control characters or bytes that are not UTF-8", "write plain text")
            return None
        if value != raw:
            self.environ[variable] = value
        return value

    def refuse(self, variable: str, problem: str, remedy: str) -> None:
        """
        Note the variable's value as bad, and remove it.
        """
        self.note(variable, problem, remedy, ignored=True)
        self.environ.pop(variable, None)

    def note(self, variable: str, problem: str, remedy: str, ignored: bool = False) -> None:
        """
        Note the variable's value, and leave it where it is.
        """
        finding = Finding(variable, shown(variable, self.environ.get(variable, "")), problem, remedy, ignored)
        # a general variable is read once for each signal
        if finding not in self.findings:
            self.findings.append(finding)

    def choice(self, variable: str, allowed: Sequence[str]) -> str | None:
        """
        One of `allowed`, in whatever case it was written.
        """
        value = self.text(variable)
        if value is None:
            return None
        word = value.lower()
        if word not in allowed:
            self.refuse(variable, "is not a known value", f"use one of {', '.join(allowed)}")
            return None
        if word != value:
            # the SDK compares some of them to the letter
            self.environ[variable] = word
        return word

    def flag(self, variable: str, default: bool = False) -> bool:
        """
        `true` or `false`, the only two the specification knows.
        """
        value = self.choice(variable, ("true", "false"))
        return default if value is None else value == "true"

    def integer(self, variable: str, minimum: int = 0) -> int | None:
        """
        A whole number from `minimum` up.
        """
        value = self.text(variable)
        if value is None:
            return None
        try:
            number = int(value)
        except ValueError:
            number = minimum - 1
        if not minimum <= number <= LARGEST_INTEGER:
            self.refuse(variable, "is not a usable number", f"use a whole number from {minimum} to {LARGEST_INTEGER}")
            return None
        return number

    def milliseconds(self, variable: str) -> float | None:
        """
        Seconds, from a variable in milliseconds.
        """
        number = self.integer(variable, minimum=1)
        return None if number is None else number / 1000.0

    def ratio(self, variable: str) -> float | None:
        """
        A number from 0 to 1.
        """
        value = self.text(variable)
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        # NaN fails the comparison
        if not 0.0 <= number <= 1.0:
            self.refuse(variable, "is not a ratio", "use a number from 0 to 1")
            return None
        return number

    def items(self, variable: str) -> tuple[str, ...]:
        """
        The parts between commas, without blanks and empty ones.
        """
        value = self.text(variable)
        return split_items(value) if value else ()

    def known_items(self, variable: str, known: Iterable[str], plugins: str | None = None) -> tuple[str, ...]:
        """
        The items that are known or installed; the others are noted and taken out of the value.

        Args:
            plugins: Entry point group in which an item may be found instead.
        """
        items, accepted = self.items(variable), frozenset(known)
        good = tuple(item for item in items if item in accepted or (plugins and is_installed(plugins, item)))
        if good != items:
            bad = ", ".join(item for item in items if item not in good)
            self.note(variable, f"has unknown items: {shown('', bad)}", f"known: {', '.join(sorted(accepted))}", True)
            self._replace(variable, good)
        return good

    def patterns(self, variable: str) -> tuple[str, ...]:
        """
        Regular expressions between commas, which the libraries join with `|`.
        """
        items = self.items(variable)
        try:
            for pattern in (*items, "|".join(items)):
                re.compile(pattern)
        except (re.error, OverflowError, RecursionError):
            self.refuse(variable, "is not a list of regular expressions", "write patterns that `re` can compile")
            return ()
        return items

    def plugin(self, variable: str, group: str, known: Sequence[str] = (), removable: bool = True) -> str | None:
        """
        A name that is `known` or installed under an entry point group.
        """
        value = self.text(variable)
        if value is None or value in known or is_installed(group, value):
            return value
        problem, remedy = "is not installed here", f"install what provides it in {group}, or unset it"
        if removable:
            self.refuse(variable, problem, remedy)
        else:
            self.note(variable, problem, remedy, ignored=True)
        return None

    def _replace(self, variable: str, items: tuple[str, ...]) -> None:
        if items:
            self.environ[variable] = ",".join(items)
        else:
            self.environ.pop(variable, None)


def split_items(value: str) -> tuple[str, ...]:
    """
    The parts between commas, without blanks and empty ones.
    """
    return tuple(part.strip() for part in value.split(",") if part.strip())


def is_installed(group: str, name: str) -> bool:
    """
    Whether an installed distribution offers entry point `name` in `group`.
    """
    return bool(entry_points(group=group, name=name))
