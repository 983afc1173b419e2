"""
When limits are local, when they are shared again, and what is said of it.
"""

from __future__ import annotations

import logging

import pytest
from redis import exceptions

from otel_kit.ledger import ledger
from otel_kit.ratelimit.redis_breaker import Breaker, FailureKind, failure_kind


def gauge() -> float:
    """
    What `/metrics` shows of the state.
    """
    name = "otel_kit_ratelimit_storage_up"
    (family,) = (family for family in ledger.snapshot() if family.declaration.name == name)
    return family.series[0].values[0]


def test_two_failures_are_none_and_three_open() -> None:
    """
    The third in a row says that it was the one.
    """
    breaker = Breaker()
    breaker.show()
    answers = [(breaker.failed("timeout"), breaker.is_open) for _ in range(4)]

    assert [(False, False), (False, False), (True, True), (False, True)] == answers
    assert 0.0 == gauge()


def test_a_success_begins_the_row_anew() -> None:
    """
    Failures that do not follow each other never open it.
    """
    breaker = Breaker()
    for _ in range(5):
        breaker.failed("timeout")
        breaker.failed("connection")
        breaker.succeeded()

    assert not breaker.is_open


def test_only_a_probe_closes_it() -> None:
    """
    A late answer of a call that was made before does not.
    """
    breaker = Breaker()
    breaker.show()
    breaker.failed("timeout", at_once=True)
    breaker.succeeded()
    assert breaker.is_open
    breaker.close()

    assert (False, 1.0) == (breaker.is_open, gauge())


def test_each_change_is_one_record(caplog: pytest.LogCaptureFixture) -> None:
    """
    Failures while it is open are counted, not logged.
    """
    caplog.set_level(logging.INFO, "otel_kit.ratelimit")
    breaker = Breaker()
    for _ in range(50):
        breaker.failed("out_of_memory")
    breaker.close()
    breaker.close()

    assert [
        ("rate_limit.storage_failed", logging.WARNING),
        ("rate_limit.storage_recovered", logging.INFO),
    ] == [(record.message, record.levelno) for record in caplog.records]
    assert "out_of_memory" == vars(caplog.records[0])["error.type"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.TimeoutError("Timeout connecting to server"), "timeout"),
        (TimeoutError(), "timeout"),
        (exceptions.ConnectionError("Error 111 connecting to host:6379"), "connection"),
        (ConnectionResetError(), "connection"),
        (exceptions.AuthenticationError("invalid username-password pair"), "authentication"),
        (exceptions.ResponseError("NOAUTH Authentication required."), "authentication"),
        (exceptions.NoPermissionError("this user has no permissions to run the 'eval' command"), "permission"),
        (exceptions.ResponseError("The user executing the script can't run this command"), "permission"),
        (exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), "out_of_memory"),
        (exceptions.ResponseError("Error running script: -OOM command not allowed"), "out_of_memory"),
        (exceptions.ReadOnlyError("You can't write against a read only replica."), "read_only"),
        (exceptions.ResponseError("Error running script: -READONLY You can't write"), "read_only"),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), "loading"),
        (exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots"), "other"),
        (RuntimeError("Event loop is closed"), "other"),
    ],
)
def test_every_failure_has_a_kind(error: Exception, kind: FailureKind) -> None:
    """
    The label is of a closed set, whatever the error says.
    """
    assert kind == failure_kind(error)
