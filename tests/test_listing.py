"""
A set-up is whole or not at all, and profiles of one process stand beside each other or say why not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from otel_kit import ConfigurationError, Counter, Gauge, SetupError, runtime, setup_observability
from otel_kit.catalogue import DeclarationError
from otel_kit.event_layout import SecurityEvent, with_events
from otel_kit.ledger import ledger
from otel_kit.profiles import Profile, RequestMetric, Share
from otel_kit.profiles.goblin import PROFILE
from otel_kit.security.declared import MAX_EVENTS
from tests.asgi_client import call

HARBOUR_TOTAL = Counter("harbour_requests_total", "Requests.", ["method"], registry=None)
HARBOUR_LATE = Counter("harbour_late_total", "Late ones.", registry=None)
HARBOUR_SHARE = Gauge("harbour_late_percent", "Share of late ones.", registry=None)

HARBOUR = Profile(
    name="harbour",
    metrics=(HARBOUR_LATE, HARBOUR_TOTAL, HARBOUR_SHARE),
    requests=(RequestMetric("total", HARBOUR_TOTAL, {"method": "method"}),),
    layout=PROFILE.layout,
    derived=(Share(HARBOUR_SHARE, HARBOUR_LATE, HARBOUR_TOTAL),),
)

RIVAL = replace(
    HARBOUR,
    name="rival",
    metrics=(HARBOUR_LATE, HARBOUR_TOTAL, Gauge("harbour_late_percent", "Otherwise.", ["pier"], registry=None)),
    derived=(),
)


def listed(name: str) -> bool:
    return name in ledger.registry.listed


def refused(**options: Any) -> tuple[FastAPI, Exception]:
    """
    An application whose set-up fails, and how.
    """
    app = FastAPI()
    with pytest.raises((ConfigurationError, DeclarationError, SetupError)) as caught:
        setup_observability(app, **options)
    return app, caught.value


def test_a_profile_that_clashes_with_another_names_both_and_a_remedy() -> None:
    """
    Which profiles, which metric, and what can be done.
    """
    setup_observability(FastAPI(), profile=HARBOUR)

    _, error = refused(profile=RIVAL)

    said = str(error)
    assert "harbour_late_percent" in said
    assert "profile harbour" in said and "profile rival" in said  # noqa: PT018
    assert "start the other in a process of its own" in said


def test_a_share_that_is_derived_otherwise_names_both_profiles() -> None:
    """
    The metrics are the same, and one gauge is worked out of others.
    """
    setup_observability(FastAPI(), profile=HARBOUR)
    other = replace(HARBOUR, name="rival", derived=(Share(HARBOUR_SHARE, HARBOUR_TOTAL, HARBOUR_LATE),))

    _, error = refused(profile=other)

    assert "profile harbour" in str(error)
    assert "harbour_late_percent" in str(error)


def test_a_clash_lists_no_metric_of_the_profile() -> None:
    """
    Neither those before the one that clashes nor those behind it.
    """
    early, late = (Counter(f"harbour_{name}_total", "One.", registry=None) for name in ("early", "behind"))
    rival = Gauge("harbour_late_percent", "Otherwise.", ["pier"], registry=None)
    setup_observability(FastAPI(), profile=HARBOUR)

    refused(profile=replace(RIVAL, metrics=(early, *RIVAL.metrics[:2], rival, late)))

    assert [False, False] == [listed(early.name), listed(late.name)]


def test_a_metric_of_nobodys_profile_that_is_in_the_way_is_named() -> None:
    """
    The application's own has the name: the error is about that.
    """
    Counter("harbour_own_total", "The application's.", ["pier"])
    own = Counter("harbour_own_total", "Otherwise.", registry=None)

    _, error = refused(profile=replace(HARBOUR, metrics=(*HARBOUR.metrics, own)))

    assert "'harbour_own_total' is already declared" in str(error)
    assert not listed("harbour_late_total")


TWO_WAYS = (*HARBOUR.derived, Share(HARBOUR_SHARE, HARBOUR_TOTAL, HARBOUR_LATE))
MANY = [SecurityEvent(f"noise_{number}", "security", "INFO", "Noise") for number in range(MAX_EVENTS)]


@pytest.mark.parametrize(
    "options",
    [
        {"limits": {"auth": "5/minute"}},
        {"profile": replace(HARBOUR, name="double", derived=TWO_WAYS)},
        {"profile": replace(HARBOUR, name="noisy", events=with_events(*MANY))},
        {"redact": [7]},
    ],
    ids=["limits", "derived", "events", "redact"],
)
async def test_a_set_up_that_fails_leaves_the_application_as_it_was(options: dict[str, Any]) -> None:
    """
    No handle, no ring, no application in the runtime, no metric on the page; and the next set-up works.
    """
    shared = runtime.current()
    applications = list(shared._applications) if shared else []
    if "redact" in options:
        runtime.put(None)

    try:
        app, _ = refused(**{"profile": HARBOUR, **options})
    finally:
        if "redact" in options:
            runtime.put(shared)

    assert not listed("harbour_late_total")
    assert "build_middleware_stack" not in vars(app)
    assert applications == (list(shared._applications) if shared else [])
    assert 404 == (await call(app, path="/metrics")).status
    app.middleware_stack = None
    setup_observability(app, profile=HARBOUR)
    assert listed("harbour_late_total")


def test_rules_for_redaction_that_come_too_late_leave_nothing_behind() -> None:
    """
    They are refused before anything is listed.
    """
    setup_observability(FastAPI())

    refused(profile=HARBOUR, redact=["berth"])

    assert not listed("harbour_late_total")


def test_the_last_application_with_a_profile_takes_its_metrics_away() -> None:
    """
    Then a profile that clashed with it can be set up.
    """
    kits = [setup_observability(FastAPI(), profile=HARBOUR) for _ in range(2)]

    kits[0].undo()
    while_one_is_left = listed("harbour_late_percent")
    kits[1].undo()

    assert while_one_is_left
    assert not listed("harbour_late_percent")
    setup_observability(FastAPI(), profile=RIVAL)
    assert listed("harbour_late_percent")


def test_a_metric_of_two_profiles_stays_with_the_second() -> None:
    """
    What another application still has is left on the page.
    """
    first = setup_observability(FastAPI(), profile=HARBOUR)
    setup_observability(FastAPI(), profile=replace(HARBOUR, name="pier", metrics=(HARBOUR_TOTAL,), derived=()))

    first.undo()

    assert [True, False] == [listed("harbour_requests_total"), listed("harbour_late_total")]


def test_a_metric_that_was_listed_before_stays() -> None:
    """
    The application has put it on the page itself.
    """
    own = Counter("harbour_before_total", "The application's.")
    kit = setup_observability(FastAPI(), profile=replace(HARBOUR, metrics=(*HARBOUR.metrics, own)))

    kit.undo()

    assert listed("harbour_before_total")


def test_a_layout_that_is_not_in_force_is_said_to_be_off() -> None:
    """
    The log is the process's, so the first profile's layout holds for all lines.
    """
    first = setup_observability(FastAPI())
    other = replace(PROFILE.layout, request_message="request_served")
    second = setup_observability(FastAPI(), profile=replace(HARBOUR, layout=other))
    shared = runtime.current()
    assert shared is not None
    kits = {kit.profile.layout == shared.layout: kit for kit in (first, second)}

    assert "log layout" not in kits[True].report()["off"]
    assert "set up first" in kits[False].report()["off"]["log layout"]
