"""
`otel-kit demo`: the example service, traffic with a failure in it, and what can be seen of it.

Owns the story: what is shown, in which order, and what must have shown for the demonstration to
count as a success. The example runs as a child process and sends its telemetry to a receiver in
this one, so nothing else is needed.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TextIO

from otel_kit.cli.page import Page
from otel_kit.cli.receiver import Receiver
from otel_kit.cli.screen import Screen
from otel_kit.cli.service import NotServing, Service, example_directory
from otel_kit.cli.story import (
    Evidence,
    delivered,
    is_settled,
    missing,
    show_id,
    show_lines,
    show_movements,
    show_traffic,
    show_tree,
)
from otel_kit.cli.traffic import FAILING_CHAT, Answer, read_page, send

__all__ = ["run_demo"]

START_SECONDS = 15.0
ARRIVAL_SECONDS = 5.0
PAUSE_SECONDS = 0.1


def run_demo(out: TextIO) -> int:
    """
    Show everything once.

    Returns:
        0 when all that is promised was seen, and when Ctrl-C ends it; 1 otherwise.
    """
    screen = Screen(out)
    if find_spec("uvicorn") is None:
        screen.line("otel-kit demo needs uvicorn, which the extra `cli` brings: pip install 'otel-kit[cli]'")
        return 1
    try:
        with _ended_by_signals():
            return _run(screen)
    except KeyboardInterrupt:
        screen.line()
        screen.line("stopped")
        return 0
    except BrokenPipeError:
        raise
    except (NotServing, OSError, HTTPException) as error:
        screen.line(f"otel-kit demo failed: {error}")
        return 1


def _run(screen: Screen) -> int:
    screen.line(
        screen.paint("otel-kit demo", "bold") + ": an example service, traffic with a failure in it, what you see"
    )
    receiver = Receiver()
    try:
        evidence = _gather(receiver, screen)
    finally:
        receiver.close()
    show_tree(evidence, screen)
    show_lines(evidence, screen)
    show_movements(evidence, screen)
    show_id(evidence, screen)
    _show_where_next(screen)
    gaps = missing(evidence)
    for gap in gaps:
        screen.line(f"{screen.paint('✗', 'red')} not seen: {gap}")
    return 1 if gaps else 0


def _gather(receiver: Receiver, screen: Screen) -> Evidence:
    """
    Serve, send the traffic, and collect what there is to see. The service has ended after this.
    """
    started = time.monotonic()
    service = Service(receiver.url, START_SECONDS)
    try:
        screen.line()
        screen.line(f"  service    http://127.0.0.1:{service.port}, ready after {time.monotonic() - started:.1f} s")
        screen.line(f"  collector  {receiver.url}, OTLP over HTTP, inside of this process")
        before = Page(read_page(service.port))
        answers = list(show_traffic(send(service.port), screen))
        failed = _failing(answers)
        receiver.wait_for(lambda: _has_root(receiver, failed), ARRIVAL_SECONDS)
        after, arrived = _settled(receiver, service.port)
    finally:
        stopping = time.monotonic()
        service.stop()
    return Evidence(
        failed=failed,
        spans=receiver.trace_of(failed.correlation_id),
        lines=service.lines_of(failed.correlation_id),
        log_records=receiver.log_ids.count(failed.correlation_id),
        before=before,
        after=after,
        arrived=arrived,
        at_the_end=(len(receiver.log_ids) - arrived[1], receiver.points),
        stop_seconds=time.monotonic() - stopping,
    )


def _settled(receiver: Receiver, port: int) -> tuple[Page, tuple[int, int]]:
    """
    The page of metrics once all that it says was delivered has arrived, with the spans and log records of that moment.

    So both can be compared: what the service says at its end is on no page any more.
    """
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while True:
        # neither reading the page nor waiting makes a span or a log record
        page = Page(read_page(port))
        arrived = len(receiver.spans), len(receiver.log_ids)
        if (is_settled(page) and arrived == delivered(page)) or time.monotonic() >= deadline:
            return page, arrived
        time.sleep(PAUSE_SECONDS)


def _failing(answers: list[Answer]) -> Answer:
    return next(answer for answer in answers if answer.step is FAILING_CHAT)


def _has_root(receiver: Receiver, answer: Answer) -> bool:
    return any(not span.parent_id for span in receiver.trace_of(answer.correlation_id))


def _show_where_next(screen: Screen) -> None:
    directory = example_directory()
    source = (directory / "main.py").read_text(encoding="utf-8").splitlines()
    number, line = next((number, text) for number, text in enumerate(source, 1) if "setup_observability(" in text)
    screen.title("Where to look next")
    screen.line(f"  the one line    {screen.paint(line.strip(), 'bold')}, line {number} of main.py")
    screen.line(f"  serve it        cd {_typed(directory, os.curdir)}")
    # by its path: the environment of this interpreter need not be on PATH
    screen.line(f"                  {_typed(sys.executable, directory)} -m uvicorn main:app --port 8001")
    screen.line("  its metrics     http://127.0.0.1:8001/metrics")
    screen.line("  to a collector  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318")
    screen.line("  from here on    docs/tutorial.md: find an error by its id, in ten minutes")
    screen.line()


def _typed(path: Path | str, place: Path | str) -> str:
    """
    The path as one would type it in this directory.
    """
    return shlex.quote(min(str(path), os.path.relpath(path, place), key=len))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """
    SIGTERM and a closed terminal end the demonstration like Ctrl-C, so that the child ends too.
    """
    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        wanted.append(signal.SIGHUP)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for ignored in wanted:  # an impatient second Ctrl-C must not leave the child behind
            signal.signal(ignored, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = [(number, signal.signal(number, interrupt)) for number in wanted]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
