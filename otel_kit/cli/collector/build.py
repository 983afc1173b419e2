"""
`otel-kit collector build` and `make collector`: the Collector's binary from the sources that come with this package.

Owns where the sources lie, which Go is good enough, how it is called, and the cache. Knows nothing of
what a Collector is told. Needs the standard library alone.

The binary is a function of its inputs: sources, go.mod with go.sum, flags, toolchain and target. They name
a directory of the cache, so a binary found there is the one that a build would make, bit for bit.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal, NamedTuple, TextIO, TypeAlias

from otel_kit.errors import OtelKitError

__all__ = ["Flavour", "built_binary", "run_build", "source_directory"]

Flavour: TypeAlias = Literal["collector", "lb"]

PACKAGE = Path(__file__).resolve().parent.parent.parent
BINARIES: dict[Flavour, str] = {"collector": "otel-kit-collector", "lb": "otel-kit-collector-lb"}
SOURCES: dict[Flavour, str] = {"collector": "builder", "lb": "builder-lb"}
INPUTS = ("*.go", "go.mod", "go.sum", "manifest.yaml")

# -buildvcs=false: the state of a checkout around the sources is no input
FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false", "-tags=grpcnotrace", "-ldflags=-s -w")
FIXED = {"CGO_ENABLED": "0", "GO111MODULE": "on", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
TARGET = ("GOVERSION", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOFIPS140")

UPSTREAM = """\
or build nothing: download otelcol-contrib 0.159 or newer from
  https://github.com/open-telemetry/opentelemetry-collector-releases/releases
and name it: OTEL_KIT_COLLECTOR_BINARY=./otelcol-contrib"""


class NotBuilt(OtelKitError):
    """
    There is no binary, and what to do about it.
    """


class Toolchain(NamedTuple):
    """
    A Go that is new enough, and what it compiles for.
    """

    go: str
    version: str
    target: str
    """All that makes a difference to the binary, as part of a file's name."""


def run_build(flavour: Flavour, output: Path | None, out: TextIO) -> int:
    """
    Build it, or take it from the cache, and say where it is.

    Args:
        flavour: `lb` has the exporter `load_balancing` in addition, for the first of two tiers.
        output: Where to put it, a file or a directory; None is `.build/` in a checkout, and the cache elsewhere.
        out: Is told what happens, the path last. The compiler and errors go to standard error.

    Returns:
        0 when the binary is there, 130 after Ctrl-C, else 1.
    """
    try:
        cached = _take_or_build(flavour, out)
        placed = _place(cached, output or _default_output(flavour))
    except NotBuilt as error:
        print(f"error: otel-kit collector build: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: otel-kit collector build: {error}; OTEL_KIT_CACHE moves the cache", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: otel-kit collector build: stopped", file=sys.stderr)
        return 130
    print(placed, file=out)
    return 0


def built_binary(flavour: Flavour) -> Path | None:
    """
    What a build has left behind for the sources as they are now, without asking for Go; None when nothing has.
    """
    in_checkout = _default_output(flavour)
    if in_checkout is not None:
        return in_checkout if in_checkout.is_file() else None
    sources = source_directory(flavour)
    if not sources.is_dir():
        return None
    found = _cache().glob(f"{_hash_inputs(sources)}-*/{BINARIES[flavour]}")
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def source_directory(flavour: Flavour) -> Path:
    """
    Where the sources lie: inside of an installed package, else beside it in a checkout.
    """
    inside = PACKAGE / "_collector" / SOURCES[flavour]
    return inside if inside.is_dir() else PACKAGE.parent / "collector" / SOURCES[flavour]


def _take_or_build(flavour: Flavour, out: TextIO) -> Path:
    sources = source_directory(flavour)
    toolchain = _find_toolchain(sources)
    cached = _cache() / f"{_hash_inputs(sources)}-{toolchain.target}" / BINARIES[flavour]
    if cached.is_file():
        print(f"{BINARIES[flavour]}: nothing has changed since it was built", file=out)
        return cached
    said = f"building {BINARIES[flavour]} with {toolchain.version}; the first time takes some minutes"
    print(said, file=out, flush=True)
    started = time.monotonic()
    _compile(toolchain.go, sources, cached)
    print(f"built in {time.monotonic() - started:.0f} s", file=out)
    return cached


def _compile(go: str, sources: Path, binary: Path) -> None:
    """
    Into a directory of its own and then under its name in one step, so that nobody ever finds half a binary.
    """
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=binary.parent) as scratch:
        made = Path(scratch) / binary.name
        status = subprocess.run([go, "build", *FLAGS, "-o", str(made), "."], cwd=sources, env=_environment()).returncode
        if status or not made.is_file():
            raise NotBuilt(
                f"`go build` ended with status {status}; what it said stands above.\n"
                "Modules come from where GOPROXY says, and must have the hashes of go.sum;\n" + UPSTREAM
            )
        made.replace(binary)


def _place(cached: Path, output: Path | None) -> Path:
    """
    A copy where it is wanted; the file that was there may be running, so it is replaced and not written to.
    """
    if output is None:
        return cached
    wanted = output / cached.name if output.is_dir() else output
    wanted.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".placing-", dir=wanted.parent) as scratch:
        copy = Path(scratch) / cached.name
        shutil.copy2(cached, copy)
        copy.replace(wanted)
    return wanted


def _default_output(flavour: Flavour) -> Path | None:
    in_checkout = (PACKAGE.parent / "pyproject.toml").is_file() and source_directory(flavour).is_relative_to(
        PACKAGE.parent / "collector"
    )
    return PACKAGE.parent / ".build" / BINARIES[flavour] if in_checkout else None


def _cache() -> Path:
    own, shared = os.environ.get("OTEL_KIT_CACHE"), os.environ.get("XDG_CACHE_HOME")
    # a relative path there is to be ignored: XDG Base Directory Specification
    base = Path(shared) if shared and os.path.isabs(shared) else Path(os.path.expanduser("~/.cache"))
    return (Path(own) if own else base / "otel-kit").absolute() / "collector"


def _hash_inputs(sources: Path) -> str:
    found = sorted({path for pattern in INPUTS for path in sources.glob(pattern)})
    if not found:
        raise NotBuilt(f"the sources are missing: {sources}")
    digest = hashlib.sha256(repr((FLAGS, sorted(FIXED.items()))).encode())
    for path in found:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _find_toolchain(sources: Path) -> Toolchain:
    needed = _needed_version(sources)
    go = shutil.which("go")
    if go is None:
        raise NotBuilt(_remedy(needed, "there is no `go` on the PATH"))
    asked = subprocess.run([go, "env", *TARGET], cwd=sources, env=_environment(), capture_output=True, text=True)
    # a Go older than a name prints an empty line for it
    version, *rest = asked.stdout.splitlines() or [""]
    found = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", version)
    if asked.returncode or found is None:
        raise NotBuilt(_remedy(needed, f"{go} does not tell its version: {asked.stderr.strip() or version!r}"))
    if tuple(int(part or 0) for part in found.groups()) < tuple(map(int, needed.split("."))):
        raise NotBuilt(_remedy(needed, f"{go} is {version}"))
    differing = (value for value in (version, *rest) if value not in ("", "off"))
    return Toolchain(go, version, "-".join(re.sub(r"[^\w.]+", "_", value) for value in differing))


def _needed_version(sources: Path) -> str:
    """
    What go.mod asks for, as `1.26.0`.
    """
    module = sources / "go.mod"
    if not module.is_file():
        raise NotBuilt(f"the sources are missing: {module}")
    text = module.read_text(encoding="utf-8")
    return next(line.split()[1] for line in text.splitlines() if line.startswith("go "))


def _remedy(needed: str, found: str) -> str:
    return (
        f"Go {needed} or newer is needed, but {found}.\n"
        "Install it from https://go.dev/dl/ and put it on the PATH;\n"
        "or, with Go 1.21 or newer, let it fetch what it needs: GOTOOLCHAIN=auto;\n" + UPSTREAM
    )


def _environment() -> dict[str, str]:
    """
    The caller's proxies and caches, with nothing that would change the binary.

    A toolchain is fetched only when asked for: else an old Go would go to the network before anybody is told.
    """
    return {"GOTOOLCHAIN": "local", **os.environ, **FIXED}
