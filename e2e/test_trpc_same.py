"""
The kit's tRPC beside a real @trpc/server 11 that is told the same: status, headers and body of one request after the
other, and what a real client makes of them. Where they differ it is on purpose, and stands here with its reason.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from e2e.trpc_programs import Link, Procedures, calls, kits_server, real_server
from otel_kit.health.trpc import MAX_BATCH

SICK = {"status": "unhealthy", "checks": {"database": {"status": "unhealthy", "latency_ms": 1.5}}}
TOLD: Procedures = {
    "health.check": (503, SICK),
    "health.readiness": (503, None),
    "health.liveness": (200, {"status": "healthy", "words": "grün <&> \u2028", "at": None}),
    "health.metrics": (403, "Metrics are for the monitoring network."),
    "health.startup": (200, {"status": "started"}),
}
JSON = {"content-type": "application/json"}
STREAM = {"trpc-accept": "application/jsonl"}

CARRIED = {"date", "server", "connection", "keep-alive", "content-length", "transfer-encoding"}
"""Headers of the web server, and how it says where a body ends."""


class Pair(NamedTuple):
    """
    URLs of the two.
    """

    real: str
    kits: str


class Heard(NamedTuple):
    """
    An answer; headers but for the web server's own, the body as data.
    """

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def message(self) -> Any:
        """
        Of the error.
        """
        return self.body["error"]["message"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """
    Both, with the same procedures.
    """
    directory = tmp_path_factory.mktemp("trpc")
    with real_server(TOLD, directory) as real, kits_server(TOLD, directory) as kits:
        yield Pair(real, kits)


def hear(url: str, method: str, target: str, headers: dict[str, str], body: str | None = None) -> Heard:
    """
    One request with a connection of its own.
    """
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.request(method, f"/trpc/{target}", body, headers)
        response = connection.getresponse()
        content = response.read()
        named = {name.lower(): value for name, value in response.getheaders() if name.lower() not in CARRIED}
        return Heard(response.status, named, json.loads(content) if content else None)
    finally:
        connection.close()


def both(pair: Pair, method: str, target: str, headers: dict[str, str] | None = None) -> tuple[Heard, Heard]:
    """
    The same request to each: the real server's answer, then ours.
    """
    body = "{}" if method in ("POST", "PUT", "PATCH") else None
    real, kits = (hear(url, method, target, headers or {}, body) for url in pair)
    return real, kits


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "health.liveness", {}),
        ("GET", "health.check", {}),
        ("GET", "health.readiness", {}),
        ("GET", "health.metrics", {}),
        ("GET", "nowhere", {}),
        ("GET", "health", {}),
        ("GET", "__proto__", {}),
        ("GET", "", {}),
        ("GET", "health.liveness/", {}),
        ("GET", "health.liveness?input=", {}),
        ("GET", "health.liveness?input=%7B%22a%22%3A1%7D", {}),
        ("GET", "health.liveness?input=%7Bbroken", {}),
        ("GET", "health.liveness?input=%ff%00", {}),
        ("GET", "health.liveness", JSON),
        ("GET", "health.liveness", {"accept": "text/html"}),
        ("GET", "health.liveness?batch=1", {}),
        ("GET", "health.liveness?batch=1&input=%7B%7D", {}),
        ("GET", "health.check?batch=1&input=%7B%7D", {}),
        ("GET", "health.liveness,health.startup?batch=1&input=%7B%7D", {}),
        ("GET", "health.liveness,health.liveness?batch=1&input=%7B%7D", {}),
        ("GET", "health.liveness%2Chealth.startup?batch=1&input=%7B%7D", {}),
        ("GET", "health.check,health.readiness?batch=1&input=%7B%7D", {}),
        ("GET", "health.check,health.liveness?batch=1&input=%7B%7D", {}),
        ("GET", "health.check,health.metrics?batch=1&input=%7B%7D", {}),
        ("GET", "nowhere,health.liveness?batch=1&input=%7B%7D", {}),
        ("GET", "nowhere,there?batch=1", {}),
        ("GET", "health.liveness,?batch=1", {}),
        ("GET", ",?batch=1", {}),
        ("GET", "health.liveness?batch=1&input=5", {}),
        ("GET", "health.liveness?batch=1&input=%7Bbroken", {}),
        ("GET", "health.liveness?input=%7B%7D&batch=1&batch=0", {}),
        ("GET", "health.liveness?batch=true", {}),
        ("GET", "health.liveness,health.startup", {}),
        ("GET", ",".join(["health.liveness"] * MAX_BATCH) + "?batch=1", {}),
        ("GET", "health.liveness", {"trpc-accept": "application/json", "accept": "application/jsonl"}),
        ("GET", "health.liveness", {"accept": "application/jsonl;q=1"}),
    ],
)
def test_says_the_same(method: str, target: str, headers: dict[str, str], pair: Pair) -> None:
    """
    Status, headers and body; ours adds that no cache may keep it, since health is a moment's truth.
    """
    real, kits = both(pair, method, target, headers)

    assert real == kits._replace(headers={name: kits.headers[name] for name in kits.headers if name != "cache-control"})
    assert "no-store" == kits.headers["cache-control"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("target", ["health.liveness", "health.check,nowhere?batch=1", "nowhere"])
def test_refuses_another_method_in_the_same_words(method: str, target: str, pair: Pair) -> None:
    """
    But `Allow` names HEAD too, which ours answers as it answers GET.
    """
    real, kits = both(pair, method, target, JSON)
    allowed = {"GET": "GET, HEAD", None: None}

    assert (real.status, real.body) == (kits.status, kits.body)
    assert allowed[real.headers.get("allow")] == kits.headers.get("allow")


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}], ids=["no type", "text"])
def test_differs_for_another_method_without_json(method: str, headers: dict[str, str], pair: Pair) -> None:
    """
    There the content type is judged first. Ours reads no body, so it says what would help: GET.
    """
    real, kits = both(pair, method, "health.liveness", headers)

    assert (415, "UNSUPPORTED_MEDIA_TYPE") == (real.status, real.body["error"]["data"]["code"])
    assert (405, "METHOD_NOT_SUPPORTED") == (kits.status, kits.body["error"]["data"]["code"])


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/octet-stream"])
def test_differs_for_a_get_with_the_type_of_a_body(kind: str, pair: Pair) -> None:
    """
    There it is no query any more. Ours answers: a GET has no body whose type could matter.
    """
    real, kits = both(pair, "GET", "health.liveness", {"content-type": kind})

    assert (405, 200) == (real.status, kits.status)


@pytest.mark.parametrize(
    ("target", "status"),
    [("health.liveness", 200), ("health.check", 503), ("nowhere", 404), ("health.check,health.liveness?batch=1", 207)],
)
def test_differs_for_head(target: str, status: int, pair: Pair) -> None:
    """
    There it is 204 whatever the state. A probe by HEAD has to see that a service is sick.
    """
    real, kits = both(pair, "HEAD", target)

    assert (204, None) == (real.status, real.body)
    assert (status, None) == (kits.status, kits.body)


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (",".join(["health.liveness"] * (MAX_BATCH + 1)) + "?batch=1", {}),
        ("health.liveness", STREAM),
        ("health.liveness", {"accept": "text/html, application/jsonl"}),
    ],
)
def test_differs_in_the_type_of_a_whole_refusal(target: str, headers: dict[str, str], pair: Pair) -> None:
    """
    The same JSON, which is called text there.
    """
    real, kits = both(pair, "GET", target, headers)

    assert (400, real.body) == (kits.status, kits.body)
    assert ("text/plain;charset=UTF-8", "application/json") == (
        real.headers["content-type"],
        kits.headers["content-type"],
    )


@pytest.mark.parametrize("name", ["x" * 65, "%3Cscript%3E", "a%22b", "a%0Ab", "%C3%A4"])
def test_differs_for_a_strange_name(name: str, pair: Pair) -> None:
    """
    There it is repeated as it came. Ours answers 404 as well, and keeps it to itself.
    """
    real, kits = both(pair, "GET", name)

    assert 404 == real.status == kits.status
    assert real.body["error"]["code"] == kits.body["error"]["code"]
    assert ('No procedure found on path ""', False) == (kits.message, "path" in kits.body["error"]["data"])


def test_differs_for_a_broken_escape(pair: Pair) -> None:
    """
    There it is refused as such. Ours gets a path that the web server has decoded, so it is an unknown name.
    """
    real, kits = both(pair, "GET", "%zz")

    assert (400, 404) == (real.status, kits.status)


def test_differs_for_connection_parameters(pair: Pair) -> None:
    """
    There broken ones are refused. Ours has no context that they could be for.
    """
    real, kits = both(pair, "GET", "health.liveness?connectionParams=broken")

    assert (400, 200) == (real.status, kits.status)


@pytest.mark.parametrize("link", ["single", "batch", "stream"])
@pytest.mark.parametrize(
    "names",
    [
        ("health.liveness",),
        ("health.check",),
        ("nowhere",),
        ("health.liveness", "health.startup"),
        ("health.check", "health.readiness"),
        ("health.liveness", "health.check", "health.metrics", "health.nowhere", "health.liveness"),
    ],
    ids=lambda names: str(len(names)),
)
def test_a_client_gets_the_same(names: tuple[str, ...], link: Link, pair: Pair) -> None:
    """
    From every link, single calls and several: data, and errors with message, code and data.
    """
    from_real, from_kits = calls(pair.real, link, *names), calls(pair.kits, link, *names)

    assert from_real == from_kits
    assert [TOLD.get(name, (404,))[0] < 400 for name in names] == ["data" in one for one in from_kits]


def test_a_client_gets_what_is_too_big_refused(pair: Pair) -> None:
    """
    Each call of the batch has the error of the whole.
    """
    names = ["health.liveness"] * (MAX_BATCH + 1)
    expected = {"code": "BAD_REQUEST", "httpStatus": 400}

    for link in ("batch", "stream"):
        from_real, from_kits = calls(pair.real, link, *names), calls(pair.kits, link, *names)
        assert from_real == from_kits
        assert [expected] * len(names) == [one["error"]["data"] for one in from_kits]
