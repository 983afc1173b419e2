"""
How much memory there is, of a machine and of containers as their files say it.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from otel_kit.health_layout import Memory
from otel_kit.saturation import groups, memory
from otel_kit.saturation.memory import MemoryFigures

MEGABYTE = 1024 * 1024
MACHINE = "MemTotal:       16777216 kB\nMemFree:         1048576 kB\nMemAvailable:   12582912 kB\n"
"""16 GiB, of which 12 are available."""
NO_LIMIT = "9223372036854771712"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    A Linux machine whose process is in no group; files are written below `proc` and `groups`.
    """
    monkeypatch.setattr(memory, "LINUX", True)
    monkeypatch.setattr(groups, "PROC", tmp_path / "proc")
    monkeypatch.setattr(groups, "GROUPS", tmp_path / "groups")
    write(tmp_path / "proc" / "meminfo", MACHINE)
    write(tmp_path / "proc" / "self" / "cgroup", "0::/\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    """
    A file, with the directories above it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def group_2(place: Path, limit: str, usage: int, inactive_file: int = 0) -> None:
    """
    A group of the second version; figures in megabytes.
    """
    write(place / "memory.max", limit if limit == "max" else str(int(limit) * MEGABYTE))
    write(place / "memory.current", str(usage * MEGABYTE))
    write(place / "memory.stat", f"anon 5\ninactive_file {inactive_file * MEGABYTE}\nactive_file 7\n")


def group_1(place: Path, limit: str, usage: int, inactive_file: int = 0) -> None:
    """
    The same of the first version.
    """
    write(place / "memory.limit_in_bytes", limit if limit == NO_LIMIT else str(int(limit) * MEGABYTE))
    write(place / "memory.usage_in_bytes", str(usage * MEGABYTE))
    write(place / "memory.stat", f"inactive_file 1\ntotal_inactive_file {inactive_file * MEGABYTE}\n")


def test_of_the_machine(system: Path) -> None:
    """
    What `MemAvailable` leaves of the total is used.
    """
    assert Memory(25.0, 12288.0) == MemoryFigures()()


@pytest.mark.parametrize("limit", ["max", "32768"])
def test_a_limit_that_is_further_away_than_the_machines(system: Path, limit: str) -> None:
    """
    No limit, or one beyond what the machine has, says nothing.
    """
    group_2(system / "groups", limit, 1000)

    assert Memory(25.0, 12288.0) == MemoryFigures()()


def test_the_limit_of_a_container(system: Path) -> None:
    """
    Files that the kernel would give back are not counted as used.
    """
    group_2(system / "groups", "1000", 500, inactive_file=100)

    assert Memory(40.0, 600.0) == MemoryFigures()()


def test_the_limit_of_a_service_on_the_machine(system: Path) -> None:
    """
    Of the groups from the process's own up to the root the one that is used up first counts.
    """
    write(system / "proc" / "self" / "cgroup", "0::/system.slice/shop.service\n")
    group_2(system / "groups" / "system.slice" / "shop.service", "2000", 500)
    group_2(system / "groups" / "system.slice", "4000", 3900)

    assert Memory(97.5, 100.0) == MemoryFigures()()


def test_the_first_version_of_groups(system: Path) -> None:
    """
    As it stands beside other controllers.
    """
    write(system / "proc" / "self" / "cgroup", "9:name=systemd:/\n4:cpu,memory:/shop\n3:cpu:/\n0::/\n")
    group_1(system / "groups" / "memory" / "shop", "1000", 800, inactive_file=50)
    group_1(system / "groups" / "memory", NO_LIMIT, 9000)

    assert Memory(75.0, 250.0) == MemoryFigures()()


def test_a_container_that_sees_the_path_of_its_host(system: Path) -> None:
    """
    That place isn't there; the container's own is the root.
    """
    write(system / "proc" / "self" / "cgroup", "4:memory:/docker/0123456789abcdef\n")
    group_1(system / "groups" / "memory", "500", 100)

    assert Memory(20.0, 400.0) == MemoryFigures()()


def test_more_than_the_limit_is_all_of_it(system: Path) -> None:
    """
    The figures are read one after the other: what is left is never below nothing.
    """
    group_2(system / "groups", "100", 130)

    assert Memory(100.0, 0.0) == MemoryFigures()()


def test_only_the_container_tells(system: Path) -> None:
    """
    Where the machine's figures are hidden those of the limit are left.
    """
    (system / "proc" / "meminfo").unlink()
    group_2(system / "groups", "1000", 250)

    assert Memory(25.0, 750.0) == MemoryFigures()()


def test_nobody_tells(system: Path) -> None:
    """
    Nothing is made up.
    """
    (system / "proc" / "meminfo").write_text("MemTotal: many\n")
    (system / "proc" / "self" / "cgroup").unlink()

    assert MemoryFigures()() is None


def test_is_read_once_a_second(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    However many documents are asked for.
    """
    now = [100.0]
    monkeypatch.setattr("otel_kit.saturation.pace.time", SimpleNamespace(monotonic=lambda: now[0]))
    figures = MemoryFigures()
    seen = [figures()]
    group_2(system / "groups", "1000", 500)
    for moment in (100.9, 101.0):
        now[0] = moment
        seen.append(figures())

    assert [Memory(25.0, 12288.0), Memory(25.0, 12288.0), Memory(50.0, 500.0)] == seen


def test_elsewhere_the_process_own_peak_is_what_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without Linux' files the machine's total is known, and what this process had at most.
    """
    monkeypatch.setattr(memory, "LINUX", False)
    monkeypatch.setattr(memory.os, "sysconf", lambda name: {"SC_PHYS_PAGES": 262144, "SC_PAGE_SIZE": 4096}[name])
    monkeypatch.setattr(memory, "peak_memory", lambda: 256.0 * MEGABYTE)

    assert Memory(25.0, 768.0) == MemoryFigures()()


def test_on_this_machine() -> None:
    """
    The figures are possible ones.
    """
    found = MemoryFigures()()

    assert 0 <= found.used_percent <= 100
    assert found.available_mb > 0
