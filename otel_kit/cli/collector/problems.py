"""
What is wrong, on one line: the variable with its value, the problem, the remedy.

Owns how a value is shown: secrets never are.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_kit.environment import MASK
from otel_kit.environment.findings import shown

__all__ = ["SECRETS", "Problem", "ProblemsFound", "problem_of"]

SECRETS = frozenset(
    {
        "DD_API_KEY",
        "ELASTICSEARCH_API_KEY",
        "OTLP_FORWARD_HEADERS",
        "OTEL_KIT_COLLECTOR_TOKEN",
        "OTEL_KIT_GATEWAY_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    }
)
"""
Variables whose values are shown nowhere.
"""


@dataclass(frozen=True)
class Problem:
    """
    One thing that stands in the way, or deserves a word.
    """

    subject: str
    """A variable with its value, or a file."""

    problem: str

    remedy: str

    def __str__(self) -> str:
        line = f"{self.subject}: {self.problem}: {self.remedy}"
        return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


class ProblemsFound(Exception):
    """
    Nothing was started, for these reasons.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def problem_of(variable: str, value: str | None, problem: str, remedy: str) -> Problem:
    """
    A problem with a variable.

    Args:
        value: None when it is not set.
    """
    if value is None:
        return Problem(variable, problem, remedy)
    text = MASK if variable in SECRETS else shown(variable, value)
    return Problem(f"{variable}={text}", problem, remedy)
