"""
Health by tRPC over HTTP, so that a client of @trpc/client 11 calls the procedures as those of a tRPC server.

Owns which procedure a path names, how many are asked at once, and the answer's status and headers. What a procedure
says, and to whom, is handed over; what the bytes look like is in `trpc_wire.py`.

All procedures are queries without input, so `input` is not read, nor is any body. What differs from @trpc/server on
purpose:

- HEAD has the status that GET has. There it is 204 whatever the state, which would tell a probe that a sick service
  is well.
- Any method but GET and HEAD is refused by 405, whatever its content type, and `Allow` names both.
- An error of the whole request is `application/json` too, where the other leaves it at `text/plain`.
- A long or strange name is not repeated: it is missing in `message`, and `data.path` is absent.
- `cache-control: no-store`; `connectionParams` are not looked at, since nothing takes them.
- A stream has one line for each call in place of three nested promises, which a client reads as the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from otel_kit.faults import fault
from otel_kit.health.trpc_wire import Envelope, batch, error, result, status_of, stream_head, stream_line, told

__all__ = ["MAX_BATCH", "Answer", "Trpc"]

Answer = Callable[[Scope], Awaitable[tuple[int, Any]]]
"""
What a procedure says to one request: HTTP status and document. From 400 on the status is an error; see `error`.
"""

MAX_BATCH = 32
"""Calls in one request. More are refused as a whole: a client that asks for health has four."""

MAX_QUERY = 4096
"""Bytes of the query in which `batch` is looked for. A client's stands at its start, before `input`."""

METHODS = ("GET", "HEAD")
ALLOW = (b"allow", ", ".join(METHODS).encode())
HEADERS = (
    (b"content-type", b"application/json"),
    # of both the server reads whether a stream is wanted
    (b"vary", b"trpc-accept, accept"),
    (b"cache-control", b"no-store"),
)
STREAM = b"application/jsonl"

TOO_MANY = error(400, "Batch call exceeds maximum size")
STREAM_OF_ONE = error(400, "Streaming requests must be batched (you can do a batch of 1)")


class Trpc:
    """
    The procedures under one prefix.

    Args:
        prefix: `/trpc`, without a slash at its end.
        procedures: By name, `health.check`. A request asks each at most once, however often it names it.
    """

    def __init__(self, prefix: str, procedures: Mapping[str, Answer]) -> None:
        self._stem = f"{prefix}/"
        self._procedures = dict(procedures)
        self._pages: dict[str, tuple[str | None, ASGIApp]] = {
            self._stem + name: (self._stem + name, Page(self._procedures, name)) for name in self._procedures
        }

    @property
    def templates(self) -> tuple[str, ...]:
        """
        What can be a label: each procedure, and `batch` for all calls of several.
        """
        return (*self._pages, f"{self._stem}batch")

    def find(self, path: str) -> tuple[str | None, ASGIApp] | None:
        """
        Template and page for a path below the server's prefix; None where it is not under the prefix.

        The label follows from the path alone: a batch of one has its procedure's. For an unknown name it is None, and
        the page answers 404.
        """
        found = self._pages.get(path)
        if found is not None or not path.startswith(self._stem):
            return found
        names = path[len(self._stem) :].removesuffix("/")
        known = self._pages.get(self._stem + names)
        template = f"{self._stem}batch" if "," in names else None
        return known or (template, Page(self._procedures, names))


@dataclass(frozen=True)
class Page:
    """
    What answers for the names in one path; several are separated by commas.
    """

    procedures: Mapping[str, Answer]
    names: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer one request of type `http`.
        """
        batched, streamed = _is_batch(scope["query_string"]), _wants_stream(scope["headers"])
        names: Sequence[str] = (self.names,)
        if batched:
            if self.names.count(",") >= MAX_BATCH:
                await self._send(TOO_MANY.status, TOO_MANY.body, (), scope, send)
                return
            names = self.names.split(",")
        elif streamed:
            await self._send(STREAM_OF_ONE.status, STREAM_OF_ONE.body, (), scope, send)
            return
        if streamed and scope["method"] != "HEAD":
            await self._stream(names, scope, send)
            return
        envelopes = await self._ask_all(names, scope)
        body = batch(envelopes) if batched else envelopes[0].body
        await self._send(status_of(envelopes), body, names, scope, send)

    async def _send(self, status: int, body: bytes, names: Iterable[str], scope: Scope, send: Send) -> None:
        headers = [*self._headers(names, scope), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _stream(self, names: Sequence[str], scope: Scope, send: Send) -> None:
        """
        Each call's answer as soon as it is there. The status is gone by then: it is 200, whatever they say.
        """

        async def ask(name: str) -> tuple[str, Envelope]:
            return name, await self._ask(name, scope)

        asked = [asyncio.ensure_future(ask(name)) for name in dict.fromkeys(names)]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self._headers(names, scope)})
            await send({"type": "http.response.body", "body": stream_head(len(names)), "more_body": True})
            for next_one in asyncio.as_completed(asked):
                name, envelope = await next_one
                lines = b"".join(stream_line(at, envelope) for at, each in enumerate(names) if each == name)
                await send({"type": "http.response.body", "body": lines, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            for task in asked:
                task.cancel()

    def _headers(self, names: Iterable[str], scope: Scope) -> list[tuple[bytes, bytes]]:
        refused = scope["method"] not in METHODS and any(name in self.procedures for name in names)
        return [*HEADERS, ALLOW] if refused else [*HEADERS]

    async def _ask_all(self, names: Sequence[str], scope: Scope) -> list[Envelope]:
        if len(names) == 1:
            return [await self._ask(names[0], scope)]
        once = list(dict.fromkeys(names))
        envelopes = dict(zip(once, await asyncio.gather(*(self._ask(name, scope) for name in once)), strict=True))
        return [envelopes[name] for name in names]

    async def _ask(self, name: str, scope: Scope) -> Envelope:
        answer = self.procedures.get(name)
        if answer is None:
            return error(404, f'No procedure found on path "{told(name)}"', name)
        method = scope["method"]
        if method not in METHODS:
            return error(405, f'Unsupported {told(method)}-request to query procedure at path "{name}"', name)
        try:
            status, document = await answer(scope)
            return result(document) if status < 400 else error(status, document, name)
        except Exception as failure:  # a document may be the user's own code
            fault("health", failure, **{"health.route": name})
            return error(500, path=name)


def _is_batch(query: bytes) -> bool:
    """
    Whether the first `batch` of the query is 1.
    """
    pairs = (pair.partition(b"=") for pair in query[:MAX_QUERY].split(b"&"))
    return next((value for name, _, value in pairs if name == b"batch"), b"") == b"1"


def _wants_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """
    Whether `trpc-accept` says so; where it is missing, whether `accept` has it among others.
    """
    accepted = b""
    for name, value in headers:
        if name == b"trpc-accept":
            return value == STREAM
        if name == b"accept":
            accepted += value + b","
    return STREAM in accepted and any(each.strip() == STREAM for each in accepted.split(b","))
