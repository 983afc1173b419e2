"""
Rules of the house that a reader would otherwise have to look for.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from tests.trees import parsed

ROOT = Path(__file__).parent.parent
PACKAGE = sorted((ROOT / "otel_kit").rglob("*.py"))
CODE = sorted(
    path
    for folder in ("otel_kit", "tests", "e2e", "examples", "benchmarks", ".ci")
    for path in (ROOT / folder).rglob("*.py")
)
TEXTS = sorted(
    [
        *CODE,
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *(ROOT / name for name in ("Makefile", "pyproject.toml", "requirements-dev.lock", ".ci/run")),
    ]
)

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Explained: TypeAlias = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

LONGEST_MODULE = 300
LONGEST_FUNCTION = 60

# put together here, so that this file does not hold what it looks for
STUBS = re.compile(
    r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "place" + "holder", "lorem " + "ipsum")) + r")\b"
)
UNFINISHED = re.compile("not (yet )?" + "implemented|Not" + "ImplementedError|coming " + "soon", re.IGNORECASE)
MACHINE_PATHS = re.compile(r"(?<![\w.:/])/(" + "|".join(("work", "root", "opt", "home", "Users")) + r")/")
REGISTRIES = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "index" + "-url", "registry" + r"\.npmjs")))
SKIPS = re.compile(r"pytest\.(?:mark\.)?(?:" + "ski" + "p|xf" + r"ail|importor)\w*")
VAGUE_NAMES = re.compile(r"(Manager|Helper|Utils?)$")


def offenders(paths: list[Path], rule: Callable[[Path], Iterable[object]]) -> list[str]:
    """
    What breaks a rule, and where.
    """
    return [f"{path.relative_to(ROOT)}: {found}" for path in paths for found in rule(path)]


def functions_of(path: Path) -> Iterator[Function]:
    """
    All functions of a module, however deep.
    """
    return (node for node in ast.walk(parsed(path)) if isinstance(node, Function))


def test_modules_are_short() -> None:
    """
    A module fits the head of one reader.
    """

    def too_long(path: Path) -> list[int]:
        return [length for length in [len(path.read_text(encoding="utf-8").splitlines())] if length > LONGEST_MODULE]

    assert [] == offenders(PACKAGE, too_long)


def test_functions_are_short() -> None:
    """
    A function past sixty lines would be several.
    """

    def too_long(path: Path) -> list[str]:
        return [one.name for one in functions_of(path) if (one.end_lineno or 0) - one.lineno >= LONGEST_FUNCTION]

    assert [] == offenders(PACKAGE, too_long)


def test_what_is_public_is_explained() -> None:
    """
    Module, public classes, functions and methods have a docstring; one of several lines has its quotes on their own.
    """

    def unexplained(path: Path) -> list[str]:
        explained = ((name, ast.get_docstring(node, clean=False)) for name, node in public(parsed(path)))
        return [name for name, text in explained if not text or not text.startswith("\n")]

    assert [] == offenders([path for path in PACKAGE if path.stem != "_version"], unexplained)


def test_every_test_says_its_behaviour() -> None:
    """
    Each test function has a docstring.
    """

    def silent(path: Path) -> list[str]:
        return [one.name for one in functions_of(path) if one.name.startswith("test_") and not ast.get_docstring(one)]

    assert [] == offenders(CODE, silent)


def test_nothing_is_left_for_later() -> None:
    """
    No stub words, no paths of one machine, no hosts of registries.
    """

    def left(path: Path) -> list[str]:
        text = path.read_text(encoding="utf-8")
        return [found[0] for rule in (STUBS, UNFINISHED, MACHINE_PATHS, REGISTRIES) for found in rule.finditer(text)]

    assert [] == offenders(TEXTS, left)


def test_names_say_what_a_thing_is() -> None:
    """
    No class is called a manager, a helper or a utility.
    """

    def vague(path: Path) -> list[str]:
        classes = (node.name for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef))
        return [name for name in classes if VAGUE_NAMES.search(name)]

    assert [] == offenders(PACKAGE, vague)


def test_no_fault_is_swallowed() -> None:
    """
    Whoever catches every exception does something about it.
    """

    def swallowing(path: Path) -> list[int]:
        handlers = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.ExceptHandler))
        return [
            one.lineno
            for one in handlers
            if (one.type is None or (isinstance(one.type, ast.Name) and one.type.id in ("Exception", "BaseException")))
            and all(isinstance(step, ast.Pass | ast.Continue) for step in one.body)
        ]

    assert [] == offenders(PACKAGE, swallowing)


def test_no_test_is_skipped() -> None:
    """
    What can't run has no place among the tests.
    """

    def skipping(path: Path) -> list[str]:
        return SKIPS.findall(path.read_text(encoding="utf-8"))

    assert [] == offenders([path for path in CODE if "tests" in path.parts], skipping)


def public(tree: ast.Module) -> Iterator[tuple[str, Explained]]:
    """
    What has to be explained, by name.
    """
    yield "the module", tree
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            yield from _public_methods(node)


def _public_methods(node: ast.AST) -> Iterator[tuple[str, Explained]]:
    # the methods of a protocol are explained by whoever fulfils it
    if isinstance(node, ast.ClassDef) and not any(isinstance(b, ast.Name) and b.id == "Protocol" for b in node.bases):
        for member in node.body:
            if isinstance(member, Function) and not member.name.startswith("_") and not _is_setter(member):
                yield f"{node.name}.{member.name}", member


def _is_setter(function: Function) -> bool:
    # the property itself explains what may be set
    return any(isinstance(one, ast.Attribute) and one.attr == "setter" for one in function.decorator_list)


def test_nobody_draws_from_the_applications_random_numbers() -> None:
    """
    The generator of the module `random` is the application's, which may have seeded it.
    """
    drawing = re.compile(r"\brandom\.(?:uniform|random|choice|choices|randint|randrange|getrandbits|shuffle|sample)\(")
    inside = [path for path in PACKAGE if "cli" not in path.parts]
    guilty = [path.name for path in inside if drawing.search(path.read_text(encoding="utf-8"))]

    assert [] == guilty
