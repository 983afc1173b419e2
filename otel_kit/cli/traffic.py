"""
What callers of the example send: logins, questions, and one that fails.

Owns the requests and how an answer is read. Only the standard library is needed.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["FAILING_CHAT", "STEPS", "Answer", "Step", "read_page", "send"]

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Step:
    """
    One request.
    """

    method: str
    path: str
    body: dict[str, Any] | None = None
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """
    What came back.
    """

    step: Step
    status: int
    seconds: float
    correlation_id: str
    chunks: int
    """Server-sent events; 0 for an answer in one piece."""


def _chat(model: str, *, stream: bool = False) -> Step:
    question = {"role": "user", "content": "Where does a goblin keep gold?"}
    body = {"model": model, "messages": [question], "stream": stream}
    return Step("POST", "/chat/completions", body, f"{model}, streamed" if stream else model)


def _login(password: str, note: str) -> Step:
    return Step("POST", "/auth/login", {"email": "demo@example.com", "password": password}, note)


FAILING_CHAT = _chat("mistral-large")
"""The provider's double stalls in the second completion by this model."""

STEPS = (
    Step("GET", "/health/all"),
    Step("GET", "/models"),
    _login("a goblin never forgets", "the right password"),
    _login("let me in", "a wrong password"),
    _chat("gpt-4"),
    _chat("gpt-4", stream=True),
    _chat("mistral-large", stream=True),
    _chat("claude-3-opus"),
    Step("GET", "/settings"),
    FAILING_CHAT,
)


def send(port: int, steps: tuple[Step, ...] = STEPS) -> Iterator[Answer]:
    """
    The answers, one after the other.
    """
    for step in steps:
        yield _send_one(port, step)


def _send_one(port: int, step: Step) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    started = time.perf_counter()
    try:
        body = None if step.body is None else json.dumps(step.body)
        connection.request(step.method, step.path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        return Answer(
            step,
            response.status,
            time.perf_counter() - started,
            response.getheader("X-Correlation-ID", ""),
            content.count(b"\ndata: ") + content.startswith(b"data: "),
        )
    finally:
        connection.close()


def read_page(port: int) -> str:
    """
    `/metrics` in the format that has exemplars.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        return connection.getresponse().read().decode("utf-8")
    finally:
        connection.close()
