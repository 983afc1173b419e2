"""
From variables to files: what is picked and why, and what is not and why.

Owns the choice and the judgement of each value; it starts nothing, asks no file and no network.
What it finds wrong it lists, so that all faults are seen at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from otel_kit.cli.collector.amounts import judged_amounts
from otel_kit.cli.collector.judgement import BROWSER_PORT, judged_ports, judged_row
from otel_kit.cli.collector.problems import SECRETS, Problem, problem_of
from otel_kit.cli.collector.rows import BACKENDS, BASE_FILES, IN_QUOTES, OPTIONAL_BY_DEFAULT, OVERLAYS, Row
from otel_kit.cli.collector.values import as_flag, as_list, quoted
from otel_kit.environment.findings import shown

__all__ = ["Choice", "Selection", "select"]


@dataclass(frozen=True)
class Choice:
    """
    A file, and why it was picked or left out.
    """

    name: str

    file: str
    """Below the directory of the Collector's files."""

    why: str


@dataclass
class Selection:
    """
    What the variables ask for.
    """

    picked: list[Choice] = field(default_factory=list)
    left_out: list[Choice] = field(default_factory=list)
    optional: frozenset[str] = frozenset()
    """Names of the picked backends that may lose data rather than refuse it."""
    environment: dict[str, str] = field(default_factory=dict)
    """Values that the files want in another form than people write them."""
    ports: dict[int, str] = field(default_factory=dict)
    """Where it will listen -> the variable."""
    problems: list[Problem] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """
        Whether this backend or overlay is picked.
        """
        return any(choice.name == name for choice in self.picked)


def select(variables: Mapping[str, str]) -> Selection:
    """
    Judge the variables, empty ones left out beforehand.
    """
    selection = Selection(picked=[Choice(name, f"{name}.yaml", "always") for name in BASE_FILES])
    with_browser = "OTEL_KIT_COLLECTOR_BROWSER_ORIGINS" in variables
    selection.ports, problems = judged_ports(variables, with_browser)
    selection.problems += [*problems, *judged_amounts(variables)]
    for folder, rows in (("backends", BACKENDS), ("overlays", OVERLAYS)):
        for row in rows:
            _take(selection, row, folder, variables)
    _read_optional(selection, variables)
    _judge_combinations(selection, variables)
    return selection


def _take(selection: Selection, row: Row, folder: str, variables: Mapping[str, str]) -> None:
    file = f"{folder}/{row.name}.yaml"
    value = variables.get(row.variable)
    if value is None or (row.name == "host" and as_flag(value) is False):
        selection.left_out.append(Choice(row.name, file, _why_not(row, variables)))
        return
    text = "" if row.variable in SECRETS else f"={shown(row.variable, value)}"
    selection.picked.append(Choice(row.name, file, f"{row.variable}{text or ' is set'}"))
    environment, problems = judged_row(row, variables, selection.ports)
    in_quotes = {name: quoted(variables[name]) for name in IN_QUOTES.get(row.name, ()) if name in variables}
    selection.environment.update({**environment, **in_quotes})
    selection.problems += problems


def _why_not(row: Row, variables: Mapping[str, str]) -> str:
    if row.variable in variables:
        return f"{row.variable} is off"
    beside = [name for name in row.more if name in variables]
    if not beside:
        return f"{row.variable} is not set"
    verb = "is" if len(beside) == 1 else "are"
    return f"{', '.join(beside)} {verb} set, but {row.variable} is not"


def _read_optional(selection: Selection, variables: Mapping[str, str]) -> None:
    variable = "OTEL_KIT_COLLECTOR_OPTIONAL"
    value = variables.get(variable)
    names = {row.name for row in BACKENDS}
    wanted = set(OPTIONAL_BY_DEFAULT) if value is None else {name.lower() for name in as_list(value)} - {"none"}
    unknown = sorted(wanted - names)
    if unknown:
        remedy = f"name some of {', '.join(row.name for row in BACKENDS)}, or none"
        selection.problems.append(problem_of(variable, value, f"{', '.join(unknown)} is no backend", remedy))
    selection.optional = frozenset(name for name in wanted & names if selection.has(name))


def _judge_combinations(selection: Selection, variables: Mapping[str, str]) -> None:
    pair = ("OTEL_KIT_COLLECTOR_TLS_CERT", "OTEL_KIT_COLLECTOR_TLS_KEY")
    for there, missing in (pair, pair[::-1]):
        if there in variables and missing not in variables:
            problem = problem_of(there, variables[there], f"{missing} is not set", "set both, or none")
            selection.problems.append(problem)
    client = "OTEL_KIT_COLLECTOR_TLS_CLIENT_CA"
    if client in variables and not any(name in variables for name in pair):
        remedy = f"set {' and '.join(pair)} too: clients show certificates to a server that has one"
        selection.problems.append(problem_of(client, variables[client], f"{pair[0]} is not set", remedy))
    if BROWSER_PORT in variables and not selection.has("browser"):
        remedy = "set OTEL_KIT_COLLECTOR_BROWSER_ORIGINS=https://shop.example, or unset the port"
        selection.problems.append(problem_of(BROWSER_PORT, variables[BROWSER_PORT], "lets no origin in", remedy))
    if selection.has("gateway") and selection.has("sampling"):
        sampling = "OTEL_KIT_COLLECTOR_SAMPLING"
        text = "an agent sees only parts of a trace"
        remedy = f"set it on the gateways, and unset it beside {OVERLAYS[-1].variable}"
        selection.problems.append(problem_of(sampling, variables[sampling], text, remedy))
