"""
What an operator looks at, against the real programs: alert rules, the Collector dashboard, Grafana's links, and
the queries of the how-to pages.

Three Collectors are scraped by one Prometheus with the shipped rules: one that delivers, one whose stores refuse
or are away, and one without memory. Only intervals and addresses differ from the files.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from e2e import otlp
from e2e.binaries import ROOT
from e2e.process import answers_ok, clean_environment
from e2e.programs import (
    FILES,
    GROUND,
    Collector,
    Jaeger,
    Loki,
    Prometheus,
    Tempo,
    collector,
    find,
    free_port,
    wait_for,
)
from e2e.recorder import recorder
from e2e.services.serving import Answer, Pair, serve_pair

DASHBOARD = json.loads((FILES / "grafana/dashboards/collector.json").read_text(encoding="utf-8"))
RULES = FILES / "prometheus/rules/collector.yaml"
QUICKLY: dict[str, Any] = {
    "connectors": {
        "span_metrics": {"metrics_flush_interval": "1s"},
        "service_graph": {"metrics_flush_interval": "1s", "store": {"ttl": "1s"}},
    }
}
SMALL_QUEUE: dict[str, Any] = {
    "exporters": {
        "otlp_http/elasticsearch": {"sending_queue": {"queue_size": 2000, "batch": {"min_size": 500, "max_size": 2000}}}
    }
}
NO_MEMORY: dict[str, Any] = {"processors": {"memory_limiter": {"limit_mib": 4, "spike_limit_mib": 2}}}
PROBE = {"service.name": "probe"}
DAY = 86_400 * 10**9
NUMBERS_OF = re.compile(r"\botelcol_\w+")


class Chain(NamedTuple):
    """
    Everything that runs, and the answer of one request that failed.
    """

    delivering: Collector
    troubled: Collector
    starved: Collector
    loki: Loki
    tempo: Tempo
    jaeger: Jaeger
    prometheus: Prometheus
    services: Pair
    failed: Answer


@pytest.fixture(scope="module")
def chain(
    tmp_path_factory: pytest.TempPathFactory, loki_store: Loki, tempo_store: Tempo, jaeger_store: Jaeger
) -> Iterator[Chain]:
    """
    Three Collectors under traffic, their stores, two services, and Prometheus with the rules.
    """
    place = tmp_path_factory.mktemp("operations")
    port = free_port()
    stores = {
        "LOKI_ENDPOINT": loki_store.url,
        "TEMPO_OTLP_ENDPOINT": tempo_store.otlp_url,
        "JAEGER_OTLP_ENDPOINT": jaeger_store.otlp_url,
        "PROMETHEUS_ENDPOINT": f"http://127.0.0.1:{port}",
    }
    with ExitStack() as stack:
        enter = stack.enter_context
        files = [*GROUND, *backends("loki", "tempo", "jaeger", "prometheus"), QUICKLY]
        delivering = enter(collector(files, stores, place / "delivering", name="delivering"))
        troubled = enter(troubled_collector(place / "troubled"))
        starved = enter(collector([*GROUND, NO_MEMORY], {}, place / "starved", name="starved"))
        services = enter(serve_pair(delivering.url, place / "services"))
        store = enter(shipped_prometheus(place, port, (delivering, troubled, starved), services))
        otlp.send(troubled.url, otlp.logs([otlp.log("old", time_ns=time.time_ns() - 8 * DAY)], PROBE))
        press(troubled)
        press(starved)
        services.assistant.ask("POST", "/chat/calm")
        failed = services.assistant.ask("POST", "/chat/broken")
        yield Chain(delivering, troubled, starved, loki_store, tempo_store, jaeger_store, store, services, failed)


@contextmanager
def troubled_collector(place: Path) -> Iterator[Collector]:
    """
    A Collector with two stores that refuse for good, and one that is away behind a small queue.
    """
    with recorder() as refusing:
        refusing.status = 400
        stores = {
            "LOKI_ENDPOINT": refusing.url,
            "OTLP_FORWARD_ENDPOINT": refusing.url,
            "ELASTICSEARCH_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
            "ELASTICSEARCH_API_KEY": "key",
        }
        files = [*GROUND, *backends("loki", "elasticsearch", "otlp"), SMALL_QUEUE]
        with collector(files, stores, place, name="troubled") as running:
            yield running


def backends(*names: str) -> list[str]:
    """
    Files of these backends.
    """
    return [f"backends/{name}.yaml" for name in names]


def press(running: Collector) -> None:
    """
    Send all three signals until each was refused.
    """
    for request in (
        otlp.traces([otlp.span("GET /") for _ in range(20)], PROBE),
        otlp.logs([otlp.log("line") for _ in range(20)], PROBE),
        otlp.metrics([otlp.sum_of(f"probe_{number}_total", 1) for number in range(20)], PROBE),
    ):
        wait_for(lambda request=request: 503 == otlp.send(running.url, request).status, "a refusal", every=0.01)  # type: ignore[misc]


def shipped_prometheus(place: Path, port: int, collectors: tuple[Collector, ...], services: Pair) -> Any:
    """
    Prometheus by the shipped file and rules: other targets, and everything once a second.
    """
    directory = place / "prometheus"
    (directory / "rules").mkdir(parents=True)
    rules = RULES.read_text(encoding="utf-8").replace("interval: 30s", "interval: 1s")
    (directory / "rules/collector.yaml").write_text(rules, encoding="utf-8")
    config = yaml.safe_load((FILES / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    targets = {
        "goblin-assistant": [services.assistant.target],
        "otel-kit-collector": [f"127.0.0.1:{one.self_port}" for one in collectors],
    }
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"] = [
        {**job, "scrape_interval": "1s", "static_configs": [{"targets": targets[job["job_name"]]}]}
        for job in config["scrape_configs"]
        if job["job_name"] in targets
    ]
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [
        *(find("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={directory}/data"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--web.enable-otlp-receiver"),
        "--enable-feature=exemplar-storage",
    ]
    return started_prometheus(command, directory, port)


@contextmanager
def started_prometheus(command: list[Any], directory: Path, port: int) -> Iterator[Prometheus]:
    """
    A Prometheus by this command; it is gone afterwards, in any case.
    """
    log, environment = directory / "prometheus.log", clean_environment(directory, {})
    store = Prometheus("prometheus", command, log, environment, lambda: answers_ok(port, "/-/ready"))
    store.url = f"http://127.0.0.1:{port}"
    try:
        store.start()
        yield store
    finally:
        store.kill()


def promtool(*arguments: str | Path) -> None:
    """
    Run promtool; what it finds wrong fails the test.
    """
    done = subprocess.run([find("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert 0 == done.returncode, done.stdout + done.stderr


def test_the_rules_pass_their_unit_tests() -> None:
    """
    Each alert fires at the end of its `for`, and stays silent otherwise.
    """
    promtool("check", "rules", RULES)
    promtool("test", "rules", FILES / "prometheus/tests/collector.yaml")


def test_the_configuration_of_prometheus_is_valid() -> None:
    """
    Prometheus' own checker finds nothing wrong with the shipped file and its rules.
    """
    promtool("check", "config", FILES / "prometheus/prometheus.yml")


def test_rules_and_dashboard_read_numbers_that_exist(chain: Chain) -> None:
    """
    Every number of the Collector's that they name is one that a Collector of this version has.
    """
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    recorded = {rule["record"] for group in rules for rule in group["rules"] if "record" in rule}
    text = " ".join([*(rule["expr"] for group in rules for rule in group["rules"]), *(e for _, e in panel_queries())])
    for name in recorded:
        text = text.replace(name, "")
    # a regular expression there, for the dot that the name has in some scrapes
    named = set(NUMBERS_OF.findall(text.replace("filter_logs.filtered", "filter_logs_filtered")))

    def missing() -> set[str]:
        there = {name for one in (chain.delivering, chain.troubled, chain.starved) for name in one.metrics().names()}
        return named - there

    assert len(named) > 20
    assert wait_for(lambda: not missing(), f"all of {named}", timeout=30) is True


def panel_queries() -> list[tuple[str, str]]:
    """
    Title and expression of every query of the dashboard.
    """
    return [
        (panel["title"], target["expr"])
        for panel in DASHBOARD["panels"]
        if panel["type"] != "row"
        for target in panel["targets"]
    ]


def asked(expression: str, collector: Collector | None = None) -> str:
    """
    A query as Grafana sends it, for all Collectors or one.
    """
    instance = f"127.0.0.1:{collector.self_port}" if collector else ".+"
    filled = expression.replace("$job", ".+").replace("$instance", instance)
    return filled.replace("$__rate_interval", "5s")


@pytest.mark.parametrize(("title", "expression"), panel_queries())
def test_every_panel_shows_something_before_the_first_failure(chain: Chain, title: str, expression: str) -> None:
    """
    A Collector that has never failed leaves no panel empty.
    """
    query = asked(expression, chain.delivering)

    assert wait_for(lambda: chain.prometheus.query(query), f"{title}: {query}", timeout=40)


@pytest.mark.parametrize(
    ("title", "collector"),
    [
        ("Given up in 10 minutes", "troubled"),
        ("Given up in 10 minutes, by exporter", "troubled"),
        ("Found the queue full in 10 minutes", "troubled"),
        ("Refused in 10 minutes", "troubled"),
        ("Refused in 10 minutes", "starved"),
        ("Queue", "troubled"),
        ("Too old for Loki in 10 minutes", "troubled"),
    ],
)
def test_a_panel_shows_the_first_failure(chain: Chain, title: str, collector: str) -> None:
    """
    What a Collector has failed at is more than 0 in the panel about it, although its counters were born with it.
    """
    queries = [asked(query, getattr(chain, collector)) for name, query in panel_queries() if name == title]

    assert queries
    for query in queries:
        if "for want" not in query and not (collector == "troubled" and "memory" in query):
            wait_for(lambda query=query: chain.prometheus.sum(query) > 0, f"{title}: {query}", timeout=40)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("alert", "collector"),
    [
        ("CollectorExportFailed", "troubled"),
        ("CollectorExportFailing", "troubled"),
        ("CollectorQueueOverflow", "troubled"),
        ("CollectorRefusing", "troubled"),
        ("CollectorRefusing", "starved"),
        ("CollectorMemoryShort", "starved"),
        ("CollectorQueueFilling", "troubled"),
        ("CollectorNotDelivering", "troubled"),
        ("CollectorDroppingOld", "troubled"),
    ],
)
def test_an_alert_begins_to_wait_for_the_one_in_trouble_alone(chain: Chain, alert: str, collector: str) -> None:
    """
    The alert is pending for the Collector in trouble and not for the one that delivers.
    """

    def pending() -> set[str]:
        return {sample.labels["instance"] for sample in chain.prometheus.query(f'ALERTS{{alertname="{alert}"}}')}

    troubled = f"127.0.0.1:{getattr(chain, collector).self_port}"

    wait_for(lambda: troubled in pending(), f"{alert} for {troubled}", timeout=40)
    # a queue is not empty for the moment of a scrape
    wait_for(lambda: f"127.0.0.1:{chain.delivering.self_port}" not in pending(), f"no {alert} where all is well")


def data_source(name: str) -> dict[str, Any]:
    """
    The provisioned settings of one data source, as Grafana sees them.
    """
    file = FILES / "grafana/provisioning/datasources/otel-kit.yaml"
    sources = yaml.safe_load(file.read_text(encoding="utf-8").replace("$$", "$"))["datasources"]
    settings: dict[str, Any] = next(one for one in sources if one["uid"] == name)["jsonData"]
    return settings


def test_links_of_a_log_line_lead_to_its_trace(chain: Chain) -> None:
    """
    Both derived fields are labels of a line, and what they make of them is found in Tempo.
    """
    line = error_line(chain)
    fields = {field["matcherRegex"]: field["url"] for field in data_source("loki")["derivedFields"]}
    by_trace = fields["trace_id"].replace("${__value.raw}", line.labels["trace_id"])
    by_correlation = fields["correlation_id"].replace("${__value.raw}", line.labels["correlation_id"])

    assert wait_for(lambda: chain.tempo.trace(by_trace), "the trace by its id", timeout=30)
    assert [line.labels["trace_id"]] == wait_for(lambda: chain.tempo.search(by_correlation), "by correlation id", 30)


def test_links_of_a_span_lead_to_its_lines(chain: Chain) -> None:
    """
    The query behind "logs for this span" finds the line that was written in the trace.
    """
    line = error_line(chain)
    settings = data_source("tempo")["tracesToLogsV2"]
    tags = filled_tags(settings, chain.services.models.service_name)
    query = settings["query"].replace("${__tags}", tags).replace("${__trace.traceId}", line.labels["trace_id"])

    assert line.text in [found.text for found in chain.loki.query(query)]


@pytest.mark.parametrize("number", range(3))
def test_links_of_a_span_lead_to_its_metrics(chain: Chain, number: int) -> None:
    """
    Each query behind "metrics of this span" answers for the service.
    """
    settings = data_source("tempo")["tracesToMetrics"]
    query = settings["queries"][number]["query"]
    filled = query.replace("$__tags", filled_tags(settings, chain.services.models.service_name))

    assert wait_for(lambda: chain.prometheus.query(filled), filled, timeout=40)


def test_an_exemplar_has_the_label_that_grafana_follows(chain: Chain) -> None:
    """
    The trace id is on the exemplar by the provisioned name, and Tempo knows it.
    """
    (link,) = data_source("prometheus")["exemplarTraceIdDestinations"]

    exemplars = wait_for(lambda: chain.prometheus.exemplars("http_request_duration_seconds_bucket"), "exemplars", 30)

    assert wait_for(lambda: chain.tempo.trace(exemplars[-1].labels[link["name"]]), "its trace", timeout=30)


def filled_tags(settings: dict[str, Any], service: str) -> str:
    """
    What Grafana puts in place of `$__tags` for a span of this service.
    """
    (tag,) = settings["tags"]
    assert "service.name" == tag["key"]
    return f'{tag["value"]}="{service}"'


def error_line(chain: Chain) -> Any:
    """
    The line of the service that fell over.
    """
    selector = f'{{service_name="{chain.services.models.service_name}", log_class="error"}}'
    query = f'{selector} | correlation_id="{chain.failed.correlation_id}"'
    return wait_for(lambda: chain.loki.query(query), query, timeout=30)[0]


def page_queries() -> list[tuple[str, str, str]]:
    """
    Page, language and text of every query of the how-to pages.
    """
    pages = sorted((ROOT / "docs/how-to").glob("send-to-*.md"))
    fence = re.compile(r"^```(logql|traceql|promql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [(page.stem, *found) for page in pages for found in fence.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "language", "query"), page_queries())
def test_queries_of_the_pages_find_the_failed_request(chain: Chain, page: str, language: str, query: str) -> None:
    """
    What a how-to page tells a reader to ask is answered.
    """
    asked_for = query.strip().replace("tutorial-2", chain.failed.correlation_id)
    asked_for = asked_for.replace("shop", chain.services.models.service_name)
    ask = {"logql": chain.loki.query, "traceql": chain.tempo.search, "promql": chain.prometheus.query}[language]

    found = wait_for(lambda: ask(asked_for), f"{page}: {asked_for}", timeout=40)

    assert "line_format" not in query or "Traceback" in found[0].text
