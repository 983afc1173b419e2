"""
Who counts as a worker, and which workers are one server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otel_kit.ledger.group import Parent, find_group, group_parent, is_alive

ROOT = str(Path(__file__).parents[2])

SPAWN = """
import multiprocessing
from otel_kit.ledger.group import find_group

def look(service="a"):
    print(find_group(service), flush=True)

look.__module__ = {module!r}

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    for service in {services!r}:
        process = context.Process(target=look, args=(service,))
        process.start()
        process.join()
"""


def printed(program: str) -> list[str]:
    """
    Lines that the program writes.
    """
    environment = {**os.environ, "PYTHONPATH": ROOT}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=True, env=environment)
    return done.stdout.decode().split()


def test_single_process_is_alone() -> None:
    """
    A parent alone makes no worker: it may be a shell that starts two servers.
    """
    assert None is find_group("service")


def test_workers_of_one_supervisor_are_one_group() -> None:
    """
    Apart only if they serve something else.
    """
    one, two, other = printed(SPAWN.format(module="uvicorn._subprocess", services=["a", "a", "b"]))

    assert one == two
    assert one.rsplit("-", 1)[0] == other.rsplit("-", 1)[0]
    assert one != other


def test_process_that_serves_for_itself_is_alone() -> None:
    """
    A test that starts servers one after another by multiprocessing must find each at zero.
    """
    assert ["None"] == printed(SPAWN.format(module="__main__", services=["a"]))


def test_lone_process_that_imports_gunicorn_is_alone() -> None:
    """
    Its parent is another program.
    """
    program = """
import sys
sys.modules["gunicorn.arbiter"] = sys
from otel_kit.ledger.group import find_group
print(find_group("a"))
"""

    assert ["None"] == printed(program)


def test_forked_worker_of_gunicorn_is_one() -> None:
    """
    Its parent runs the same command.
    """
    program = """
import os, sys
sys.modules["gunicorn.arbiter"] = sys
from otel_kit.ledger.group import find_group
if os.fork() == 0:
    print(find_group("a"), flush=True)
    os._exit(0)
os.wait()
print(os.getpid())
"""
    group, pid = printed(program)
    parent = group_parent(group)

    assert parent is not None
    assert int(pid) == parent.pid


@pytest.mark.parametrize("name", ["", "own", "1-2-3", "1-x-3-4"])
def test_other_names_are_no_groups(name: str) -> None:
    """
    What was not made by the kit is left alone.
    """
    assert None is group_parent(name)


def test_reused_process_id_is_not_the_supervisor() -> None:
    """
    The start time tells them apart.
    """
    namespace = str(os.stat("/proc/self/ns/pid").st_ino)

    assert not is_alive(Parent(namespace, os.getpid(), "1"))
    assert is_alive(Parent("1", os.getpid(), "1"))
