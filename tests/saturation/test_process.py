"""
Memory, CPU and files of the process.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import prometheus_client
import pytest

from otel_kit.ledger import ledger
from otel_kit.saturation import pace, process
from otel_kit.saturation.process import ProcessFigures
from tests.counting import value_of

NAMES = (
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_start_time_seconds",
)


def read() -> dict[str, float]:
    """
    The figures of now.
    """
    ProcessFigures().refresh()
    return {name: value_of(name) for name in NAMES}


def test_the_figures_are_prometheus_clients() -> None:
    """
    The same names, and the same values but for what happens between two looks.
    """
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.ProcessCollector(registry=registry)
    theirs = {name: registry.get_sample_value(name) for name in NAMES}
    ours = read()

    assert theirs["process_cpu_seconds_total"] == pytest.approx(ours["process_cpu_seconds_total"], abs=0.5)
    assert theirs["process_start_time_seconds"] == pytest.approx(ours["process_start_time_seconds"], abs=1.5)
    assert theirs["process_resident_memory_bytes"] == pytest.approx(ours["process_resident_memory_bytes"], rel=0.1)
    assert theirs["process_virtual_memory_bytes"] == pytest.approx(ours["process_virtual_memory_bytes"], rel=0.1)
    assert theirs["process_max_fds"] == ours["process_max_fds"]


def test_the_python_is_named_as_prometheus_client_does() -> None:
    """
    By the same labels, and always 1.
    """
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.PlatformCollector(registry=registry)
    (family,) = registry.collect()
    ProcessFigures().refresh()

    assert 1.0 == value_of("python_info", **family.samples[0].labels)


def test_the_help_texts_are_prometheus_clients() -> None:
    """
    So that a scraper that has seen both keeps one.
    """
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.ProcessCollector(registry=registry)
    prometheus_client.GCCollector(registry=registry)
    theirs = {family.name: family.documentation for family in registry.collect()}
    ours = {one.declaration.name.removesuffix("_total"): one.declaration.help for one in ledger.snapshot()}

    assert theirs == {name: ours[name] for name in theirs}


def test_open_files_are_counted(tmp_path: Path) -> None:
    """
    A hundred more are a hundred more, and looking opens none; other threads have a socket or two of their own.
    """
    before = read()["process_open_fds"]
    with ExitStack() as opened:
        for number in range(100):
            opened.enter_context(open(tmp_path / f"{number}", "w", encoding="ascii"))
        during = [read()["process_open_fds"] for _ in range(100)]

    assert 95 <= min(during) - before <= max(during) - before <= 105
    assert 5 > abs(len(os.listdir("/proc/self/fd")) - 1 - before)


def test_older_kernels_have_files_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where the directory has no size its entries are counted.
    """
    size = process._open_files()
    stat = os.stat_result((0,) * 10)
    monkeypatch.setattr("otel_kit.saturation.process.os.stat", lambda path: stat)

    assert size == process._open_files()


def test_the_figures_are_read_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    However often somebody asks.
    """
    moments = [10.0, 10.5, 10.9, 11.1]
    looks: list[float] = []
    figures = ProcessFigures()
    monkeypatch.setattr(process, "_memory", lambda: looks.append(moments[0]) or (1.0, 1.0))
    # the module's own clock: other threads go on by the real one
    clock = SimpleNamespace(monotonic=lambda: moments[0])
    monkeypatch.setattr(pace, "time", clock)
    while moments:
        figures.refresh()
        moments.pop(0)

    assert [10.0, 11.1] == looks


def test_other_systems_tell_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Memory is the most that there was, and CPU is always there.
    """
    monkeypatch.setattr(process, "LINUX", False)
    figures = read()

    assert figures["process_resident_memory_bytes"] == process.peak_memory()
    assert 0 < figures["process_cpu_seconds_total"] <= time.process_time()


def test_the_unit_of_memory_differs_by_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Bytes on macOS, kilobytes elsewhere.
    """
    kilobytes = process.peak_memory()
    monkeypatch.setattr(sys, "platform", "darwin")

    assert kilobytes == pytest.approx(1024 * process.peak_memory(), rel=0.1)


def test_a_system_without_resource_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Windows has no such module.
    """
    monkeypatch.setitem(sys.modules, "resource", None)

    assert (0.0, 0.0) == (process._max_files(), process.peak_memory())
