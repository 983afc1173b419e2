"""
What is shipped: dependencies, entry points, licence, types. CI builds and installs wheel and sdist besides.
"""

from __future__ import annotations

import importlib
import re
import sys
import tarfile
import zipfile
from pathlib import Path

from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

import otel_kit

from .test_layers import EXEMPT, imports, part_of

ROOT = Path(__file__).parent.parent
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")

BROUGHT_BY_USERS = {"pytest", "sqlalchemy"}
"""
Imported only where the user's own code has them: by the plugin of one, by a check for the other.
"""

DISTRIBUTIONS = {
    "dotenv": "python-dotenv",
    "google": "protobuf",
    "jwt": "pyjwt",
    "opentelemetry": "opentelemetry-api",
    "pydantic_core": "pydantic",
}
"""
Import name -> distribution, where the names differ.
"""


def section(start: str) -> list[Requirement]:
    """
    The requirements in one list of `pyproject.toml`.
    """
    body = PYPROJECT.partition(f"\n{start} = [\n")[2].partition("\n]")[0]
    return [Requirement(found) for found in re.findall(r'^    "([^"]+)",$', body, re.MULTILINE)]


def normal(name: str) -> str:
    """
    A distribution's name as an index compares it.
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_import_is_a_declared_dependency() -> None:
    """
    Nothing is used that comes along by chance; what an extra brings is imported at its first use.
    """
    declared = {normal(one.name) for one in section("dependencies")}
    extras = {normal(name) for name in re.findall(r'^\w+ = \["([\w-]+)', PYPROJECT, re.MULTILINE)} | BROUGHT_BY_USERS
    tops = {one.target.split(".")[0] for one in imports() if part_of(one.module) not in EXEMPT}
    third = {top for top in tops if top not in sys.stdlib_module_names and top != "otel_kit"}
    used = {normal(DISTRIBUTIONS.get(top, top)) for top in third}

    assert set() == used - declared - extras


def test_every_lower_bound_is_exact_enough_to_install() -> None:
    """
    CI turns each `>=` of the dependencies into `==`, so each has just that.
    """
    assert [] == [str(one) for one in section("dependencies") if not re.fullmatch(r">=[\w.]+", str(one.specifier))]


def test_the_lock_fits_every_dependency() -> None:
    """
    The locked version lies above the lower bound, for the package itself and for its tests.
    """
    lines = [Requirement(line) for line in LOCK.splitlines() if line and not line.startswith("#")]
    locked: dict[str, list[str]] = {}
    for line in lines:
        locked.setdefault(normal(line.name), []).append(next(iter(line.specifier)).version)
    wanted = [*section("dependencies"), *section("test"), *section("check")]

    assert wanted
    assert [] == [
        str(one)
        for one in wanted
        if not locked.get(normal(one.name))
        or not all(one.specifier.contains(version, prereleases=True) for version in locked[normal(one.name)])
    ]


def test_entry_points_lead_somewhere() -> None:
    """
    The command and the pytest plugin can be imported.
    """
    points = re.findall(r'^[\w-]+ = "(otel_kit\.[\w.]+)(?::(\w+))?"$', PYPROJECT, re.MULTILINE)

    assert {"otel_kit.cli", "otel_kit.testing"} == {module for module, _ in points}
    assert all(not name or hasattr(importlib.import_module(module), name) for module, name in points)


def test_the_package_says_that_it_is_typed() -> None:
    """
    Type checkers look for `py.typed`.
    """
    assert (ROOT / "otel_kit" / "py.typed").is_file()


def test_the_licence_is_the_one_that_is_named() -> None:
    """
    Apache-2.0, as a whole.
    """
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert 'license = "Apache-2.0"' in PYPROJECT
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_changelog_has_this_version_or_what_comes_next() -> None:
    """
    Each version that is released is listed, newest first.
    """
    titles = re.findall(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert titles[0] in ("Unreleased", otel_kit.__version__)


def test_everything_public_is_listed_and_explained() -> None:
    """
    `__all__` is complete, and every class and function in it has a docstring.
    """
    public = {name for name in vars(otel_kit) if not name.startswith("_")}
    modules = {name for name in public if hasattr(getattr(otel_kit, name), "__spec__")}
    listed = set(otel_kit.__all__) - {"__version__"}

    assert set() == public - modules - listed - {"annotations"}
    assert [] == [name for name in sorted(listed) if not getattr(otel_kit, name).__doc__]


def test_what_the_command_needs_comes_with_its_extra() -> None:
    """
    Each library that `otel_kit.cli` imports is a dependency, or is brought by the extra `cli`.
    """
    extra = re.findall(r'"([\w-]+)>=', re.findall(r"^cli = \[(.*)\]$", PYPROJECT, re.MULTILINE)[0])
    brought = {normal(name) for name in extra} | {normal(one.name) for one in section("dependencies")}
    tops = {one.target.split(".")[0] for one in imports() if part_of(one.module) == "cli"}
    third = {top for top in tops if top not in sys.stdlib_module_names and top != "otel_kit"}

    assert "yaml" in third
    assert set() == {normal({"yaml": "PyYAML", **DISTRIBUTIONS}.get(top, top)) for top in third} - brought


def test_the_packages_have_the_collector(tmp_path: Path) -> None:
    """
    Its files and the sources of its build, inside of the package in the wheel and in their place in the sdist.
    """
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    source = next(SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(wheel) as archive:
        installed = set(archive.namelist())
    with tarfile.open(source) as tar:
        sent = {name.partition("/")[2] for name in tar.getnames()}
    # `.build` and what else is no part of the repository stays behind
    files = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "collector").rglob("*")
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    }

    assert {"collector/base.yaml", "collector/builder/go.sum", "collector/builder-lb/go.mod"} <= files
    assert set() == {f"otel_kit/_{name}" for name in files} - installed
    assert set() == files - sent
    assert {"e2e/conftest.py", "e2e/programs.py"} <= sent
    assert [] == [name for name in installed if not name.startswith(("otel_kit/", "otel_kit-"))]
