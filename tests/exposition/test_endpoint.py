"""
The answers of `/metrics`.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from otel_kit.exposition.endpoint import MetricsEndpoint
from otel_kit.ledger import Counter, Ledger
from otel_kit.ledger.registry import Registry
from tests.asgi_client import Answer, call
from tests.exposition.build import faults, samples

STRANGER = ("203.0.113.7", 40000)


def new_endpoint(token: str | None = None) -> MetricsEndpoint:
    """
    An endpoint whose ledger has counted 42 orders.
    """
    ledger = Ledger(Registry())
    Counter("orders_total", "Orders.", ["status"], registry=ledger.registry).labels("paid").inc(42)
    return MetricsEndpoint(ledger, token=token)


async def get(token: str | None = None, **scope: Any) -> Answer:
    """
    One request to a new endpoint.
    """
    return await call(new_endpoint(token), path="/metrics", **scope)


async def test_the_text_format_is_the_default() -> None:
    """
    Without a wish in the request the page is Prometheus text.
    """
    answer = await get()

    assert 200 == answer.status
    assert "text/plain; version=0.0.4; charset=utf-8" == answer.header("content-type")
    assert 'orders_total{status="paid"} 42\n' in answer.body.decode()
    assert len(answer.body) == int(answer.header("content-length"))


async def test_openmetrics_when_asked_for() -> None:
    """
    A scraper that names OpenMetrics gets it, with its own content type.
    """
    answer = await get(headers={"accept": "application/openmetrics-text;version=1.0.0"})

    assert "application/openmetrics-text; version=1.0.0; charset=utf-8" == answer.header("content-type")
    assert 42.0 == samples(answer.body.decode(), openmetrics=True)["orders_total", (("status", "paid"),)]


async def test_gzip_when_asked_for() -> None:
    """
    The compressed page says so and unpacks to the page.
    """
    answer = await get(headers={"accept-encoding": "gzip, deflate"})

    assert "gzip" == answer.header("content-encoding")
    assert len(answer.body) == int(answer.header("content-length"))
    assert b'orders_total{status="paid"} 42\n' in gzip.decompress(answer.body)


async def test_nobody_may_keep_the_page() -> None:
    """
    Caches are told not to store it, and on which headers it depends.
    """
    answer = await get()

    assert "no-store" == answer.header("cache-control")
    assert "Accept, Accept-Encoding" == answer.header("vary")
    assert [] == answer.all("content-encoding")


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    """
    HEAD answers like GET, without the page.
    """
    endpoint = new_endpoint()
    got, head = await call(endpoint), await call(endpoint, method="HEAD")

    assert got.headers == head.headers
    assert b"" == head.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "TRACE"])
async def test_other_methods_are_not_allowed(method: str) -> None:
    """
    Anything but GET and HEAD is told what is allowed.
    """
    answer = await get(method=method)

    assert 405 == answer.status
    assert "GET, HEAD" == answer.header("allow")
    assert "method_not_allowed" == json.loads(answer.body)["error"]


async def test_a_stranger_is_refused_with_the_reason() -> None:
    """
    Where no token is set there is nothing to log in with: 403, and the body names the remedy.
    """
    answer = await get(client=STRANGER)

    assert 403 == answer.status
    assert "application/json" == answer.header("content-type")
    assert "OTEL_KIT_METRICS_TOKEN" in json.loads(answer.body)["message"]
    assert [] == answer.all("www-authenticate")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
async def test_a_stranger_is_asked_for_the_token_where_one_is_set(headers: dict[str, str]) -> None:
    """
    Without the right token: 401 with the scheme to use, and not a word of the page or the token.
    """
    answer = await get(token="s3cret", client=STRANGER, headers=headers)

    assert 401 == answer.status
    assert "Bearer" == answer.header("www-authenticate")
    assert {"error", "message"} == set(json.loads(answer.body))
    assert b"s3cret" not in answer.body
    assert b"orders_total" not in answer.body


async def test_a_stranger_with_the_token_is_let_in() -> None:
    """
    The token opens the page to anyone.
    """
    assert 200 == (await get(token="s3cret", client=STRANGER, headers={"authorization": "Bearer s3cret"})).status


async def test_a_refused_head_has_no_body() -> None:
    """
    HEAD has no body either when it is refused.
    """
    answer = await get(method="HEAD", client=STRANGER)

    assert (403, b"") == (answer.status, answer.body)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"accept", b"\xff\xfe\x00;q=\xff")],
        [(b"accept", b"*/*"), (b"accept", b"application/openmetrics-text;q=1e999")],
        [(b"accept-encoding", b"gzip;q=" + b"9" * 100_000)],
        [(b"authorization", b"\x00\xff" * 50_000)],
    ],
)
async def test_odd_headers_change_nothing(headers: list[tuple[bytes, bytes]]) -> None:
    """
    Whatever bytes a scraper sends, a local one gets the page.
    """
    answer = await get(token="s3cret", headers=headers)

    assert 200 == answer.status
    assert b'orders_total{status="paid"} 42\n' in answer.body


async def test_a_page_that_cannot_be_made_is_no_500(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A fault that nobody foresaw is counted and answered with 503.
    """

    async def broken(form: object) -> bytes:
        raise RuntimeError("broken")

    endpoint, before = new_endpoint(), faults()
    monkeypatch.setattr(endpoint._scrapes, "page", broken)
    answer = await call(endpoint)

    assert (503, "unavailable") == (answer.status, json.loads(answer.body)["error"])
    assert before + 1 == faults()


def test_the_endpoint_can_be_a_route() -> None:
    """
    Starlette serves it as it is, to a test client, scrape after scrape and loop after loop.
    """
    app = Starlette(routes=[Route("/metrics", new_endpoint())])

    assert [200, 200] == [TestClient(app).get("/metrics").status_code for _ in range(2)]
