"""
The command line: `otel-kit COMMAND`.

Owns which commands there are and what they are told. Each command is a module beside this one,
imported when it is asked for. No part of a service imports from here.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from otel_kit._version import __version__
from otel_kit.cli.assets import add_assets
from otel_kit.cli.collector import add_collector
from otel_kit.cli.doctor import add_doctor
from otel_kit.cli.verify import add_verify

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command.

    Args:
        arguments: None takes those of the process. What can't be understood ends the process with status 2.

    Returns:
        The exit status: 0 when the command did what it is for.
    """
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except BrokenPipeError:
        # whoever read the output has gone; the interpreter would stumble over the rest of it once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(options: argparse.Namespace) -> int:
    if options.command == "collector":
        from otel_kit.cli.collector import run_collector

        return run_collector(options)
    if options.command == "assets":
        from otel_kit.cli.assets import run_assets

        return run_assets(options)
    if options.command == "verify":
        from otel_kit.cli.verify import run_verify

        return run_verify(options)
    if options.command == "doctor":
        from otel_kit.cli.doctor import run_doctor

        return run_doctor(options)
    from otel_kit.cli.demo import run_demo

    return run_demo(sys.stdout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="otel-kit", description="One line makes a FastAPI service observable.")
    parser.add_argument("--version", action="version", version=f"otel-kit {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    told = "start an example service, send it traffic with a failure in it, and show what can be seen"
    commands.add_parser("demo", help=told, description=f"{told[0].upper()}{told[1:]}. Needs nothing but this package.")
    add_verify(commands)
    add_doctor(commands)
    add_collector(commands)
    add_assets(commands)
    return parser
