"""
What the documents name in words: a reading of the profile has the same words, and asks for metrics that are fed.

Whether its queries give a number is for a real Prometheus to say; here they ask for what is on the page.
"""

from __future__ import annotations

import re
from functools import cache

from otel_kit.profiles import Reading, Threshold
from tests.conformance.claims import check, words
from tests.conformance.lines import Node
from tests.conformance.promql import Wanted, wanted
from tests.conformance.system import System


def reading_for(system: System, said: str) -> Reading:
    """
    The profile's reading of these words.
    """
    readings = {reading.what: reading for reading in system.profile.readings}
    assert said in readings, f"the profile has no reading {said!r}"
    return readings[said]


def metrics_for(system: System, said: str) -> set[str]:
    """
    The metrics that the reading of these words asks for.
    """
    return {one.name for query in reading_for(system, said).queries.values() for one in wanted(query)}


def phrases(system: System, line: str) -> list[str]:
    """
    What a line names: its parts between semicolons, and where one is no reading, those between its commas.
    """
    known = {reading.what for reading in system.profile.readings}
    return [said for part in line.split("; ") for said in ([part] if part in known else part.split(", "))]


def unfed(system: System, said: str) -> list[Wanted]:
    """
    What the reading of these words asks for and the page has no sample of.
    """
    asked = [one for query in reading_for(system, said).queries.values() for one in wanted(query)]
    assert asked, f"{said}: asks for nothing"
    return [one for one in asked if not any(one.is_met_by(each.name, each.labels) for each in system.page.samples)]


@check(
    "goblin.dashboard_panels[*]",
    "todo.metrics.application[*]",
    "todo.metrics.business[*]",
    "todo.metrics.needed_by_alerts_and_panels[*]",
    "xionimus.metrics.key[*]",
    "xionimus.metrics.application[*]",
    "xionimus.metrics.system[0]",
    "xionimus.metrics.system[1]",
    "xionimus.metrics.business[*]",
    "xionimus.metrics.needed_by_alerts_and_panels[*]",
    "platform.security_metrics[*]",
)
def what_is_said_in_words_is_measured(node: Node, system: System) -> None:
    """
    By a reading of the same words, or several where the line has several, of metrics that are fed.
    """
    for said in phrases(system, node.value):
        assert [] == unfed(system, said), said
        percentiles = {word.lower() for word in re.findall(r"\bp\d\d\b", said, re.IGNORECASE)}
        assert percentiles <= set(reading_for(system, said).queries)


@check("todo.rate_limits.documented", "xionimus.rate_limits.documented")
def there_is_no_limit(node: Node, system: System) -> None:
    """
    Where no figure is documented none holds by default.
    """
    assert () == words(node.value, "no figures")
    assert {} == system.profile.limits
    assert {200} == statuses(system, "/items/7", 150)


@check("todo.rate_limits.note")
def hits_are_measured_and_the_baseline_passes(node: Node, system: System) -> None:
    """
    Each of the words stands in a reading that is fed; one client may ask as often as all do in a minute.
    """
    *measured, key = words(
        node.value,
        r"(\w+), (\w+) and (\w+) are measured whatever the limits; defaults must let the baseline's (\w+) pass",
    )
    for word in measured:
        assert [] == [name for said in of_limits(system, word) for name in unfed(system, said)], word
    assert {200} == statuses(system, "/items/7", node.document["performance_baselines"][f"{key}_per_min"])


@check("xionimus.rate_limits.note")
def hits_are_measured_and_health_is_not_limited(node: Node, system: System) -> None:
    """
    However many ask.
    """
    word, path = words(
        node.value, r"(\w+) are measured; the (\w+) path is not limited, or the load test below can't pass"
    )
    assert [] == [name for said in of_limits(system, word) for name in unfed(system, said)]
    assert {200} == statuses(system, node.document[path]["path"], 150)
    # nor does it count for a limit that an application sets for all paths
    assert node.document[path]["path"] in system.profile.health.unlimited


def of_limits(system: System, word: str) -> list[str]:
    """
    The reading of limits in which a word stands.
    """
    found = [one.what for one in system.profile.readings if re.search(rf"\b{word}.*limit|limit.*\b{word}", one.what)]
    assert found, f"no reading of limits says {word!r}"
    return found


@cache
def statuses(system: System, path: str, times: int) -> set[int]:
    """
    What one client hears that asks so often.
    """
    return {answer.status for answer in system.service.ask_often(path, times, client="127.0.5.2")}


@check("xionimus.performance_advice[0]")
def what_performance_hangs_on_is_measured(node: Node, system: System) -> None:
    """
    The pool, and what a cache answers.
    """
    use, answers = words(
        node.value, r"database: SQLAlchemy (pool), its use is a metric; Redis as a session cache, (.+) are metrics"
    )
    assert [] == unfed(system, f"database connection {use} usage") + unfed(system, f"cache {answers}")


@check(
    "todo.performance_baselines.*",
    "xionimus.system_thresholds.*",
    "platform.thresholds.*",
    "goblin.performance.added_per_request_ms_max",
)
def a_figure_is_a_threshold_of_its_reading(node: Node, system: System) -> None:
    """
    Under the documented key, in the unit of what the reading asks for.
    """
    threshold = next(one for one in system.profile.thresholds if one.name == node.key)
    figures = node.value if isinstance(node.value, list) else [node.value]
    assert figures == said_by(system, threshold, milliseconds="_ms" in str(node.key))
    assert threshold.at_least is str(node.key).startswith("throughput")


@check("goblin.load_test.targets[*].what", "goblin.load_test.targets[*].p95_ms")
def a_target_is_a_threshold_of_its_reading(node: Node, system: System) -> None:
    """
    Under the words for what was loaded.
    """
    threshold = next(one for one in system.profile.thresholds if one.name == node.beside("what"))
    assert [node.beside("p95_ms")] == said_by(system, threshold, milliseconds=True)


def said_by(system: System, threshold: Threshold, *, milliseconds: bool) -> list[float]:
    """
    The figures of a threshold, as its document writes them; each one can be read from the buckets where it has to be.
    """
    query = system_query(system, threshold)
    figures = [one for one in (threshold.target, threshold.warning, threshold.critical) if one is not None]
    histogram = re.search(r"histogram_quantile\(.*?(\w+)_bucket", query)
    if histogram:
        bounds = [float(bound) for bound in system.page.bounds(histogram[1]) if bound != "+Inf"]
        assert [] == [figure for figure in figures if figure not in bounds or figure == max(bounds)]
    in_seconds = re.search(r"_seconds\b|_seconds_", query) is not None
    return [round(figure * 1000, 6) for figure in figures] if milliseconds and in_seconds else figures


def system_query(system: System, threshold: Threshold) -> str:
    """
    What a threshold's reading asks.
    """
    queries = reading_for(system, threshold.reading).queries
    return queries[threshold.legend] if threshold.legend else next(iter(queries.values()))
