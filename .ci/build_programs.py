"""
Builds the programs that `make e2e` runs beside the Collector: `.ci/programs [--where] [NAME…]`.

Owns which releases the tests run against, and the way in which each builds from the Go module
proxy alone. Needs Go and Python's standard library; tells progress on standard error and prints one
path for each name. What is in the cache already is not built again.

Each is built inside a copy of its own module, whose go.mod and go.sum are its authors': their
replacements hold (`go install` refuses those), and every dependency has the hash they released with.
The module itself must have the hash below, which is checked whether or not a checksum database knows it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """
    One program: a package of a module at a version.
    """

    module: str
    version: str
    hash: str
    package: str
    database: bool = True
    """Whether the checksum database knows the module."""
    replaced: tuple[str, ...] = ()
    """A module that lies inside of this one in its repository, and so is missing from its zip: `path@version`."""
    sums: tuple[str, ...] = ()
    """The lines of go.sum for it."""


PUSH = "github.com/grafana/loki/pkg/push"
PUSH_VERSION = "v0.0.0-20250630054201-94c0ba7b0952"
PROMETHEUS = ("github.com/prometheus/prometheus", "v0.315.0", "h1:sFGZWmC2Hk9N1NBJGCnXYZb5hyLCq8yuAMoEjLAg6ac=")

# in the order in which one's build helps the next most
PROGRAMS = {
    "prometheus": Program(*PROMETHEUS, "./cmd/prometheus"),  # 3.15
    "promtool": Program(*PROMETHEUS, "./cmd/promtool"),
    "tempo": Program(  # just before 2.8
        "github.com/grafana/tempo",
        "v1.5.1-0.20250529124718-87c2dc380cec",
        "h1:wnzJov9RhSHGaTYGzTygL4qq986fLen8xSqnQgaMd28=",
        "./cmd/tempo",
        database=False,
    ),
    "loki": Program(
        "github.com/grafana/loki/v3",
        "v3.7.8",
        "h1:bJ0WFWVOjgvG/jYmT9fIX15SYXXDwuEu/IMgTwMA97U=",
        "./cmd/loki",
        replaced=(f"{PUSH}@{PUSH_VERSION}",),
        sums=(
            f"{PUSH} {PUSH_VERSION} h1:rLzoJGDnoXsZV2j/2atL6OVk9AHluTbDOD8Ls9trtIA=",
            f"{PUSH} {PUSH_VERSION}/go.mod h1:ny/0bFitf8KNZkZfweaI4hmwb5XPhaFD2d0kVcyKmjo=",
        ),
    ),
    "jaeger": Program(  # 2.13
        "github.com/jaegertracing/jaeger",
        "v1.76.0",
        "h1:sWCOOF1dr+NL0PLil7mFo3BqqQL8k4WiM7aguFbc14g=",
        "./cmd/jaeger",
    ),
    "telemetrygen": Program(
        "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen",
        "v0.161.0",
        "h1:JgB7eAxjlEiajBiQSmpJSIk9Zwm5BBRwU05szfBsQjk=",
        ".",
    ),
}
GO_NEEDED = (1, 26, 5)
"""What the most demanding of them asks for: Loki."""


def main(arguments: list[str]) -> int:
    """
    Build what is missing and print where each is; `--where` builds nothing.
    """
    only_say = "--where" in arguments
    names = [name for name in arguments if name != "--where"] or list(PROGRAMS)
    unknown = sorted(set(names) - set(PROGRAMS))
    if unknown:
        tell(f"there is no {', '.join(unknown)}; there are {', '.join(PROGRAMS)}")
        return 2
    failed = [name for name in names if not (only_say or target(name).is_file() or built(name))]
    for name in names:
        if name not in failed:
            print(target(name))
    return 1 if failed else 0


def target(name: str) -> Path:
    """
    Where the program is once it is built.
    """
    own, shared = os.environ.get("OTEL_KIT_CACHE"), os.environ.get("XDG_CACHE_HOME")
    base = Path(shared) if shared and os.path.isabs(shared) else Path("~/.cache").expanduser()
    cache = (Path(own) if own else base / "otel-kit").absolute()
    return cache / "programs" / f"{name}-{PROGRAMS[name].version}" / name


def built(name: str) -> bool:
    """
    Build one, into a directory of its own and then under its name in one step: several may do so at once.
    """
    started = time.monotonic()
    binary = target(name)
    try:
        check_go()
        binary.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=binary.parent) as scratch:
            made = compiled(PROGRAMS[name], Path(scratch))
            size = made.stat().st_size / 1e6
            made.replace(binary)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        tell(f"{name}: not built: {error}")
        return False
    tell(f"{name}: built in {time.monotonic() - started:.0f} s, {size:.0f} MB")
    return True


def check_go() -> None:
    """
    Raise ValueError when Go is missing or too old for one of the programs.
    """
    needed = ".".join(map(str, GO_NEEDED))
    if shutil.which("go") is None:
        raise ValueError(f"Go {needed} or newer is needed, and there is no `go` on the PATH; see https://go.dev/dl/")
    version = go(["env", "GOVERSION"], Path.cwd()).split()[0].removeprefix("go")
    if tuple(int(part) for part in version.split("-")[0].split(".") if part.isdigit()) < GO_NEEDED:
        raise ValueError(f"Go {needed} or newer is needed, and `go` is {version}; see https://go.dev/dl/")


def compiled(program: Program, scratch: Path) -> Path:
    """
    The binary, built in a copy of its module: the module cache is read-only, and one of them needs a line more.
    """
    tell(f"{program.module} {program.version}: {program.package}")
    sources, made = scratch / "sources", scratch / "binary"
    shutil.copytree(download(program, scratch), sources, copy_function=shutil.copyfile)
    for directory, _, _ in os.walk(sources):
        os.chmod(directory, 0o755)
    for replacement in program.replaced:
        go(["mod", "edit", f"-replace={replacement.split('@')[0]}={replacement}"], sources)
    with (sources / "go.sum").open("a", encoding="utf-8") as sums:
        sums.writelines(f"{line}\n" for line in program.sums)
    flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"]
    go(["build", *flags, "-o", str(made), program.package], sources)
    return made


def download(program: Program, scratch: Path) -> Path:
    """
    The module's directory in the module cache.

    Raises:
        ValueError: Its hash is another one.
    """
    (scratch / "go.mod").write_text("module example.invalid/programs\n", encoding="utf-8")
    exempt = {} if program.database else {"GONOSUMDB": program.module}
    told = json.loads(go(["mod", "download", "-json", f"{program.module}@{program.version}"], scratch, exempt))
    if told["Sum"] != program.hash:
        raise ValueError(f"{program.module} {program.version} has the hash {told['Sum']}, not {program.hash}")
    return Path(told["Dir"])


def go(arguments: list[str], directory: Path, more: dict[str, str] | None = None) -> str:
    """
    What the command printed. Prometheus' zip has a go.work that names modules it lacks, hence GOWORK.
    """
    fixed = {"CGO_ENABLED": "0", "GO111MODULE": "on", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    environment = {"GOTOOLCHAIN": "local", **os.environ, **fixed, **(more or {})}
    command = ["go", *arguments]
    return subprocess.run(command, cwd=directory, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def tell(text: str) -> None:
    """
    Progress, apart from the paths on standard output.
    """
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
