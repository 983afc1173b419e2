"""
Secrets planted at every way in, and searched for at every way out of a real server.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest

from tests.next_service import NextService, next_service
from tests.otlp_receiver import OtlpReceiver
from tests.planted import (
    BENIGN,
    PLANTED,
    QUERY_KEYS,
    QUERY_PASSWORD,
    RULES,
    found_in,
    header_safe,
    texts_of,
)
from tests.servers.serving import Server, serve

LIMIT = 512
CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_"
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

ENVIRONMENTS: dict[str, dict[str, str]] = {
    "kit": {},
    "contrib": {"OTEL_KIT_ENGINE": "contrib"},
    "console": {"ENABLE_JSON_LOGGING": "false", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
    "official exporters": {f"OTEL_{signal}_EXPORTER": "console,otlp" for signal in ("TRACES", "LOGS", "METRICS")},
    "policy that fails": {"APP_BREAK_POLICY": "1"},
}
"""Ways to run the service; each has its own exits or engine."""

EVERYWHERE = {
    "OTEL_SERVICE_NAME": "shop of " + PLANTED["e-mail"][0],
    "OTEL_RESOURCE_ATTRIBUTES": f"owner={quote(PLANTED['phone'][0])},team.password=hunter2hunter2",
    "APP_VERSION": PLANTED["github"][0],
    "HOSTNAME": PLANTED["iban"][0],
    "ENVIRONMENT": "for " + PLANTED["aws secret"][0],
    "OTEL_BSP_MAX_QUEUE_SIZE": PLANTED["stripe"][0],
    "OTEL_TRACES_SAMPLER_ARG": "password=hunter2hunter2",
    "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={PLANTED['slack'][0]},=broken",
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    f"{CAPTURE}REQUEST": ".*",
    f"{CAPTURE}RESPONSE": ".*",
}


class Outcome(NamedTuple):
    """
    What left a service that was told every secret.
    """

    exits: Mapping[str, bytes]
    receiver: OtlpReceiver


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """
    A service after every secret and every ordinary value went through it.
    """
    directory = tmp_path_factory.mktemp("planted")
    with ExitStack() as stack:
        receiver = stack.enter_context(OtlpReceiver())
        following = stack.enter_context(next_service())
        yield run(directory, receiver, following, ENVIRONMENTS[request.param])


def run(directory: Path, receiver: OtlpReceiver, following: NextService, environment: Mapping[str, str]) -> Outcome:
    """
    Serve, plant, scrape, stop, and collect what came out of each exit.
    """
    plain = {**EVERYWHERE, **environment, "APP_NEXT_SERVICE": following.url}
    endpoint = receiver.url.replace("//", "//collector:S3cretPw@")
    with serve(
        "uvicorn",
        directory,
        *("--http", "h11"),
        app="tests.planted_app:app",
        collector=endpoint,
        environment=plain,
    ) as server:
        for kind in (*PLANTED, *RULES):
            plant(server, texts_of(kind))
        plant(server, list(BENIGN))
        plant_query(server)
        ask(server, "GET", f"/cut?limit={LIMIT}")
        pages = {form: scrape(server, form) for form in ("text/plain", "application/openmetrics-text")}
        server.stop()
    return Outcome(
        {
            **{path: sent(receiver, path) for path in ("/v1/traces", "/v1/logs", "/v1/metrics")},
            **pages,
            "stdout": server.out.read_bytes(),
            "stderr": server.err.read_bytes(),
            "next service": repr(following.received).encode(),
        },
        receiver,
    )


def plant(server: Server, texts: list[str]) -> None:
    """
    Each text at every place of a request, and in the hands of the application.
    """
    ask(server, "POST", "/plant", body=json.dumps(texts).encode())
    for text in texts:
        line = header_safe(text)
        for path in ("raise", "fails-late"):
            ask(server, "GET", f"/{path}?text={quote(text)}")
        ask(server, "GET", f"/items/{quote(text, safe='')}?q={quote(text)}&next={quote(quote(text))}")
        ask(server, "GET", f"/unknown/{quote(text)}?{quote(text, safe='=;')}")
        names = ("User-Agent", "Referer", "Cookie", "Authorization", "X-API-Key", "X-Correlation-ID")
        ask(server, "GET", "/items/1", headers={name: line for name in (*names, "X-Forwarded-For", "X-Note")})
        carried = {"traceparent": TRACEPARENT, "tracestate": f"vendor={line}", "baggage": f"note={quote(line)}"}
        ask(server, "GET", "/items/1", headers=carried)
        ask(
            server, "GET", "/items/1", headers={"Host": line, "Forwarded": f"for={line}", "User-Agent": cut_agent(line)}
        )
        if TOKEN.fullmatch(line):
            ask(server, line, "/items/1")


def cut_agent(text: str) -> str:
    """
    A user agent so long that it is cut in the middle of the text.
    """
    return "a" * (256 - len(text) // 2 - 1) + " " + text


def plant_query(server: Server) -> None:
    """
    The parameters that are secret by name.
    """
    for name in QUERY_KEYS:
        ask(server, "GET", f"/items/1?page=7&{name}={QUERY_PASSWORD}&sort=name")


def ask(
    server: Server, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> None:
    """
    One request; whatever the answer is.
    """
    with server.connection() as connection:
        connection.putrequest(method, target, skip_host="Host" in (headers or {}), skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value.encode("latin-1", "replace"))
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        try:
            connection.getresponse().read()
        except http.client.RemoteDisconnected:
            return


def scrape(server: Server, form: str) -> bytes:
    """
    The page of metrics in one of its forms.
    """
    with server.connection() as connection:
        connection.request("GET", "/metrics", headers={"Accept": form})
        return connection.getresponse().read()


def sent(receiver: OtlpReceiver, path: str) -> bytes:
    """
    All that came to a path of the collector, as it was on the wire.
    """
    return b"\n".join(request.SerializeToString() for request in receiver.of(path))


@pytest.mark.parametrize(
    "exit",
    [
        "/v1/traces",
        "/v1/logs",
        "/v1/metrics",
        "text/plain",
        "application/openmetrics-text",
        "stdout",
        "stderr",
        "next service",
    ],
)
def test_no_secret_leaves(outcome: Outcome, exit: str) -> None:
    """
    Of nineteen kinds, the user's own rules and the secret query parameters not even a piece is at any exit.
    """
    needles = [secret for _, secret in (*PLANTED.values(), *RULES.values())]

    assert [] == found_in(outcome.exits[exit], [*needles, QUERY_PASSWORD])
