"""
Every documented name in a real Prometheus, by scrape and over OTLP, for each documented system.

Owns the way from a service of each profile into the store. Which names there are is read from the profile, and that
the profile is the contract's is for `tests/conformance` to say.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import pytest

from e2e.process import wait_for
from e2e.services.serving import Service, serve
from e2e.stores import Prometheus, prometheus, unique
from otel_kit.catalogue import Declaration
from otel_kit.profiles import BUILT_IN, Profile, load_profile

SETTLES_SECONDS = 30


class Stored(NamedTuple):
    """
    One profile's service and the Prometheus that has its metrics.
    """

    profile: Profile
    service: Service
    scraped: Prometheus
    pushed: Prometheus


@pytest.fixture(scope="module", params=BUILT_IN)
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """
    A service that has had every kind of request, scraped by one Prometheus and pushing to another.
    """
    name: str = request.param
    directory = tmp_path_factory.mktemp(name)
    with prometheus(directory / "scraped") as scraped, prometheus(directory / "pushed") as pushed:
        told = {
            "OTEL_KIT_PROFILE": name,
            "RATELIMIT_ENABLED": "true",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{pushed.url}/api/v1/otlp/v1/metrics",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
        }
        with serve("e2e.services.documented:app", unique(name), pushed.url, directory, told) as service:
            scraped.scrape({name: [service.target]})
            made = Stored(load_profile(name), service, scraped, pushed)
            drive(made)
            yield made


def drive(made: Stored) -> None:
    """
    Ask for everything, before the first sample is stored and after it: a rate wants two.
    """
    counted = f"sum({sample_names(made.profile.metrics[0].declaration)[0]})"
    for _ in range(2):
        made.service.ask("POST", "/feed")
        for path in ("/items/1", "/items/2", "/broken", "/limited", "/limited", "/watched", "/watched", "/health"):
            made.service.ask("GET", path)
        for path in ("/auth/login", "/chat/completions"):
            made.service.ask("POST", path)
        wait_for(partial(made.scraped.sum, counted), "a sample", timeout=SETTLES_SECONDS)


def sample_names(declaration: Declaration) -> tuple[str, ...]:
    """
    Under which names the samples of a metric are stored.
    """
    endings = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
    return tuple(declaration.name + ending for ending in endings.get(declaration.kind, ("",)))


def documented(profile: Profile) -> set[str]:
    """
    All of a profile, but what has a series only while a request runs.
    """
    passing = {item.metric.name for item in profile.requests if item.role == "in_progress" and item.metric.labelnames}
    return {
        name for metric in profile.metrics if metric.name not in passing for name in sample_names(metric.declaration)
    }


@pytest.mark.parametrize("way", ["scraped", "pushed"])
def test_every_documented_name_is_stored(stored: Stored, way: str) -> None:
    """
    To the letter, with nothing appended for a unit or a kind.
    """
    store: Prometheus = getattr(stored, way)
    wanted = documented(stored.profile)
    with suppress(AssertionError):
        wait_for(lambda: wanted <= store.names('{__name__!=""}'), "all of them", timeout=SETTLES_SECONDS)

    assert set() == wanted - store.names('{__name__!=""}')


@pytest.mark.parametrize("way", ["scraped", "pushed"])
def test_labels_are_the_declared_ones(stored: Stored, way: str) -> None:
    """
    None is missing, renamed or left over beside those of the target.
    """
    store: Prometheus = getattr(stored, way)
    # Prometheus' own, and what it promotes of the resource, which stands on target_info as well
    added = {"__name__", "job", "instance", "le", "otel_scope_name", "otel_scope_version", "otel_scope_schema_url"}
    added |= {name for sample in store.query("target_info") for name in sample.labels}
    wrong = {}
    for metric in stored.profile.metrics:
        for sample in store.query(sample_names(metric.declaration)[-1]):
            found = set(sample.labels)
            if found - (added - set(metric.labelnames)) != set(metric.labelnames):
                wrong[metric.name] = found

    assert {} == wrong


def test_both_ways_store_the_same_bounds(stored: Stored) -> None:
    """
    Bucket by bucket.
    """

    def bounds(store: Prometheus, name: str) -> set[float]:
        return {float(sample.labels["le"]) for sample in store.query(f"sum by (le) ({name}_bucket)")}

    histograms = [metric for metric in stored.profile.metrics if metric.declaration.kind == "histogram"]
    for metric in histograms:
        wanted = {*metric.declaration.buckets, float("inf")}
        assert (wanted, wanted) == (bounds(stored.scraped, metric.name), bounds(stored.pushed, metric.name))


def test_every_documented_question_is_answered(stored: Stored) -> None:
    """
    Rates, percentiles and shares: each query of the profile has an answer from what was fed.
    """
    queries = {(one.what, legend): query for one in stored.profile.readings for legend, query in one.queries.items()}

    def unanswered() -> list[tuple[str, str]]:
        return [what for what, query in queries.items() if not stored.scraped.query(query)]

    with suppress(AssertionError):
        wait_for(lambda: not unanswered(), "an answer to each", timeout=SETTLES_SECONDS)

    assert [] == unanswered()


@pytest.mark.parametrize("way", ["scraped", "pushed"])
def test_the_label_of_a_check_is_the_checks_name(stored: Stored, way: str) -> None:
    """
    Also where the store puts attributes of the resource beside it, which has a `service.name` too.
    """
    gauge = stored.profile.health_gauge
    names = {"database", "auth"} if gauge is not None else set()
    series = getattr(stored, way).query(gauge.name) if gauge is not None else []

    assert names == {sample.labels[gauge.labelnames[0]] for sample in series if gauge is not None}


def test_verify_finds_everything(stored: Stored) -> None:
    """
    The command passes on a good service of each system, strictly: every family has a sample, every log field is there.
    """
    service = stored.service
    command = [sys.executable, "-m", "otel_kit", "verify", service.url, "--profile", stored.profile.name, "--json"]
    command += ["--strict", "--skip-limits", "--log-file", str(service.log)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=service.environment)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}

    assert {} == {name: check["detail"] for name, check in checks.items() if check["status"] == "failed"}
    assert 0 == done.returncode
