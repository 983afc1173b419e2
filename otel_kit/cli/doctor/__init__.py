"""
`otel-kit doctor [module:app]`: every setting, its origin and effect, what is reachable, what is wrong, the remedy.

Owns the command. It works where `import fastapi` fails, so nothing here imports FastAPI or OpenTelemetry
before the variables that may stop it have been judged.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path

__all__ = ["add_doctor", "run_doctor"]

_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """
    Add the command to a parser's.
    """
    told = "explain the configuration: settings, what is reachable, what is wrong and its remedy"
    more = (
        "Connects to the OTLP endpoints (one empty export request each), the Redis of the limits (PING, and the "
        "limits' script on a key that ends within a second) and the Collector's health port, each for a second at "
        "most. module:app is imported in a process of its own; nothing is served. Status 1 when something is wrong."
    )
    parser = commands.add_parser("doctor", help=told, description=f"{told[0].upper()}{told[1:]}. {more}")
    parser.add_argument("target", nargs="?", type=_target, metavar="module:app", help="an application to look at too")
    parser.add_argument(
        "--app-dir", type=_directory, default=".", metavar="DIR", help="where its modules are; default: here"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--all", action="store_true", help="also settings that are at their default")


def _target(text: str) -> str:
    if not _TARGET.fullmatch(text):
        raise argparse.ArgumentTypeError("write it as module:attribute, for example main:app")
    return text


def _directory(text: str) -> str:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError("there is no such directory")
    return str(Path(text).absolute())


def run_doctor(options: argparse.Namespace) -> int:
    """
    Examine, and show what was found.

    Returns:
        1 when there is an error among the findings.
    """
    from otel_kit.cli.doctor.sources import read_sources
    from otel_kit.cli.doctor.values import judge_values, setting_error

    sources, unreadable = read_sources(os.environ)
    judged = judge_values(sources)
    if unreadable is not None:
        judged.remarks.insert(0, setting_error(unreadable))
    for name in judged.blocking:
        # reported; what is imported from here on would raise for it
        del os.environ[name]
    from otel_kit.cli.doctor.examination import examine

    found = examine(sources, judged, options.target, options.app_dir)
    if options.json:
        json.dump(found.document(), sys.stdout, indent=2)
        print()
    else:
        from otel_kit.cli.doctor.page import show
        from otel_kit.cli.screen import Screen

        show(found, Screen(sys.stdout), options.all)
    return 1 if found.counts["error"] else 0
