"""
Numbers shared with the other workers of one server.

Owns this worker's seat, what it knows of the others', and the check that keeps both right:
after somebody has removed the directory, each worker writes its own seat anew and puts back the
dead ones it has open. Callers hold the registry's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter

from otel_kit.catalogue import Declaration
from otel_kit.faults import fault
from otel_kit.ledger.cells import Child, Move
from otel_kit.ledger.keylog import Row
from otel_kit.ledger.merge import Merge, Source
from otel_kit.ledger.place import find_places, make_private, seat_names, sweep
from otel_kit.ledger.seat import Seat
from otel_kit.ledger.sibling import Sibling

__all__ = ["Placed", "Sharing", "open_sharing"]

RETIRED_MOST = 8
"""How many old seats are kept open while somebody removes the files at every beat."""

Placed = tuple[Declaration, tuple[str, ...], Child]


def open_sharing(group: str, directory: str | None = None) -> Sharing:
    """
    A seat among the workers of this group.

    Raises:
        OSError: No place can be written, or all are full.
    """
    failure = OSError("there is no directory for the run's files")
    for path in find_places(group, directory):
        try:
            make_private(path)
            sweep(path)
            return Sharing(path)
        except OSError as error:
            failure = error
    raise failure


class Sharing:
    """
    One worker among others.

    Raises:
        OSError: No seat can be had in this directory.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.seat = _take_seat(directory)
        self.homeless: dict[tuple[tuple[object, ...], tuple[str, ...]], Placed] = {}
        """Series that found no room in the seat, and count in this process alone."""
        self._siblings: dict[str, Sibling] = {}
        self._retired: list[Seat] = []
        self._moves: list[Move] = []
        self._merge: Merge | None = None
        self._merged: object = None
        try:
            # at once: open files outlive their names
            self._look()
        except OSError:
            self.close()
            raise

    def inherited(self, declaration: Declaration, key: tuple[str, ...]) -> int:
        """
        How many series of this metric the seat holds; -1 if this one is among them.
        """
        return self.seat.count_of(declaration, key)

    def place(self, declaration: Declaration, key: tuple[str, ...], child: Child) -> None:
        """
        Let the child count in the seat; where the disk is full it stays in memory.
        """
        if not self._settle(declaration, key, child):
            self.homeless[declaration.schema, key] = (declaration, key, child)

    def _settle(self, declaration: Declaration, key: tuple[str, ...], child: Child, quiet: bool = False) -> bool:
        try:
            view, place = self.seat.allocate(declaration, key)
        except OSError as error:
            if not quiet:
                fault("ledger", error)
            return False
        if child.m is not view or child.i != place:
            self._moves.append(child.adopt(view, place))
        return True

    def check(self, children: Callable[[], Iterable[Placed]]) -> None:
        """
        At each beat of the pulse: late counts, our files, the others' files, series without a home.

        Args:
            children: All series of this process that may be shared.
        """
        for move in self._moves:
            move.carry()
        self._moves = []
        try:
            if self.seat.in_place():
                self._release_retired()
            else:
                self._write_anew(children())
            self._look()
            self._put_back()
        except OSError as error:
            fault("ledger", error)
        for name, placed in list(self.homeless.items()):
            if not self._settle(*placed, quiet=True):
                break
            del self.homeless[name]

    def _write_anew(self, children: Iterable[Placed]) -> None:
        make_private(self.directory)
        old, copy = self.seat, self.seat.copy_to(self.directory)
        for declaration, key, child in children:
            here = copy.find(declaration, key)
            if here is not None and (declaration.schema, key) not in self.homeless:
                view, place = here
                self._moves.append(Move(child, view, place, list(view[place : place + child.width])))
        # kept until the new files have stood for a beat: whoever has only the old ones open, because somebody goes on
        # removing, would take this worker for dead, and put its old numbers back
        self._retired.append(old)
        if len(self._retired) > RETIRED_MOST:
            self._retired.pop(0).release()
        self.seat = copy
        # shown only now: a reader goes from the old files to the new ones, and never sees less
        copy.show()

    def _release_retired(self) -> None:
        for seat in self._retired:
            seat.release()
        self._retired = []

    def _look(self) -> None:
        names = seat_names(self.directory) - {self.seat.name}
        for name in names:
            known = self._siblings.get(name)
            if known is not None and known.in_place(self.directory):
                continue
            try:
                self._siblings[name] = Sibling(self.directory, name)
            except FileNotFoundError:
                continue
            if known is not None:
                known.close()
        for sibling in self._siblings.values():
            sibling.read_keys()

    def _put_back(self) -> None:
        lost = self._siblings.keys() - seat_names(self.directory)
        for name in lost:
            if not self._siblings[name].is_alive():
                self._siblings[name].put_back(self.directory)

    def merge(self, declared: Callable[[str], Declaration | None], version: int) -> tuple[Merge, tuple[float, ...]]:
        """
        The totals over all seats, and the plan that says what is where.

        Args:
            version: Changes when `declared` may give another answer.
        """
        try:
            self._look()
        except OSError as error:
            # those seats that are open already still count
            fault("ledger", error)
        # in the same order in every worker: fractions added in another order differ in their last digit, and a
        # counter that falls by the least there is counts as started anew
        sources: list[Source] = sorted([self.seat, *self._siblings.values()], key=attrgetter("name"))
        state = (version, sources)
        if self._merge is None or self._merged != state:
            self._merge, self._merged = Merge(sources, declared), state
        homeless = [(Row(0, placed[0], placed[1]), placed[2].cells()) for placed in self.homeless.values()]
        return self._merge, self._merge.totals(homeless)

    def close(self) -> None:
        """
        Leave the seat to another worker. All children must have left it before.
        """
        self.seat.release()
        self._release_retired()
        for sibling in self._siblings.values():
            sibling.close()
        self._siblings = {}


def _take_seat(directory: str) -> Seat:
    # twice, since a scrape that asks who is alive holds a lock for a moment
    for _ in range(2):
        for name in sorted(seat_names(directory)):
            try:
                seat = Seat.adopt(directory, name)
            except OSError as error:
                fault("ledger", error)
                continue
            if seat is not None:
                return seat
    return Seat.create(directory)
