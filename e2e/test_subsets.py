"""
Any set of backends makes a Collector: every subset of the nine is validated, a sample of them is started.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain, combinations, takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e import otlp
from e2e.process import clean_environment
from e2e.programs import FILES, collector, find, free_port, wait_for

BACKENDS = ("loki", "tempo", "jaeger", "prometheus", "datadog", "elasticsearch", "cloudwatch", "otlp", "file")
EVERY_FILE = sorted([FILES / "base.yaml", *(FILES / "backends").iterdir(), *(FILES / "overlays").iterdir()])
TOKEN = "a-token-of-this-test"
SECONDS_TO_STOP = 5.0


def variables(directory: Path) -> dict[str, str]:
    """
    What all nine and the token read; every store is a port of loopback where nobody listens.
    """
    nobody = f"http://127.0.0.1:{free_port()}"
    cloudwatch = {
        f"CLOUDWATCH_{signal}_ENDPOINT": f"{nobody}/v1/{signal.lower()}" for signal in ("LOGS", "TRACES", "METRICS")
    }
    return {
        "LOKI_ENDPOINT": nobody,
        "TEMPO_OTLP_ENDPOINT": nobody,
        "JAEGER_OTLP_ENDPOINT": nobody,
        "PROMETHEUS_ENDPOINT": nobody,
        "DD_API_KEY": "0123456789abcdef",
        "DD_OTLP_ENDPOINT": nobody,
        "ELASTICSEARCH_OTLP_ENDPOINT": f"{nobody}/_otlp",
        "ELASTICSEARCH_API_KEY": "bm90OmFfa2V5",
        "CLOUDWATCH_LOG_GROUP": "shop",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "an-example-and-no-key",
        **cloudwatch,
        "OTLP_FORWARD_ENDPOINT": nobody,
        "OTEL_KIT_FILE_DIR": str(directory / "files"),
        "OTEL_KIT_COLLECTOR_TOKEN": TOKEN,
    }


def every_subset() -> Iterator[tuple[str, ...]]:
    """
    All 512, from none to all.
    """
    return chain.from_iterable(combinations(BACKENDS, size) for size in range(len(BACKENDS) + 1))


def files_of(backends: Sequence[str], token: bool, *, redaction: bool = True) -> list[str]:
    """
    The files in their order of loading.
    """
    picked = [f"backends/{name}.yaml" for name in backends]
    return [
        "base.yaml",
        *(["redaction.yaml"] if redaction else []),
        *picked,
        *(["overlays/token.yaml"] if token else []),
    ]


def extensions_of(files: Sequence[str]) -> list[str]:
    """
    The list that has to be said on top: none, unless two of the files say one.
    """
    saying = [file for file in files if "extensions" in read(file).get("service", {}) and file != "base.yaml"]
    return [] if len(saying) < 2 else [name for file in files for name in read(file).get("extensions", {})]


@cache
def read(file: str) -> dict[str, Any]:
    """
    One file as data, references unresolved.
    """
    tree: dict[str, Any] = yaml.safe_load((FILES / file).read_text(encoding="utf-8"))
    return tree


def refusal(files: Sequence[str], environment: Mapping[str, str]) -> str:
    """
    What `validate` says against these files; nothing when it accepts them.
    """
    paths = [str(FILES / file) for file in files]
    if chosen := extensions_of(files):
        paths.append(f"yaml:service::extensions: [{', '.join(chosen)}]")
    locations = [part for path in paths for part in ("--config", path)]
    done = subprocess.run(
        [find("collector"), "validate", *locations], env=dict(environment), capture_output=True, text=True, timeout=60
    )
    return "" if 0 == done.returncode else f"{files}: {done.returncode} {done.stderr[-600:]}"


def test_has_a_file_for_each_backend() -> None:
    """
    The directory holds the nine that the documentation names, and no other.
    """
    assert set(BACKENDS) == {path.stem for path in (FILES / "backends").iterdir()}


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: path.stem)
def test_each_file_says_what_it_reads(path: Path) -> None:
    """
    The comment at the head names every variable that the file refers to.
    """
    text = path.read_text(encoding="utf-8")
    head = "".join(takewhile(lambda line: line.startswith("#"), text.splitlines(keepends=True)))

    assert head
    assert set(re.findall(r"\$\{env:(\w+)", text)) <= set(re.findall(r"\w+", head))


@pytest.mark.timeout(600)
def test_accepts_every_subset_with_and_without_a_token(tmp_path: Path) -> None:
    """
    All 1024 combinations are valid, CloudWatch with a token when the list of extensions names what both need.

    Redaction is left to some of those that are started: its patterns take a second to compile, and it names no backend.
    """
    environment = clean_environment(tmp_path, variables(tmp_path))
    sets = [files_of(subset, token, redaction=False) for subset in every_subset() for token in (False, True)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        refusals = list(pool.map(lambda files: refusal(files, environment), sets))

    assert 1024 == len(refusals)
    assert [] == [text for text in refusals if text]


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_file_names_every_extension_it_needs(backend: str) -> None:
    """
    A file that is loaded by hand brings its extensions with it: the list, where it has one, starts with the base's.
    """
    tree = read(f"backends/{backend}.yaml")
    base = read("base.yaml")["service"]["extensions"]

    assert [*base, *tree.get("extensions", {})] == tree["service"].get("extensions", base)


SAMPLE = [(), *((name,) for name in BACKENDS), ("loki", "tempo", "prometheus"), ("cloudwatch", "datadog"), BACKENDS]


@pytest.mark.parametrize("token", [False, True], ids=["open", "token"])
@pytest.mark.parametrize("subset", SAMPLE, ids=lambda subset: "+".join(subset) or "none")
def test_starts_quietly_and_ends_in_time(subset: tuple[str, ...], token: bool, tmp_path: Path) -> None:
    """
    The set is healthy without a warning, takes a span although its stores are gone, and ends with 0 in five seconds.
    """
    files = files_of(subset, token, redaction=subset in ((), BACKENDS))
    with collector(files, variables(tmp_path), tmp_path, extensions=extensions_of(files)) as running:
        said_at_start = running.warnings()
        headers = {"Authorization": f"Bearer {TOKEN}"} if token else {}
        answer = otlp.send(running.url, otlp.traces([otlp.span("GET /")], {"service.name": "shop"}), headers=headers)
        # by then it listens for signals too, which it begins to do a moment after it is healthy
        wait_for(lambda: 1 == running.metrics().sum("otelcol_receiver_accepted_spans"), "the span is counted")
        began = time.monotonic()
        code = running.stop(SECONDS_TO_STOP)
        took = time.monotonic() - began

    assert [] == said_at_start
    assert 200 == answer.status
    assert 0 == code
    assert took < SECONDS_TO_STOP
