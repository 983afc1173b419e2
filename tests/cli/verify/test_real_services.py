"""
The command against services under the kit, served by uvicorn: a good one, the example, and bad ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.verify.conftest import Verify
from tests.servers.serving import ROOT, Server, serve

ORIGIN = "https://shop.example.com"
APP = "tests.cli.verify.service:app"
LIMITS = "Rate limiting (triggers after 10 auth requests)"

GOOD = [
    "✅ Backend health check",
    "✅ Prometheus metrics endpoint",
    f"✅ {LIMITS}",
    "✅ CORS headers present",
    "✅ JSON logs in backend output",
    "✅ Performance test (< 1s for 10 concurrent requests)",
]


@contextmanager
def served(
    directory: Path, environment: Mapping[str, str], *more: str, app: str = APP, setup: str = "uvicorn"
) -> Iterator[Server]:
    """
    A service that allows one origin; tests elsewhere have limits off.
    """
    place = directory / "server"
    place.mkdir()
    variables = {"CORS_ORIGINS": ORIGIN, "RATELIMIT_ENABLED": "true", **environment}
    with serve(setup, place, *more, app=app, environment=variables) as server:
        yield server


def test_a_service_with_one_line_passes(tmp_path: Path, verify: Verify) -> None:
    """
    `setup_observability` and a login: every documented line has its mark, the log included.
    """
    with served(tmp_path, {}) as server:
        run = verify(f"http://127.0.0.1:{server.port}", "--origin", ORIGIN, "--log-file", str(server.out))

    assert GOOD == run.marked[:6]
    assert 0 == run.status


def test_the_example_passes(tmp_path: Path, verify: Verify) -> None:
    """
    The goblin example as it is shipped.
    """
    where = ("--app-dir", str(ROOT / "examples" / "goblin" / "backend"))
    with served(tmp_path, {}, *where, app="main:app") as server:
        run = verify(f"http://127.0.0.1:{server.port}", "--origin", ORIGIN, "--log-file", str(server.out))

    assert GOOD == run.marked[:6]
    assert 0 == run.status


def test_a_service_behind_a_prefix_passes(tmp_path: Path, verify: Verify) -> None:
    """
    A proxy serves it below a path; limits are those of the paths below that.
    """
    with served(tmp_path, {"APP_PREFIX": "/api"}) as server:
        run = verify(f"http://127.0.0.1:{server.port}/api", "--origin", ORIGIN, "--log-file", str(server.out))

    assert GOOD == run.marked[:6]
    assert 0 == run.status


def test_a_second_run_says_that_the_bucket_is_used(tmp_path: Path, verify: Verify) -> None:
    """
    The first one has used this caller's limit up, which is no fault of the service.
    """
    with served(tmp_path, {}) as server:
        url = f"http://127.0.0.1:{server.port}"
        verify(url)
        run = verify(url, "--json")

    assert (0, "passed") == (run.status, run.check("Rate limiting")["status"])
    assert "earlier requests of this caller" in run.check("Rate limiting")["detail"]


@pytest.mark.parametrize(
    ("environment", "name", "said"),
    [
        ({"APP_SPOILT": "no-metrics"}, "Prometheus metrics endpoint", "GET /metrics answers 404"),
        ({"APP_SPOILT": "no-name"}, "Documented metrics", "http_requests_in_progress is missing"),
        ({"RATELIMIT_ENABLED": "false"}, LIMITS, "RATELIMIT_ENABLED=true"),
        ({"CORS_ORIGINS": ""}, "CORS headers present", f"no Access-Control-Allow-Origin for {ORIGIN}"),
        ({"APP_SPOILT": "slow"}, "Performance test", "10 requests to /health took"),
        ({"APP_SPOILT": "debug"}, "No stack trace", "500 of POST /auth/login shows a stack trace"),
        ({"APP_SPOILT": "no-id"}, "Correlation id", "has no X-Correlation-ID"),
    ],
)
def test_a_bad_service_fails(environment: dict[str, str], name: str, said: str, tmp_path: Path, verify: Verify) -> None:
    """
    By the line of what is wrong with it, and status 1.
    """
    with served(tmp_path, environment) as server:
        run = verify(f"http://127.0.0.1:{server.port}", "--origin", ORIGIN, "--json")

    assert (1, "failed") == (run.status, run.check(name)["status"])
    assert said in run.check(name)["detail"]


def test_plain_text_lines_fail(tmp_path: Path, verify: Verify) -> None:
    """
    A service that logs for people, where its log is to be collected.
    """
    with served(tmp_path, {"ENABLE_JSON_LOGGING": "false"}, setup="uvicorn-no-lifespan") as server:
        run = verify(f"http://127.0.0.1:{server.port}", *arguments_of(server))

    assert (1, "failed") == (run.status, run.check("JSON logs")["status"])
    assert "no JSON object" in run.check("JSON logs")["detail"]


def arguments_of(server: Server) -> tuple[str, ...]:
    """
    A quick look at its log.
    """
    return ("--skip-limits", "--json", "--timeout", "2", "--log-file", str(server.out))
