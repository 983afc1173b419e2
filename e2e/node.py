"""
Node with the packages that a directory's lock file names, for tests with programs in JavaScript.

Owns where the packages are kept: outside the checkout, once for each state of `package.json` and `package-lock.json`.
They come from the registry that npm is set to; every package has the hash of the lock file, and none runs a script.

    Javascript(directory)      # `.command("client.cjs", …)` to run, in `.environment`
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from e2e.binaries import MissingProgram, cache_directory

__all__ = ["Javascript"]

INSTALL_SECONDS = 300

NAMED = ("package.json", "package-lock.json")
# peers are types, and TypeScript itself, which nothing here needs when it runs
INSTALL = ("ci", "--engine-strict", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund")


class Javascript:
    """
    The scripts of one directory, with what they require installed.

    Raises:
        MissingProgram: Node or npm is nowhere, or npm can't install; the text says what to do.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._node = os.environ.get("OTEL_KIT_E2E_NODE") or _program("node")
        # the variable is heeded by `require` alone, so scripts are CommonJS
        self.environment = {"NODE_PATH": str(_installed(directory) / "node_modules")}

    def command(self, script: str, *arguments: str) -> list[str]:
        """
        What runs a script of the directory, with `environment` added to the child's.
        """
        return [self._node, str(self._directory / script), *arguments]


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise MissingProgram(
            f"{name} is not there; `apt-get install nodejs npm` (Node 18 or newer), or OTEL_KIT_E2E_NODE=file of node"
        )
    return found


def _installed(directory: Path) -> Path:
    key = hashlib.sha256(b"".join((directory / name).read_bytes() for name in NAMED)).hexdigest()[:12]
    place = cache_directory() / "node" / f"{directory.name}-{key}"
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as making:
        whole = Path(making, "whole")
        whole.mkdir()
        for name in NAMED:
            shutil.copy(directory / name, whole)
        _install(whole)
        # another run may have been quicker, with the same outcome
        if not place.is_dir():
            whole.rename(place)
    return place


def _install(directory: Path) -> None:
    done = subprocess.run(
        [_program("npm"), *INSTALL], cwd=directory, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        words = (done.stderr or done.stdout)[-1500:]
        raise MissingProgram(f"npm can't install {', '.join(NAMED)} (is its registry in reach?):\n{words}")
