"""
An OTLP receiver that answers at once and counts what it got.

Run as `python -m benchmarks.sink`: prints one JSON line `{"port": …}` and serves until its standard input closes.
Its time is nobody's: it has a process of its own. Each variant exports to `/<variant>/v1/<signal>`, so that the
counts (`GET /counts`) show that a variant which seems cheap did send its spans and log records.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator

counts: Counter[str] = Counter()
"""Items by `variant/signal`: spans and log records, and bytes for metrics."""


def length_delimited(message: memoryview, field: int) -> Iterator[memoryview]:
    """
    The submessages of one field number, without decoding anything else.

    Source: the protocol buffers wire format; wire types 0, 1, 2 and 5 are all that OTLP uses.
    """
    at = 0
    while at < len(message):
        key, at = read_varint(message, at)
        wire_type = key & 7
        if wire_type == 0:
            _, at = read_varint(message, at)
        elif wire_type == 2:
            size, at = read_varint(message, at)
            if key >> 3 == field:
                yield message[at : at + size]
            at += size
        else:
            at += 8 if wire_type == 1 else 4


def read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """
    The number that starts at `at`, and where the next one starts.
    """
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def count_items(body: bytes) -> int:
    """
    Spans or log records in an export request: resource (1) → scope (2) → item (2) in both.
    """
    return sum(
        1
        for resource in length_delimited(memoryview(body), 1)
        for scope in length_delimited(resource, 2)
        for _ in length_delimited(scope, 2)
    )


class Receiver(asyncio.Protocol):
    """One connection of an exporter: HTTP/1.1 with Content-Length, kept alive."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            whole = end + 4 + int(headers.get("content-length", "0"))
            if len(self.buffer) < whole:
                return
            body = bytes(self.buffer[end + 4 : whole])
            del self.buffer[:whole]
            self.answer(head[0].split(" ")[1], body, headers.get("content-encoding") == "gzip")

    def answer(self, path: str, body: bytes, compressed: bool) -> None:
        reply = json.dumps(counts).encode() if path == "/counts" else b""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % len(reply) + reply)
        if reply:
            return
        variant, _, signal = path.strip("/").replace("/v1/", "/").partition("/")
        plain = gzip.decompress(body) if compressed else body
        counts[f"{variant}/{signal}"] += len(plain) if signal == "metrics" else count_items(plain)


async def serve() -> None:
    """
    Listen on a free loopback port until the parent closes our standard input.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
