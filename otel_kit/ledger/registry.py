"""
Which metrics there are, by name.

Owns the rule that a name, with all names derived from it, belongs to one declaration, and what
all metrics share: the lock, the cleaning of help texts and label values, the place where cells
are put. Knows nothing of workers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar, cast

from otel_kit.catalogue import Declaration, DeclarationError
from otel_kit.faults import fault
from otel_kit.ledger.cells import Child
from otel_kit.ledger.family import Family

__all__ = ["MAX_LABEL_CHARACTERS", "FamilyT", "Registry", "Store", "valid_text"]

MAX_LABEL_CHARACTERS = 256
UNCLEAN = "REDACTED"

FamilyT = TypeVar("FamilyT", bound="Family[Any]")


class Store(Protocol):
    """
    Cells that several workers share.
    """

    def place(self, declaration: Declaration, key: tuple[str, ...], child: Child) -> None:
        """
        Move the child's cells there.
        """

    def inherited(self, declaration: Declaration, key: tuple[str, ...]) -> int:
        """
        How many series of this metric are there; -1 if this one is among them.
        """


class Registry:
    """
    A set of metrics. Most programs have the one that `otel_kit.ledger` makes.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clean_label: Callable[[str, str], str] = lambda label, value: valid_text(value)
        self.clean_help: Callable[[str], str] = lambda text: text
        self.listed: dict[str, Family[Any]] = {}
        """What snapshots show, by name, in the order of registration."""
        self.foreign: dict[tuple[object, ...], Family[Any]] = {}
        """Metrics of other libraries by schema, since two of them may use one name with different labels."""
        self.version = 0
        """Changes whenever a metric is added or taken away."""
        self.refused: Family[Any] | None = None
        self.store: Store | None = None
        self._known: dict[tuple[object, ...], Family[Any]] = {}
        self._claims: dict[str, Family[Any]] = {}

    def intern(self, kind: type[FamilyT], declaration: Declaration, max_series: int | None, local: bool) -> FamilyT:
        """
        The one object for this declaration, listed or not.
        """
        with self.lock:
            family = self._known.get(declaration.schema)
            if family is None:
                family = self._known[declaration.schema] = object.__new__(kind)
                family.fill(declaration, self, max_series, local)
            return cast(FamilyT, family)

    def register(self, *families: Family[Any]) -> None:
        """
        List the metrics, all of them or none. To list one twice changes nothing.

        Raises:
            DeclarationError: Another metric has a name of theirs, or one derived from it.
        """
        with self.lock:
            claims = dict(self._claims)
            for family in families:
                for name in sorted(family.declaration.claimed_names):
                    holder = claims.setdefault(name, family)
                    if holder is not family:
                        raise DeclarationError(_clash(family.declaration, holder.declaration, name))
            self._claims = claims
            for family in families:
                self._list(family)

    def _list(self, family: Family[Any]) -> None:
        if family.name not in self.listed:
            self.listed[family.name] = family
            self.version += 1
            for key, child in family.series.items():
                self.place(family, key, child)

    def unregister(self, family: Family[Any]) -> None:
        """
        Take the metric off the list and free its names. Its values are kept, for another time.
        """
        with self.lock:
            if self.listed.get(family.name) is family:
                del self.listed[family.name]
                self._claims = {name: holder for name, holder in self._claims.items() if holder is not family}
                self.version += 1

    def foreign_family(self, kind: type[FamilyT], declaration: Declaration) -> FamilyT | None:
        """
        The metric of another library; None if its name belongs to another one.
        """
        with self.lock:
            family = self.foreign.get(declaration.schema)
            if family is None:
                if not declaration.claimed_names.isdisjoint(self._claims):
                    return None
                family = self.foreign[declaration.schema] = object.__new__(kind)
                family.fill(declaration, self, None, False)
                self.version += 1
            return cast(FamilyT, family)

    def families(self) -> list[Family[Any]]:
        """
        All metrics, the listed ones first.
        """
        with self.lock:
            return [*self.listed.values(), *(f for f in self.foreign.values() if f.name not in self.listed)]

    def renew_lock(self) -> None:
        """
        A forked child can't wait for a lock that a thread of its parent held.
        """
        self.lock = threading.RLock()

    def all_families(self) -> list[Family[Any]]:
        """
        All metrics that hold cells, shown or not.
        """
        with self.lock:
            return [*self._known.values(), *self.foreign.values()]

    def clean_early_series(self) -> None:
        """
        Have the policy look at the series that were made before it was known.
        """
        with self.lock:
            # what is shared came after set-up
            if self.store is None:
                for family in self.all_families():
                    family.clean_early_series()

    def clean_early_help(self) -> None:
        """
        Have the policy look at the help texts that were declared before it was known.
        """
        with self.lock:
            for family in self.all_families():
                family.declaration = self.cleanly_described(family.declaration)

    def cleanly_described(self, declaration: Declaration) -> Declaration:
        """
        The declaration with a help text that may be shown; the same object where it has one.
        """
        try:
            text = self.clean_help(declaration.help)
        except Exception as error:  # a policy of the user's own: what it can't judge is not shown
            fault("ledger", error)
            text = UNCLEAN
        return declaration if text == declaration.help else replace(declaration, help=text)

    def clean(self, label: str, value: str) -> str:
        """
        A label value as it may be shown: by the policy, valid UTF-8, and never too long.
        """
        try:
            return valid_text(self.clean_label(label, value))
        except Exception as error:  # a policy of the user's own: what it can't judge is not shown
            fault("ledger", error)
            return UNCLEAN

    def refuse(self, family: Family[Any]) -> None:
        """
        Count a series that found no room.
        """
        if self.refused is not None and family is not self.refused:
            self.refused.labels(family.name).inc()

    def place(self, family: Family[Any], key: tuple[str, ...], child: Child) -> None:
        """
        Called with each new series: where numbers are shared, its cells move there.
        """
        shown = family is self.listed.get(family.name) or family is self.foreign.get(family.declaration.schema)
        if self.store is not None and shown and not family.local:
            self.store.place(family.declaration, key, child)

    def inherited(self, declaration: Declaration, key: tuple[str, ...]) -> int:
        """
        How many series of this metric the shared cells hold already; -1 if this one is among them.
        """
        return 0 if self.store is None else self.store.inherited(declaration, key)


def valid_text(text: str) -> str:
    """
    The text, at most 256 characters, with whatever UTF-8 can't carry replaced.
    """
    text = text[:MAX_LABEL_CHARACTERS]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _clash(wanted: Declaration, holder: Declaration, name: str) -> str:
    if wanted.name == holder.name:
        return (
            f"metric {wanted.name!r} is already declared as {holder.kind} with the labels {holder.labels}: "
            "declare it the same way, or choose another name"
        )
    return f"{wanted.kind} {wanted.name!r} would share the name {name!r} with {holder.kind} {holder.name!r}"
