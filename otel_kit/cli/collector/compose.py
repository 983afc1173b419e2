"""
The files that were picked and what has to stand above them: one configuration.

Owns the order (base, redaction, backends, overlays, files of the user's own, what is composed here) and
the one list that files share, `service.extensions`: lists are replaced when files are merged, so
it is put together here from what all of them need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from otel_kit.cli.collector.durability import is_of_record, optional_form, record_form
from otel_kit.cli.collector.files import Tree, merged, read_file
from otel_kit.cli.collector.problems import Problem, ProblemsFound
from otel_kit.cli.collector.selection import Selection
from otel_kit.cli.collector.shapes import shape_problems

__all__ = ["Composition", "compose", "one_line"]


@dataclass(frozen=True)
class Composition:
    """
    What the Collector is told to load.
    """

    files: tuple[Path, ...]
    inline: tuple[Tree, ...]
    """Loaded after the files; holds references to variables, never their values."""
    tree: Tree
    """All of it merged, with references unresolved."""
    gates: tuple[str, ...] = ()
    """Feature gates to open."""

    def arguments(self) -> list[str]:
        """
        The command line.
        """
        locations = [*map(str, self.files), *(f"yaml:{one_line(tree)}" for tree in self.inline)]
        gates = [f"--feature-gates={','.join(self.gates)}"] if self.gates else []
        return [*(part for location in locations for part in ("--config", location)), *gates]


def compose(directory: Path, selection: Selection, extra: Sequence[Path] = ()) -> Composition:
    """
    Read the picked files and the user's own, and add what is missing between them.

    Raises:
        ProblemsFound: A file can't be read or is of another shape, or the lists of extensions exclude each other.
    """
    picked = {choice.name: directory / choice.file for choice in selection.picked}
    trees = {path: read_file(path) for path in (*picked.values(), *extra)}
    problems = [problem for path in extra for problem in shape_problems(path, trees[path])]
    if problems:
        raise ProblemsFound(*problems)
    inline = [*_durability(selection, {name: trees[path] for name, path in picked.items()})]
    inline.append({"service": {"extensions": _extensions(trees, extra)}})
    files = tuple(trees)
    return Composition(files, tuple(inline), merged([*trees.values(), *inline]))


def one_line(tree: Tree) -> str:
    """
    A tree as YAML on one line.
    """
    return yaml.safe_dump(tree, default_flow_style=True, sort_keys=False, width=2**31, allow_unicode=True).strip()


def _durability(selection: Selection, trees: dict[str, Tree]) -> list[Tree]:
    forms = []
    for choice in selection.picked:
        if choice.file.startswith("backends/"):
            tree, optional = trees[choice.name], choice.name in selection.optional
            if optional and is_of_record(tree):
                forms.append(optional_form(choice.name, tree))
            elif not optional and not is_of_record(tree):
                forms.append(record_form(tree))
    return forms


def _extensions(trees: dict[Path, Tree], extra: Sequence[Path]) -> list[str]:
    """
    The base's list and every extension that a file configures; a list of the user's own must have them all.
    """
    users: dict[str, Path] = {}
    for path, tree in trees.items():
        for name in (*_listed(tree), *(tree.get("extensions") or {})):
            users.setdefault(name, path)
    problems = [
        Problem(
            str(path),
            f"its service.extensions leaves out {name}, which {users[name].name} needs",
            "leave the list out, as it is composed from what the files configure, or name all of them",
        )
        for path in extra
        if (listed := _listed(trees[path]))
        for name in users
        if name not in listed
    ]
    if problems:
        raise ProblemsFound(*problems)
    return list(users)


def _listed(tree: Tree) -> list[str]:
    return list((tree.get("service") or {}).get("extensions") or ())
