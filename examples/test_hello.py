# Run it: pytest test_hello.py, in the directory of hello.py
from fastapi.testclient import TestClient
from hello import app

from otel_kit.testing import CapturedTelemetry


def test_a_greeting_is_seen_everywhere(telemetry: CapturedTelemetry) -> None:
    """
    One request: a span under the route's template, a line with the id that the caller gave, a count.
    """
    with TestClient(app) as client:
        answer = client.get("/hello/goblin", headers={"X-Correlation-ID": "test-1"})

    span = telemetry.span("GET /hello/{name}")
    line = telemetry.log("request_completed")
    labels = {"method": "GET", "endpoint": "/hello/{name}", "status_code": "200"}
    assert answer.json() == {"hello": "goblin"}
    assert span.attributes is not None
    assert span.attributes["correlation_id"] == line.correlation_id == answer.headers["X-Correlation-ID"] == "test-1"
    assert telemetry.metrics.value("http_requests_total", **labels) == 1
