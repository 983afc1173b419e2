"""
Everything that is decided before anything starts: files, program, variables of the child.

Owns the order of the decisions. A plan exists only when nothing is known to be wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from otel_kit.cli.collector.binary import Binary, find_binary, inspect, known_gates, missing_components
from otel_kit.cli.collector.checks import QUEUE, file_problems, home_problems, queue_directory
from otel_kit.cli.collector.compose import Composition, compose
from otel_kit.cli.collector.files import Tree, collector_directory, variables_of_files
from otel_kit.cli.collector.listeners import circles, flawed, resolved
from otel_kit.cli.collector.problems import Problem, ProblemsFound
from otel_kit.cli.collector.rows import known_variables
from otel_kit.cli.collector.selection import Selection, select
from otel_kit.cli.collector.values import escaped
from otel_kit.cli.collector.variables import empty_secrets, garbled, near_misses, present

__all__ = ["Draft", "Plan", "draft", "planned"]

GO_LIMIT_SHARE = 0.8


@dataclass(frozen=True)
class Draft:
    """
    What the variables ask for, before a program is looked for.
    """

    variables: Mapping[str, str]
    selection: Selection
    composition: Composition
    environment: Mapping[str, str]
    """The child's."""
    doubts: Sequence[Problem]
    """What is surely not meant, though it would run: names that are read by nobody, a token that is empty."""


@dataclass(frozen=True)
class Plan(Draft):
    """
    A draft and a program that can do it.
    """

    binary: Binary


def draft(environ: Mapping[str, str], extra: Sequence[Path] = ()) -> Draft:
    """
    Pick and compose.

    Args:
        extra: Files of the user's own, loaded after those that were picked.

    Raises:
        ProblemsFound: Everything that is wrong with variables and files.
    """
    directory = collector_directory()
    known = known_variables() | variables_of_files(directory)
    variables = present(environ, known)
    selection = select(variables)
    problems = [*garbled(variables, known), *selection.problems, *file_problems(selection, variables)]
    problems += home_problems(variables)
    if problems:
        raise ProblemsFound(*problems)
    composition = compose(directory, selection, extra)
    problems = [*flawed(composition.tree, variables), *circles(composition.tree, variables)]
    if problems:
        raise ProblemsFound(*problems)
    environment = _environment(variables, selection, composition.tree, known)
    doubts = [*near_misses(variables, known), *empty_secrets(environ)]
    return Draft(variables, selection, composition, environment, doubts)


def planned(made: Draft) -> Plan:
    """
    Find the program for it.

    Raises:
        ProblemsFound: There is none, or it lacks something.
    """
    balancing = "load_balancing" in {str(name).partition("/")[0] for name in made.composition.tree["exporters"]}
    binary = inspect(find_binary(made.variables, balancing))
    problems = missing_components(binary, made.composition.tree)
    if problems:
        raise ProblemsFound(*problems)
    gates = known_gates(binary.path, made.composition.tree)
    return Plan(**{**vars(made), "composition": replace(made.composition, gates=gates)}, binary=binary)


def _environment(
    variables: Mapping[str, str], selection: Selection, tree: Tree, known: frozenset[str]
) -> dict[str, str]:
    values = {**variables, **selection.environment, QUEUE: str(queue_directory(variables))}
    # AWS' own library reads these as they are
    environment = {
        name: escaped(value) if name in known and not name.startswith("AWS_") else value
        for name, value in values.items()
    }
    limit = _limit_mib(tree, variables)
    if limit is not None:
        environment.setdefault("GOMEMLIMIT", f"{int(limit * GO_LIMIT_SHARE)}MiB")
        # collected less often while there is room below the limit: about a tenth of the processor time under load
        environment.setdefault("GOGC", "150")
    return environment


def _limit_mib(tree: Tree, variables: Mapping[str, str]) -> int | None:
    limiter = (tree.get("processors") or {}).get("memory_limiter")
    text = resolved(limiter.get("limit_mib"), variables) if isinstance(limiter, dict) else ""
    # what is longer is no amount of memory, and Go ends at once over a limit that it can't read
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
