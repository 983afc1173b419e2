"""
What a process may take at most.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from otel_kit.ledger import ledger
from otel_kit.saturation import groups, limits, memory
from otel_kit.saturation.limits import Limits
from tests.counting import value_of

GIGABYTE = 1024**3


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    A machine of 8 cores and 4 GiB, whose files are below this directory.
    """
    monkeypatch.setattr(memory, "LINUX", True)
    monkeypatch.setattr(groups, "PROC", tmp_path / "proc")
    monkeypatch.setattr(groups, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    write(tmp_path / "proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 2097152 kB\n")
    write(tmp_path / "proc/self/cgroup", "0::/app\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    """
    A file with all directories above it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def read() -> tuple[float, float]:
    """
    Bytes and cores.
    """
    Limits().refresh()
    return value_of("otel_kit_memory_limit_bytes"), value_of("otel_kit_cpu_limit_cores")


def test_a_limit_that_is_not_known_has_no_value(system: Path) -> None:
    """
    By a 0 a share would be infinite; it is there again as soon as it is known.
    """
    (system / "proc/meminfo").unlink()
    read()
    unknown = [
        family.series for family in ledger.snapshot() if family.declaration.name == "otel_kit_memory_limit_bytes"
    ]
    write(system / "proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 2097152 kB\n")

    assert [[]] == unknown
    assert 4 * GIGABYTE == read()[0]


@pytest.mark.usefixtures("system")
def test_the_machines_own() -> None:
    """
    Where no group has a limit.
    """
    assert (4 * GIGABYTE, 8.0) == read()


def test_a_container_of_version_2(system: Path) -> None:
    """
    Its limit and quota, which are the nearer ones.
    """
    write(system / "groups/app/memory.max", str(GIGABYTE))
    write(system / "groups/app/memory.current", "1000")
    write(system / "groups/app/memory.stat", "inactive_file 0\n")
    write(system / "groups/app/cpu.max", "150000 100000\n")

    assert (GIGABYTE, 1.5) == read()


@pytest.mark.parametrize("directory", ["cpu", "cpu,cpuacct"])
def test_a_container_of_version_1(system: Path, directory: str) -> None:
    """
    Whatever the directory of the controllers is called.
    """
    write(system / "proc/self/cgroup", "4:memory:/app\n3:cpu,cpuacct:/app\n")
    write(system / f"groups/{directory}/app/cpu.cfs_quota_us", "250000\n")
    write(system / f"groups/{directory}/app/cpu.cfs_period_us", "100000\n")

    assert 2.5 == read()[1]


@pytest.mark.parametrize("quota", ["max 100000", "-1 100000", "many", ""])
def test_a_quota_that_is_none(system: Path, quota: str) -> None:
    """
    The cores of the machine remain.
    """
    write(system / "groups/app/cpu.max", quota)

    assert 8.0 == read()[1]


def test_is_read_again_after_a_minute(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A container may be given more while it runs.
    """
    now = [1000.0]
    monkeypatch.setattr("otel_kit.saturation.pace.time", SimpleNamespace(monotonic=lambda: now[0]))
    one, seen = Limits(), []
    for passed, quota in ((0, "100000 100000"), (59, "200000 100000"), (2, "200000 100000")):
        write(system / "groups/app/cpu.max", quota)
        now[0] += passed
        one.refresh()
        seen.append(value_of("otel_kit_cpu_limit_cores"))

    assert [1.0, 1.0, 2.0] == seen


def test_elsewhere_the_cores_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    Where nobody tells which of them this process may use.
    """
    monkeypatch.setattr(groups, "PROC", tmp_path)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(limits.os, "cpu_count", lambda: 6)

    assert 6.0 == read()[1]
