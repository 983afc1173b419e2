"""
Memory, CPU and files of this process, and the Python that runs it, under Prometheus' names for them.

Owns reading the figures. On Linux they come from `/proc`; elsewhere only those are declared that
every Unix can tell, and memory is the most there ever was.

Source: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
"""

from __future__ import annotations

import math
import os
import platform
import sys
import time
from typing import Any

from otel_kit.ledger import Counter, Gauge
from otel_kit.ledger.metrics import REGISTRY
from otel_kit.saturation.pace import Pace

__all__ = ["LINUX", "READ_EVERY_SECONDS", "ProcessFigures", "peak_memory"]

LINUX = sys.platform == "linux"
READ_EVERY_SECONDS = 1.0
"""Where several workers share their numbers, a refresh comes four times a second."""

# None: the metric is there, and nobody sees it
_on_linux = REGISTRY if LINUX else None

cpu_seconds = Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
resident_memory = Gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
virtual_memory = Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", registry=_on_linux)
open_files = Gauge("process_open_fds", "Number of open file descriptors.", registry=_on_linux)
max_files = Gauge("process_max_fds", "Maximum number of open file descriptors.")
# of several workers the youngest, so that each restart shows
start_time = Gauge(
    "process_start_time_seconds",
    "Start time of the process since unix epoch in seconds.",
    registry=_on_linux,
    multiprocess_mode="max",
)
python_info = Gauge(
    "python_info",
    "Python platform information",
    ["version", "implementation", "major", "minor", "patchlevel"],
    multiprocess_mode="max",
)


class ProcessFigures:
    """
    The figures of this process.
    """

    def __init__(self) -> None:
        self._pace = Pace(READ_EVERY_SECONDS)
        self._once = Pace(math.inf)

    def refresh(self) -> None:
        """
        Read them, unless that was just done.
        """
        if not self._pace.due():
            return
        if self._once.due():
            version, implementation = platform.python_version(), platform.python_implementation()
            python_info.labels(version, implementation, *platform.python_version_tuple()).set(1.0)
            if LINUX:
                start_time.set(_start_time())
        cpu_seconds.unlabelled.publish((time.process_time(),))
        max_files.set(_max_files())
        if LINUX:
            virtual, resident = _memory()
            virtual_memory.set(virtual)
            resident_memory.set(resident)
            open_files.set(_open_files())
        else:
            resident_memory.set(peak_memory())


def _memory() -> tuple[float, float]:
    """
    Bytes, virtual and resident.
    """
    with open("/proc/self/statm", "rb") as file:
        virtual, resident = file.read().split()[:2]
    page = os.sysconf("SC_PAGE_SIZE")
    return float(int(virtual) * page), float(int(resident) * page)


def _open_files() -> float:
    # since Linux 6.2 the directory's size is the number of its entries, and nobody has to go through them
    size = os.stat("/proc/self/fd").st_size
    return float(size or len(os.listdir("/proc/self/fd")) - 1)


def _start_time() -> float:
    """
    Epoch seconds.
    """
    with open("/proc/self/stat", "rb") as file:
        # the name in brackets may hold anything
        after_name = file.read().rpartition(b")")[2].split()
    since_boot = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot


def _max_files() -> float:
    resource = _resource()
    if resource is None:
        return 0.0
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else float(limit)


def peak_memory() -> float:
    """
    The most bytes that this process has had in memory; 0 where the system does not tell.
    """
    resource = _resource()
    if resource is None:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) if sys.platform == "darwin" else float(peak * 1024)


def _resource() -> Any:
    """
    The standard library's module; None where the system has none.
    """
    try:
        import resource
    except ImportError:
        return None
    return resource
