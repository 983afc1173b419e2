"""
Stores that no test can reach: what knocks at their door, byte for byte, and what it says once decoded.

A recording server stands for the door: paths, headers, compression, signatures. A second Collector stands
for the store: it decodes what a real one would. Datadog has a file of its own.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.aws import Scope, scope_of, signature_is_right
from e2e.doors import SIGNALS, knocking, sending
from e2e.programs import Double, wait_for
from e2e.recorder import Recorder
from e2e.spans import plain

AWS = {
    "CLOUDWATCH_LOG_GROUP": "/shop/staging",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIA" + "SHOPTESTSHOPTEST",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret-but-long-enough-to-sign",
}


# -- Elastic --------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["", "/_otlp"])
def elastics_door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """
    Where Elastic listens: an address of its own, or a path of the cluster's.
    """

    def told(url: str) -> dict[str, str]:
        return {"ELASTICSEARCH_OTLP_ENDPOINT": url + request.param, "ELASTICSEARCH_API_KEY": "a2V5OnNlY3JldA=="}

    with knocking(tmp_path_factory, "elasticsearch", told) as door:
        yield door


@pytest.mark.parametrize("path", SIGNALS)
def test_elastic_is_asked_with_its_key(elastics_door: Recorder, path: str) -> None:
    """
    Below the base URL, whichever it is, each signal has its path, the key, and protobuf in gzip.
    """
    (request,) = [request for request in elastics_door.requests if request.path in (path, f"/_otlp{path}")]

    assert "ApiKey a2V5OnNlY3JldA==" == request.headers["authorization"]
    assert ("application/x-protobuf", "gzip") == (request.headers["content-type"], request.headers["content-encoding"])
    assert SIGNALS[path].FromString(gzip.decompress(request.body)).ByteSize() > 0


def test_elastic_can_follow_a_correlation_id(store: Double, tmp_path: Path) -> None:
    """
    Record and span that come there have the same trace and the same correlation id.
    """
    told = {"ELASTICSEARCH_OTLP_ENDPOINT": store.url, "ELASTICSEARCH_API_KEY": "a2V5"}
    with sending(tmp_path, "elasticsearch", told):
        (span,) = wait_for(store.spans, "the span")
        (record,) = wait_for(store.records, "the record")

    assert (span["traceId"], span["spanId"]) == (record["traceId"], record["spanId"])
    assert "c-1" == plain(span["attributes"])["correlation_id"] == plain(record["attributes"])["correlation_id"]


# -- CloudWatch -----------------------------------------------------------------------------------


def cloudwatch(url: str) -> dict[str, str]:
    """
    Variables of a CloudWatch that is elsewhere.
    """
    places = {f"CLOUDWATCH_{signal}_ENDPOINT": f"{url}/v1/{signal.lower()}" for signal in ("LOGS", "TRACES", "METRICS")}
    return {**AWS, **places}


@pytest.fixture(scope="module")
def cloudwatchs_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """
    Where CloudWatch listens.
    """
    with knocking(tmp_path_factory, "cloudwatch", cloudwatch) as door:
        yield door


@pytest.mark.parametrize(
    ("path", "service"), [("/v1/logs", "logs"), ("/v1/traces", "xray"), ("/v1/metrics", "monitoring")]
)
def test_cloudwatch_requests_are_signed(cloudwatchs_door: Recorder, path: str, service: str) -> None:
    """
    Each signal is signed for its own service, over the body as it goes out.
    """
    request = cloudwatchs_door.first(path)

    assert Scope(AWS["AWS_ACCESS_KEY_ID"], "eu-central-1", service) == scope_of(request)
    assert signature_is_right(request, AWS["AWS_SECRET_ACCESS_KEY"])
    assert not signature_is_right(request._replace(body=b"other"), AWS["AWS_SECRET_ACCESS_KEY"])
    assert ("application/x-protobuf", "gzip") == (request.headers["content-type"], request.headers["content-encoding"])


def test_cloudwatch_logs_name_group_and_stream(cloudwatchs_door: Recorder) -> None:
    """
    Both are headers, and only the logs' requests have them.
    """
    logs, traces = cloudwatchs_door.first("/v1/logs"), cloudwatchs_door.first("/v1/traces")

    assert ("/shop/staging", "otel-kit") == (logs.headers["x-aws-log-group"], logs.headers["x-aws-log-stream"])
    assert not [name for name in traces.headers if name.startswith("x-aws-")]


def test_a_session_token_goes_with_the_signature(tmp_path_factory: pytest.TempPathFactory) -> None:
    """
    Credentials of a role have a third part, which the request carries and signs.
    """

    def told(url: str) -> dict[str, str]:
        return {**cloudwatch(url), "AWS_SESSION_TOKEN": "of-a-role"}

    with knocking(tmp_path_factory, "cloudwatch", told) as door:
        request = door.first("/v1/traces")

    assert "of-a-role" == request.headers["x-amz-security-token"]
    assert signature_is_right(request, AWS["AWS_SECRET_ACCESS_KEY"])


def test_cloudwatch_gets_everything(store: Double, tmp_path: Path) -> None:
    """
    Three exporters, and each signal goes by one of them, once.
    """
    with sending(tmp_path, "cloudwatch", cloudwatch(store.url)):
        wait_for(store.spans, "the span")
        wait_for(store.records, "the record")
        wait_for(store.series, "the gauge")

    assert [1, 1, 1] == [len(store.spans()), len(store.records()), len(store.series())]


# -- any other store ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def anybodys_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """
    Where a store listens that wants headers.
    """

    def told(url: str) -> dict[str, str]:
        headers = '{"X-Scope-OrgID": "shop", "Authorization": "Bearer b"}'
        return {"OTLP_FORWARD_ENDPOINT": url, "OTLP_FORWARD_HEADERS": headers}

    with knocking(tmp_path_factory, "otlp", told) as door:
        yield door


@pytest.mark.parametrize("path", SIGNALS)
def test_any_store_gets_the_headers_that_it_wants(anybodys_door: Recorder, path: str) -> None:
    """
    Headers come from the environment as a map.
    """
    request = anybodys_door.first(path)

    assert ("shop", "Bearer b") == (request.headers["x-scope-orgid"], request.headers["authorization"])


def test_files_hold_every_signal(tmp_path: Path) -> None:
    """
    The file backend writes OTLP/JSON that can be read back.
    """
    with sending(tmp_path, "file", {"OTEL_KIT_FILE_DIR": str(tmp_path / "kept")}):
        for signal, text in (("traces", "POST /orders"), ("logs", "order taken"), ("metrics", "shelf_items")):
            path = tmp_path / "kept" / f"{signal}.jsonl"
            wait_for(lambda path=path, text=text: path.exists() and text in path.read_text(), text)  # type: ignore[misc]
