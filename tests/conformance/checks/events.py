"""
Security and audit events: each that is documented is reported once, and has its record, its fields and its count.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.conformance.claims import check, words
from tests.conformance.lines import Node
from tests.conformance.system import System

GIVEN = {"email": "anna.smith@example.com"}
"""Fields that must not stand on the record as they were given."""


@cache
def reported(system: System) -> dict[str, dict[str, Any]]:
    """
    The record of each event of the profile, by name; its fields are those of the documents' examples.
    """
    examples = {
        each["event"]: each["example"] for each in system.contract["logs"].get("audit_events", ()) if "example" in each
    }
    events = [
        {
            "event": event.name,
            "fields": {**{field: f"the {field}" for field in event.fields}, **_personal(event.fields)}
            | examples.get(event.name, {}),
        }
        for event in system.profile.events
    ]
    system.tell("events", events, X_Correlation_ID="conformance-events")
    last = events[-1]["event"]
    system.line(correlation_id="conformance-events", event=last)
    return {line["event"]: line for line in system.lines(correlation_id="conformance-events") if "event" in line}


def _personal(fields: tuple[str, ...]) -> dict[str, str]:
    return {field: GIVEN[field] for field in fields if field in GIVEN}


def record_of(node: Node, system: System) -> dict[str, Any]:
    """
    The record of the audit event to which a line belongs.
    """
    return reported(system)[node.beside("event")]


@check("todo.security_events.*[*]")
def an_event_is_recorded_and_counted(node: Node, system: System) -> None:
    """
    In the documented words, with its fields, of its class.
    """
    (said,) = words(node.value, r"(.+?)(?: \(patterns\))?")
    events = {event.message.lower(): event for event in system.profile.events}
    event = events[said.lower()]
    record = reported(system)[event.name]
    assert said.lower() == record[system.key_of("message")].lower()
    assert set(event.fields) <= set(record)
    assert event.log_class == record["log.class"]
    assert system.scrape().sum("otel_kit_security_events_total", event=event.name) >= 1


@check("goblin.self_monitoring[1]")
def a_fault_of_the_kit_is_a_line(node: Node, system: System) -> None:
    """
    With the part that failed; and it is counted.
    """
    words(node.value, "middleware errors are structured log lines")
    assert "security" == fault_line(system)["component"]
    assert system.scrape().sum("otel_kit_internal_errors_total", component="security") >= 1


@cache
def fault_line(system: System) -> dict[str, Any]:
    """
    What is said where an event is reported that can have no name.
    """
    system.tell("events", [{"event": "no such name!", "fields": {}}])
    return system.line(message="otel_kit.fault")


@check("platform.logs.audit_events[*].event")
def an_audit_event_is_recorded_and_counted(node: Node, system: System) -> None:
    """
    Under its name, as an audit record.
    """
    assert "audit" == reported(system)[node.value]["log.class"]
    assert system.scrape().sum("otel_kit_security_events_total", event=node.value) >= 1


@check("platform.logs.audit_events[*].fields")
def an_audit_event_has_its_fields(node: Node, system: System) -> None:
    """
    In their order, and the example's values as they are.
    """
    record = record_of(node, system)
    assert node.value == [name for name in record if name in node.value]


@check("platform.logs.audit_events[*].level", "platform.logs.audit_events[*].msg")
def an_audit_event_is_worded_as_documented(node: Node, system: System) -> None:
    """
    To the letter.
    """
    assert node.value == record_of(node, system)[str(node.key)]


@check("platform.logs.audit_events[*].example")
def an_audit_event_of_the_example_is_recorded(node: Node, system: System) -> None:
    """
    With the values that it shows.
    """
    record = record_of(node, system)
    assert node.value == {name: record[name] for name in node.value}


@check("platform.logs.audit_events[1].note")
def personal_data_is_masked(node: Node, system: System) -> None:
    """
    By default: the domain can be read, the person can't.
    """
    (field,) = words(node.value, r"(email) is personal data: masked by default")
    masked = record_of(node, system)[field]
    assert masked != GIVEN[field]
    assert "anna" not in masked
    assert "smith" not in masked
