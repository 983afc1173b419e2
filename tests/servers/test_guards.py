"""
Uploads to a real server: what the client gets, what becomes of its connection, what it costs.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import NamedTuple

import pytest
from websockets.sync.client import connect

from tests.servers.serving import Server, serve

LIMIT = 1_000_000
PIECE = b"x" * 65_536
TIMEOUT = 20.0


@pytest.fixture(scope="module", params=["h11", "httptools"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    One worker with either of uvicorn's parsers.
    """
    directory = tmp_path_factory.mktemp(request.param)
    with serve("uvicorn", directory, "--http", request.param, app="tests.servers.uploads:app") as server:
        yield server


class Answer(NamedTuple):
    """
    One answer as it came over the wire.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """
    A connection on which bytes are sent as they are.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.file = connection.makefile("rb")

    def send(self, *pieces: bytes) -> None:
        """
        Send these bytes.
        """
        for piece in pieces:
            self.connection.sendall(piece)

    def ask(self, path: str, *headers: str, method: str = "POST") -> None:
        """
        Send the head of a request.
        """
        lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers, "", ""]
        self.send("\r\n".join(lines).encode())

    def answer(self) -> Answer:
        """
        Read one answer.
        """
        status = int(self.file.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Answer(status, headers, self.file.read(int(headers.get("content-length", 0))))

    def send_on(self, pieces: Iterable[bytes]) -> None:
        """
        Send these bytes, or what the server takes of them.
        """
        with suppress(OSError):
            self.send(*pieces)

    def rest(self) -> bytes:
        """
        Whatever comes until the server ends the connection, in whichever way.
        """
        found = bytearray()
        with suppress(ConnectionResetError):
            while piece := self.file.read1(65_536):
                found += piece
        return bytes(found)


@contextmanager
def client_of(server: Server) -> Iterator[Client]:
    """
    A new connection.
    """
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        client = Client(connection)
        with client.file:
            yield client


def chunk(piece: bytes) -> bytes:
    """
    The piece as HTTP/1.1 sends it where the length is not known.
    """
    return b"%x\r\n%s\r\n" % (len(piece), piece)


def chunks(size: int) -> Iterable[bytes]:
    """
    A body of about so many bytes.
    """
    framed = chunk(PIECE)
    for _ in range(size // len(PIECE)):
        yield framed
    yield chunk(b"")


def assert_refused(answer: Answer) -> None:
    """
    A 413 that says why, under an id, and that the connection ends.
    """
    assert 413 == answer.status
    assert {"error": "body_too_large", "max_bytes": LIMIT}.items() <= json.loads(answer.body).items()
    assert re.fullmatch("[0-9a-f-]{36}", answer.headers["x-correlation-id"])
    assert "close" == answer.headers["connection"]


SMUGGLED = b"GET /peak HTTP/1.1\r\nHost: test\r\n\r\n" * 40_000


@pytest.mark.parametrize("path", ["/whole", "/unread", "/nowhere"])
def test_an_announced_body_is_refused_and_is_no_request(server: Server, path: str) -> None:
    """
    The client sends all of it before it reads and gets the answer all the same; no part of it is taken for a request.
    """
    with client_of(server) as client:
        client.ask(path, f"Content-Length: {len(SMUGGLED)}")
        client.send(SMUGGLED)

        assert_refused(client.answer())
        assert b"" == client.rest()


@pytest.mark.parametrize("path", ["/whole", "/pieces"])
def test_a_chunked_body_is_refused_and_is_no_request(server: Server, path: str) -> None:
    """
    The same where the length is not known beforehand.
    """
    with client_of(server) as client:
        client.ask(path, "Transfer-Encoding: chunked")
        client.send(chunk(SMUGGLED), chunk(SMUGGLED), chunk(b""))

        assert_refused(client.answer())
        assert b"" == client.rest()


def test_a_form_is_refused(server: Server) -> None:
    """
    A file that is too large, of unknown length.
    """
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    with client_of(server) as client:
        client.ask("/form", "Transfer-Encoding: chunked", "Content-Type: multipart/form-data; boundary=x")
        client.send(chunk(head), *chunks(2 * LIMIT))

        assert_refused(client.answer())


def test_bodies_within_the_limit_keep_the_connection(server: Server) -> None:
    """
    One request after the other, read or not, with and without length.
    """
    body = b"x" * LIMIT
    with client_of(server) as client:
        seen = []
        for path in ("/whole", "/unread", "/pieces", "/unread"):
            client.ask(path, f"Content-Length: {LIMIT}")
            client.send(body)
            seen.append(client.answer().body)
            client.ask(path, "Transfer-Encoding: chunked")
            client.send(chunk(body), chunk(b""))
            seen.append(client.answer().body)

    fine, size = b'"fine"', b"1000000"
    assert [size, size, fine, fine, size, size, fine, fine] == seen


def test_a_client_that_asks_first_is_refused_at_once(server: Server) -> None:
    """
    No `100 Continue`, nothing is awaited, and the connection ends, since nobody knows what would come next on it.
    """
    with client_of(server) as client:
        client.ask("/whole", f"Content-Length: {LIMIT + 1}", "Expect: 100-continue")

        assert_refused(client.answer())
        assert b"" == client.rest()


def test_a_client_that_asks_first_may_send(server: Server) -> None:
    """
    A body within the limit is asked for.
    """
    with client_of(server) as client:
        client.ask("/whole", "Content-Length: 5", "Expect: 100-continue")
        asked = client.answer().status
        client.send(b"12345")

        assert (100, b"5") == (asked, client.answer().body)


@pytest.mark.parametrize(("path", "statuses"), [("/whole", {413}), ("/pieces", {413}), ("/unread", {200, 413})])
def test_a_hundred_megabytes_leave_memory_flat(server: Server, path: str, statuses: set[int]) -> None:
    """
    Chunked, so that nobody knows beforehand, and sent to the end before the client reads.
    """
    server.get("/peak")
    before = int(server.get("/peak").body)
    with client_of(server) as client:
        client.ask(path, "Transfer-Encoding: chunked")
        client.send(*chunks(100_000_000))
        answer = client.answer()
    grown = int(server.get("/peak").body) - before

    assert answer.status in statuses
    assert grown < 10_000, f"{grown} kB more"


def test_a_body_that_nobody_reads(server: Server) -> None:
    """
    A handler that does not look keeps its answer, and the connection goes on behind the body.
    """
    with client_of(server) as client:
        client.ask("/unread", "Transfer-Encoding: chunked")
        client.send(*chunks(3 * LIMIT))
        first = client.answer()
        client.ask("/peak", method="GET")

        assert (200, b'"fine"') == (first.status, first.body)
        assert 200 == client.answer().status


def test_an_answer_that_has_begun_breaks_off(server: Server) -> None:
    """
    It has no end by which a client could take it for whole, and the server has no traceback.
    """
    with client_of(server) as client:
        client.ask("/echo/", "Transfer-Encoding: chunked")
        client.send(chunk(PIECE))
        status = client.answer().status
        with ThreadPoolExecutor(1) as pool:
            pool.submit(client.send_on, chunks(5 * LIMIT))
            rest = client.rest()

    assert 200 == status
    assert len(rest) < 2 * LIMIT
    assert not rest.endswith(b"0\r\n\r\n")
    assert "Traceback" not in server.err.read_text() + server.out.read_text()


def test_messages_of_websockets_are_the_servers_affair(server: Server) -> None:
    """
    One that is larger than a body may be comes through.
    """
    with connect(f"ws://127.0.0.1:{server.port}/socket") as websocket:
        websocket.send(b"x" * (2 * LIMIT))

        assert str(2 * LIMIT) == websocket.recv(TIMEOUT)


def test_refusals_are_counted_and_take_no_time(server: Server) -> None:
    """
    Like any other request; the client that stalls is seen off after the request has ended.
    """
    before = server.scrape()
    with client_of(server) as client:
        client.ask("/whole", f"Content-Length: {LIMIT + 1}")
        client.send(b"x")
        assert_refused(client.answer())
        during = server.scrape()

    def grown(name: str, **labels: str) -> float:
        return during.sum(name, **labels) - before.sum(name, **labels)

    assert 1 == grown("otel_kit_security_events_total", event="body_too_large")
    assert 1 == grown("http_requests_total", status_code="413")
    assert grown("http_request_duration_seconds_sum") < 0.5
