"""
Reporting an event: counted at once, written as a record unless a flood leaves no room for it.

Owns the order of events, and that an audit event is always a record: it is not sampled, and neither `LOG_LEVEL` nor a
later configuration of `logging` holds it back. Nothing is raised into the code that reports.

What a flood leaves over is written when metrics are read, in the name of the first event that was left out.
"""

from __future__ import annotations

import contextvars
import logging
import os
import sys
from collections.abc import Callable, Mapping
from types import FrameType

from otel_kit.context import RequestRecord, bound_correlation_id, correlation_id, current_record
from otel_kit.event_layout import EventName
from otel_kit.faults import fault
from otel_kit.ledger import ledger
from otel_kit.security.declared import UNDECLARED, forget_tallies, tallies, tally_of
from otel_kit.security.fields import said
from otel_kit.security.tally import Said, Tally, renew_lock

__all__ = ["begin_anew", "event_of_request", "restore_logging_by", "security_event", "write_suppressed"]

Restore = Callable[[logging.Logger], object]


def _leave_as_it_is(logger: logging.Logger) -> None:
    """
    Where nobody has taken logging over, nobody restores it.
    """


_restore: Restore = _leave_as_it_is


def security_event(name: EventName | str, /, **fields: object) -> None:
    """
    Count a security or audit event, and write its record. Never raises.

    Each event is counted in `otel_kit_security_events_total{event}`. Its record has the documented message, level and
    `log.class`, the ids of the request or task at hand, and the client's address. An audit event is always written;
    of another at most ten within ten seconds, and the next record says in `suppressed` how many there were in between.

    Args:
        name: One of the catalogue or of the profile's `events`. Another one in snake case is written as well, as a
            security event, and counted as a fault.
        fields: The documented ones, as far as they are known, and up to sixteen in all. E-mail addresses and phone
            numbers are masked, texts cut at 256 characters, None is left out. Never a credential.
    """
    _report(name, None, fields)


def event_of_request(record: RequestRecord, name: EventName | str, /, **fields: object) -> None:
    """
    As `security_event`, for a request that need not be the one at hand.
    """
    _report(name, record, fields)


def write_suppressed(everything: bool = False) -> None:
    """
    Write what is left of floods.

    Args:
        everything: Also where there is no room; for the process's end.
    """
    for tally in list(tallies.values()):
        suppressed, first = tally.leave(everything) if tally.suppressed else (0, None)
        if suppressed and _is_wanted(tally):
            said_first = first or Said({"event": tally.event.name}, None, (__file__, 0, "write_suppressed"))
            # a context of its own: the one at hand belongs to whoever reads metrics
            try:
                contextvars.Context().run(_write_as, tally, said_first, suppressed - 1)
            except Exception as error:  # a handler of the application's own, while the process ends
                fault("security", error)


def restore_logging_by(restore: Restore | None) -> None:
    """
    Have `restore` called with the event's logger before each record; None for nobody.

    It puts back what a later configuration of `logging` has taken away.
    """
    global _restore
    _restore = restore or _leave_as_it_is


def begin_anew() -> None:
    """
    Forget what floods there were: in a forked child, whose parent writes its own, and between tests.
    """
    renew_lock()
    forget_tallies()


def _report(name: str, record: RequestRecord | None, fields: Mapping[str, object]) -> None:
    try:
        tally = (tallies.get(name) if type(name) is str else None) or tally_of(name)
        for counter in tally.counters:
            counter.inc()
        suppressed = tally.enter() if tally.sampled else 0
        if suppressed is None:
            if tally.left_out is None:
                tally.keep(_said(tally, name, record, fields, sys._getframe(2)))
        elif _is_wanted(tally):
            _write(tally, _said(tally, name, record, fields, sys._getframe(2)), suppressed)
    except Exception as error:  # the caller is a handler of the application's own
        fault("security", error)


def _is_wanted(tally: Tally) -> bool:
    """
    Whether the levels let its records pass; nobody is asked for those of an audit event.
    """
    return not tally.sampled or tally.logger.isEnabledFor(tally.level)


def _said(
    tally: Tally, name: object, record: RequestRecord | None, fields: Mapping[str, object], caller: FrameType
) -> Said:
    event, identity = tally.event, correlation_id() if record is None else record.correlation_id
    if event is UNDECLARED:
        fields = {"given": name, **fields}
    record = record or current_record.get()
    extra = {"event": event.name, **said(event.fields, fields)}
    if record is not None:
        extra["client.address"] = record.client or "local"
        extra["http.request.method"] = record.method
        extra["url.path"] = record.path
    return Said(extra, identity, (caller.f_code.co_filename, caller.f_lineno, caller.f_code.co_name))


def _write(tally: Tally, what: Said, suppressed: int) -> None:
    extra, (file, line, function) = what.extra, what.origin
    extra["log.class"] = tally.event.log_class
    if suppressed:
        extra["suppressed"] = suppressed
    logger = tally.logger
    _restore(logger)
    # handled, not logged: the level was asked for where it counts
    logger.handle(
        logger.makeRecord(logger.name, tally.level, file, line, tally.event.message, (), None, function, extra)
    )


def _write_as(tally: Tally, what: Said, suppressed: int) -> None:
    if what.correlation_id is None:
        _write(tally, what, suppressed)
        return
    with bound_correlation_id(what.correlation_id):
        _write(tally, what, suppressed)


ledger.on_refresh(write_suppressed)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=begin_anew)
