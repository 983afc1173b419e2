"""
`otel-kit assets export DIR [--check]`: what is generated from catalogue and policy.

Owns the command; what there is to write is the business of `otel_kit.assets.export`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["add_assets", "run_assets"]


def add_assets(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """
    Add the command to a parser's.
    """
    told = "write what is generated from catalogue and policy"
    parser = commands.add_parser("assets", help=told, description=f"{told[0].upper()}{told[1:]}.")
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", dest="action", required=True)
    export = inner.add_parser("export", help=told, description=f"{told[0].upper()}{told[1:]}.")
    export.add_argument("directory", type=Path, metavar="DIR", help="where it is kept")
    export.add_argument("--check", action="store_true", help="write nothing; status 1 where a file differs")


def run_assets(options: argparse.Namespace) -> int:
    """
    Write the files, or only say which differ.
    """
    from otel_kit.assets.export import export

    return export(options.directory, check=options.check, out=sys.stdout)
