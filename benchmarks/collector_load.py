"""
A steady load on a Collector: OTLP over HTTP from bodies that were encoded beforehand.

Run as `python -m benchmarks.collector_load URL [--seconds 60]`: sends, then prints one JSON line with what was
accepted, and the processor time it took itself (some hundredths of a core).

A body is encoded once and sent again and again; the bytes that make its trace ids unique are replaced each time.
Nothing is sent twice: what is refused is counted and left, so that accepted items are exactly those that must arrive.
"""

from __future__ import annotations

import argparse
import http.client
import json
import secrets
import struct
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from benchmarks.collector_items import ITEMS, MARKER, encode_logs, encode_spans

# a sender that has fallen behind this far gives up on what it missed: it is to measure a rate, not to make up for one
BACKLOG_SECONDS = 2.0

SPAN_CONNECTIONS = 4
"""So that the rate holds while an answer takes its time, as with several services before one Collector."""


@dataclass
class Sent:
    """What became of one signal."""

    offered: int = 0
    accepted: int = 0
    refused: int = 0
    """Items of requests that were answered otherwise than by 200, or not at all."""

    statuses: dict[str, int] = field(default_factory=dict)
    """Requests by status, or by the name of the error."""

    slowest_ms: float = 0.0
    seconds: float = 0.0


class Connection:
    """Sends one signal at a fixed rate, for a number of seconds."""

    def __init__(self, url: str, path: str, body: bytes, rate: float, headers: dict[str, str]) -> None:
        self.address = urlsplit(url)
        self.path = path
        self.body = body
        self.pause = ITEMS / rate
        self.headers = {"Content-Type": "application/x-protobuf", **headers}
        self.sent = Sent()
        self._connection: http.client.HTTPConnection | None = None
        self._run = secrets.token_bytes(2)
        self._requests = 0

    def run(self, seconds: float, delay: float = 0.0) -> None:
        """
        One request each `pause`, the first after `delay`; late ones follow at once.
        """
        began = time.monotonic()
        missed = 0.0
        for number in range(round(seconds / self.pause)):
            late = time.monotonic() - (began + delay + number * self.pause + missed)
            if late < 0:
                time.sleep(-late)
            elif late > BACKLOG_SECONDS:
                missed += late
            if time.monotonic() - began > seconds + BACKLOG_SECONDS:
                break
            self.send()
        self.sent.seconds = max(time.monotonic() - began, seconds)
        if self._connection:
            self._connection.close()

    def send(self) -> None:
        """
        One request with ids that no other has, and its answer.
        """
        self._requests += 1
        unique = self._run + struct.pack(">I", self._requests)[1:]
        began = time.monotonic()
        outcome = self.post(self.body.replace(MARKER, unique))
        self.sent.slowest_ms = max(self.sent.slowest_ms, (time.monotonic() - began) * 1000)
        self.sent.statuses[outcome] = self.sent.statuses.get(outcome, 0) + 1
        self.sent.offered += ITEMS
        if outcome == "200":
            self.sent.accepted += ITEMS
        else:
            self.sent.refused += ITEMS

    def post(self, body: bytes) -> str:
        """
        The answer's status as text, or the name of what went wrong.
        """
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self.address.netloc, timeout=20)
            self._connection.request("POST", self.address.path.rstrip("/") + self.path, body, self.headers)
            answer = self._connection.getresponse()
            answer.read()
            return str(answer.status)
        except (OSError, http.client.HTTPException) as error:
            # the next request begins with a fresh connection
            if self._connection:
                self._connection.close()
            self._connection = None
            return type(error).__name__


def send(
    url: str,
    seconds: float,
    spans: float = 10_000,
    logs: float = 1_000,
    headers: dict[str, str] | None = None,
    resource: dict[str, str] | None = None,
) -> dict[str, Sent]:
    """
    Send both signals for a while.

    Args:
        url: Base URL of an OTLP/HTTP receiver.
        seconds: How long.
        spans: A second; 0 sends none.
        logs: Records a second; 0 sends none.
        headers: Beside the content type.
        resource: Attributes beside those of the services.
    """
    connections: dict[str, list[Connection]] = {}
    if spans:
        body, rate = encode_spans(resource or {}), spans / SPAN_CONNECTIONS
        connections["traces"] = [
            Connection(url, "/v1/traces", body, rate, headers or {}) for _ in range(SPAN_CONNECTIONS)
        ]
    if logs:
        connections["logs"] = [Connection(url, "/v1/logs", encode_logs(resource or {}), logs, headers or {})]
    threads = [
        threading.Thread(target=each.run, args=(seconds, number * each.pause / len(several)))
        for several in connections.values()
        for number, each in enumerate(several)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {name: total(each.sent for each in several) for name, several in connections.items()}


def total(parts: Iterable[Sent]) -> Sent:
    """
    Connections of one signal as one.
    """
    whole = Sent()
    for part in parts:
        whole.offered += part.offered
        whole.accepted += part.accepted
        whole.refused += part.refused
        for status, count in part.statuses.items():
            whole.statuses[status] = whole.statuses.get(status, 0) + count
        whole.slowest_ms = max(whole.slowest_ms, part.slowest_ms)
        whole.seconds = max(whole.seconds, part.seconds)
    return whole


def pairs(given: Sequence[str]) -> dict[str, str]:
    """
    `name=value` as a dictionary.
    """
    return dict(each.split("=", 1) for each in given)


def main() -> None:
    """
    Parse, send, print.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector_load")
    parser.add_argument("url", help="base URL, http://127.0.0.1:4318")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--spans", type=float, default=10_000, metavar="PER_SECOND")
    parser.add_argument("--logs", type=float, default=1_000, metavar="PER_SECOND")
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--resource", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    outcome = send(
        options.url, options.seconds, options.spans, options.logs, pairs(options.header), pairs(options.resource)
    )
    report: dict[str, Any] = {name: asdict(sent) for name, sent in outcome.items()}
    print(json.dumps({**report, "cpu_seconds": time.process_time()}))


if __name__ == "__main__":
    main()
