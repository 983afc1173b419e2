"""
Services that are wrong in one point: the line of that point fails, says why, and the status is 1.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from otel_kit.cli.verify.limits import rate_of
from tests.cli.verify.conftest import Verify
from tests.cli.verify.fakes import ORIGIN, Fake, page

TRACEBACK = b'Traceback (most recent call last):\n  File "/srv/shop/login.py", line 7, in log_in\nKeyError: 1\n'


@pytest.mark.parametrize(
    ("spoilt", "name", "said"),
    [
        ({"health": 503}, "Backend health check", "GET /health answers 503"),
        ({"health": 429}, "Backend health check", "limit is used up; try again in 60 s"),
        ({"metrics": b"", "metrics_type": "text/html"}, "Prometheus metrics", "text/html, not text/plain"),
        ({"metrics": b"\n"}, "Prometheus metrics", "has no metrics"),
        ({"metrics": b"# TYPE a counter\n<html>\n"}, "Prometheus metrics", "line 2 of /metrics is no Prometheus text"),
        ({"metrics": b"# TYPE a counter\na 1_0\n"}, "Prometheus metrics", "line 2 of /metrics is no Prometheus text"),
        ({"metrics": b"a 1\n" * 2_700_000}, "Prometheus metrics", "longer than 10485760 bytes"),
        ({"metrics": page("http_errors_total")}, "Prometheus metrics", "1 of its documented metrics"),
        ({"metrics": page("http_errors_total")}, "Documented metrics", "http_errors_total is missing"),
        (
            {"metrics": page().replace(b"service_health_status gauge", b"service_health_status counter")},
            "Documented metrics",
            "service_health_status is a counter, not a gauge",
        ),
        (
            {"metrics": page().replace(b"status_code=", b"status=")},
            "Documented metrics",
            "has the labels endpoint, method, status, not endpoint, method, status_code",
        ),
        ({"token": "open-sesame"}, "Prometheus metrics", "OTEL_KIT_METRICS_TOKEN"),
        (
            {"rate": None},
            "Rate limiting",
            "all of 11 requests to /auth/login were let through, the last by 401: set RATELIMIT_ENABLED",
        ),
        ({"refusal": {"error": "slow_down"}}, "Rate limiting", "no error rate_limit_exceeded"),
        ({"refusal": {"message": "Rate limit exceeded: 5 per 1 minute"}}, "Rate limiting", "5 per 1 minute"),
        ({"refusal": {"retry_after": 0}}, "Rate limiting", "its retry_after is 0"),
        ({"refusal": {"retry_after": 44}}, "Rate limiting", "its Retry-After is '45', and its body says 44"),
        ({"refusal_headers": {}}, "Rate limiting", "no RateLimit; it has no RateLimit-Policy"),
        ({"origins": ()}, "CORS", f"no Access-Control-Allow-Origin for {ORIGIN}"),
        ({"origins": ("*",)}, "CORS", "any origin may read answers"),
        ({"echo": "none"}, "Correlation id", "(404) has no X-Correlation-ID"),
        ({"echo": "all"}, "Correlation id", "GET /health (200) echoes an unsafe X-Correlation-ID"),
        ({"missing": (404, TRACEBACK, {})}, "No stack trace", "shows a stack trace"),
        ({"missing": (404, b'{"at":"/srv/shop/main.py"}', {})}, "No stack trace", "shows a file path"),
        ({"missing": (404, b"<hr>nginx/1.18.0 (Ubuntu)", {})}, "No stack trace", "shows a version"),
        ({"missing": (404, b"{}", {"server": "gunicorn/20.1"})}, "No stack trace", "header server (gunicorn/20.1)"),
        ({"login": (500, TRACEBACK, {})}, "No stack trace", "500 of POST /auth/login shows a stack trace"),
    ],
)
def test_what_is_wrong_is_said(spoilt: dict[str, Any], name: str, said: str, verify: Verify) -> None:
    """
    One point, its line, and the remedy after the reason.
    """
    run = verify(Fake(**spoilt), "--origin", ORIGIN, "--json")
    check = run.check(name)

    assert (1, "failed") == (run.status, check["status"])
    assert said in check["detail"]
    assert "\n" not in check["detail"]


def test_a_failure_has_its_cross_and_one_line_below(verify: Verify) -> None:
    """
    On the screen, under the documented name.
    """
    lines = verify(Fake(rate=None)).lines
    where = lines.index("❌ Rate limiting (triggers after 10 auth requests)")

    assert lines[where + 1].startswith("   all of 11 requests to /auth/login were let through, the last by 401: ")
    assert "--skip-limits" in lines[where + 1]


def test_slow_answers_fail_the_performance_test(verify: Verify) -> None:
    """
    Ten requests at once that each take more than a second.
    """
    run = verify(Fake(seconds=1.05), "--skip-limits", "--json")

    assert (1, "failed") == (run.status, run.check("Performance")["status"])
    assert "10 requests to /health took 1." in run.check("Performance")["detail"]


def test_ten_requests_run_at_once(verify: Verify) -> None:
    """
    Ten answers of 0.3 s each are together in time, which they would not be one after another.
    """
    assert "passed" == verify(Fake(seconds=0.3), "--skip-limits", "--json").check("Performance")["status"]


def test_a_used_bucket_is_no_failure(verify: Verify) -> None:
    """
    Earlier requests of the same caller leave fewer: the refusal is judged, and it is said.
    """
    run = verify(Fake(rate=4), "--json")

    assert (0, "passed") == (run.status, run.check("Rate limiting")["status"])
    assert "after 4 only" in run.check("Rate limiting")["detail"]


def test_nothing_is_sent_after_the_first_refusal(verify: Verify) -> None:
    """
    What is shown needs no further request.
    """
    fake = Fake(rate=0)
    verify(fake)

    assert 1 == fake.count("POST", "/auth/login")


def test_each_login_has_a_connection_of_its_own(verify: Verify) -> None:
    """
    One connection stays with one worker, where a limit holds that is not shared with the others.
    """
    fake = Fake()
    verify(fake)

    assert 11 == len(fake.ports)


def test_another_login_path_is_asked(verify: Verify) -> None:
    """
    `--login-path` names it; under another prefix there may be another limit, which 11 requests can't show.
    """
    fake = Fake()
    run = verify(fake, "--login-path", "/chat/completions", "--json")

    assert "info" == run.check("Rate limiting")["status"]
    assert "30 per 1 minute can't be shown with 11 requests" == run.check("Rate limiting")["detail"]
    assert [] == [path for method, path in fake.asked if method == "POST"]


def test_a_profile_without_limits_is_no_failure(
    verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A user's own profile, found in the current directory: its metrics are looked for, its limit is not.
    """
    program = "from dataclasses import replace\nfrom otel_kit.profiles.goblin import PROFILE\n"
    fewer = "metrics=PROFILE.metrics[:1], requests=PROFILE.requests[:1], health_gauge=None, limits={}"
    own = f"PROFILE = replace(PROFILE, name='mine', {fewer})\n"
    (tmp_path / "profile_of_verify.py").write_text(program + own, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path])
    fake = Fake(metrics=page("http_errors_total"))
    run = verify(fake, "--profile", "profile_of_verify:PROFILE", "--json")

    assert (0, "mine", "info") == (run.status, run.document["profile"], run.check("Rate limiting")["status"])
    assert 0 == fake.count("POST", "/auth/login")


@pytest.mark.parametrize(
    ("path", "rate"),
    [
        ("/auth/login", "10 per 1 minute"),
        ("/auth", "10 per 1 minute"),
        ("/authors", "100 per 1 minute"),
        ("/hooks/x", "5 per 10 second"),
        ("/none", "None"),
    ],
)
def test_the_longest_prefix_has_the_rate(path: str, rate: str) -> None:
    """
    By whole segments; of several rates the least number.
    """
    limits = {"/auth": "10 per 1 minute", "/auth/v2": "20/minute", "/hooks": "100/hour; 5/10 seconds"}
    everywhere = {"/": "100/minute"} if path != "/none" else {}

    assert rate == str(rate_of({**limits, **everywhere}, path))


def test_a_rule_for_every_path_holds_beside_the_longest_prefix() -> None:
    """
    The lesser of both is what a caller meets.
    """
    assert "3 per 1 minute" == str(rate_of({"*": "3/minute", "/auth": "10/minute"}, "/auth/login"))


def test_the_first_origin_of_the_environment_is_tried(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without `--origin` the first of `CORS_ORIGINS` is; a pattern is filled in.
    """
    monkeypatch.setenv("CORS_ORIGINS", f"{ORIGIN},https://other.example.com")

    assert "passed" == verify(Fake(), "--json").check("CORS")["status"]


def test_the_origin_may_stand_in_the_env_file(verify: Verify, tmp_path: Path) -> None:
    """
    `.env` is read as the service reads it.
    """
    (tmp_path / ".env").write_text(f"CORS_ORIGINS={ORIGIN}\n", encoding="utf-8")

    assert "passed" == verify(Fake(), "--json").check("CORS")["status"]


def test_without_an_origin_cors_is_for_information(verify: Verify) -> None:
    """
    There is nothing to try, and it says what to name.
    """
    run = verify(Fake(origins=()), "--json")

    assert (0, "info") == (run.status, run.check("CORS")["status"])
    assert "--origin" in run.check("CORS")["detail"]


@pytest.mark.parametrize("given", ["argument", "variable"])
def test_a_token_opens_the_metrics(given: str, verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    By argument or variable; it is shown nowhere.
    """
    if given == "variable":
        monkeypatch.setenv("OTEL_KIT_METRICS_TOKEN", "open-sesame")
    run = verify(Fake(token="open-sesame"), *(["--token", "open-sesame"] if given == "argument" else []))

    assert 0 == run.status
    assert "open-sesame" not in "\n".join(run.lines)


def test_a_wrong_token_is_told_apart(verify: Verify) -> None:
    """
    The remedy is another token, not one at all.
    """
    run = verify(Fake(token="open-sesame"), "--token", "wrong", "--json")

    assert (1, "failed") == (run.status, run.check("Prometheus metrics")["status"])
    assert "the token is not the service's" in run.check("Prometheus metrics")["detail"]


@pytest.mark.parametrize(("arguments", "status", "mark"), [([], 0, "info"), (["--strict"], 1, "failed")])
def test_metrics_without_samples(arguments: list[str], status: int, mark: str, verify: Verify) -> None:
    """
    For information, or with `--strict` a failure.
    """
    run = verify(Fake(metrics=page(empty=True)), "--json", *arguments)

    assert (status, mark) == (run.status, run.check("Samples")["status"])
    assert "chat_completions_total" in run.check("Samples")["detail"]


def test_a_huge_page_is_not_read_to_its_end(verify: Verify) -> None:
    """
    An error page without end costs a megabyte at most.
    """
    begun = time.monotonic()
    run = verify(Fake(missing=(404, b"x" * 30_000_000, {})), "--skip-limits")

    assert 0 == run.status
    assert time.monotonic() - begun < 10


def test_text_of_the_server_is_cleaned(verify: Verify) -> None:
    """
    No control characters of another's reach the terminal.
    """
    run = verify(Fake(refusal={"message": "\x1b[2J\x07" + "x" * 5000}))

    assert "\x1b" not in "\n".join(run.lines)
    assert all(len(line) < 1000 for line in run.lines)


def test_a_documented_health_route_that_is_missing(verify: Verify) -> None:
    """
    Each is asked once and named when it is not there.
    """
    run = verify(Fake(routes=("/health/all", "/readyz")), "--json")
    check = run.check("Documented health routes")

    assert (1, "failed") == (run.status, check["status"])
    assert "/startupz answers 404, not one of 200, 503" in check["detail"]


def test_buckets_that_are_not_the_documented_ones(verify: Verify) -> None:
    """
    A missing bound would make an alert blind.
    """
    sample = b'http_request_duration_seconds_bucket{method="a",endpoint="b",le="%b"} 1\n'
    bounds = [b"0.005", b"0.01", b"0.025", b"0.05", b"0.075", b"0.1", b"0.25", b"0.5", b"0.75", b"1", b"1.5", b"2"]
    run = verify(Fake(metrics=page() + b"".join(sample % bound for bound in [*bounds, b"+Inf"])), "--json")
    check = run.check("Documented metrics by name, kind and labels")

    assert "failed" == check["status"]
    assert "http_request_duration_seconds has other buckets: 10, 2.5, 5, 7.5" in check["detail"]
