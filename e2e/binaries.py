"""
Where the programs of these tests are.

Owns the order in which they are looked for. Builds nothing: a program that is missing is a loud
failure that names the command which makes it.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["ROOT", "MissingProgram", "find"]

ROOT = Path(__file__).resolve().parents[1]

COLLECTORS = {"collector": "otel-kit-collector", "collector-lb": "otel-kit-collector-lb"}
PROGRAMS = ("loki", "tempo", "jaeger", "prometheus", "promtool", "telemetrygen")


class MissingProgram(Exception):
    """
    A program is nowhere; the text says where it was looked for and what to run.
    """


def find(name: str) -> Path:
    """
    The program: `collector`, `collector-lb`, or one of `PROGRAMS`.

    Looked for in the variable OTEL_KIT_E2E_<NAME> (`collector-lb`: OTEL_KIT_E2E_COLLECTOR_LB), in the
    checkout's `.build/`, and in the cache that outlives checkouts; there the newest wins.

    Raises:
        MissingProgram: It is nowhere.
    """
    variable = "OTEL_KIT_E2E_" + name.upper().replace("-", "_")
    if variable in os.environ:
        return _existing(Path(os.environ[variable]), variable)
    places = [ROOT / ".build" / COLLECTORS.get(name, name), *_cached(name)]
    for place in places:
        if os.access(place, os.X_OK) and place.is_file():
            return place
    looked = ", ".join([variable, *map(str, places[:1]), str(cache_directory())])
    raise MissingProgram(f"{name} is not there (looked at {looked}); `make e2e` builds what is missing")


def cache_directory() -> Path:
    """
    Where builds are kept outside the checkout.
    """
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("OTEL_KIT_CACHE") or Path(user) / "otel-kit")


def _cached(name: str) -> list[Path]:
    pattern = f"collector/*/{COLLECTORS[name]}" if name in COLLECTORS else f"programs/*/{name}"
    return sorted(cache_directory().glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)


def _existing(path: Path, variable: str) -> Path:
    if not path.is_file():
        raise MissingProgram(f"{variable}={path} is no file; unset it, and `make e2e` builds what is missing")
    return path
