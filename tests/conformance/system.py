"""
One documented system, live: its profile, a service that has it, and what is seen of that service.

Owns what every check may look at. What is done to the service is taken from the contract as it is in the repository;
a check compares what came out with the line at hand, which in a test of the check itself says something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from otel_kit.profiles import Metric, Profile, load_profile
from tests.conformance.lines import Document, document
from tests.conformance.page import Page, read_sample
from tests.conformance.promql import wanted
from tests.conformance.service import Service, serve
from tests.servers.serving import ROOT, wait_until

__all__ = ["System", "observe"]

EXAMPLES = ROOT / "examples"

BY_SYSTEM: Mapping[str, Mapping[str, str]] = {
    # no profile is named: it is the default one
    "goblin": {
        "CONFORMANCE_SERVICE": "goblin_assistant",
        "CONFORMANCE_CHECKS": "chroma,sandbox",
        "CORS_ORIGINS": document("goblin")["environment"]["CORS_ORIGINS"]["example"],
    },
    "todo": {
        "CONFORMANCE_PROFILE": "todo",
        "CONFORMANCE_SERVICE": "todo",
        "CONFORMANCE_CHECKS": "database,auth",
        "LOG_LEVEL": "dEbUg",
    },
    "xionimus": {
        "CONFORMANCE_PROFILE": "xionimus",
        "CONFORMANCE_SERVICE": "xionimus",
        "CONFORMANCE_CHECKS": "database",
        "CONFORMANCE_TYPE": "SQLite",
        "CONFORMANCE_PROVIDERS": "openai,anthropic,perplexity",
        "ENVIRONMENT": document("xionimus")["sentry"]["examples"]["ENVIRONMENT"],
    },
    "platform": {
        "CONFORMANCE_PROFILE": "platform",
        "CONFORMANCE_SERVICE": "platform",
        "CONFORMANCE_CHECKS": "database",
        "LOG_LEVEL": "Trace",
    },
}

TRAFFIC = (
    ("GET", "/items/7"),
    ("POST", "/items/7"),
    ("GET", "/items/none"),
    ("GET", "/nowhere"),
    ("GET", "/raise/TimeoutError"),
    *[("GET", "/limited")] * 2,
    *[("GET", "/watched")] * 2,
)

ELSEWHERE = "127.0.0.9"
"""The address of what the tests themselves want: it takes from nobody's limit."""


@dataclass(eq=False)
class System:
    """
    A service with the profile, and everything that was seen of it so far.
    """

    name: str
    service: Service
    documented: Page
    """After the documented samples, and nothing else, were recorded through their handles."""
    example: Service | None = None
    """The system's own example, where the repository has one."""

    @property
    def contract(self) -> Document:
        """
        Its documents.
        """
        return document(self.name)

    def setting(self, variable: str) -> str:
        """
        A variable with which its service was started; empty where there was none.
        """
        return BY_SYSTEM[self.name].get(variable, "")

    @property
    def profile(self) -> Profile:
        """
        Its declared names.
        """
        return load_profile(self.name)

    def metric(self, name: str) -> Metric:
        """
        The profile's metric of this name.
        """
        return next(metric for metric in self.profile.metrics if metric.name == name)

    @cached_property
    def page(self) -> Page:
        """
        The metrics after requests of every kind, with each handle used and each event reported once.
        """
        for method, path in TRAFFIC:
            self.service.ask(method, path, headers={"X-Correlation-ID": f"traffic-{path.strip('/')}"})
        self.tell("metrics", [step for metric in _handles(self.profile) for step in _samples(self.profile, metric)])
        events = [{"event": event.name, "fields": dict.fromkeys(event.fields, "x")} for event in self.profile.events]
        self.tell("events", events)
        return self.scrape()

    def scrape(self) -> Page:
        """
        The metrics as they are now.
        """
        return Page(self.service.ask("GET", self.profile.metrics_path, client=ELSEWHERE).body.decode())

    def tell(self, what: str, body: object, **headers: str) -> Any:
        """
        Have the service do something.
        """
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.service.ask("POST", f"/puppet/{what}", body, given, client=ELSEWHERE)
        assert answer.status == 200, (what, answer)
        return answer.json

    def key_of(self, source: str) -> str:
        """
        The name under which the profile's log line has what comes from this source.
        """
        return next(each.name for each in self.profile.layout.fields if each.source == source)

    def lines(self, **values: object) -> list[dict[str, Any]]:
        """
        Log lines so far that have these values under these keys.
        """
        return [line for line in self.service.lines() if values.items() <= _flat(line).items()]

    def line(self, **values: object) -> dict[str, Any]:
        """
        The first log line that has these values, as soon as it is there.
        """
        wait_until(lambda: self.lines(**values), 10.0, f"a line with {values}")
        return self.lines(**values)[0]


def _flat(line: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if isinstance(value, str | int | float | bool | None)}


def _handles(profile: Profile) -> Iterator[Metric]:
    """
    The metrics that application code records.
    """
    others = {used.metric.name for used in profile.requests}
    others |= {share.gauge.name for share in profile.derived}
    others |= {profile.health_gauge.name} if profile.health_gauge else set()
    return (metric for metric in profile.metrics if metric.name not in others)


def _samples(profile: Profile, metric: Metric) -> Iterator[dict[str, Any]]:
    """
    One, and one more for each reading that selects the metric by a label.
    """
    call = {"counter": "inc", "gauge": "set"}.get(metric.declaration.kind, "observe")
    queries = [query for reading in profile.readings for query in reading.queries.values()]
    selected = [one.labels for query in queries for one in wanted(query) if one.name == metric.name and one.labels]
    for labels in ({}, *selected):
        values = {**dict.fromkeys(metric.labelnames, "one"), **labels}
        yield {"metric": metric.name, "labels": values, "call": call, "values": [1]}


@contextmanager
def observe(name: str, directory: Path) -> Iterator[System]:
    """
    Start the service of a system, and record what its documents show as recorded.
    """
    with ExitStack() as running:
        enter: Callable[..., Any] = running.enter_context
        (directory / name).mkdir()
        service = enter(serve(directory / name, BY_SYSTEM[name]))
        contract = document(name)
        system = System(name, service, Page(""))
        system.tell("metrics", [step for line in contract.get("metric_lines", ()) for step in _steps(system, line)])
        system.documented = system.scrape()
        if (EXAMPLES / name).is_dir():
            (directory / "example").mkdir()
            serving = contract["serve"]
            origins = {"CORS_ORIGINS": contract["environment"]["CORS_ORIGINS"]["example"]}
            system.example = enter(
                serve(directory / "example", origins, serving["command"], EXAMPLES / name / serving["cwd"])
            )
        yield system


def _steps(system: System, line: str) -> Iterator[dict[str, Any]]:
    """
    What an application does so that a documented sample stands on its page.
    """
    name, labels, value = read_sample(line)
    metric = system.metric(name.removesuffix("_bucket"))
    bound = labels.pop("le", None)
    step = {"metric": metric.name, "labels": labels}
    if metric.declaration.kind == "histogram":
        times, observed = (int(value), float(bound)) if bound else (1, value)
        yield from [{**step, "call": "observe", "values": [observed]}] * times
        if bound:  # some beyond, or the next bucket would hold as many
            yield {**step, "call": "observe", "values": [observed * 1.1]}
    else:
        yield {**step, "call": "inc" if metric.declaration.kind == "counter" else "set", "values": [value]}
