"""
The environment, as far as the Collector is concerned.

Owns two rules: an empty variable is no variable, and a name that is two edits away from a known
one is probably meant to be it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from otel_kit.cli.collector.problems import Problem, problem_of
from otel_kit.settings import Settings
from otel_kit.settings.source import variable_of_field
from otel_kit.settings.unknown import is_service_link

__all__ = ["empty_secrets", "garbled", "near_misses", "nearest", "present"]

TOKEN = "OTEL_KIT_COLLECTOR_TOKEN"

MOST_EDITS = 2

NAMES_OF_OTHERS = frozenset({"DD_APP_KEY"})
"""
Near a known name, and in use elsewhere.
"""

SHARED = frozenset({"OTEL_SERVICE_NAME"})
"""
Read by services as well, and too common a word to look for misspellings of.
"""


def present(environ: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """
    The variables that have a value, without blanks around it where it is one of the known.
    """
    values = {name: value.strip() if name in known else value for name, value in environ.items()}
    return {name: value for name, value in values.items() if value}


def garbled(variables: Mapping[str, str], known: Collection[str]) -> list[Problem]:
    """
    A problem for each known variable whose bytes are no UTF-8; the Collector reads nothing else.
    """
    found = ((name, value) for name, value in sorted(variables.items()) if name in known)
    return [
        problem_of(name, value, "is not written in UTF-8", "write it in UTF-8")
        for name, value in found
        if any("\ud800" <= character <= "\udfff" for character in value)
    ]


def near_misses(variables: Mapping[str, str], known: Collection[str]) -> list[Problem]:
    """
    A problem for each name that looks like a misspelled one. Values are not shown: they may be secrets.
    """
    services = {variable_of_field(Settings, field) for field in Settings.model_fields}
    right = {*known, *services, *NAMES_OF_OTHERS}
    own = set(known) - services - SHARED
    strange = sorted(
        name for name, value in variables.items() if name not in right and not is_service_link(name, value)
    )
    found = ((name, nearest(name, own)) for name in strange)
    return [Problem(name, "is not read by the Collector", f"did you mean {meant}?") for name, meant in found if meant]


def empty_secrets(environ: Mapping[str, str]) -> list[Problem]:
    """
    A problem where the token is there and empty: whoever set it so meant senders to need one.
    """
    if environ.get(TOKEN, "-").strip():
        return []
    return [Problem(TOKEN, "is empty, so senders need no token", "set the token, or unset the variable")]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """
    The known name that is at most two edits away, in whatever case it was written.
    """
    close = [(edits, one) for one in known if (edits := _edits(name.upper(), one)) <= MOST_EDITS]
    return min(close)[1] if close else None


def _edits(left: str, right: str) -> int:
    """
    Letters to insert, delete or replace, as far as it matters here.
    """
    if abs(len(left) - len(right)) > MOST_EDITS:
        return MOST_EDITS + 1
    row = list(range(len(right) + 1))
    for number, letter in enumerate(left, 1):
        following = [number]
        for column, other in enumerate(right, 1):
            following.append(min(row[column] + 1, following[-1] + 1, row[column - 1] + (letter != other)))
        row = following
    return row[-1]
