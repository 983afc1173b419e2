"""
`otel-kit collector run`: the Collector in the foreground, until it ends.

Owns the order before the start: every check that can be made is made first, so nothing is left half started.
Restarts nothing; whoever runs this knows better when to.
"""

from __future__ import annotations

import os
from typing import TextIO

from otel_kit.cli.collector.checks import port_problems, prepare_directories, queue_directory
from otel_kit.cli.collector.child import STOP_SECONDS, Passing, start, wait_for_end
from otel_kit.cli.collector.listeners import listeners
from otel_kit.cli.collector.plan import Plan
from otel_kit.cli.collector.problems import ProblemsFound
from otel_kit.cli.collector.show import show_briefly

__all__ = ["run"]


def run(plan: Plan, told: TextIO) -> int:
    """
    Start what was planned and wait for its end.

    Args:
        told: Gets what there is to say; the Collector itself writes to this process's own output.

    Returns:
        The Collector's exit status, as a shell has it.

    Raises:
        ProblemsFound: Nothing was started, for these reasons.
    """
    queue = queue_directory(plan.variables)
    problems = port_problems(listeners(plan.composition.tree, plan.variables), plan.selection.ports)
    lock, found = prepare_directories(plan.selection, queue)
    problems += found
    if problems:
        raise ProblemsFound(*problems)
    show_briefly(plan, told)
    try:
        return _watch(plan, told)
    finally:
        if lock is not None:
            os.close(lock)


def _watch(plan: Plan, told: TextIO) -> int:
    passing = Passing()
    with passing.installed():
        child = start([str(plan.binary.path), *plan.composition.arguments()], plan.environment)
        try:
            passing.to(child)
            status = wait_for_end(child)
        finally:
            # whatever went wrong here, nothing runs on unwatched
            if child.poll() is None:
                child.kill()
                child.wait()
    if passing.killed:
        text = f"the Collector had not ended {STOP_SECONDS} s after the signal and was killed"
        kept = "queues on disk are kept for the next start, what was in memory is lost"
        print(f"otel-kit collector: {text}; {kept}", file=told, flush=True)
        # the interpreter's own clean-up takes time, and less than half a second is left of five
        os._exit(status)
    return status
