"""
`otel-kit assets export DIR [--check]`: everything that is generated, in the places where this repository keeps it.

Owns where each file lies; what is in it is the business of its own module.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from otel_kit.assets import collector, reference

__all__ = ["export", "generated_files"]


def generated_files() -> dict[str, str]:
    """
    Path below the directory -> text.
    """
    return {
        **{f"collector/{name}": text for name, text in collector.collector_files().items()},
        **{f"docs/reference/{name}": text for name, text in reference.pages().items()},
    }


def export(directory: Path, check: bool, out: TextIO) -> int:
    """
    Write the files that differ; with `check` only say which do. The exit status: 1 where one differed and was left.
    """
    stale = {name: text for name, text in generated_files().items() if _text_of(directory / name) != text}
    for name, text in stale.items():
        path = directory / name
        if check:
            print(f"{path} differs from the code: run `otel-kit assets export {directory}`", file=out)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}", file=out)
    return 1 if check and stale else 0


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
