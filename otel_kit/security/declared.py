"""
The events that this process knows, and the account of each.

Owns what holds where profiles differ. The log is the process's, so the first set-up's words do: class, level, message
and fields of an event are those of the first profile that has it. A later profile adds the events that no other has,
and its counters to those that there are; and what it calls an audit event is one from then on.

An event that nobody has declared is worth a record all the same, under its own name as long as there are few of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from otel_kit.errors import ConfigurationError
from otel_kit.event_layout import SECURITY_EVENTS, SecurityEvent, is_event_name
from otel_kit.faults import fault
from otel_kit.security.tally import Tally

__all__ = ["UNDECLARED", "forget_events", "forget_tallies", "judge_events", "tallies", "tally_of", "use_events"]

MAX_EVENTS = 128
MAX_UNDECLARED = 32

UNDECLARED = SecurityEvent("undeclared", "security", "WARNING", "Undeclared security event", ("given",))
"""Stands for names that can't be labels, and for all beyond the bound."""

tallies: dict[str, Tally] = {}
"""By the event's name. Reading it is safe at any moment."""

_catalogue = {event.name: event for event in SECURITY_EVENTS}
_declared: dict[str, SecurityEvent] = {}


def use_events(events: Iterable[SecurityEvent]) -> None:
    """
    Know the events of a profile. To be called at each set-up; the same profile twice changes nothing.

    Each is listed on `/metrics` with 0 from then on, so that a rule sees the first one as an increase.

    Raises:
        ConfigurationError: A name stands twice, or there are too many.
    """
    added = judge_events(events)
    _declared.update(added)
    for event in added.values():
        _account(event).declare(event)


def judge_events(events: Iterable[SecurityEvent]) -> dict[str, SecurityEvent]:
    """
    The events of a profile by name, as they will hold in this process. Changes nothing.

    Raises:
        ConfigurationError: A name stands twice, or there are too many.
    """
    added: dict[str, SecurityEvent] = {}
    for event in events:
        if event.name in added:
            raise ConfigurationError("security events", event.name, "declare each event of a profile once")
        known = _declared.get(event.name)
        added[event.name] = event if known is None else _joined(known, event)
    if len(_declared.keys() | added.keys()) > MAX_EVENTS:
        raise ConfigurationError("security events", len(added), f"declare at most {MAX_EVENTS}")
    return added


def tally_of(name: object) -> Tally:
    """
    The account of an event by its name, whatever the name is.
    """
    if not is_event_name(name):
        fault("security", "a security event's name can't be used: snake case, up to 64 characters")
        return _account(UNDECLARED)
    plain = str.__str__(name)
    found = tallies.get(plain)
    if found is not None:
        return found
    event = _declared.get(plain) or _catalogue.get(plain)
    if event is not None:
        return _account(event)
    fault("security", "a security event that no profile declares")
    strangers = [name for name in list(tallies) if name not in _declared and name not in _catalogue]
    if len(strangers) >= MAX_UNDECLARED:
        return _account(UNDECLARED)
    return _account(SecurityEvent(plain, "security", "WARNING", plain))


def forget_events() -> None:
    """
    Know the events of no profile any more: the next test may set up another one.
    """
    _declared.clear()
    forget_tallies()


def forget_tallies() -> None:
    """
    Begin all accounts anew.
    """
    tallies.clear()


def _account(event: SecurityEvent) -> Tally:
    found = tallies.get(event.name)
    # of two threads that make one, the first one's counts
    return tallies.setdefault(event.name, Tally(event)) if found is None else found


def _joined(known: SecurityEvent, other: SecurityEvent) -> SecurityEvent:
    further = tuple(count for count in other.counts if count not in known.counts)
    log_class = "audit" if other.log_class == "audit" else known.log_class
    return replace(known, log_class=log_class, counts=known.counts + further)
