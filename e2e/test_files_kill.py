"""
Log lines from files while the Collector is killed: what the gate that `overlays/files.yaml` names is worth.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from e2e.programs import wait_for
from e2e.test_files import append, numbered, reading, texts

GATE = "--feature-gates=stanza.synchronousLogEmitter"
KILLS = 4


@contextmanager
def writer(path: Path) -> Iterator[list[int]]:
    """
    A service that writes 20 lines every 20 ms; the list's one item says how many so far.
    """
    count, ended = [0], threading.Event()

    def write() -> None:
        while not ended.wait(0.02):
            append(path, numbered(count[0], count[0] + 20))
            count[0] += 20

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield count
    finally:
        ended.set()
        thread.join()


def test_loses_no_line_to_a_kill_with_the_gate(tmp_path: Path) -> None:
    """
    Killed again and again while a service writes, the Collector brings every line in the end.
    """
    with reading(tmp_path) as read:
        read.collector.kill()
        read.collector.command.append(GATE)
        read.collector.start()
        with writer(read.directory / "shop.log") as count:
            for kill in range(1, KILLS + 1):
                arrived = partial(lambda wanted: len(read.store.records()) > wanted, 500 * kill)
                wait_for(arrived, "lines of this start", timeout=30)
                read.collector.kill()
                read.collector.start()

        def missing() -> set[str]:
            return set(texts(count[0])) - {record["body"]["stringValue"] for record in read.store.records()}

        wait_for(lambda: not missing(), "every line", timeout=30)
