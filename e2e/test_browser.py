"""
The receiver for browsers by `overlays/browser.yaml`: whose pages may send, how much, and what they can't claim.
"""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from e2e import otlp
from e2e.programs import Collector, Double, collector, double, free_port, wait_for

OWN = "https://shop.example.com"
FOREIGN = "https://evil.example.com"
FILES = ["base.yaml", "redaction.yaml", "backends/otlp.yaml", "overlays/browser.yaml"]


class Browser(NamedTuple):
    """
    The receiver's address, the Collector around it, and the store behind it.
    """

    url: str
    collector: Collector
    store: Double

    def ask(self, method: str, headers: Mapping[str, str], body: bytes = b"") -> http.client.HTTPResponse:
        """
        One request to the path of log records; the answer, read to its end.
        """
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        try:
            connection.request(method, "/v1/logs", body, dict(headers))
            answer = connection.getresponse()
            answer.read()
            return answer
        finally:
            connection.close()


@contextmanager
def browser(directory: Path, more: Mapping[str, str] | None = None) -> Iterator[Browser]:
    """
    A Collector with the receiver for pages of one origin.
    """
    port = free_port()
    with double(directory / "store") as store:
        environment = {
            "OTLP_FORWARD_ENDPOINT": store.url,
            "OTEL_KIT_COLLECTOR_BROWSER_PORT": str(port),
            "OTEL_KIT_COLLECTOR_BROWSER_ORIGINS": json.dumps([OWN, "http://localhost:3000"]),
            **(more or {}),
        }
        with collector(FILES, environment, directory / "collector") as running:
            yield Browser(f"http://127.0.0.1:{port}", running, store)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """
    One that tests share that store nothing.
    """
    with browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


def body_of(size: int = 10) -> bytes:
    """
    A request with one record in the form that browsers send.
    """
    record = {"timeUnixNano": "1", "body": {"stringValue": "x" * size}}
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()


def preflight(origin: str, header: str = "content-type,traceparent") -> dict[str, str]:
    """
    What a browser asks before it sends JSON.
    """
    return {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": header}


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("origin", [OWN, "http://localhost:3000"])
def test_tells_own_pages_that_they_may_send(origin: str, page: Browser) -> None:
    """
    The preflight and the answer to the POST name the page's origin.
    """
    asked = page.ask("OPTIONS", preflight(origin))
    sent = page.ask("POST", {**JSON, "Origin": origin}, body_of())

    assert 204 == asked.status
    assert origin == asked.getheader("Access-Control-Allow-Origin")
    assert "POST" == asked.getheader("Access-Control-Allow-Methods")
    assert 200 == sent.status
    assert origin == sent.getheader("Access-Control-Allow-Origin")


@pytest.mark.parametrize(
    "origin",
    [FOREIGN, "http://shop.example.com", f"{OWN}:8443", f"{OWN}.evil.com", "https://sub.shop.example.com", "null"],
)
def test_tells_other_pages_nothing(origin: str, page: Browser) -> None:
    """
    An origin that is not on the list, however near, gets no CORS header: its browser drops the answer.
    """
    asked = page.ask("OPTIONS", preflight(origin))
    sent = page.ask("POST", {**JSON, "Origin": origin}, body_of())

    assert [] == [name for answer in (asked, sent) for name, _ in answer.getheaders() if name.startswith("Access-")]


def test_lets_pages_send_no_other_header(page: Browser) -> None:
    """
    A preflight for a header that telemetry has no use for is not granted.
    """
    assert None is page.ask("OPTIONS", preflight(OWN, "authorization")).getheader("Access-Control-Allow-Origin")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_refuses_a_big_body(packed: bool, page: Browser) -> None:
    """
    More than 256 KiB is refused, also when it is small only on the way.
    """
    before = page.collector.metrics().sum("otelcol_receiver_accepted_log_records")
    body = body_of(300_000)
    headers = {**JSON, "Origin": OWN, **({"Content-Encoding": "gzip"} if packed else {})}
    answer = page.ask("POST", headers, gzip.compress(body) if packed else body)

    assert answer.status in (400, 413)
    assert before == page.collector.metrics().sum("otelcol_receiver_accepted_log_records")


def test_speaks_no_grpc_and_takes_no_form(page: Browser) -> None:
    """
    A POST that a page may send without a preflight is refused for its type.
    """
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/grpc"):
        assert 415 == page.ask("POST", {"Origin": OWN, "Content-Type": kind}, body_of()).status


CLAIMS: dict[str, Any] = {
    "service.name": "payments",
    "service.version": "7.1",
    "service.namespace": "shop",
    "service.instance.id": "i-1",
    "deployment.environment.name": "production",
    "host.name": "db-1",
    "k8s.pod.name": "payments-1",
    "container.id": "c",
    "cloud.account.id": "42",
    "process.pid": 1,
    "telemetry.sdk.language": "webjs",
    "telemetry.distro.name": "otel_kit",
    "otel_kit.clean": True,
    "browser.language": "de",
    "user_agent.original": "Mozilla/5.0",
}


def claims_left(resource: Mapping[str, Any]) -> dict[str, str]:
    """
    Attributes of a stored resource.
    """
    return {each["key"]: each["value"]["stringValue"] for each in resource["attributes"]}


LEFT = {
    "service.version": "7.1",
    "telemetry.sdk.language": "webjs",
    "browser.language": "de",
    "user_agent.original": "Mozilla/5.0",
}


def send_all(running: Browser, claims: Mapping[str, Any]) -> None:
    """
    A span, a series and a record of one resource.
    """
    marks = {"otel_kit.clean": True, "client.address": "10.0.0.1", "correlation_id": "c-1", "log.class": "audit"}
    event = otlp.event("click", {"otel_kit.clean": True, "client.address": "10.0.0.1", "target": "buy"})
    span = otlp.span("click", attributes=marks, events=[event], kind="CLIENT")
    for request in (
        otlp.traces([span], claims),
        otlp.logs([otlp.log("TypeError", severity=17, attributes=marks)], claims),
        otlp.metrics([otlp.gauge("web_vitals_lcp", 1.5)], claims, scope="x/hostmetricsreceiver/cpu"),
    ):
        assert 200 == otlp.send(running.url, request, headers={"Origin": OWN}).status


def stored(store: Double) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """
    All that came, once each signal has.
    """
    signals = ("traces", "logs", "metrics")
    wait_for(lambda: all(store.kept(signal) for signal in signals), "all three signals")
    traces, logs, metrics = (store.kept(signal) for signal in signals)
    return (
        [each for batch in traces for each in batch["resourceSpans"]],
        [each for batch in logs for each in batch["resourceLogs"]],
        [each for batch in metrics for each in batch["resourceMetrics"]],
    )


def test_leaves_a_page_only_what_a_browser_knows(tmp_path: Path) -> None:
    """
    In every signal the service is `browser`, the environment the Collector's, and all else that is a server's is gone.
    """
    with browser(tmp_path, {"ENVIRONMENT": "staging"}) as running:
        send_all(running, CLAIMS)
        owners = [owner for signal in stored(running.store) for owner in signal]

    expected = {**LEFT, "service.name": "browser", "deployment.environment.name": "staging"}
    assert 3 == len(owners)
    assert [expected] * 3 == [claims_left(owner["resource"]) for owner in owners]


def test_believes_no_mark_of_a_page(tmp_path: Path) -> None:
    """
    The kit's own attributes, the address and the class of a record are not taken over; the correlation id is.
    """
    with browser(tmp_path) as running:
        send_all(running, CLAIMS)
        traces, logs, metrics = stored(running.store)

    span = traces[0]["scopeSpans"][0]["spans"][0]
    record = logs[0]["scopeLogs"][0]["logRecords"][0]
    assert {"correlation_id", "log.class"} == {each["key"] for each in span["attributes"]}
    assert {"target"} == {each["key"] for each in span["events"][0]["attributes"]}
    assert {"correlation_id": "c-1", "log.class": "error"} == {
        each["key"]: each["value"]["stringValue"] for each in record["attributes"]
    }
    assert "browser" == metrics[0]["scopeMetrics"][0]["scope"]["name"]


def test_lets_a_page_bear_a_name_of_the_list(tmp_path: Path) -> None:
    """
    A service name is kept when the operator listed it.
    """
    with browser(tmp_path, {"OTEL_KIT_COLLECTOR_BROWSER_SERVICES": '["shop-web", "admin-web"]'}) as running:
        send_all(running, {**CLAIMS, "service.name": "shop-web"})
        owners = [owner for signal in stored(running.store) for owner in signal]

    assert ["shop-web"] * 3 == [claims_left(owner["resource"])["service.name"] for owner in owners]


def test_takes_any_kind_of_service_name(tmp_path: Path) -> None:
    """
    One that is missing, or no text, is `browser` too, and nothing is refused for it.
    """
    with browser(tmp_path) as running:
        for claims in ({}, {"service.name": 7}, {"service.name": ["payments"]}):
            send_all(running, claims)
        wait_for(lambda: 3 == len(running.store.spans()), "three spans")
        owners = [owner for signal in stored(running.store) for owner in signal]

    assert {"browser"} == {claims_left(owner["resource"])["service.name"] for owner in owners}


def test_redacts_what_a_page_sends(tmp_path: Path) -> None:
    """
    A password in a message of a page does not reach the store.
    """
    with browser(tmp_path) as running:
        record = otlp.log("login failed", attributes={"password": "hunter2-of-a-page"})
        assert 200 == otlp.send(running.url, otlp.logs([record], {}), headers={"Origin": OWN}).status
        text = json.dumps(wait_for(lambda: running.store.records(), "the record"))

    assert "login failed" in text
    assert "hunter2-of-a-page" not in text
