"""
A seat as others see it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_kit.catalogue import Declaration
from otel_kit.ledger.seat import Seat
from otel_kit.ledger.sibling import Sibling

EVENTS = Declaration("counter", "events_total", "Events.", ("x",))


def test_lock_is_the_sign_of_life(tmp_path: Path) -> None:
    """
    No process id is asked, which another process may have by now.
    """
    seat = Seat.create(str(tmp_path))
    sibling = Sibling(str(tmp_path), seat.name)
    before = sibling.is_alive()
    seat.release()

    assert (True, False) == (before, sibling.is_alive())
    sibling.close()


def test_asking_does_not_take_the_seat(tmp_path: Path) -> None:
    """
    A seat that was found free can be taken right after.
    """
    seat = Seat.create(str(tmp_path))
    sibling = Sibling(str(tmp_path), seat.name)
    seat.release()
    sibling.is_alive()
    heir = Seat.adopt(str(tmp_path), seat.name)

    assert heir is not None
    heir.release()
    sibling.close()


def test_shorter_file_gives_zeros(tmp_path: Path) -> None:
    """
    Somebody cut the values: a scrape goes on.
    """
    seat = Seat.create(str(tmp_path))
    seat.allocate(EVENTS, ("a",))
    seat.release()
    (tmp_path / f"{seat.name}.v").write_bytes(b"abc")
    sibling = Sibling(str(tmp_path), seat.name)
    sibling.read_keys()

    assert [0.0] == sibling.read()
    sibling.close()


def test_putting_back_restores_both_files(tmp_path: Path) -> None:
    """
    And the first one wins: what stands there already is kept.
    """
    seat = Seat.create(str(tmp_path))
    view, place = seat.allocate(EVENTS, ("a",))
    view[place] = 7.0
    sibling = Sibling(str(tmp_path), seat.name)
    seat.release()
    for path in tmp_path.iterdir():
        path.unlink()
    sibling.put_back(str(tmp_path))
    view[place] = 8.0
    sibling.put_back(str(tmp_path))
    heir = Seat.adopt(str(tmp_path), seat.name)

    assert heir is not None
    assert 7.0 == heir.read()[0]
    assert 2 == len(list(tmp_path.iterdir()))
    heir.release()
    sibling.close()


def test_seat_without_keys_is_no_seat(tmp_path: Path) -> None:
    """
    Nothing stays open of it.
    """
    (tmp_path / "x.v").write_bytes(b"")

    with pytest.raises(FileNotFoundError):
        Sibling(str(tmp_path), "x")
