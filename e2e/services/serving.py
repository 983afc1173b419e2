"""
A service of ours as a process of its own, under uvicorn, told by the environment alone where to send.

Owns the variables that a deployment would set, with intervals short enough for a test.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from e2e.binaries import ROOT
from e2e.process import Running, answers_ok, clean_environment, free_port
from e2e.stores import unique

__all__ = ["NAMESPACE", "STAGE", "Answer", "Pair", "Service", "serve", "serve_pair"]

NAMESPACE = "goblin"
STAGE = "staging"

_BRISK = {
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    "OTEL_METRIC_EXPORT_TIMEOUT": "1000",
}


class Pair(NamedTuple):
    """
    The two services of these tests; the assistant asks the models.
    """

    assistant: Service
    models: Service


class Answer(NamedTuple):
    """
    One answer; header names in lower case.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def correlation_id(self) -> str:
        """
        What a user copies to ask about this request.
        """
        return self.headers["x-correlation-id"]


class Service(Running):
    """
    A service that answers.
    """

    service_name: str
    port: int

    @property
    def url(self) -> str:
        """
        Base URL.
        """
        return f"http://127.0.0.1:{self.port}"

    @property
    def target(self) -> str:
        """
        What a scrape job names.
        """
        return f"127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """
        One request by a connection of its own; `body` goes as JSON.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        content = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, content, dict(headers or {}))
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())
        finally:
            connection.close()

    def page(self) -> str:
        """
        Its `/metrics`, as Prometheus' text.
        """
        return self.ask("GET", "/metrics").body.decode()


@contextmanager
def serve(
    app: str,
    name: str,
    collector_url: str,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    *,
    workers: int = 1,
) -> Iterator[Service]:
    """
    A service that is ready; it is gone afterwards, in any case.

    Args:
        app: Module and attribute, as uvicorn takes it.
        name: Its `service.name`.
        collector_url: Where it sends.
        directory: Takes what it writes.
        environment: Further variables.
        workers: Processes that serve.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    told = {
        "PYTHONPATH": str(ROOT),
        "OTEL_SERVICE_NAME": name,
        "OTEL_RESOURCE_ATTRIBUTES": f"service.namespace={NAMESPACE}",
        "ENVIRONMENT": STAGE,
        "APP_VERSION": "1.2.3",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector_url,
        # one caller asks more than one client may; the tests of limits switch them on by name
        "RATELIMIT_ENABLED": "false",
        **_BRISK,
        **(environment or {}),
    }
    command = [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(workers)] if workers > 1 else []
    log = directory / f"{name}.log"

    def started() -> bool:
        return log.read_text(encoding="utf-8").count("Application startup complete.") >= workers

    service = Service(
        name,
        command,
        log,
        clean_environment(directory, told),
        lambda: started() and answers_ok(port, "/metrics"),
        ready_seconds=40,
    )
    service.service_name = name
    service.port = port
    try:
        service.start()
        yield service
    finally:
        service.kill()


@contextmanager
def serve_pair(collector_url: str, directory: Path, environment: Mapping[str, str] | None = None) -> Iterator[Pair]:
    """
    Assistant and models, under names that no other test has.
    """
    app = "e2e.services.{}:app"
    with serve(app.format("models"), unique("models"), collector_url, directory, environment) as models:
        told = {"MODELS_URL": models.url, **(environment or {})}
        with serve(app.format("assistant"), unique("assistant"), collector_url, directory, told) as assistant:
            yield Pair(assistant, models)
