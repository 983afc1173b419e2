"""
Security and audit events: what somebody tried, as one kind of log record and one metric.

`security_event("failed_login", user_id="u17")` says it. The events and their classes are data
(`otel_kit.event_layout`). The modules behind: `events` counts, samples floods and writes; `tally` is the account of
one event; `declared` knows the events of all profiles; `fields` bounds and masks what is said; `credentials` tells of a
failed credential once a request.
"""

from __future__ import annotations

from otel_kit.security.credentials import credential_failed
from otel_kit.security.declared import forget_events, judge_events, use_events
from otel_kit.security.events import (
    begin_anew,
    event_of_request,
    restore_logging_by,
    security_event,
    write_suppressed,
)

__all__ = [
    "begin_anew",
    "credential_failed",
    "event_of_request",
    "forget_events",
    "judge_events",
    "restore_logging_by",
    "security_event",
    "use_events",
    "write_suppressed",
]
