"""
One seat: its slots, its lock and its growth.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from pathlib import Path

import pytest

from otel_kit.catalogue import Declaration
from otel_kit.ledger import seat as seat_module
from otel_kit.ledger.seat import Seat

from ..begun import open_below

EVENTS = Declaration("counter", "events_total", "Events.", ("x",))
WIDE = Declaration("histogram", "wide", "Wide.", ("x",), tuple(float(bound) for bound in range(1000)))


def test_slots_are_whole_and_zero(tmp_path: Path) -> None:
    """
    Each slot is at a multiple of 8 bytes, so that no reader sees half a number.
    """
    seat = Seat.create(str(tmp_path))
    for number in range(20):
        view, place = seat.allocate(WIDE if number % 3 else EVENTS, (str(number),))
        address = ctypes.addressof(ctypes.c_double.from_buffer(view, 8 * place))

        assert 0 == address % 8
        assert 0.0 == view[place]
    seat.release()


def test_growth_keeps_earlier_slots(tmp_path: Path) -> None:
    """
    Views handed out stay where they are, and what is read is what was written.
    """
    seat = Seat.create(str(tmp_path))
    places = [seat.allocate(WIDE, (str(number),)) for number in range(300)]
    for number, (view, place) in enumerate(places):
        view[place] = float(number)
    values = seat.read()
    rows = {row.key: row.slot for row in seat.rows}
    seat.release()

    assert [float(number) for number in range(300)] == [values[rows[str(number),]] for number in range(300)]


def test_same_series_has_the_same_slots(tmp_path: Path) -> None:
    """
    Also for the next owner.
    """
    seat = Seat.create(str(tmp_path))
    seat.allocate(EVENTS, ("b",))
    view, place = seat.allocate(EVENTS, ("a",))
    view[place] = 7.0
    seat.release()
    heir = Seat.adopt(str(tmp_path), seat.name)

    assert heir is not None
    view, place = heir.allocate(EVENTS, ("a",))
    assert 7.0 == view[place]
    assert (2, -1) == (heir.count_of(EVENTS, ("c",)), heir.count_of(EVENTS, ("a",)))
    heir.release()


def test_taken_seat_is_not_adopted(tmp_path: Path) -> None:
    """
    The kernel lets exactly one sit there.
    """
    seat = Seat.create(str(tmp_path))

    assert None is Seat.adopt(str(tmp_path), seat.name)
    seat.release()


def test_removed_seat_is_not_adopted(tmp_path: Path) -> None:
    """
    A file without a name is no place to count in.
    """
    assert None is Seat.adopt(str(tmp_path), "gone")


def test_line_cut_short_is_cut_off(tmp_path: Path) -> None:
    """
    The next owner's lines do not run into what a kill has left.
    """
    seat = Seat.create(str(tmp_path))
    seat.allocate(EVENTS, ("a",))
    seat.release()
    with (tmp_path / f"{seat.name}.k").open("ab") as keys:
        keys.write(b'["series", 1, 1, 0, "hal')
    heir = Seat.adopt(str(tmp_path), seat.name)

    assert heir is not None
    heir.allocate(EVENTS, ("b",))
    heir.release()
    after = Seat.adopt(str(tmp_path), seat.name)
    assert after is not None
    assert [("a",), ("b",)] == [row.key for row in after.rows]
    after.release()


def test_key_log_that_is_cut_short_gives_no_slots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A disk that fills up in the middle of a line: the line is taken back.
    """
    seat = Seat.create(str(tmp_path))
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:5]))

    with pytest.raises(OSError, match="short"):
        seat.allocate(EVENTS, ("a",))

    assert 0 == (tmp_path / f"{seat.name}.k").stat().st_size
    monkeypatch.undo()
    assert 0 == seat.allocate(EVENTS, ("a",))[1]
    seat.release()


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    """
    Label values are nobody else's business.
    """
    seat = Seat.create(str(tmp_path))

    assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    seat.release()


def test_failed_creation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Neither files nor descriptors.
    """

    def fail(*_: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(seat_module, "allocate", fail)

    with pytest.raises(OSError, match="full"):
        Seat.create(str(tmp_path))

    assert ([], []) == (list(tmp_path.iterdir()), open_below(tmp_path))


def test_copy_holds_all_and_is_shown_later(tmp_path: Path) -> None:
    """
    A reader goes from the old files to whole new ones.
    """
    seat = Seat.create(str(tmp_path))
    view, place = seat.allocate(WIDE, ("a",))
    view[place] = 7.0
    copy = seat.copy_to(str(tmp_path))
    before = seat.in_place()
    copy.show()

    assert (True, False, True) == (before, seat.in_place(), copy.in_place())
    assert 7.0 == copy.read()[0]
    seat.release()
    copy.release()


def test_reader_never_sees_half_a_number(tmp_path: Path) -> None:
    """
    One writer, one reader, a second long: what is read never falls.
    """
    seat = Seat.create(str(tmp_path))
    view, place = seat.allocate(EVENTS, ("a",))
    end = time.monotonic() + 1.0

    def write() -> None:
        # odd steps change all bytes of the number
        while time.monotonic() < end:
            view[place] += 1234.56789

    writer = threading.Thread(target=write)
    writer.start()
    last, reads, falls = 0.0, 0, 0
    while writer.is_alive():
        seen = seat.read()[0]
        falls += seen < last
        last, reads = seen, reads + 1
    writer.join()
    seat.release()

    assert reads > 100
    assert 0 == falls
