"""
What a team's own profile documents is what is expected: statuses, routes, lines, messages.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from otel_kit.cli.verify.answers import check_health, check_performance
from otel_kit.cli.verify.caller import Caller
from otel_kit.cli.verify.logs import Log, _judge
from otel_kit.cli.verify.routes import check_routes
from otel_kit.cli.verify.run import announcement, verify
from otel_kit.cli.verify.target import Target
from otel_kit.cli.verify.verdict import Check, Verdict
from otel_kit.profiles import HealthRoute, HealthRoutes, Profile, Verification, state_only
from otel_kit.profiles.goblin import PROFILE
from tests.cli.verify.fakes import Fake, serving

ALIVE = HealthRoute("/alive", "live", state_only, state=lambda report: "up", statuses={"up": 204, "gone": 410})


def target_of(profile: Profile, url: str = "http://127.0.0.1:9") -> Target:
    """
    A service that should be as this profile says.
    """
    return Target(url, profile, login_path="/auth/login", rate=None, skip_limits=True, run_id="the-id-that-was-sent")


def ask(fake: Fake, profile: Profile, check: Any) -> Any:
    """
    What a check finds in this service.
    """

    async def run(url: str) -> Any:
        target = target_of(profile, url)
        async with Caller(url, 5.0, 200) as caller:
            return await check(target, caller)

    with serving(fake) as url:
        return asyncio.run(run(url))


@pytest.mark.parametrize("check", [check_health, check_performance])
def test_the_documented_status_is_wanted(check: Any) -> None:
    """
    204 where that is what the profile says, and not the one of a word for worse.
    """
    profile = replace(PROFILE, health=HealthRoutes((ALIVE,)))
    found = [ask(Fake(missing=(status, b"", {})), profile, check).status for status in (204, 200, 410)]

    assert ["passed", "failed", "failed"] == found


def test_a_profile_without_health_routes_is_asked_for_none() -> None:
    """
    Neither `/health` nor another page that nobody has documented.
    """
    fake, profile = Fake(), replace(PROFILE, health=HealthRoutes(()), thresholds=(), readings=())
    checks: list[Check] = ask(fake, profile, verify)
    found = {check.name: check for check in checks}

    assert [] == [path for _, path in fake.asked if path.startswith("/health")]
    assert "documents no health route" in found["Backend health check"].detail
    assert "passed" == found["Performance test (< 1s for 10 concurrent requests)"].status


def test_the_announcement_names_every_route_that_is_asked() -> None:
    """
    All of them change nothing, and somebody may want to know.
    """
    line = announcement(target_of(PROFILE))

    assert "(/health, /health/all, /readyz, /startupz, /metrics, a path that does not exist)" in line


def test_a_used_limit_is_told_by_its_own_remedy() -> None:
    """
    It says nothing of the service's set-up.
    """
    verdict: Verdict = ask(Fake(health=429), PROFILE, check_routes)

    assert "failed" == verdict.status
    assert "this caller's own limit is used up" in verdict.detail


def test_the_lines_and_the_login_are_the_profile_s() -> None:
    """
    No name of a profile stands in the command.
    """
    own = Verification(health="Pier lights", limits="Berths (after {count}) {sic}", login_path="/berths")
    checks: list[Check] = ask(Fake(), replace(PROFILE, verification=own), verify)

    assert "Pier lights" == checks[0].name
    assert "Berths" == checks[2].name


def test_another_message_of_a_request_is_told_for_what_it_is() -> None:
    """
    The request is in the log, and its line has another message than the profile says.
    """
    layout = replace(PROFILE.layout, request_message="request_served")
    line = b'{"message":"request_completed","correlation_id":"the-id-that-was-sent","level":"INFO"}\n'

    verdict = _judge(Log(line), target_of(replace(PROFILE, layout=layout)))

    assert "failed" == verdict.status
    assert "none has the message 'request_served'" in verdict.detail
    assert "request_message" in verdict.detail
