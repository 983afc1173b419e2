"""
Where seats are kept, and what is swept away.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from otel_kit.ledger import group as group_module
from otel_kit.ledger.place import find_places, make_private, seat_names, sweep
from otel_kit.ledger.seat import Seat

NAMESPACE = group_module._pid_namespace()


def gone() -> int:
    """
    Id of a process that has ended.
    """
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def made(root: Path, group: str) -> Path:
    """
    A group's directory with one seat nobody sits in.
    """
    path = root / "otel_kit-0" / group
    make_private(str(path))
    Seat.create(str(path)).release()
    return path


def test_what_dead_servers_left_is_removed(tmp_path: Path) -> None:
    """
    No supervisor of that start time, and nobody in a seat.
    """
    old = made(tmp_path, f"{NAMESPACE}-{gone()}-12345-abcdefgh")
    reused = made(tmp_path, f"{NAMESPACE}-{os.getpid()}-12345-abcdefgh")
    own = made(tmp_path, "own")
    sweep(str(own))

    assert (False, False, True) == (old.exists(), reused.exists(), own.exists())


def test_what_others_use_is_left(tmp_path: Path) -> None:
    """
    A living supervisor, a taken seat, another pid namespace, or no group at all.
    """
    started = group_module._start_time(os.getpid())
    kept = [
        made(tmp_path, f"{NAMESPACE}-{os.getpid()}-{started}-abcdefgh"),
        made(tmp_path, f"1-{gone()}-12345-abcdefgh"),
        made(tmp_path, "something-else"),
    ]
    taken = made(tmp_path, f"{NAMESPACE}-{gone()}-12345-abcdefgh")
    seat = Seat.adopt(str(taken), next(iter(seat_names(str(taken)))))
    sweep(str(made(tmp_path, "own")))

    assert seat is not None
    seat.release()
    assert [True] * 4 == [path.exists() for path in [*kept, taken]]


def test_memory_comes_before_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    The temporary directory is the last resort, and one that does not exist is no place.
    """
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    bases = [Path(path).parents[1] for path in find_places("g")]

    assert [base for base in (Path("/dev/shm"), tmp_path) if os.access(base, os.W_OK)] == bases


def test_group_stays_where_its_seats_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    Workers that meet in two places would not see each other.
    """
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = tmp_path / f"otel_kit-{os.geteuid()}" / "g"
    make_private(str(path))
    Seat.create(str(path)).release()

    assert [str(path)] == find_places("g")


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_directory_that_others_may_enter_is_refused(tmp_path: Path, mode: int) -> None:
    """
    It must be this user's alone.
    """
    (tmp_path / "otel_kit").mkdir()
    (tmp_path / "otel_kit").chmod(mode)

    with pytest.raises(PermissionError):
        make_private(str(tmp_path / "otel_kit" / "g"))
