"""
Makes the Collector's generated sources, go.mod and go.sum from its manifests: `make collector-sources`.

Owns how a manifest becomes what `go build -mod=readonly` needs. Run when a manifest has changed, never in CI.

The builder's own `go mod tidy` is not used: it wants what only tests of dependencies need, and some of
that can't be had. The compiler adds what is imported and nothing else.

Some modules of OpenTelemetry are missing from the checksum database, so for these the first download is
trusted. Their hashes are in go.sum from then on, and a build asks for no exemption.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

COLLECTOR = Path(__file__).resolve().parent.parent / "collector"
BUILDER = "go.opentelemetry.io/collector/cmd/builder"
OLDEST_GO = "1.26.0"
"""What builds were tried with; go.mod has a newer one when a module asks for it."""
TRUSTED_ONCE = "github.com/open-telemetry/*,go.opentelemetry.io/*"


def main() -> None:
    """
    Both flavours, each from its own manifest.
    """
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("builder", "builder-lb"):
            regenerate(COLLECTOR / name, Path(scratch) / name)


def regenerate(sources: Path, scratch: Path) -> None:
    """
    Replace all in the directory but the manifest.
    """
    manifest = (sources / "manifest.yaml").read_text(encoding="utf-8")
    version = one(r"^  version: (\S+)$", manifest)
    go(["install", f"{BUILDER}@v{version}"], COLLECTOR, GOBIN=str(scratch))
    told = scratch / "manifest.yaml"
    told.write_text(re.sub(r"^  output_path: .*$", f"  output_path: {scratch}", manifest, flags=re.MULTILINE), "utf-8")
    command: list[str | Path] = [scratch / "builder", "--skip-compilation", "--skip-get-modules", "--config", told]
    subprocess.run(command, check=True)
    for old in (*sources.glob("*.go"), *sources.glob("go.*")):
        old.unlink()
    for new in scratch.glob("*.go"):
        (sources / new.name).write_bytes(new.read_bytes())
    (sources / "go.mod").write_text(module_file(manifest, version), encoding="utf-8")
    build = ["build", "-buildvcs=false", f"-tags={one(r'^  build_tags: (.+)$', manifest)}", "-o", str(scratch / "made")]
    go([*build, "-mod=mod", "."], sources, GONOSUMDB=TRUSTED_ONCE)
    go([*build, "-mod=readonly", "."], sources)


def module_file(manifest: str, version: str) -> str:
    """
    A go.mod with what the manifest names; the compiler adds the rest.
    """
    named = re.findall(r"^  - gomod: (\S+ v\S+)$", manifest, re.MULTILINE)
    required = sorted([*named, f"go.opentelemetry.io/collector/otelcol v{version}"])
    head = f"module {one(r'^  module: (.+)$', manifest)}\n\ngo {OLDEST_GO}\n\n"
    return head + "require (\n" + "".join(f"\t{line}\n" for line in required) + ")\n"


def one(pattern: str, text: str) -> str:
    """
    The group of a line that has to be there.
    """
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        sys.exit(f"the manifest has no line like {pattern}")
    return found[1]


def go(arguments: list[str], directory: Path, **more: str) -> None:
    """
    One call, with what it says on this terminal.
    """
    fixed = {"CGO_ENABLED": "0", "GO111MODULE": "on", "GOFLAGS": "-trimpath", "GOWORK": "off"}
    subprocess.run(["go", *arguments], cwd=directory, env={**os.environ, **fixed, **more}, check=True)


if __name__ == "__main__":
    main()
