"""
When sharing begins and ends, and what a fork changes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ..begun import Begun
from .conftest import GROUP, Worker

ROOT = str(Path(__file__).parents[2])

BEGIN = """
import json, os, sys
descriptors = len(os.listdir("/proc/self/fd"))
from otel_kit.ledger import Counter, Gauge, Ledger, Registry, ledger
events, level = Counter("events", "Events."), Gauge("level", "Level.")
events.inc(5)
level.set(3)
directory = sys.argv[1]

def value(name, own=False, ledger=ledger):
    return sum(s.values[0] for f in ledger.snapshot(own) for s in f.series if f.declaration.name == name)

def in_child(work):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, json.dumps(work()).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    return json.loads(os.read(reader, 10000))
"""


def told(program: str, directory: Path) -> object:
    """
    What the program prints, in a process of its own.
    """
    command = [sys.executable, "-c", BEGIN + program, str(directory)]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    done = subprocess.run(command, capture_output=True, timeout=30, check=True, env=environment)
    return json.loads(done.stdout)


def test_import_opens_and_starts_nothing(tmp_path: Path) -> None:
    """
    A gunicorn master that preloads the app has no file and no thread of the ledger's.
    """
    program = """
import threading
print(json.dumps([len(os.listdir("/proc/self/fd")) - descriptors, threading.active_count(), ledger.state]))
"""
    assert [0, 1, "idle"] == told(program, tmp_path)


def test_child_of_a_worker_changes_nothing(tmp_path: Path) -> None:
    """
    Its counts are its own, from zero: the seat is its parent's.
    """
    program = """
ledger.attach(group="g", directory=directory)
def work():
    before = [value("events_total"), value("level")]
    events.inc(1000)
    return [*before, value("events_total"), value("events_total", own=True), ledger.state]
print(json.dumps([in_child(work), value("events_total"), value("level")]))
"""
    assert [[0.0, 0.0, 1000.0, 1000.0, "idle"], 5.0, 3.0] == told(program, tmp_path)


def test_child_of_a_worker_keeps_no_lock(tmp_path: Path) -> None:
    """
    A process pool that outlives its worker does not keep the worker's seat.
    """
    program = """
ledger.attach(group="g", directory=directory)
reader, writer = os.pipe()
begun, begin = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(writer)
    os.write(begin, b"x")
    os.read(reader, 1)
    os._exit(0)
os.read(begun, 1)
ledger.close()
heir = Ledger(Registry())
heir.attach(group="g", directory=directory)
seats = [name for _, _, names in os.walk(directory) for name in names if name.endswith(".v")]
print(json.dumps([len(seats), value("events_total", ledger=heir)]))
os.close(writer)
os.waitpid(pid, 0)
"""
    assert [1, 5.0] == told(program, tmp_path)


def test_worker_of_a_preloading_master_counts_from_zero(tmp_path: Path) -> None:
    """
    Gauges that the master has set were set for the workers; what it counted is not theirs.
    """
    program = """
def work():
    ledger.attach(group="g", directory=directory)
    events.inc()
    return [value("events_total"), value("level"), ledger.state]
print(json.dumps([in_child(work), in_child(work)]))
"""
    assert [[1.0, 3.0, "shared"], [2.0, 3.0, "shared"]] == told(program, tmp_path)


def test_attaching_twice_is_once(worker: Callable[[], Worker], tmp_path: Path) -> None:
    """
    Each lifespan of a process may ask.
    """
    one, begun = worker(), Begun()
    one.orders.labels("paid").inc()
    one.ledger.attach(group=GROUP, directory=str(tmp_path))

    assert [] == begun.threads()
    assert {("paid",): (1.0,)} == one.seen("orders_total")


def test_alone_starts_no_thread() -> None:
    """
    One process has nothing to look after.
    """
    one, begun = Worker(), Begun()
    one.ledger.attach()

    assert ("alone", []) == (one.ledger.state, begun.threads())


def test_closing_ends_the_thread(worker: Callable[[], Worker]) -> None:
    """
    And closing again is no error.
    """
    begun, one = Begun(), worker()
    running = len(begun.threads())
    one.ledger.close()
    one.ledger.close()

    assert (1, "idle", []) == (running, one.ledger.state, begun.threads())


def test_counting_goes_on_after_closing(worker: Callable[[], Worker]) -> None:
    """
    The rest of a process's life is seen by nobody else, and harms nobody.
    """
    one, other = worker(), worker()
    child = one.orders.labels("paid")
    child.inc()
    one.ledger.close()
    child.inc()

    assert {("paid",): (1.0,)} == other.seen("orders_total")
    assert {("paid",): (2.0,)} == one.seen("orders_total", own=True)
