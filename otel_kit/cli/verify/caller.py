"""
The requests to a service: counted, within a budget, bounded in time and size.

Owns all that goes over the network. No redirect is followed, so nothing is ever sent to another
host; a request that would exceed the budget is a fault of ours and is not sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

from otel_kit._version import __version__
from otel_kit.cli.verify.reasons import reason_of
from otel_kit.cli.verify.verdict import Verdict, clean, failed
from otel_kit.cli.verify.way import Way
from otel_kit.errors import OtelKitError

__all__ = ["PAGE_BYTES", "Answer", "BudgetSpent", "Caller", "NoAnswer"]

PAGE_BYTES = 1024 * 1024
HEADERS = {
    # the size of a compressed body is known only when it is too late
    "Accept-Encoding": "identity",
    "User-Agent": f"otel-kit-verify/{__version__}",
}


class NoAnswer(OtelKitError):
    """
    A request that was not answered, and why, on one line.
    """


class BudgetSpent(OtelKitError):
    """
    More requests than were announced.
    """


@dataclass(frozen=True)
class Answer:
    """
    One answer. `whole` is False where its body was longer than wanted.
    """

    method: str
    path: str
    status: int
    headers: httpx.Headers
    body: bytes
    whole: bool

    def header(self, name: str) -> str:
        """
        A header's value; empty when absent.
        """
        return str(self.headers.get(name, ""))

    def json(self) -> Any:
        """
        The body as data; None where it is no JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def unwanted(self, remedy: str) -> Verdict:
        """
        The failure that a status other than the wanted one is.
        """
        what = f"{self.method} {clean(self.path)} answers {self.status}"
        if 300 <= self.status < 400:
            where = clean(self.header("location")) or "nowhere"
            return failed(f"{what}, to {where}", "redirects are not followed; give the address they lead to")
        if self.status == 429:
            wait = clean(self.header("retry-after"), 10) or "60"
            return failed(f"{what}", f"this caller's own limit is used up; try again in {wait} s")
        return failed(what, remedy)


class Caller:
    """
    Asks one service; an async context manager.

    Args:
        base_url: With the path below which the service is served, without a slash at its end.
        timeout: Seconds for one request, from its begin to the last byte of the answer.
        budget: Requests that may be sent.
    """

    def __init__(self, base_url: str, timeout: float, budget: int) -> None:
        self.base_url = base_url
        self.timeout = timeout
        self.budget = budget
        self.sent = 0
        self.answers: list[Answer] = []
        """Every answer so far."""
        self._client = httpx.AsyncClient(headers=HEADERS, timeout=timeout, follow_redirects=False)
        self._way = Way(base_url)

    async def __aenter__(self) -> Caller:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        longest: int = PAGE_BYTES,
    ) -> Answer:
        """
        Send one request.

        Args:
            longest: Bytes of the body that are read.

        Raises:
            NoAnswer: None came in time, or none that is HTTP.
        """
        if self.sent >= self.budget:
            raise BudgetSpent(f"only {self.budget} requests were announced")
        self.sent += 1
        url, traced = f"{self.base_url}{path}", {"trace": self._way.note}
        request = self._client.build_request(method, url, headers=headers, content=content, extensions=traced)
        try:
            # the client's own time-outs are for one read each, and a server may drip
            answer = await asyncio.wait_for(self._receive(request, path, longest), self.timeout)
        except (asyncio.TimeoutError, httpx.TimeoutException) as error:
            raise NoAnswer(f"no answer to {method} {path} within {self.timeout:g} s{self._way.told}") from error
        except (httpx.HTTPError, OSError) as error:
            raise NoAnswer(self._way.reason(error) or reason_of(error)) from error
        self.answers.append(answer)
        return answer

    async def _receive(self, request: httpx.Request, path: str, longest: int) -> Answer:
        response = await self._client.send(request, stream=True)
        body = bytearray()
        try:
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > longest:
                    break
        finally:
            await response.aclose()
        whole = len(body) <= longest
        return Answer(request.method, path, response.status_code, response.headers, bytes(body[:longest]), whole)
