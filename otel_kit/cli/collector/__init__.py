"""
`otel-kit collector`: picks the Collector's files by the environment, shows, tries and runs the result.

Owns the commands and what they say when something is wrong. PyYAML, which the extra `cli` brings, is
imported when one of them is called.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_kit.cli.collector.plan import Draft
    from otel_kit.cli.collector.problems import Problem

__all__ = ["add_collector", "run_collector"]

USAGE_STATUS = 2


def add_collector(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """
    Add the command and its own commands to a parser's.
    """
    told = "pick the Collector's files by the environment; show, try, run the result"
    parser = commands.add_parser("collector", help=told, description=f"{told[0].upper()}{told[1:]}.")
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", dest="action", required=True)
    for action, what in (
        ("config", "print what is picked and why, the command line and the merged result, without secrets"),
        ("validate", "start the result briefly, beside whatever runs; a warning fails"),
        ("run", "run the Collector in the foreground"),
    ):
        command = inner.add_parser(action, help=what, description=f"{what[0].upper()}{what[1:]}.")
        command.add_argument(
            "--config",
            type=_file,
            action="append",
            default=[],
            metavar="FILE",
            help="a file of your own, loaded after those that are picked; may be given again",
        )
    what = "build the Collector from the sources that come with this package"
    build = inner.add_parser("build", help=what, description=f"{what[0].upper()}{what[1:]}; needs Go.")
    build.add_argument("--flavour", choices=("collector", "lb"), default="collector", help="lb: the agent of two tiers")
    build.add_argument("--output", type=Path, help="file or directory; default .build of a checkout, else the cache")


def _file(text: str) -> Path:
    return Path(os.path.expanduser(text.removeprefix("file:"))).absolute()


def run_collector(options: argparse.Namespace) -> int:
    """
    Run one of the commands.

    Returns:
        The Collector's status where there was one, 2 where it did not come to that.
    """
    if options.action == "build":
        from otel_kit.cli.collector.build import run_build

        return run_build(options.flavour, options.output, sys.stdout)
    if find_spec("yaml") is None:
        remedy = "pip install 'otel-kit[cli]'"
        print(f"error: otel-kit collector: PyYAML is not installed: {remedy}", file=sys.stderr)
        return USAGE_STATUS
    from otel_kit.cli.collector.problems import ProblemsFound

    try:
        return _act(options.action, options.config)
    except ProblemsFound as found:
        _complain(found.problems)
        return USAGE_STATUS
    except BrokenPipeError:
        raise
    except OSError as error:
        # what nothing else foresaw: the working directory is gone, there is no room for a scratch file
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: otel-kit collector: {error.strerror or type(error).__name__}{where}", file=sys.stderr)
        return USAGE_STATUS
    except KeyboardInterrupt:
        # before there was a Collector to pass it to
        return 130


def _act(action: str, extra: list[Path]) -> int:
    from otel_kit.cli.collector import run, validate
    from otel_kit.cli.collector.checks import directory_problems, queue_directory
    from otel_kit.cli.collector.plan import draft, planned
    from otel_kit.cli.collector.problems import ProblemsFound

    made = draft(os.environ, extra)
    if action == "validate":
        problems = [*made.doubts, *directory_problems(made.selection, queue_directory(made.variables))]
        if problems:
            raise ProblemsFound(*problems)
    for miss in made.doubts:
        print(f"warning: {miss}", file=sys.stderr)
    if action == "config":
        return _config(made)
    plan = planned(made)
    if action == "run":
        return run.run(plan, sys.stderr)
    # so that a trial that is ended leaves nothing behind
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    problems = validate.validate(plan, sys.stdout)
    _complain(problems)
    return 1 if problems else 0


def _config(made: Draft) -> int:
    from otel_kit.cli.collector import show
    from otel_kit.cli.collector.binary import NoBinary
    from otel_kit.cli.collector.plan import planned

    show.show_choices(made, sys.stdout)
    try:
        plan = planned(made)
    except NoBinary as missing:
        show.show_command(made, "otel-kit-collector", sys.stdout)
        print("# merged without a Collector, so defaults and values of variables are not shown:", file=sys.stdout)
        for problem in missing.problems:
            print(f"# {problem}", file=sys.stdout)
        show.show_result(made.composition.tree, sys.stdout)
        return 0
    show.show_command(made, str(plan.binary.path), sys.stdout)
    print(f"# merged by {plan.binary.path} {plan.binary.version}:", file=sys.stdout)
    show.show_result(show.merged_by(plan), sys.stdout)
    return 0


def _complain(problems: Iterable[Problem]) -> None:
    sys.stdout.flush()
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
