"""
`otel-kit collector build`: the cache, what Go is told, and what is said when there is none.

The compiler of these tests is a script: it notes how it was called and writes a file.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import threading
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

import pytest
import yaml

from otel_kit.cli.collector import build
from otel_kit.cli.collector.build import Flavour, built_binary, run_build

FLAVOURS: tuple[Flavour, ...] = ("collector", "lb")
Compiler = Callable[..., Path]


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    An installed package with small sources, a cache of its own, and no Go.
    """
    directory = tmp_path / "site" / "_collector" / "builder"
    directory.mkdir(parents=True)
    (directory / "go.mod").write_text("module example.invalid/one\n\ngo 1.26.0\n")
    (directory / "main.go").write_text("package main\n")
    monkeypatch.setattr(build, "PACKAGE", tmp_path / "site")
    monkeypatch.setenv("OTEL_KIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return directory


@pytest.fixture
def compiler(tmp_path: Path) -> Compiler:
    """
    Puts a `go` on the path that says this version, notes its calls, and builds by this line of shell.
    """

    def put(version: str = "go1.26.8", building: str = 'echo "$version" > "$made"') -> Path:
        (tmp_path / "path").mkdir(exist_ok=True)
        log, script = tmp_path / "calls", tmp_path / "path" / "go"
        script.write_text(
            f"#!/bin/sh\nversion={version}\n"
            'if [ "$1" = env ]; then echo "$version"; echo linux; echo amd64; exit; fi\n'
            f'echo "$GOFLAGS $GOWORK $CGO_ENABLED $GOTOOLCHAIN $*" >> {shlex.quote(str(log))}\n'
            'while [ "$1" != -o ]; do shift; done; made=$2\n'
            f"{building}\n"
        )
        script.chmod(0o755)
        return log

    return put


def run(output: Path | None = None) -> tuple[int, str]:
    """
    One build: the status, and what was said, errors included.
    """
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stderr(errors):
        status = run_build("collector", output, out)
    return status, out.getvalue() + errors.getvalue()


def test_puts_the_binary_where_it_is_wanted(sources: Path, compiler: Compiler, tmp_path: Path) -> None:
    """
    The named file is the binary, and its path is the last line.
    """
    compiler()

    status, said = run(tmp_path / "wanted" / "binary")

    assert 0 == status
    assert "go1.26.8\n" == (tmp_path / "wanted" / "binary").read_text()
    assert str(tmp_path / "wanted" / "binary") == said.splitlines()[-1]


def test_a_directory_gets_the_binary_by_its_name(sources: Path, compiler: Compiler, tmp_path: Path) -> None:
    """
    An output that is a directory is not replaced by a file.
    """
    compiler()

    run(tmp_path)

    assert (tmp_path / "otel-kit-collector").is_file()


def test_the_flags_leave_nothing_to_the_machine(sources: Path, compiler: Compiler) -> None:
    """
    go.sum is not written to, no path or checkout gets into the binary, and the caller's flags do not count.
    """
    log = compiler()

    run()

    called = log.read_text().split(" -o ")[0]
    assert (
        "-mod=readonly off 0 local build -mod=readonly -trimpath -buildvcs=false -tags=grpcnotrace -ldflags=-s -w"
        == called
    )


def test_an_installed_package_leaves_it_in_the_cache(sources: Path, compiler: Compiler, tmp_path: Path) -> None:
    """
    Where there is no checkout the cache itself is the place, and it is found there again without Go.
    """
    compiler()

    _, said = run()
    (tmp_path / "path" / "go").unlink()

    built = Path(said.splitlines()[-1])
    assert tmp_path / "cache" / "collector" == built.parents[1]
    assert built == built_binary("collector")


def test_a_checkout_has_it_in_its_build_directory(
    compiler: Compiler, tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Sources that lie beside the package are built to `.build/` of the checkout.
    """
    compiler()
    checkout = tmp_path / "checkout"
    shutil.copytree(sources, checkout / "collector" / "builder")
    (checkout / "pyproject.toml").touch()
    monkeypatch.setattr(build, "PACKAGE", checkout / "otel_kit")

    run()

    assert (checkout / ".build" / "otel-kit-collector").is_file()
    assert checkout / ".build" / "otel-kit-collector" == built_binary("collector")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_nothing_is_found_before_it_is_built(sources: Path, flavour: Flavour) -> None:
    """
    Without a build there is no binary, whether there are sources for it or not.
    """
    assert built_binary(flavour) is None


def test_builds_once(sources: Path, compiler: Compiler) -> None:
    """
    The second time it comes from the cache, and that is said.
    """
    log = compiler()

    run()
    status, said = run()

    assert 0 == status
    assert 1 == len(log.read_text().splitlines())
    assert "nothing has changed" in said


@pytest.mark.parametrize("name", ["main.go", "go.mod", "go.sum", "manifest.yaml"])
def test_a_changed_input_is_built_anew(sources: Path, compiler: Compiler, name: str) -> None:
    """
    Every file that decides on the binary belongs to the key of the cache.
    """
    log = compiler()
    run()

    with (sources / name).open("a") as file:
        file.write("// changed\n")
    run()

    assert 2 == len(log.read_text().splitlines())


def test_another_toolchain_builds_anew(sources: Path, compiler: Compiler, tmp_path: Path) -> None:
    """
    A binary made by another Go is another binary.
    """
    compiler("go1.26.8")
    run(tmp_path / "binary")

    compiler("go1.27.0")
    run(tmp_path / "binary")

    assert "go1.27.0\n" == (tmp_path / "binary").read_text()


def test_without_go_says_what_to_do(sources: Path) -> None:
    """
    Missing Go: the version that is needed, where it comes from, and the variable for an upstream binary.
    """
    status, said = run()

    assert 1 == status
    assert "Go 1.26.0 or newer is needed, but there is no `go` on the PATH" in said
    assert "https://go.dev/dl/" in said
    assert "OTEL_KIT_COLLECTOR_BINARY=" in said


@pytest.mark.parametrize("version", ["go1.25.9", "go1.9", "go1.22"])
def test_an_old_go_is_told_apart(sources: Path, compiler: Compiler, version: str) -> None:
    """
    A Go older than go.mod asks for is named with its version, and is not started.
    """
    log = compiler(version)

    status, said = run()

    assert 1 == status
    assert "Go 1.26.0 or newer is needed" in said
    assert f"is {version}." in said
    assert not log.exists()


@pytest.mark.parametrize("version", ["go1.26.0", "go1.26", "go1.100.1", "go2.0", "'devel go1.27-0f1e'"])
def test_a_newer_go_is_taken(sources: Path, compiler: Compiler, version: str) -> None:
    """
    Versions are compared as numbers.
    """
    compiler(version)

    assert 0 == run()[0]


def test_a_failed_build_leaves_nothing(sources: Path, compiler: Compiler, tmp_path: Path) -> None:
    """
    What a failed compiler left is neither taken nor kept.
    """
    compiler(building='echo half > "$made"; exit 2')

    status, said = run(tmp_path / "binary")

    assert 1 == status
    assert "`go build` ended with status 2" in said
    assert "GOPROXY" in said
    assert [] == [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not (tmp_path / "binary").exists()


def test_a_cache_that_cannot_be_written_is_named(sources: Path, compiler: Compiler, tmp_path: Path) -> None:
    """
    The variable that moves the cache stands in the message.
    """
    compiler()
    (tmp_path / "cache").write_text("a file where a directory should be")

    status, said = run()

    assert 1 == status
    assert "OTEL_KIT_CACHE" in said


def test_builds_at_once_do_not_harm_each_other(sources: Path, compiler: Compiler, tmp_path: Path) -> None:
    """
    Two builds of one key both end well, each having waited for the other to be amid its own.
    """
    meeting = shlex.quote(str(tmp_path))
    both = f'[ "$(ls {meeting}/here.* | wc -l)" = 2 ]'
    meet = f"for turn in $(seq 1000); do {both} && exit; sleep 0.01; done; exit 1"
    compiler(building=f'PATH={shlex.quote(os.defpath)}; echo x > "$made"; : > {meeting}/here.$$; {meet}')
    statuses: list[int] = []

    def build_one() -> None:
        statuses.append(run_build("collector", tmp_path / "binary", io.StringIO()))

    threads = [threading.Thread(target=build_one) for _ in range(2)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [0, 0] == statuses
    assert "x\n" == (tmp_path / "binary").read_text()


def test_a_running_binary_can_be_replaced(sources: Path, compiler: Compiler, tmp_path: Path) -> None:
    """
    The file is replaced and not written to: who has it open keeps what was there.
    """
    compiler()
    (tmp_path / "binary").write_text("running")

    with (tmp_path / "binary").open() as running:
        run(tmp_path / "binary")

        assert "running" == running.read()


def modules(manifest: Path) -> dict[str, str]:
    """
    Module -> version, as a manifest lists them.
    """
    document = yaml.safe_load(manifest.read_text())
    lines = [entry["gomod"] for kind in document if kind != "dist" for entry in document[kind]]
    return dict(line.split() for line in lines)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_the_manifest_names_is_required_and_imported(flavour: Flavour) -> None:
    """
    Manifest, go.mod, go.sum and the generated sources belong together.
    """
    sources = build.source_directory(flavour)
    wanted = modules(sources / "manifest.yaml")
    required = dict(re.findall(r"^\t(\S+) (v\S+)$", (sources / "go.mod").read_text(), re.MULTILINE))
    hashed = set(re.findall(r"^(\S+) (v\S+) h1:", (sources / "go.sum").read_text(), re.MULTILINE))
    imported = set(re.findall(r'^\t\w+ "(\S+)"$', "".join(map(Path.read_text, sources.glob("*.go"))), re.MULTILINE))

    assert wanted == {module: required.get(module) for module in wanted}
    assert set() == wanted.items() - hashed
    assert set() == wanted.keys() - imported


def test_the_agent_tier_differs_by_one_exporter() -> None:
    """
    The second manifest is the first with `load_balancing`, so that both tiers are of one version.
    """
    first, second = (modules(build.source_directory(flavour) / "manifest.yaml") for flavour in FLAVOURS)

    assert first.items() <= second.items()
    assert ["loadbalancingexporter"] == [module.split("/")[-1] for module in second.keys() - first.keys()]
