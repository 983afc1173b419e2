"""
Secrets planted at every way into a real server, and searched for at every way out of it.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import pytest

from tests.next_service import NextService, next_service
from tests.otlp_receiver import OtlpReceiver, attributes_of
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
from tests.redaction.samples import PASSWORD
from tests.servers.serving import Server, serve

LIMIT = 512
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_"
EXITS = (
    *("/v1/traces", "/v1/logs", "/v1/metrics", "text/plain", "application/openmetrics-text"),
    *("stdout", "stderr", "next service"),
)

ENVIRONMENTS: dict[str, dict[str, str]] = {
    "kit": {},
    "contrib": {"OTEL_KIT_ENGINE": "contrib"},
    "console": {"ENABLE_JSON_LOGGING": "false", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
    "official exporters": {f"OTEL_{signal}_EXPORTER": "console,otlp" for signal in ("TRACES", "LOGS", "METRICS")},
    "policy that fails": {"APP_BREAK_POLICY": "1"},
}
"""Ways to run the service: each has an engine or an exit of its own."""
WITH_POLICY = [name for name in ENVIRONMENTS if name != "policy that fails"]

EVERYWHERE = {
    "OTEL_SERVICE_NAME": "shop of " + PLANTED["e-mail"][0],
    "OTEL_RESOURCE_ATTRIBUTES": f"owner={quote(PLANTED['phone'][0])},team.password={PASSWORD}",
    "APP_VERSION": PLANTED["github"][0],
    "HOSTNAME": PLANTED["iban"][0],
    "ENVIRONMENT": "for " + PLANTED["aws secret"][0],
    "OTEL_BSP_MAX_QUEUE_SIZE": PLANTED["stripe"][0],
    "OTEL_TRACES_SAMPLER_ARG": f"password={PASSWORD}",
    "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={PLANTED['slack'][0]},=broken",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": str(LIMIT),
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
    The exits of a service after every secret and every ordinary value went through it.
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
    lines = directory / "lines"
    with (
        open(lines, "wb") as output,
        serve(
            "uvicorn",
            directory,
            *("--http", "h11"),
            app="tests.planted_app:app",
            collector=receiver.url.replace("//", "//collector:S3cretPw@"),
            stdout=output,
            environment={**EVERYWHERE, **environment, "APP_NEXT_SERVICE": following.url},
        ) as server,
    ):
        for kind in (*PLANTED, *RULES):
            plant(server, texts_of(kind))
        plant(server, list(BENIGN))
        with server.connection() as connection:
            for name in QUERY_KEYS:
                ask(connection, "GET", f"/items/1?page=7&{name}={QUERY_PASSWORD}&sort=name")
            ask(connection, "GET", f"/cut?limit={LIMIT}")
        pages = {form: scrape(server, form) for form in EXITS[3:5]}
        server.stop()
    wire = {path: sent(receiver, path) for path in EXITS[:3]}
    heard = repr(following.received).encode()
    errors = server.err.read_bytes()
    return Outcome({**wire, **pages, "stdout": lines.read_bytes(), "stderr": errors, "next service": heard}, receiver)


def plant(server: Server, texts: list[str]) -> None:
    """
    Each text at every place of a request, and in the hands of the application.
    """
    with server.connection() as connection:
        ask(connection, "POST", "/plant", body=json.dumps(texts).encode())
        for text in texts:
            plant_in_requests(connection, text, header_safe(text))


def plant_in_requests(connection: http.client.HTTPConnection, text: str, line: str) -> None:
    """
    The text in target, headers and method.
    """
    for path in ("raise", "fails-late"):
        ask(connection, "GET", f"/{path}?text={quote(text)}")
    ask(connection, "GET", f"/items/{quote(text, safe='')}?q={quote(text)}&next={quote(quote(text))}")
    ask(connection, "GET", f"/unknown/{quote(text)}?{quote(text, safe='=;')}")
    names = ("User-Agent", "Referer", "Cookie", "Authorization", "X-API-Key", "X-Correlation-ID", "X-Forwarded-For")
    ask(connection, "GET", "/items/1", dict.fromkeys((*names, "X-Note"), line))
    carried = {"traceparent": TRACEPARENT, "tracestate": f"vendor={line}", "baggage": f"note={quote(line)}"}
    ask(connection, "GET", "/items/1", carried)
    # so long that it is cut in the middle of the text
    agent = "a" * (256 - len(line) // 2 - 1) + " " + line
    ask(connection, "GET", "/items/1", {"Host": line, "Forwarded": f"for={line}", "User-Agent": agent})
    if TOKEN.fullmatch(line):
        ask(connection, line, "/items/1")


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> None:
    """
    One request; whatever the answer is. The server may have closed the connection after the one before.
    """
    headers = headers or {}
    for _ in range(2):
        connection.putrequest(method, target, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value.encode("latin-1", "replace"))
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        try:
            connection.endheaders(body)
            connection.getresponse().read()
            break
        except ConnectionError:
            connection.close()


def scrape(server: Server, form: str) -> bytes:
    """
    The page of metrics in one of its forms.
    """
    with server.connection() as connection:
        connection.request("GET", "/metrics", headers={"Accept": form})
        return connection.getresponse().read()


def sent(receiver: OtlpReceiver, path: str) -> bytes:
    """
    All that came to a path of the collector.
    """
    return b"\n".join(request.SerializeToString() for request in receiver.of(path))


@pytest.mark.parametrize("exit", EXITS)
def test_no_secret_leaves(outcome: Outcome, exit: str) -> None:
    """
    Of nineteen kinds, the user's own rules and the secret query parameters not even a piece is at any exit.
    """
    needles = [secret for _, secret in (*PLANTED.values(), *RULES.values())]

    assert [] == found_in(outcome.exits[exit], [*needles, QUERY_PASSWORD])


@pytest.mark.parametrize("outcome", WITH_POLICY, indirect=True)
@pytest.mark.parametrize("exit", [exit for exit in EXITS if exit != "stderr"])
def test_ordinary_values_arrive(outcome: Outcome, exit: str) -> None:
    """
    What is no secret is at every exit as it was planted.
    """
    written = quote_plus if exit == "next service" else str

    assert [] == [value for value in BENIGN if written(value).encode() not in outcome.exits[exit]]


@pytest.mark.parametrize("outcome", WITH_POLICY, indirect=True)
def test_everything_that_was_planted_arrived(outcome: Outcome) -> None:
    """
    Spans, records and metrics came through with a mask in each secret's place; nothing was lost on the way.
    """
    spans = [span for span in outcome.receiver.spans if span.name.startswith("say ")]
    bodies = [record.body.string_value for record in outcome.receiver.logs]
    planted = sum(map(len, map(texts_of, (*PLANTED, *RULES)))) + len(BENIGN)

    assert planted == len(spans)
    assert planted == sum(body.startswith("said ") for body in bodies)
    assert {"REDACTED"} == {attributes_of(span)["password"] for span in spans}
    assert (
        b'library_said_total{list="[\\"REDACTED\\"]",note="REDACTED",password="REDACTED"}'
        in (outcome.exits["text/plain"])
    )
    assert b"otel_kit_internal_errors_total{" not in outcome.exits["text/plain"]


@pytest.mark.parametrize("outcome", WITH_POLICY, indirect=True)
def test_attributes_are_cut_behind_the_secret(outcome: Outcome) -> None:
    """
    With a limit on attributes, spans and records whose secret lay around the cut are as long as the limit allows.
    """
    cut = [span for span in outcome.receiver.spans if span.name == "cut"]
    lengths = {len(attributes_of(span)["note"]) for span in cut}

    assert len(cut) > 100
    assert LIMIT == max(lengths)


@pytest.mark.parametrize("outcome", ["policy that fails"], indirect=True)
def test_a_policy_that_fails_gives_the_mask(outcome: Outcome) -> None:
    """
    Lines and spans go on; their texts are masks, and the fault is counted.
    """
    lines = []
    for line in outcome.exits["stdout"].splitlines():
        with suppress(ValueError):
            lines.append(json.loads(line))
    spans = outcome.receiver.spans

    assert {"REDACTED"} == {line["message"] for line in lines if line["logger"] == "REDACTED"}
    assert len(spans) > 100
    assert {"REDACTED"} == {span.name for span in spans}
    assert b'otel_kit_internal_errors_total{component="redaction"}' in outcome.exits["text/plain"]


@pytest.mark.parametrize("outcome", ["kit", "contrib"], indirect=True)
def test_captured_headers_are_masked_by_name(outcome: Outcome) -> None:
    """
    With all headers captured those that carry credentials hold the mask alone, the others what they said.
    """
    found: dict[str, set[str]] = {}
    for span in outcome.receiver.spans:
        for name, value in attributes_of(span).items():
            if name.startswith(("http.request.header.", "http.response.header.")):
                found.setdefault(name.rpartition(".")[2].replace("_", "-"), set()).update(value)

    assert [{"REDACTED"}] * 4 == [found[name] for name in ("authorization", "cookie", "x-api-key", "set-cookie")]
    assert set(BENIGN) <= found["referer"]
