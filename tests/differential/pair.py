"""
Two servers of one service, asked the same; by how much the numbers of each have grown.

Owns start, requests and the reading of pages. Knows nothing of what the numbers should be.
"""

from __future__ import annotations

import http.client
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from tests.servers.serving import Server, serve, wait_until

__all__ = ["Ask", "Counts", "Page", "Pair", "Series", "open_pair", "send"]

SETTLES_WITHIN_SECONDS = 10.0
SCRAPED = ("handler", "/metrics")
COUNTED = (
    "http_requests_total",
    "http_request_size_bytes_count",
    "http_request_size_bytes_sum",
    "http_response_size_bytes_count",
    "http_response_size_bytes_sum",
    "http_request_duration_highr_seconds_count",
    "http_request_duration_seconds_count",
)
"""What must be exact; times are another matter."""

Series = tuple[str, frozenset[tuple[str, str]]]
"""The name of a sample, and its labels in no order."""

Counts = dict[Series, float]


class Ask(NamedTuple):
    """
    One request over a connection of its own.

    Args:
        method: `WEBSOCKET` opens one and closes it.
        body: A list is sent in chunks, without a length.
        broken_off: What is sent as it stands before the client hangs up, in place of all the rest.
        leaves: Hangs up after the first byte of the answer's body.
    """

    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = {}
    body: bytes | list[bytes] | None = None
    leaves: bool = False
    broken_off: bytes = b""


class Page(NamedTuple):
    """
    What stands on `/metrics`: the kind of each family by its name in the text, and every sample.
    """

    kinds: dict[str, str]
    samples: Counts

    def sum(self, name: str, *label: tuple[str, str]) -> float:
        """
        Of all samples of the name that have these labels.
        """
        return sum(
            value for (found, labels), value in self.samples.items() if name == found and labels.issuperset(label)
        )

    def of(self, prefix: str, *label: tuple[str, str]) -> set[Series]:
        """
        Samples whose name begins so and which have these labels; those of their creation are left out.
        """
        return {
            (name, labels)
            for name, labels in self.samples
            if name.startswith(prefix) and labels.issuperset(label) and not name.endswith("_created")
        }


class Pair:
    """
    The kit's server and the instrumentator's. Made by `open_pair`.
    """

    def __init__(self, kit: Server, instrumentator: Server) -> None:
        self.servers = (kit, instrumentator)

    def pages(self) -> tuple[Page, Page]:
        """
        The pages of now, the kit's first.
        """
        ours, theirs = (_page(server) for server in self.servers)
        return ours, theirs

    def grown(self, asks: Sequence[Ask], ours: int | None = None, theirs: int | None = None) -> tuple[Counts, Counts]:
        """
        By how much exact numbers have grown when these requests had been counted, the kit's first.

        Args:
            ours: How many of them the kit counts; None for all.
            theirs: The same for the instrumentator.
        """
        before = self.pages()
        for server in self.servers:
            for ask in asks:
                send(server, ask)
        return self.grown_since(before, *(len(asks) if count is None else count for count in (ours, theirs)))

    def grown_since(self, before: tuple[Page, Page], ours: int, theirs: int) -> tuple[Counts, Counts]:
        """
        By how much exact numbers have grown when so many more requests had been counted, the kit's first.
        """
        grown = []
        for server, page, wanted in zip(self.servers, before, (ours, theirs), strict=True):
            self._wait_for(server, page, wanted)
            grown.append(_growth(page, _page(server)))
        return grown[0], grown[1]

    @staticmethod
    def _wait_for(server: Server, before: Page, wanted: int) -> None:
        def counted() -> bool:
            return wanted <= _counted(_page(server)) - _counted(before)

        wait_until(counted, SETTLES_WITHIN_SECONDS, f"{wanted} requests are counted")


@contextmanager
def open_pair(factories: tuple[str, str], directory: Path, *arguments: str) -> Iterator[Pair]:
    """
    Two servers that are ready, each with one of the applications.

    Args:
        arguments: Further ones for uvicorn.
    """
    with (
        _serving(factories[0], directory, *arguments) as kit,
        _serving(factories[1], directory, *arguments) as instrumentator,
    ):
        yield Pair(kit, instrumentator)


@contextmanager
def _serving(factory: str, directory: Path, *arguments: str) -> Iterator[Server]:
    own = directory / factory
    own.mkdir()
    # h11 lets any method pass, the other parser knows a list of them
    more = ("--factory", "--http", "h11", *arguments)
    app = f"{__package__}.apps:{factory}"
    with serve("uvicorn", own, *more, app=app, stdout=subprocess.DEVNULL) as server:
        yield server


def send(server: Server, ask: Ask) -> None:
    """
    Send one request and read its answer, as far as the client waits for it.
    """
    if ask.broken_off:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(ask.broken_off)
    elif ask.method == "WEBSOCKET":
        with connect(f"ws://127.0.0.1:{server.port}{ask.path}") as opened:
            opened.recv()
    else:
        with server.connection() as connection:
            connection.request(
                ask.method, ask.path, ask.body, dict(ask.headers), encode_chunked=isinstance(ask.body, list)
            )
            _read(connection.getresponse(), ask.leaves)


def _read(answer: http.client.HTTPResponse, leaves: bool) -> None:
    if leaves:
        answer.read(1)
        answer.close()
        return
    try:
        answer.read()
    except http.client.IncompleteRead:
        return  # a stream that the application broke off


def _page(server: Server) -> Page:
    text = server.get("/metrics").body.decode()
    kinds = dict(line.split()[2:] for line in text.splitlines() if line.startswith("# TYPE "))
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return Page(kinds, samples)


def _counted(page: Page) -> float:
    return page.sum("http_requests_total") - page.sum("http_requests_total", SCRAPED)


def _growth(before: Page, after: Page) -> Counts:
    """
    Differences other than zero, without what the scrapes themselves have brought.
    """
    scrapes = after.sum("http_requests_total", SCRAPED) - before.sum("http_requests_total", SCRAPED)
    unlabelled: Counts = {("http_request_duration_highr_seconds_count", frozenset()): scrapes}
    growth = {
        series: value - before.samples.get(series, 0.0) - unlabelled.get(series, 0.0)
        for series, value in after.samples.items()
        if series[0] in COUNTED and SCRAPED not in series[1]
    }
    return {series: value for series, value in growth.items() if value}
