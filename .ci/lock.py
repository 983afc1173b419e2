"""
Merges `pip freeze` of several Pythons, oldest first, into one file that fits them all.

A package at one version everywhere is one line. Where versions differ, each Python up to the
next has a line with a marker.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path


def main(pairs: list[str]) -> None:
    """
    Read `3.10=file` arguments and print the merged lines.
    """
    frozen = {tuple(map(int, python.split("."))): read(Path(path)) for python, path in (p.split("=") for p in pairs)}
    pythons = sorted(frozen)
    bounds = [*pythons, (9, 9)]
    for name in sorted({name for versions in frozen.values() for name in versions}):
        runs: list[tuple[tuple[int, ...], tuple[int, ...], str | None]] = []
        for python, following in pairwise(bounds):
            version = frozen[python].get(name)
            if runs and runs[-1][2] == version:
                python = runs.pop()[0]
            runs.append((python, following, version))
        for first, last, version in runs:
            if version is not None:
                print(f"{name}=={version}{marker(first, last, pythons[0])}")


def read(path: Path) -> dict[str, str]:
    """
    Name -> version.
    """
    lines = (line.strip().split("==") for line in path.read_text().splitlines() if "==" in line)
    return {name.lower().replace("_", "-"): version for name, version in lines}


def marker(first: tuple[int, ...], last: tuple[int, ...], oldest: tuple[int, ...]) -> str:
    """
    The condition on Python's version under which a line counts; empty when it always does.
    """
    conditions = []
    if first != oldest:
        conditions.append(f'python_version >= "{dotted(first)}"')
    if last != (9, 9):
        conditions.append(f'python_version < "{dotted(last)}"')
    return f" ; {' and '.join(conditions)}" if conditions else ""


def dotted(version: tuple[int, ...]) -> str:
    """
    `(3, 10)` as `3.10`.
    """
    return ".".join(map(str, version))


if __name__ == "__main__":
    main(sys.argv[1:])
