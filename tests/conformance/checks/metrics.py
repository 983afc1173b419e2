"""
Metrics: name by name, type by type, label by label, bucket by bucket, on the page of the live service.
"""

from __future__ import annotations

import re

from prometheus_client import REGISTRY

from tests.conformance.checks.readings import metrics_for
from tests.conformance.claims import check, words
from tests.conformance.lines import Document, Node, select
from tests.conformance.mutants import ill_formed
from tests.conformance.page import Page
from tests.conformance.states import states
from tests.conformance.system import System

OURS = "ours to choose"


def places(key: str) -> tuple[str, ...]:
    """
    Where the four contracts have this key of a metric.
    """
    lists = ("goblin.metrics", "todo.metrics.http", "xionimus.metrics.names", "platform.metrics")
    patterns = ((each.partition(".")[0], f"{each}[*].{key}") for each in lists)
    return tuple(pattern for system, pattern in patterns if select(system, pattern))


def name_of(node: Node, system: System) -> str:
    """
    The name of the metric that a line belongs to; one of ours is found by what it counts.
    """
    name = str(node.beside("name"))
    return name if name != OURS else metrics_for(system, node.beside("what")).pop()


def bounds_of(system: System, metric: str) -> list[float]:
    """
    The finite bounds of a histogram.
    """
    return [float(bound) for bound in system.page.bounds(metric) if bound != "+Inf"]


@check("goblin.metrics_endpoint", "xionimus.metrics.endpoint", "platform.metrics_endpoint")
def metrics_are_served(node: Node, system: System) -> None:
    """
    At the documented path, as Prometheus text, however many ask.
    """
    told = node.value if isinstance(node.value, dict) else {"path": node.value}
    told = {"method": "GET", "rate_limited": False, **told}
    answer = system.service.ask(told["method"], told["path"])
    assert 200 == answer.status
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    answers = system.service.ask_often(told["path"], 105, client="127.0.5.1")
    assert told["rate_limited"] is any(answer.status == 429 for answer in answers)


@check(*places("name"))
def a_metric_is_served(node: Node, system: System) -> None:
    """
    It is declared, and has samples once it was fed; without documented labels they have none.
    """
    if node.value == OURS:
        return
    assert system.metric(node.value)
    assert system.page.of(node.value)
    if "labels" not in node.parents[-1]:
        assert [[]] == system.page.labels(node.value)


@check(*places("type"))
def a_metric_has_its_type(node: Node, system: System) -> None:
    """
    As `# TYPE` says it.
    """
    assert node.value == system.page.types[name_of(node, system)]


@check(*places("labels"))
def a_metric_has_its_labels(node: Node, system: System) -> None:
    """
    Those, in that order, on every sample.
    """
    assert [node.value] == system.page.labels(name_of(node, system))


@check(*places("must_have_bucket"), *places("must_have_buckets"), mutants=ill_formed)
def a_histogram_has_the_buckets_it_must(node: Node, system: System) -> None:
    """
    Written as documented. It may have others, so another bound would be no fault.
    """
    wanted = node.value if isinstance(node.value, list) else [node.value]
    found = system.page.bounds(name_of(node, system))
    assert wanted == [bound for bound in found if bound in wanted]


@check(*places("buckets"))
def a_histogram_has_exactly_its_buckets(node: Node, system: System) -> None:
    """
    These finite bounds and no others.
    """
    assert node.value == bounds_of(system, name_of(node, system))


NOTES = (
    r"finite buckets beyond (?P<beyond>[\d.]+) s, or (?P<alert>\w+) can never fire",
    r"bounds at (?P<at>[\d., ]+) and beyond (?P<beyond>[\d.]+), or (?P<alert>\w+) can never fire",
    r"in seconds, sum too; (?P<at>[\d.]+) for the thresholds; "
    r"finite buckets beyond (?P<beyond>[\d.]+), or (?P<alert>\w+) can never fire",
    r"bounds at (?P<at>[\d., ]+)",
)


@check("goblin.metrics[1].note", "todo.metrics.http[1].note", "platform.metrics[1].note", "platform.metrics[3].note")
def a_histogram_can_answer_its_alert(node: Node, system: System) -> None:
    """
    Bounds stand at the figures, and finite ones beyond; the alert named asks this histogram for that figure.
    """
    told = next(found.groupdict() for form in NOTES if (found := re.fullmatch(form, node.value)))
    name = name_of(node, system)
    bounds = bounds_of(system, name)
    at = [float(figure) for figure in (told.get("at") or "").split(", ") if figure]
    assert [] == [figure for figure in at if figure not in bounds]
    if node.system == "todo":
        assert set(at) == figures_of_times(node.document)
    if "alert" in told:
        assert max(bounds) > float(told["beyond"])
        rules = node.document["alerts"].get("rules") or node.document["alerts"]["given"]
        (expression,) = (rule["expr"] for rule in rules if rule["alert"] == told["alert"])
        assert f"{name}_bucket" in expression
        assert float(told["beyond"]) == float(expression.rpartition(" > ")[2])
    if node.value.startswith("in seconds"):
        # these requests take some milliseconds, which in milliseconds would be more than as many
        assert system.page.sum(f"{name}_sum") < system.page.sum(f"{name}_count")


def figures_of_times(contract: Document) -> set[float]:
    """
    Every time in seconds that an alert or a baseline holds requests to.
    """
    alerts = " ".join(line for tier in ("critical", "high", "medium") for line in contract["alerts"][tier])
    baselines = contract["performance_baselines"]
    found = {float(figure) for figure in re.findall(r"p95(?: response time)? > ([\d.]+) s", alerts)}
    return found | {value / 1000 for name, value in baselines.items() if name.endswith("_ms")}


@check("todo.metrics.http[0].note")
def the_status_is_the_code(node: Node, system: System) -> None:
    """
    As three digits, which a pattern of the first finds.
    """
    pattern, count = words(node.value, r"status is the code, (\S+) must match; it is the (\w+) documented label")
    found = {sample.labels["status"] for sample in system.page.of(name_of(node, system))}
    assert {"200", "404", "422", "500"} <= found
    assert [status for status in found if status >= "500"] == [each for each in found if re.fullmatch(pattern, each)]
    assert "one" == count


@check("xionimus.metrics.names[0].note")
def the_status_is_grouped(node: Node, system: System) -> None:
    """
    By its first digit; a request without a route has its own handler.
    """
    groups, unmatched = words(node.value, r"status grouped (.+); handler (\w+) where no route matched")
    found = {sample.labels["status"] for sample in system.page.of(name_of(node, system))}
    assert found <= set(groups.split(", "))
    assert ["2xx", "3xx", "4xx", "5xx"] == groups.split(", ")
    assert {"4xx"} == {
        s.labels["status"] for s in system.page.of(name_of(node, system)) if s.labels["handler"] == unmatched
    }


@check("xionimus.metrics.names[5]")
def the_default_registry_is_there(node: Node, system: System) -> None:
    """
    Every metric that prometheus_client exposes by itself under these beginnings.
    """
    beginnings = tuple(words(node.value, r"(process_)\* and (python_)\* of the default registry"))
    theirs = {family.name + ("_total" if family.type == "counter" else "") for family in REGISTRY.collect()}
    assert set() == {name for name in theirs if name.startswith(beginnings)} - set(system.page.types)


@check("goblin.metrics[3].example_error_type")
def an_exception_is_counted_by_its_class(node: Node, system: System) -> None:
    """
    A request that ends by it, under its name.
    """
    assert 1 == system.page.sum(name_of(node, system), endpoint="/raise/{name}", error_type=node.value)


@check("goblin.metrics[6].example_error_type", "goblin.metrics[7].example_operation")
def an_example_is_a_value_of_its_label(node: Node, system: System) -> None:
    """
    The documented sample has it.
    """
    label = str(node.key).removeprefix("example_")
    assert node.value in {sample.labels[label] for sample in system.documented.of(name_of(node, system))}


@check("goblin.metrics[5].token_types")
def the_example_counts_both_kinds_of_tokens(node: Node, system: System) -> None:
    """
    A completion of the example counts what it was asked and what it answered.
    """
    question = {"model": "gpt-4", "messages": [{"role": "user", "content": "Who are you?"}]}
    system.example.ask("POST", "/chat/completions", question)
    page = Page(system.example.ask("GET", "/metrics").body.decode())
    assert set(node.value) == {sample.labels["token_type"] for sample in page.of(name_of(node, system))}


@check("goblin.metrics[8].examples")
def the_example_tells_of_its_services(node: Node, system: System) -> None:
    """
    Each of the documented services has its gauge.
    """
    system.example.ask("GET", "/health/all")
    page = Page(system.example.ask("GET", "/metrics").body.decode())
    assert set(node.value) == {sample.labels["service_name"] for sample in page.of(name_of(node, system))}


@check("goblin.metrics[8].values")
def a_service_is_one_or_zero(node: Node, system: System) -> None:
    """
    While its check passes, and while it fails.
    """
    healthy, unhealthy = words(node.value, r"(\d) healthy, (\d) not")
    seen = {
        state: {one.value for one in states(system)[state].page.of(name_of(node, system))}
        for state in ("well", "failing")
    }
    assert {"well": {float(healthy)}, "failing": {float(unhealthy)}} == seen


@check("goblin.metrics[9].what")
def a_metric_of_ours_serves_the_words(node: Node, system: System) -> None:
    """
    It is fed, and a reading tells of it in these words.
    """
    assert system.page.of(name_of(node, system))


@check("platform.metrics[*].unit")
def the_unit_is_said(node: Node, system: System) -> None:
    """
    In the help text.
    """
    assert re.search(rf"\bin {re.escape(node.value)}\b", help_of(system, name_of(node, system)))


@check("platform.metrics[6].note", "platform.metrics[12].note")
def the_help_says_what_is_measured(node: Node, system: System) -> None:
    """
    In the documented words, or the window of ours.
    """
    told = help_of(system, name_of(node, system)).lower()
    assert node.value in told or (
        words(node.value, "window ours, stated") == () and "over the last five minutes" in told
    )


def help_of(system: System, metric: str) -> str:
    """
    The help text on the page.
    """
    return next(line for line in system.page.lines if line.startswith(f"# HELP {metric} "))
