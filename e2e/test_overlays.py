"""
Who may send: bearer token, TLS, client certificates, each by its overlay; and the metrics of the machine.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e import otlp
from e2e.certificates import Authority, Pair
from e2e.programs import Collector, NotReady, collector, double, launched_collector, wait_for

TOKEN = "correct-horse"
WITH_TOKEN = ["base.yaml", "overlays/token.yaml"]
WITH_TLS = ["base.yaml", "overlays/tls.yaml"]
WITH_CLIENTS = [*WITH_TLS, "overlays/mtls.yaml"]

A_SPAN = otlp.traces([otlp.span("GET /")], {"service.name": "shop"})


def accepted(running: Collector) -> float:
    """
    Spans that were let in.
    """
    return running.metrics().sum("otelcol_receiver_accepted_spans")


@contextmanager
def relay(directory: Path, exporter: dict[str, Any]) -> Iterator[Collector]:
    """
    Another Collector, which sends what it gets over gRPC by this exporter.
    """
    tree = {
        "exporters": {
            "otlp_grpc": {**exporter, "sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}
        },
        "service": {"pipelines": {"traces/relay": {"receivers": ["forward/traces"], "exporters": ["otlp_grpc"]}}},
    }
    with collector(["base.yaml", tree], {}, directory, name="relay") as running:
        yield running


@pytest.mark.parametrize(
    ("header", "status"),
    [(f"Bearer {TOKEN}", 200), ("Bearer wrong", 401), (TOKEN, 401), ("Basic Y29ycmVjdDpob3JzZQ==", 401), (None, 401)],
)
def test_takes_http_with_the_token_alone(header: str | None, status: int, tmp_path: Path) -> None:
    """
    The right bearer token gets 200; none, a wrong one, or another scheme 401.
    """
    headers = {} if header is None else {"Authorization": header}
    with collector(WITH_TOKEN, {"OTEL_KIT_COLLECTOR_TOKEN": TOKEN}, tmp_path) as running:
        answer = otlp.send(running.url, A_SPAN, headers=headers)

        assert status == answer.status
        assert (1 if 200 == status else 0) == accepted(running)


def test_takes_grpc_with_the_token_alone(tmp_path: Path) -> None:
    """
    A gRPC sender with the token is let in, one without is refused.
    """
    with collector(WITH_TOKEN, {"OTEL_KIT_COLLECTOR_TOKEN": TOKEN}, tmp_path / "c") as running:
        plain = {"endpoint": f"127.0.0.1:{running.grpc}", "tls": {"insecure": True}}
        with relay(tmp_path / "without", plain) as without:
            refused = otlp.send(without.url, A_SPAN).status
        assert 200 != refused
        assert 0 == accepted(running)

        with relay(tmp_path / "with", {**plain, "headers": {"authorization": f"Bearer {TOKEN}"}}) as sender:
            assert 200 == otlp.send(sender.url, A_SPAN).status
        assert 1 == accepted(running)


@pytest.mark.parametrize("environment", [{}, {"OTEL_KIT_COLLECTOR_TOKEN": ""}], ids=["unset", "empty"])
def test_does_not_start_without_a_token(environment: dict[str, str], tmp_path: Path) -> None:
    """
    An empty token never means that everyone may send.
    """
    with pytest.raises(NotReady, match="no bearer token provided"), collector(WITH_TOKEN, environment, tmp_path):
        pass


@pytest.mark.parametrize("token", ["0123456789", "a$b", "1e5", "true", "x#y:z", '"quoted"'])
def test_takes_a_token_as_it_is_written(token: str, tmp_path: Path) -> None:
    """
    What looks like a number, a reference or YAML is still a token.
    """
    with collector(WITH_TOKEN, {"OTEL_KIT_COLLECTOR_TOKEN": token}, tmp_path) as running:
        assert 200 == otlp.send(running.url, A_SPAN, headers={"Authorization": f"Bearer {token}"}).status


def tls_variables(pair: Pair, authority: Authority) -> dict[str, str]:
    """
    What tls.yaml and mtls.yaml read.
    """
    return {
        "OTEL_KIT_COLLECTOR_TLS_CERT": str(pair.certificate),
        "OTEL_KIT_COLLECTOR_TLS_KEY": str(pair.key),
        "OTEL_KIT_COLLECTOR_TLS_CLIENT_CA": str(authority.root),
    }


def post(running: Collector, context: ssl.SSLContext) -> int:
    """
    Send the span over TLS; the status of the answer.
    """
    connection = http.client.HTTPSConnection("127.0.0.1", running.http, timeout=10, context=context)
    try:
        connection.request("POST", "/v1/traces", A_SPAN.SerializeToString(), {"Content-Type": "application/x-protobuf"})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """
    The CA of the Collector and of those who may send.
    """
    return Authority(tmp_path_factory.mktemp("ca"))


def test_takes_http_over_tls_alone(authority: Authority, tmp_path: Path) -> None:
    """
    A sender that trusts the CA is let in; plain text is refused and not read.
    """
    with collector(WITH_TLS, tls_variables(authority.sign("server"), authority), tmp_path) as running:
        assert 200 == post(running, authority.client())
        # the server closes with the body unread, so its answer may be lost on the way
        with contextlib.suppress(ConnectionError):
            assert 400 == otlp.send(running.url, A_SPAN).status
        assert 1 == accepted(running)


def test_takes_grpc_over_tls(authority: Authority, tmp_path: Path) -> None:
    """
    A gRPC sender that trusts the CA is let in.
    """
    with collector(WITH_TLS, tls_variables(authority.sign("server"), authority), tmp_path / "c") as running:
        trusting = {"endpoint": f"127.0.0.1:{running.grpc}", "tls": {"ca_file": str(authority.root)}}
        with relay(tmp_path / "sender", trusting) as sender:
            assert 200 == otlp.send(sender.url, A_SPAN).status
        assert 1 == accepted(running)


@pytest.mark.parametrize("files", [WITH_CLIENTS, [WITH_CLIENTS[0], WITH_CLIENTS[2]]], ids=["after tls", "alone"])
def test_takes_known_client_certificates_alone(files: list[str], authority: Authority, tmp_path: Path) -> None:
    """
    A certificate of the CA opens the door; none, or one of another CA, gets no answer.
    """
    stranger = Authority(tmp_path / "other").sign("stranger")
    with collector(files, tls_variables(authority.sign("server"), authority), tmp_path) as running:
        assert 200 == post(running, authority.client(authority.sign("client")))
        for context in (authority.client(), authority.client(stranger)):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                post(running, context)
        assert 1 == accepted(running)


def test_takes_known_client_certificates_over_grpc(authority: Authority, tmp_path: Path) -> None:
    """
    A gRPC sender without a certificate of the CA is refused.
    """
    pair = authority.sign("client")
    with collector(WITH_CLIENTS, tls_variables(authority.sign("server"), authority), tmp_path / "c") as running:
        tls = {"ca_file": str(authority.root)}
        endpoint = {"endpoint": f"127.0.0.1:{running.grpc}"}
        with relay(tmp_path / "without", {**endpoint, "tls": tls, "timeout": "2s"}) as without:
            assert 200 != otlp.send(without.url, A_SPAN).status
        shown = {**tls, "cert_file": str(pair.certificate), "key_file": str(pair.key)}
        with relay(tmp_path / "with", {**endpoint, "tls": shown}) as sender:
            assert 200 == otlp.send(sender.url, A_SPAN).status
        assert 1 == accepted(running)


@pytest.mark.parametrize("trusts", [True, False])
def test_trusts_a_store_by_the_ca_of_the_environment(trusts: bool, authority: Authority, tmp_path: Path) -> None:
    """
    A store with a certificate of a CA of one's own is sent everything where SSL_CERT_FILE names it, else nothing.
    """
    certificates = tls_variables(authority.sign("store"), authority)
    known = authority if trusts else Authority(tmp_path / "other")
    with collector(WITH_TLS, certificates, tmp_path / "store", name="store") as store:
        told = {"OTLP_FORWARD_ENDPOINT": f"https://127.0.0.1:{store.http}", "SSL_CERT_FILE": str(known.root)}
        with launched_collector(told, tmp_path / "sender") as sender:
            assert 200 == otlp.send(sender.url, A_SPAN).status
            if trusts:
                wait_for(lambda: accepted(store) == 1, "the span in the store")
            else:
                wait_for(lambda: any("unknown authority" in line for line in sender.lines()), "the refusal")

        assert (1 if trusts else 0) == accepted(store)


def test_measures_the_machine(tmp_path: Path) -> None:
    """
    Metrics of CPU, memory, load, disks, file systems and network arrive under the host's name, without a warning.
    """
    with double(tmp_path / "store") as store:
        files = ["base.yaml", "backends/otlp.yaml", "overlays/host.yaml"]
        environment = {"OTLP_FORWARD_ENDPOINT": store.url, "HOSTNAME": "machine-7"}
        with collector(files, environment, tmp_path / "c") as running:
            names = wait_for(lambda: {metric["name"] for metric in store.series()}, "the first metrics")
            said = running.warnings()
        resources = [owner["resource"] for batch in store.kept("metrics") for owner in batch["resourceMetrics"]]

    expected = {"system.cpu.time", "system.memory.usage", "system.cpu.load_average.1m", "system.network.io"}
    assert expected <= names
    assert any(name.startswith("system.filesystem.") for name in names)
    assert all(
        {"key": "host.name", "value": {"stringValue": "machine-7"}} in resource["attributes"] for resource in resources
    )
    assert [] == said
