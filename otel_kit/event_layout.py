"""
Which security events there are, as data.

Owns the vocabulary in which a profile states its events, and the catalogue of those that every profile has: name,
class, level, message and documented fields. Knows nothing of records, of sampling or of what a counter holds.

Of class `audit` is what somebody has to account for later, so that each one is a record whatever the flood: the two
that a contract calls audit events, and a change of limits, which an operator makes. The others are of class `security`:
anybody outside can cause as many of them as he likes, so floods are sampled, with an exact count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, get_args

from otel_kit.errors import ProfileError
from otel_kit.shape import check_items, check_mapping, check_word, name_of, shown

__all__ = [
    "MAX_FIELDS",
    "SECURITY_EVENTS",
    "CounterFamily",
    "EventClass",
    "EventCount",
    "EventLevel",
    "EventName",
    "SecurityEvent",
    "counted",
    "is_event_name",
    "is_field_name",
    "with_events",
]

EventClass = Literal["security", "audit"]

EventLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
"""Python's names; a profile's layout may have other words for them."""

EventName = Literal[
    "account_lockout",
    "auth_failure",
    "body_too_large",
    "bulk_operation_use",
    "cross_user_access_attempt",
    "failed_login",
    "limit_configuration_changed",
    "limit_hit",
    "origin_refused",
    "possible_abuse",
    "rls_violation",
    "suspicious_ip",
    "token_validation_failure",
    "unauthorised_access_attempt",
]
"""The events of the catalogue. The kit itself reports those of limits, tokens, bodies and origins."""

MAX_FIELDS = 16
MAX_MESSAGE = 256

_EVENT_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")


class CounterFamily(Protocol):
    """
    What is asked of a metric here.
    """

    @property
    def declaration(self) -> Any:
        """
        Its kind, name and labels.
        """

    def labels(self, *values: object, **names: object) -> Any:
        """
        One of its series.
        """


@dataclass(frozen=True)
class EventCount:
    """
    A counter of a profile that goes up with each event.

    Raises:
        ProfileError: The metric is no counter, or a label is missing or not declared.
    """

    metric: CounterFamily
    """Listed among the profile's metrics, too."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """A value for each label of the metric."""

    def __post_init__(self) -> None:
        place = f"event count by metric {name_of(self.metric)}"
        declared = getattr(self.metric, "declaration", None)
        if getattr(declared, "kind", None) != "counter":
            raise ProfileError(place, "it is no counter of the kit", "count events by an otel_kit.Counter")
        check_mapping(place, "labels", self.labels)
        wanted = self.metric.declaration.labels
        if set(self.labels) != set(wanted):
            fault = f"its labels are {', '.join(wanted) or 'none'}, and {', '.join(self.labels) or 'none'} given"
            raise ProfileError(place, fault, "give a value to each label of the metric")


@dataclass(frozen=True)
class SecurityEvent:
    """
    Something that those who guard the service want to know of: how its record looks, and what counts it.

    Raises:
        ProfileError: A name, class, level or field that no record or label could carry.
    """

    name: str
    """In snake case: it becomes the field `event` and a label."""
    log_class: EventClass
    """Of class `audit` each one is a record; of class `security` floods are sampled, with an exact count."""
    level: EventLevel
    """Of the record, by Python's name."""
    message: str
    """The record's message, the same for each."""
    fields: tuple[str, ...] = ()
    """Those that are documented. A record has them first, as far as they were given."""
    counts: tuple[EventCount, ...] = ()
    """Counters of the profile that go up with each, beside the kit's own `otel_kit_security_events_total`."""

    def __post_init__(self) -> None:
        place = f"security event {self.name}"
        if not is_event_name(self.name):
            fault = f"name {shown(self.name)} can't be a label"
            raise ProfileError("security event", fault, "name it in snake case, with up to 64 characters")
        check_word(place, "log_class", self.log_class, get_args(EventClass))
        check_word(place, "level", self.level, get_args(EventLevel))
        if not isinstance(self.message, str) or not 0 < len(self.message) <= MAX_MESSAGE:
            fault = f"message {shown(self.message)} can't be used"
            raise ProfileError(place, fault, f"give a message of 1 to {MAX_MESSAGE} characters")
        check_items(place, "fields", self.fields, str, "a field's name")
        check_items(place, "counts", self.counts, EventCount, "an EventCount")
        for name in self.fields:
            if not is_field_name(name) or self.fields.count(name) > 1 or len(self.fields) > MAX_FIELDS:
                remedy = f"name up to {MAX_FIELDS} fields, each once, by letters and '_'"
                raise ProfileError(place, f"field {shown(name)} can't be used", remedy)


def is_event_name(name: object) -> bool:
    """
    Whether an event can be called so.
    """
    return isinstance(name, str) and _EVENT_NAME.fullmatch(name) is not None


def is_field_name(name: object) -> bool:
    """
    Whether a field of an event can be called so.
    """
    return isinstance(name, str) and _FIELD_NAME.fullmatch(name) is not None


SECURITY_EVENTS = (
    SecurityEvent("failed_login", "security", "WARNING", "Failed login", ("user_id", "email", "reason")),
    SecurityEvent("account_lockout", "security", "WARNING", "Account lockout", ("user_id", "email", "attempts")),
    SecurityEvent("suspicious_ip", "security", "WARNING", "Suspicious IP", ("address", "reason")),
    SecurityEvent("token_validation_failure", "security", "WARNING", "Token validation failure", ("user_id", "reason")),
    SecurityEvent("limit_hit", "security", "WARNING", "Limit hit", ("policy", "user_id")),
    SecurityEvent("possible_abuse", "security", "WARNING", "Possible abuse", ("policy", "user_id", "reason")),
    SecurityEvent(
        "limit_configuration_changed",
        "audit",
        "WARNING",
        "Limit configuration changed",
        ("policy", "user_id", "before", "after"),
    ),
    SecurityEvent(
        "unauthorised_access_attempt",
        "security",
        "WARNING",
        "Unauthorised access attempt",
        ("user_id", "resource", "operation", "reason"),
    ),
    SecurityEvent(
        "cross_user_access_attempt",
        "security",
        "WARNING",
        "Cross-user access attempt",
        ("user_id", "owner_id", "resource", "operation"),
    ),
    SecurityEvent(
        "bulk_operation_use",
        "security",
        "INFO",
        "Bulk operation use",
        ("user_id", "resource", "operation", "items"),
    ),
    SecurityEvent(
        "rls_violation",
        "audit",
        "WARNING",
        "RLS policy violation detected",
        ("tenantId", "userId", "table", "operation"),
    ),
    SecurityEvent("auth_failure", "audit", "WARNING", "Authentication failed", ("email", "provider", "reason")),
    SecurityEvent("body_too_large", "security", "WARNING", "Request body too large", ("max_bytes",)),
    SecurityEvent("origin_refused", "security", "WARNING", "Origin refused", ("origin",)),
)
"""
The catalogue. Names, messages and fields of `rls_violation` and `auth_failure` are documented to the letter; of the
others the words are, and the fields are ours.
"""


def counted(name: EventName, metric: CounterFamily, /, **labels: str) -> SecurityEvent:
    """
    The event of the catalogue that has this name, which also counts in a metric, in the series with these labels.

    Raises:
        ProfileError: There is no such event, or the metric can't count it.
    """
    for event in SECURITY_EVENTS:
        if event.name == name:
            return replace(event, counts=(EventCount(metric, labels),))
    remedy = "name one of the catalogue, or declare a SecurityEvent"
    raise ProfileError("security event", f"{shown(name)} is not in the catalogue", remedy)


def with_events(*own: SecurityEvent) -> tuple[SecurityEvent, ...]:
    """
    The catalogue, with these in the place of those that have their names, and the others behind.
    """
    known = {event.name: event for event in SECURITY_EVENTS}
    return tuple({**known, **{event.name: event for event in own}}.values())
