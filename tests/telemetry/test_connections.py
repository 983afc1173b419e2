"""
Proxies and TLS of the OTLP senders.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import pytest
import urllib3

from otel_kit.environment.model import Signal
from otel_kit.telemetry.connections import (
    AUTHORITY_VARIABLES,
    basic_authorization,
    open_pool,
    proxy_before,
    tls_context,
)
from otel_kit.telemetry.sender import OtlpHttpSender
from tests.otlp_receiver import OtlpReceiver

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXY_VARIABLES, *AUTHORITY_VARIABLES, "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        yield running


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("http://collector:4318/v1/logs", {}, None),
        ("http://collector:4318/v1/logs", {"HTTP_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("http://collector:4318/v1/logs", {"HTTPS_PROXY": "http://proxy:3128"}, None),
        ("https://collector:4318/v1/logs", {"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        ("https://collector:4318/v1/logs", {"ALL_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("http://collector:4318/v1/logs", {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "collector"}, None),
        ("http://a.example:4318/v1/logs", {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": ".example"}, None),
        ("http://u:p@collector:4318/v1/logs", {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "collector:4318"}, None),
        ("http://10.1.2.3:4318/v1/logs", {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "x, 10.0.0.0/8"}, None),
        ("http://11.1.2.3/v1/logs", {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "10.0.0.0/8"}, "http://proxy:3128"),
        ("http://[::1]:4318/v1/logs", {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "::1"}, None),
    ],
)
def test_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, url: str, environment: dict[str, str], expected: str | None
) -> None:
    """
    The proxy for the URL's scheme counts, unless NO_PROXY names the host, its domain or its network.
    """
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert expected == proxy_before(urlsplit(url))


def test_a_proxy_gets_the_whole_url_and_its_login(monkeypatch: pytest.MonkeyPatch, receiver: OtlpReceiver) -> None:
    """
    Behind a proxy a request goes to it, with the endpoint's URL and the credentials of the proxy's.
    """
    monkeypatch.setenv("HTTP_PROXY", receiver.url.replace("//", "//user:p%40ss@"))
    receiver.mode, receiver.status = "status", 200
    signal = Signal(endpoint="http://collector.invalid:4318/v1/traces", endpoint_is_default=False)

    outcome = OtlpHttpSender(signal, lambda items: (b"spans", 0)).send(b"spans", 3.0)

    assert ("delivered", ["http://collector.invalid:4318/v1/traces"]) == (
        outcome.verdict,
        [path for path, _ in receiver.attempts],
    )
    pool = open_pool(signal)
    assert isinstance(pool, urllib3.ProxyManager)
    assert {"Proxy-Authorization": "Basic dXNlcjpwQHNz"} == pool.proxy_headers


def test_a_missing_proxy_is_nobody_there(monkeypatch: pytest.MonkeyPatch, receiver: OtlpReceiver) -> None:
    """
    A proxy that refuses is judged as a collector that does.
    """
    receiver.stop()
    monkeypatch.setenv("HTTP_PROXY", receiver.url)
    signal = Signal(endpoint="http://collector.invalid:4318/v1/traces")

    outcome = OtlpHttpSender(signal, lambda items: (b"", 0)).send(b"spans", 3.0)

    assert ("unreachable", False) == (outcome.verdict, outcome.answered)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://collector/v1/logs", None),
        ("https://user:p%40ss@collector/v1/logs", "Basic dXNlcjpwQHNz"),
        ("https://user@collector/v1/logs", "Basic dXNlcjo="),
        ("https://m%C3%BCller:a@collector/v1/logs", "Basic bfxsbGVyOmE="),
        ("https://%D0%B8:a@collector/v1/logs", "Basic 0Lg6YQ=="),
    ],
)
def test_login_of_a_url(url: str, expected: str | None) -> None:
    """
    Name and password of a URL are the header that basic authentication wants.
    """
    assert expected == basic_authorization(urlsplit(url))


def test_tls_believes_the_usual_authorities() -> None:
    """
    Without a certificate of one's own a server has to prove itself to the authorities that certifi lists.
    """
    context = tls_context(Signal(endpoint="https://collector"))

    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)
    assert Path(certifi.where()).read_text("utf-8").count("BEGIN CERT") == len(context.get_ca_certs())


@pytest.mark.parametrize("by", ["signal", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_tls_believes_a_named_authority_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str) -> None:
    """
    A file of authorities takes the place of the usual ones, whether it is the signal's or the machine's.
    """
    one = Path(certifi.where()).read_text("utf-8").partition("-----END CERTIFICATE-----")
    file = tmp_path / "authority.pem"
    file.write_text(one[0] + one[1], "utf-8")
    if by != "signal":
        monkeypatch.setenv(by, str(file))

    context = tls_context(Signal(endpoint="https://collector", certificate=str(file) if by == "signal" else None))

    assert 1 == len(context.get_ca_certs())


def test_a_server_without_tls_is_a_tls_failure(receiver: OtlpReceiver) -> None:
    """
    An endpoint that doesn't speak TLS is tried again later, under that name.
    """
    signal = Signal(endpoint=receiver.url.replace("http:", "https:") + "/v1/traces")

    outcome = OtlpHttpSender(signal, lambda items: (b"", 0)).send(b"spans", 3.0)

    assert ("later", "TLS", False) == (outcome.verdict, outcome.kind, outcome.answered)


def test_a_certificate_that_is_gone_is_tried_later(tmp_path: Path) -> None:
    """
    Certificates are replaced under a running process, so a missing file is no reason to drop a batch.
    """
    signal = Signal(endpoint="https://127.0.0.1:1/v1/traces", certificate=str(tmp_path / "gone.pem"))

    outcome = OtlpHttpSender(signal, lambda items: (b"", 0)).send(b"spans", 3.0)

    assert ("later", "FileNotFoundError") == (outcome.verdict, outcome.kind)
