"""
The examples, served as their readers would, and asked for everything that is documented of them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from otel_kit import Settings, setup_observability
from otel_kit.cli.service import Service
from tests.otlp_receiver import OtlpReceiver, attributes_of
from tests.servers.serving import Page, environment_of, serve, wait_until

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
BACKEND = EXAMPLES / "goblin" / "backend"
QUESTION = [{"role": "user", "content": "Where does a goblin keep gold?"}]
RIGHT = {"email": "demo@example.com", "password": "a goblin never forgets"}


class Goblin(NamedTuple):
    """
    The served example, somebody who asks it, and the collector that it sends to.
    """

    service: Service
    client: httpx.Client
    receiver: OtlpReceiver

    def page(self) -> Page:
        """
        The numbers now.
        """
        return Page(self.client.get("/metrics").text, 0)

    def chat(self, model: str, **more: Any) -> httpx.Response:
        """
        The answer of a model.
        """
        return self.client.post("/chat/completions", json={"model": model, "messages": QUESTION, **more})

    def chat_until(self, wanted: Callable[[httpx.Response], bool], model: str, **more: Any) -> httpx.Response:
        """
        The first answer that is wanted: the double fails at each second or third question.
        """
        return next(answer for answer in (self.chat(model, **more) for _ in range(4)) if wanted(answer))

    def lines(self, answers: list[httpx.Response], count: int) -> list[dict[str, Any]]:
        """
        The log lines of these answers, once there are as many as expected.
        """

        def found() -> list[dict[str, Any]]:
            return [line for one in answers for line in self.service.lines_of(one.headers["X-Correlation-ID"])]

        wait_until(lambda: len(found()) >= count, 20, f"{count} lines")
        return found()

    def span(self, answer: httpx.Response, name: str) -> Any:
        """
        The span of this name in the trace of an answer.
        """
        wanted = answer.headers["X-Correlation-ID"]

        def found() -> list[Any]:
            spans = [one for one in self.receiver.spans if attributes_of(one).get("correlation_id") == wanted]
            return [one for one in spans if one.name == name]

        assert self.receiver.wait_for(found)
        return found()[0]


@pytest.fixture(scope="module")
def goblin() -> Iterator[Goblin]:
    """
    The goblin example: `cd backend && uvicorn main:app`.
    """
    with OtlpReceiver() as receiver:
        service = Service(receiver.url, 20.0)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", trust_env=False) as client:
                yield Goblin(service, client, receiver)
        finally:
            service.stop()


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """
    Imports a module of the goblin example into this process, for as long as a test takes.
    """
    monkeypatch.syspath_prepend(str(BACKEND))
    before = set(sys.modules)
    yield import_module
    for name in set(sys.modules) - before:
        if str(BACKEND) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_hello_is_observable_in_ten_lines(tmp_path: Path) -> None:
    """
    The smallest example greets, gives an id, and counts by the route's template.
    """
    lines = [line for line in (EXAMPLES / "hello.py").read_text().splitlines() if line and not line.startswith("#")]

    with serve("uvicorn", tmp_path, "--app-dir", str(EXAMPLES), app="hello:app") as server:
        answer = httpx.get(f"http://127.0.0.1:{server.port}/hello/you", trust_env=False)
        counted = server.scrape().sum("http_requests_total", endpoint="/hello/{name}", status_code="200")

    assert {"hello": "you"} == answer.json()
    assert answer.headers["X-Correlation-ID"]
    assert 1 == counted
    assert len(lines) <= 10


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/health", "/health"),
        ("/health/all", "/health/all"),
        ("/health/chroma", "/health/{service}"),
        ("/health/sandbox", "/health/{service}"),
        ("/models", "/models"),
        ("/settings", "/settings"),
    ],
)
def test_every_documented_page_is_served(goblin: Goblin, path: str, route: str) -> None:
    """
    Each answers 200 with a correlation id, and is counted by its route.
    """
    before = goblin.page().sum("http_requests_total", endpoint=route, status_code="200")

    answer = goblin.client.get(path)

    assert 200 == answer.status_code
    assert answer.headers["X-Correlation-ID"]
    assert before + 1 == goblin.page().sum("http_requests_total", endpoint=route, status_code="200")


def test_health_documents_have_their_shape(goblin: Goblin) -> None:
    """
    `/health` is one word, `/health/all` lists each service with its state and time, and the metric follows.
    """
    whole = goblin.client.get("/health/all").json()

    assert {"status": "healthy"} == goblin.client.get("/health").json()
    assert "healthy" == whole["status"]
    assert {"chroma", "sandbox"} == set(whole["services"])
    assert all({"status", "latency_ms"} == set(service) for service in whole["services"].values())
    assert 1 == goblin.page().sum("service_health_status", service_name="chroma")


def test_an_unhealthy_service_is_a_503_and_a_zero(backend: Callable[[str], Any]) -> None:
    """
    One service that fails takes the whole document with it, and its gauge.
    """
    health = backend("health")

    async def fail() -> None:
        raise OSError("nobody there")

    app = FastAPI()
    setup_observability(app, checks={**health.CHECKS, "sandbox": fail})
    with TestClient(app) as client:
        whole, one = client.get("/health/all"), client.get("/health/sandbox")
        page = Page(client.get("/metrics").text, 0)

    assert (503, 503) == (whole.status_code, one.status_code)
    assert "unhealthy" == whole.json()["services"]["sandbox"]["status"]
    assert "healthy" == whole.json()["services"]["chroma"]["status"]
    assert 0 == page.values['service_health_status{service_name="sandbox"}']


def test_the_right_password_logs_in(goblin: Goblin) -> None:
    """
    The account that belongs to the credentials is answered.
    """
    answer = goblin.client.post("/auth/login", json=RIGHT)

    assert (200, "account-1") == (answer.status_code, answer.json()["account_id"])


def test_nobody_learns_who_has_an_account(goblin: Goblin) -> None:
    """
    A wrong password and an unknown address get the same answer.
    """
    wrong = goblin.client.post("/auth/login", json={**RIGHT, "password": "let me in"})
    unknown = goblin.client.post("/auth/login", json={**RIGHT, "email": "test@example.com"})

    assert (401, 401) == (wrong.status_code, unknown.status_code)
    assert wrong.json() == unknown.json()


def test_an_unknown_account_costs_the_same(backend: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The given password is hashed once, whether there is such an account or not.
    """
    login = backend("login")
    hashed: list[str] = []
    monkeypatch.setattr(login, "hash_password", lambda password, salt: hashed.append(password) or b"nothing")
    app = FastAPI()
    app.include_router(login.router)
    with TestClient(app) as client:
        client.post("/auth/login", json={**RIGHT, "password": "one"})
        client.post("/auth/login", json={"email": "test@example.com", "password": "two"})

    assert ["one", "two"] == hashed


def test_a_login_leaves_no_secret_anywhere(goblin: Goblin) -> None:
    """
    Neither address nor password is in a line or a span, whether the login goes well or not.
    """
    typed = "a wrong one that is easy to find"
    answers = [goblin.client.post("/auth/login", json={**RIGHT, "password": one}) for one in (typed, RIGHT["password"])]
    spans = [str(goblin.span(answer, "POST /auth/login")) for answer in answers]
    written = goblin.lines(answers, 4)

    assert 2 == len([line for line in written if line["message"].startswith("login_")])
    assert [] == [secret for secret in (typed, *RIGHT.values()) if secret in json.dumps(written) + "".join(spans)]


def test_a_completion_is_answered_and_counted(goblin: Goblin) -> None:
    """
    The tokens of the answer's usage are those of the metrics, beside the count, the cost and the time.
    """
    before = goblin.page()

    answer = goblin.chat("gpt-4").json()

    def moved(name: str, **labels: str) -> float:
        return after.sum(name, provider="openai", **labels) - before.sum(name, provider="openai", **labels)

    after = goblin.page()
    assert answer["choices"][0]["message"]["content"].startswith("Goblins know this: Gold keeps best")
    assert 1 == moved("chat_completions_total", model="gpt-4")
    assert answer["usage"]["prompt_tokens"] == moved("chat_completion_tokens_total", token_type="prompt")
    assert answer["usage"]["completion_tokens"] == moved("chat_completion_tokens_total", token_type="completion")
    assert 1 == moved("provider_latency_seconds_count", operation="chat_completion")
    assert moved("chat_completion_cost_usd_total") > 0


def test_a_completion_has_a_span_by_the_conventions(goblin: Goblin) -> None:
    """
    The model's span has the names that OpenTelemetry gives to generative AI, and hangs below the server's.
    """
    answer = goblin.chat("gpt-4", max_tokens=5)
    span, server = goblin.span(answer, "chat gpt-4"), goblin.span(answer, "POST /chat/completions")
    attributes = attributes_of(span)

    assert server.span_id == span.parent_span_id
    assert ("chat", "openai", "gpt-4") == (
        attributes["gen_ai.operation.name"],
        attributes["gen_ai.provider.name"],
        attributes["gen_ai.request.model"],
    )
    assert answer.json()["usage"]["prompt_tokens"] == attributes["gen_ai.usage.input_tokens"]
    assert 5 == attributes["gen_ai.usage.output_tokens"]
    assert ["length"] == attributes["gen_ai.response.finish_reasons"]


def test_a_streamed_completion_comes_token_by_token(goblin: Goblin) -> None:
    """
    Events arrive while the model is still writing, and the last one says that it is done.
    """
    body = {"model": "gpt-4", "messages": QUESTION, "stream": True}
    with goblin.client.stream("POST", "/chat/completions", json=body) as answer:
        arrived = [(time.monotonic(), line) for line in answer.iter_lines() if line]

    words = [json.loads(line.removeprefix("data: ")) for _, line in arrived[:-1]]
    text = "".join(word["choices"][0]["delta"]["content"] for word in words)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert text.startswith("Goblins know this: Gold keeps best")
    assert "data: [DONE]" == arrived[-1][1]
    assert arrived[-1][0] - arrived[0][0] > 0.05


def test_a_streamed_completion_is_in_the_request_s_trace(goblin: Goblin) -> None:
    """
    The model's span ends after the handler has returned, and belongs to the trace all the same.
    """
    answer = goblin.chat("gpt-4", stream=True)
    span, server = goblin.span(answer, "chat gpt-4"), goblin.span(answer, "POST /chat/completions")

    assert server.trace_id == span.trace_id
    assert ["stop"] == attributes_of(span)["gen_ai.response.finish_reasons"]


def test_a_provider_that_stalls_is_a_504_and_a_timeout(goblin: Goblin) -> None:
    """
    Status, both metrics, span and log line tell of the time-out, the last two of its cause.
    """
    before = goblin.page()

    answer = goblin.chat_until(lambda one: one.status_code != 200, "mistral-large")

    after = goblin.page()
    event = attributes_of(goblin.span(answer, "chat mistral-large").events[0])
    lines = goblin.lines([answer], 2)
    failures = {"error_type": "TimeoutError"}
    assert (504, "provider_timeout") == (answer.status_code, answer.json()["error"])
    assert before.sum("http_errors_total", **failures) + 1 == after.sum("http_errors_total", **failures)
    name = "chat_completion_errors_total"
    assert before.sum(name, **failures) + 1 == after.sum(name, **failures)
    assert "TimeoutError" == event["exception.type"]
    assert "provider.StreamStalled" in event["exception.stacktrace"]
    assert ["WARNING", "ERROR"] == [line["level"] for line in lines]
    assert "provider.StreamStalled" in lines[-1]["exception"]


def test_a_provider_that_refuses_is_a_503_and_a_rate_limit(goblin: Goblin) -> None:
    """
    The caller is told when to come again, and the refusal is counted under its documented name.
    """
    before = goblin.page().sum("chat_completion_errors_total", provider="anthropic", error_type="rate_limit")

    answer = goblin.chat_until(lambda one: one.status_code != 200, "claude-3-opus")

    after = goblin.page().sum("chat_completion_errors_total", provider="anthropic", error_type="rate_limit")
    assert (503, "5") == (answer.status_code, answer.headers["Retry-After"])
    assert before + 1 == after


def test_a_stream_that_fails_says_so_at_its_end(goblin: Goblin) -> None:
    """
    The status has gone out by then, so the last event has the error, and there is no `[DONE]`.
    """
    answer = goblin.chat_until(lambda one: "[DONE]" not in one.text, "mistral-large", stream=True)

    assert 200 == answer.status_code
    assert '"type": "TimeoutError"' in answer.text.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"model": "gpt-0", "messages": QUESTION}, 404), ({"messages": []}, 422), ({}, 422)],
)
def test_a_question_that_can_not_be_asked_is_refused(goblin: Goblin, body: dict[str, Any], status: int) -> None:
    """
    An unknown model is not found, and an empty conversation can't be processed.
    """
    assert status == goblin.client.post("/chat/completions", json=body).status_code


def test_everything_it_says_is_a_json_line_of_its_own_name(goblin: Goblin) -> None:
    """
    Standard output has nothing but JSON lines, and the request's line goes by the service's name.
    """
    answer = goblin.client.get("/models")
    goblin.span(answer, "GET /models")
    (line,) = goblin.lines([answer], 1)

    assert [] == goblin.service.text
    assert ("goblin_assistant", "request_completed") == (line["logger"], line["message"])


def test_the_documented_handles_are_where_they_always_were() -> None:
    """
    `from middleware.metrics import …` and the three documented calls run inside of the backend.
    """
    program = """
from middleware.metrics import chat_completion_tokens_total, chat_completions_total, provider_latency_seconds
chat_completions_total.labels(provider="openai", model="gpt-4").inc()
chat_completion_tokens_total.labels(provider="openai", model="gpt-4", token_type="prompt").inc(123)
provider_latency_seconds.labels(provider="openai", operation="chat_completion").observe(1.234)
from main import app
from starlette.testclient import TestClient
print(TestClient(app).get("/metrics").text)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=BACKEND,
        env=environment_of(None),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert 'chat_completions_total{provider="openai",model="gpt-4"} 1' in done.stdout
    assert 'chat_completion_tokens_total{provider="openai",model="gpt-4",token_type="prompt"} 123' in done.stdout
    assert 'provider_latency_seconds_sum{provider="openai",operation="chat_completion"} 1.234' in done.stdout


def test_the_sample_of_settings_can_be_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `.env.example` has each documented variable with a comment above it, and is a valid `.env`.
    """
    shutil.copy(BACKEND / ".env.example", tmp_path / ".env")
    monkeypatch.chdir(tmp_path)
    documented = ("LOG_LEVEL", "CORS_ORIGINS", "RATELIMIT_ENABLED")
    for name in documented:
        monkeypatch.delenv(name, raising=False)
    lines = (tmp_path / ".env").read_text(encoding="utf-8").splitlines()
    settings = Settings()

    assert [] == [name for name in documented if not _is_explained(name, lines)]
    assert ("INFO", ("http://localhost:3000",)) == (settings.log_level, tuple(settings.cors_origins))


def _is_explained(name: str, lines: list[str]) -> bool:
    place = next(number for number, line in enumerate(lines) if line.startswith(f"{name}="))
    return lines[place - 1].startswith("# ")
