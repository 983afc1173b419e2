"""
Events as profiles declare them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from otel_kit import ConfigurationError, Counter, Gauge, security_event
from otel_kit.event_layout import SECURITY_EVENTS, EventCount, SecurityEvent, counted, with_events
from otel_kit.ledger import ledger
from otel_kit.security import declared, use_events
from tests.counting import value_of
from tests.security.conftest import METRIC

Records = list[logging.LogRecord]

VIOLATION = next(event for event in SECURITY_EVENTS if event.name == "rls_violation")
LOGIN = next(event for event in SECURITY_EVENTS if event.name == "failed_login")

violations_total = Counter("test_events_violations_total", "Violations.")
logins_total = Counter("test_events_logins_total", "Logins.", ["outcome"])
a_gauge = Gauge("test_events_gauge", "No counter.")


def test_an_event_counts_for_the_profile(records: Records) -> None:
    """
    Each event raises the profile's own counters by one, those with labels in their series.
    """
    use_events(
        with_events(
            replace(VIOLATION, counts=(EventCount(violations_total),)),
            replace(LOGIN, counts=(EventCount(logins_total, {"outcome": "failure"}),)),
        )
    )
    before = value_of("test_events_violations_total"), value_of("test_events_logins_total", outcome="failure")
    security_event("rls_violation", table="users")
    for _ in range(50):
        security_event("failed_login")

    after = value_of("test_events_violations_total"), value_of("test_events_logins_total", outcome="failure")
    assert (1, 50) == (after[0] - before[0], after[1] - before[1])


def test_an_event_of_the_catalogue_is_counted_by_its_name() -> None:
    """
    In a line of a profile; a name that is none is an error.
    """
    event = counted("failed_login", logins_total, outcome="failure")

    assert replace(LOGIN, counts=(EventCount(logins_total, {"outcome": "failure"}),)) == event
    with pytest.raises(ConfigurationError, match="login_failed"):
        counted("login_failed", violations_total)  # type: ignore[arg-type]


def test_a_profile_has_words_of_its_own(records: Records) -> None:
    """
    Message and level of an event may be others than the catalogue's.
    """
    use_events(with_events(replace(LOGIN, message="Login failed", level="ERROR")))
    security_event("failed_login")

    assert ("Login failed", "ERROR") == (records[0].getMessage(), records[0].levelname)


def test_an_event_of_a_profiles_own_is_like_any_other(records: Records, faulted: Callable[[], int]) -> None:
    """
    Its message, class and level are as declared, and it is no fault.
    """
    use_events([SecurityEvent("door_left_open", "audit", "ERROR", "Door left open", ("door",))])
    for _ in range(20):
        security_event("door_left_open", door="back")

    assert (20, "Door left open", 0) == (len(records), records[0].getMessage(), faulted())


def test_declaring_makes_right_what_was_not_known_before(records: Records) -> None:
    """
    An event that came before the set-up has its class from then on.
    """
    security_event("door_left_open")
    use_events([SecurityEvent("door_left_open", "audit", "ERROR", "Door left open")])
    security_event("door_left_open")

    assert ["security", "audit"] == [record.__dict__["log.class"] for record in records]


def test_declared_events_are_listed_with_zero() -> None:
    """
    So that a rule sees the first one as an increase.
    """
    use_events([SecurityEvent("never_reported", "security", "INFO", "Never reported")])

    series = [family.series for family in ledger.snapshot() if family.declaration.name == METRIC]
    assert 0 == next(one.values[0] for one in series[0] if dict(one.labels) == {"event": "never_reported"})


def test_the_first_profile_s_words_hold_and_all_counters_count(records: Records) -> None:
    """
    Two applications of one process with different profiles: one log, so one wording; each has its metric.
    """
    use_events([replace(LOGIN, message="First", counts=(EventCount(logins_total, {"outcome": "first"}),))])
    use_events([replace(LOGIN, message="Second", counts=(EventCount(logins_total, {"outcome": "second"}),))])
    before = value_of("test_events_logins_total")
    security_event("failed_login")

    assert "First" == records[0].getMessage()
    assert 2 == value_of("test_events_logins_total") - before


def test_what_one_profile_audits_is_audited(records: Records) -> None:
    """
    Whichever comes first.
    """
    use_events([LOGIN])
    use_events([replace(LOGIN, log_class="audit")])
    for _ in range(30):
        security_event("failed_login")

    assert ["audit"] * 30 == [record.__dict__["log.class"] for record in records]


def test_the_same_profile_twice_counts_once() -> None:
    """
    A second application with the same profile changes nothing.
    """
    events = with_events(replace(VIOLATION, counts=(EventCount(violations_total),)))
    use_events(events)
    use_events(events)
    before = value_of("test_events_violations_total")
    security_event("rls_violation")

    assert 1 == value_of("test_events_violations_total") - before


def test_own_events_take_the_place_of_the_catalogue_s() -> None:
    """
    The others stay, and new ones stand behind.
    """
    own = SecurityEvent("door_left_open", "audit", "ERROR", "Door left open")
    events = with_events(replace(LOGIN, message="Login failed"), own)

    assert [*(event.name for event in SECURITY_EVENTS), "door_left_open"] == [event.name for event in events]
    assert "Login failed" == next(event.message for event in events if event.name == "failed_login")


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"name": "Bad Name"}, "Bad Name"),
        ({"name": "x" * 65}, "xxx"),
        ({"log_class": "errors"}, "errors"),
        ({"level": "WARN"}, "WARN"),
        ({"message": ""}, "message of 1"),
        ({"message": "x" * 257}, "message of 1"),
        ({"fields": ("a", "a")}, "'a'"),
        ({"fields": ("with blank",)}, "with blank"),
        ({"fields": tuple(f"f{number}" for number in range(17))}, "16"),
    ],
)
def test_a_bad_declaration_is_an_error(change: dict[str, Any], shown: str) -> None:
    """
    At set-up, in one line that says what would be accepted.
    """
    with pytest.raises(ConfigurationError, match=re.escape(shown)) as caught:
        replace(LOGIN, **change)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("metric", "labels", "shown"),
    [
        (a_gauge, {}, "Counter"),
        (logins_total, {}, "outcome"),
        (logins_total, {"result": "x"}, "outcome"),
        (violations_total, {"outcome": "x"}, "outcome"),
    ],
)
def test_a_counter_that_cannot_count_is_an_error(metric: Any, labels: dict[str, str], shown: str) -> None:
    """
    No counter, or labels that it does not declare.
    """
    with pytest.raises(ConfigurationError, match=shown):
        EventCount(metric, labels)


def test_a_name_that_stands_twice_is_an_error() -> None:
    """
    Which of the two was meant can't be known.
    """
    with pytest.raises(ConfigurationError, match="failed_login"):
        use_events([LOGIN, replace(LOGIN, message="Login failed")])


def test_too_many_events_are_an_error() -> None:
    """
    Names are labels, so they are few.
    """
    many = [SecurityEvent(f"event_{number}", "security", "INFO", "x") for number in range(declared.MAX_EVENTS + 1)]
    with pytest.raises(ConfigurationError, match=str(declared.MAX_EVENTS)):
        use_events(many)
