"""
Whether a value that somebody declared is of the kind that it should be.

Owns the checks that the parts of a profile make of themselves. Types say the same to a type checker; these say it to
whoever runs none, in one line at the start, since a wrong kind would else show as a fault while requests are served.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from otel_kit.errors import ProfileError

__all__ = [
    "check_callable",
    "check_flag",
    "check_instance",
    "check_items",
    "check_mapping",
    "check_number",
    "check_path",
    "check_text",
    "check_word",
    "name_of",
    "shown",
]

MOST_SHOWN = 80
_LITERALS = (str, int, float, bool, type(None))


def shown(value: object) -> str:
    """
    As it is written in Python, cut where it is long; anything but texts and numbers by its type alone.
    """
    if not isinstance(value, _LITERALS):
        return f"of type {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def name_of(metric: object) -> str:
    """
    Of what should be a metric of the kit.
    """
    return str(getattr(getattr(metric, "declaration", None), "name", None) or shown(metric))


def check_instance(place: str, name: str, value: object, kinds: type | tuple[type, ...], remedy: str) -> None:
    """
    Of one of these classes.
    """
    if not isinstance(value, kinds):
        raise ProfileError(place, f"{name} {shown(value)} can't be used", remedy)


def check_word(place: str, name: str, value: object, known: tuple[object, ...]) -> None:
    """
    Of a closed set.
    """
    if not (isinstance(value, str) or value is None) or value not in known:
        raise ProfileError(place, f"{name} {shown(value)} is unknown", f"use one of {', '.join(map(str, known))}")


def check_text(place: str, name: str, value: object, *, empty: bool = False) -> None:
    """
    A text with something in it, unless it may be empty.
    """
    if not isinstance(value, str) or not (empty or value.strip()):
        raise ProfileError(place, f"{name} {shown(value)} is no name or text", f"give the {name} as text")


def check_flag(place: str, name: str, value: object) -> None:
    """
    True or False.
    """
    if not isinstance(value, bool):
        raise ProfileError(place, f"{name} {shown(value)} is no yes or no", "use True or False")


def check_number(
    place: str,
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    whole: bool = False,
) -> None:
    """
    Within bounds, and never infinite.
    """
    number = value if isinstance(value, int if whole else (int, float)) and not isinstance(value, bool) else math.nan
    if not (isinstance(number, (int, float)) and math.isfinite(number) and above < number and least <= number <= most):
        bounds = (("from", least), ("above", above), ("to", most))
        told = "".join(f" {word} {bound:g}" for word, bound in bounds if math.isfinite(bound))
        what = "whole number" if whole else "number"
        raise ProfileError(place, f"{name} {shown(value)} can't be used", f"give a {what}{told}")


def check_path(place: str, name: str, value: object) -> None:
    """
    A path or a template of one, as a server reads it.
    """
    check_text(place, name, value)
    text = str(value)
    if not text.startswith("/") or not text.isprintable() or any(sign in text for sign in " ?#"):
        raise ProfileError(place, f"{name} {shown(value)} is no path", "a path begins with / and has no ?, # or blank")


def check_callable(place: str, name: str, value: object) -> None:
    """
    A function.
    """
    if not callable(value):
        raise ProfileError(place, f"{name} {shown(value)} can't be called", f"give a function as {name}")


def check_items(place: str, name: str, value: object, kinds: type | tuple[type, ...], what: str) -> None:
    """
    A tuple or list with nothing else in it.

    Args:
        what: One of them, for the remedy: "a Field".
    """
    if isinstance(value, str):
        raise ProfileError(place, f"{name} is the one text {shown(value)}", f"write a tuple: ({shown(value)},)")
    if not isinstance(value, (tuple, list)):
        raise ProfileError(place, f"{name} {shown(value)} is no tuple", f"write one, also around {what} alone: (…,)")
    for position, item in enumerate(value):
        if not isinstance(item, kinds):
            raise ProfileError(place, f"{name}[{position}] {shown(item)} can't be used", f"each must be {what}")


def check_mapping(place: str, name: str, value: object, kinds: Iterable[type] | None = (str,)) -> None:
    """
    Texts to values of these types; None: to values of any.
    """
    if not isinstance(value, Mapping):
        raise ProfileError(place, f"{name} {shown(value)} is no mapping", 'write a dict: {"…": …}')
    for key, item in value.items():
        check_text(place, f"key of {name}", key, empty=True)
        if kinds is not None and not isinstance(item, tuple(kinds)):
            raise ProfileError(place, f"{name}[{key!r}] {shown(item)} can't be used", "give a text")
