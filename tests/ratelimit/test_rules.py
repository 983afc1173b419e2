"""
Which limits hold for a path and a tier, and what is refused at set-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from otel_kit import ConfigurationError
from otel_kit.ratelimit import Limit, build_rules
from otel_kit.ratelimit.rules import Policy, build_policy

GOBLIN = {"/auth": "10/minute", "/chat": "30/minute", "/health": "60/minute", "/": "100/minute"}


def shown(policy: Policy | None, tier: str | None = None) -> list[str]:
    """
    The rates of a policy, as text.
    """
    assert policy is not None
    return [str(quota.rate) for quota in policy.quotas_of(tier)]


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/auth", "/auth"),
        ("/auth/", "/auth"),
        ("/auth/login", "/auth"),
        ("/auth//login", "/auth"),
        ("/authors", "/"),
        ("/AUTH", "/"),
        ("//auth/login", "/"),
        ("/chat/completions", "/chat"),
        ("/health/all", "/health"),
        ("/", "/"),
        ("", "/"),
        ("no/slash", "/"),
        ("/" * 5000, "/"),
    ],
)
def test_the_longest_prefix_of_whole_segments_wins(path: str, prefix: str) -> None:
    """
    A path is judged by the longest prefix that ends where a segment ends.
    """
    policy = build_rules(GOBLIN).find(path)

    assert policy is not None
    assert prefix == policy.name


def test_a_longer_prefix_of_the_same_segment_wins() -> None:
    """
    Of two prefixes that begin alike the longer one is taken, in whatever order they were written.
    """
    rules = build_rules({"/api": "1/minute", "/api/v1/slow": "2/minute", "/api/v1": "3/minute"})
    found = [rules.find(path) for path in ("/api/v1/slow/x", "/api/v1/x", "/api/v2", "/other")]

    assert ["/api/v1/slow", "/api/v1", "/api", None] == [policy and policy.name for policy in found]


def test_an_exempt_path_has_no_limit() -> None:
    """
    A path that the profile exempts has a rule of its own, without rates.
    """
    policy = build_rules(GOBLIN, exempt=["/metrics"]).find("/metrics")

    assert policy is not None
    assert policy.exempt


def test_an_exempt_path_frees_nothing_below_it() -> None:
    """
    `/health/export` of the application is limited, though the kit's own `/health` is not.
    """
    rules = build_rules({"/": "100/minute", "/api": "5/minute"}, exempt=["/health", "/api/health", "/metrics"])
    found = [rules.find(path) for path in ("/health", "/health/export", "/api/health", "/api/health/x", "/metrics/x")]

    assert ["/health", "/", "/api/health", "/api", "/"] == [policy and policy.name for policy in found]


def test_an_exempt_root_is_no_fallback() -> None:
    """
    A health route at `/` frees that one path.
    """
    rules = build_rules({"/api": "5/minute"}, exempt=["/"])

    assert ["/", None] == [policy and policy.name for policy in map(rules.find, ("/", "/other"))]


def test_an_exempt_template_frees_what_its_parameter_stands_for() -> None:
    """
    Routes of single checks.
    """
    rules = build_rules({"/": "100/minute"}, exempt=["/checks/{name}"])

    assert ["/checks", "/"] == [policy and policy.name for policy in map(rules.find, ("/checks/database", "/other"))]


def test_the_report_tells_a_path_from_a_prefix() -> None:
    """
    What the kit exempts is one path.
    """
    assert [{"path": "/metrics", "rate": "unlimited"}] == build_rules({}, exempt=["/metrics"]).report()


def test_a_limit_of_the_user_counts_more_than_an_exemption() -> None:
    """
    A path that the user limits is not exempt, whatever the profile says.
    """
    assert ["5 per 1 minute"] == shown(build_rules({"/metrics": "5/minute"}, exempt=["/metrics"]).find("/metrics"))


def test_a_tier_that_is_not_named_has_the_rate() -> None:
    """
    Named tiers have their own rates, all others the rule's.
    """
    policy = build_rules({"/chat": Limit("10/minute", tiers={"paid": "600/minute", "staff": None})}).find("/chat")

    assert [["10 per 1 minute"], ["10 per 1 minute"], ["600 per 1 minute"], []] == [
        shown(policy, tier) for tier in (None, "unknown", "paid", "staff")
    ]


def test_burst_is_a_further_window_of_every_limited_tier() -> None:
    """
    The burst window stands beside each tier's rates, and makes no limit where there is none.
    """
    policy = build_rules({"/hook": Limit("60/minute", tiers={"paid": "600/minute", "staff": None}, burst="5/second")})

    assert [["60 per 1 minute", "5 per 1 second"], ["600 per 1 minute", "5 per 1 second"], []] == [
        shown(policy.find("/hook"), tier) for tier in (None, "paid", "staff")
    ]


def test_another_policy_rate_or_strategy_has_other_keys() -> None:
    """
    Windows that differ in anything never meet under one key.
    """
    limits = [
        ("/a", Limit("10/minute")),
        ("/b", Limit("10/minute")),
        ("/a", Limit("11/minute")),
        ("/a", Limit("10/hour")),
        ("/a", Limit("10/minute", strategy="moving-window")),
    ]

    assert 5 == len({build_policy(name, limit).quotas[0].suffix for name, limit in limits})


def test_the_name_in_a_header_is_plain_ascii() -> None:
    """
    A prefix of any characters can stand in a structured field's string.
    """
    assert "/caf%C3%A9" == build_policy("/café", Limit("1/minute")).header_name


def test_the_report_tells_what_departs_from_the_defaults() -> None:
    """
    The report has rates, tiers, and the settings that differ from the usual.
    """
    rules = build_rules(
        {
            "/a": Limit("1/minute", tiers={"paid": None}, shadow=True, strategy="moving-window"),
            "/b": Limit("2/minute", on_storage_failure="deny"),
        }
    )

    assert [
        {
            "prefix": "/a",
            "rate": "1 per 1 minute",
            "tiers": {"paid": "unlimited"},
            "strategy": "moving-window",
            "shadow": True,
        },
        {"prefix": "/b", "rate": "2 per 1 minute", "on_storage_failure": "deny"},
    ] == rules.report()


def test_body_limits_are_handed_on() -> None:
    """
    A rule's body limit is kept by its prefix, for whoever guards bodies.
    """
    assert {"/up": 100} == build_rules({"/up/": Limit("1/minute", max_body_bytes=100), "/": "1/second"}).body_limits


@pytest.mark.parametrize(
    "limits",
    [
        {"auth": "10/minute"},
        {"": "10/minute"},
        {"/users/{id}": "10/minute"},
        {"/a*": "10/minute"},
        {"/a?b": "10/minute"},
        {"/a\nb": "10/minute"},
        {"//": "10/minute"},
        {'/"': "10/minute"},
        {"/" + "a" * 200: "10/minute"},
        {1: "10/minute"},
        {"/a": "1/minute", "/a/": "2/minute"},
        {"/a": "-1/minute"},
        {"/a": "0/minute"},
        {"/a": "much"},
        {"/a": 10},
        {"/a": Limit("1/minute", tiers={"": "1/minute"})},
        {"/a": Limit("1/minute", tiers={1: "1/minute"})},  # type: ignore[dict-item]
        {"/a": Limit("1/minute", tiers={"paid": "lots"})},
        {"/a": Limit("1/minute", tiers=["paid"])},  # type: ignore[arg-type]
        {"/a": Limit("1/minute", burst="fast")},
        {"/a": Limit(None, burst="5/second")},
        {"/a": Limit(None, tiers={"paid": None}, burst="5/second")},
        {"/a": Limit("1/minute", cost=0)},
        {"/a": Limit("1/minute", cost=-1)},
        {"/a": Limit("1/minute", cost=True)},
        {"/a": Limit("1/minute", cost="2")},  # type: ignore[arg-type]
        {"/a": Limit("1/minute", strategy="fixed-window")},  # type: ignore[arg-type]
        {"/a": Limit("1/minute", on_storage_failure="ignore")},  # type: ignore[arg-type]
        {"/a": Limit("1/minute", shadow="yes")},  # type: ignore[arg-type]
        {"/a": Limit("1/minute", max_body_bytes=0)},
        {"/a": Limit("10001/minute", strategy="moving-window")},
        ["/a"],
    ],
)
def test_what_can_not_be_used_is_an_error_on_one_line(limits: Mapping[str, Any]) -> None:
    """
    A bad prefix, rate, tier or option names its place at set-up, on one line.
    """
    with pytest.raises(ConfigurationError) as raised:
        build_rules(limits)

    assert str(raised.value).startswith("limits")
    assert "\n" not in str(raised.value)
