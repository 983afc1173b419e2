"""
Programs whose work is done by children of `multiprocessing`: `python -m tests.servers.children NAME [METHOD]`.

Each prints how long the children took to end as one JSON line on standard error.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from fastapi import FastAPI
from opentelemetry import trace

from otel_kit import Counter, setup_observability

TASKS = 20
logger = logging.getLogger("shop")
tasks_total = Counter("tasks_total", "Tasks done.")


def begin() -> None:
    """
    Set the kit up.
    """
    setup_observability(FastAPI(), service_name="shop")


def work(number: int) -> int:
    """
    One task: a span, a log record and a count.
    """
    with trace.get_tracer("shop").start_as_current_span("work"):
        logger.info("shop.worked")
        tasks_total.inc()
    return number


def work_all() -> None:
    """
    All tasks, one after the other.
    """
    for number in range(TASKS):
        work(number)


def work_in_children() -> None:
    """
    Half of the tasks here, and half in a child.
    """
    for number in range(TASKS // 2):
        work(number)
    child = multiprocessing.get_context("fork").Process(target=work_half)
    child.start()
    child.join()


def work_half() -> None:
    """
    Half of the tasks.
    """
    for number in range(TASKS // 2):
        work(number)


def pool(method: str) -> float:
    """
    A pool whose children have the kit from their parent, or set it up themselves.
    """
    initializer = None if method == "fork" else begin
    if method == "fork":
        begin()
    executor = ProcessPoolExecutor(2, multiprocessing.get_context(method), initializer)
    done = list(executor.map(work, range(TASKS)))
    assert done == list(range(TASKS))
    begun = time.monotonic()
    executor.shutdown()
    return time.monotonic() - begun


def process(method: str) -> float:
    """
    One child that does everything.
    """
    return run_child(method, work_all)


def nested(method: str) -> float:
    """
    A child with a child of its own.
    """
    return run_child(method, work_in_children)


def run_child(method: str, target: Callable[[], None]) -> float:
    """
    How many seconds a child takes from its beginning to its end.
    """
    begin()
    child = multiprocessing.get_context(method).Process(target=target)
    begun = time.monotonic()
    child.start()
    child.join()
    assert child.exitcode == 0
    return time.monotonic() - begun


def handed_out(method: str) -> float:
    """
    A process that has its own part in the work of its child, and never serves.
    """
    seconds = run_child(method, int)
    work_all()
    return seconds


def terminated(method: str) -> float:
    """
    A child that has done its work, and is terminated while it waits for more.
    """
    begin()
    context = multiprocessing.get_context(method)
    done, more = context.Event(), context.Event()

    def work_and_wait() -> None:
        work_all()
        done.set()
        more.wait(60)

    child = context.Process(target=work_and_wait)
    child.start()
    assert done.wait(30)
    begun = time.monotonic()
    child.terminate()
    child.join()
    return time.monotonic() - begun


if __name__ == "__main__":
    scenarios = {scenario.__name__: scenario for scenario in (pool, process, nested, handed_out, terminated)}
    print(json.dumps({"seconds": scenarios[sys.argv[1]](sys.argv[2])}), file=sys.stderr)
