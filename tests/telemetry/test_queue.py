"""
The export queue: bounds, batches, retries, flush, close, fork; with a sender made of values.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value

from otel_kit.environment.model import QueueLimits
from otel_kit.telemetry import patience
from otel_kit.telemetry.accounts import Accounts
from otel_kit.telemetry.outage import Outages
from otel_kit.telemetry.outcome import Outcome, Prepared
from otel_kit.telemetry.queue import ExportQueue

DELIVERED = Outcome("delivered")
BUSY = Outcome("later", "HTTP 503")
REFUSED = Outcome("unreachable", "connection refused", answered=False)


class ScriptedSender:
    """Answers with the outcomes it was given, the last one for ever."""

    def __init__(self, *outcomes: Outcome | Callable[[Sequence[Any]], Outcome], default: bool = False) -> None:
        self.host = "http://collector:4318"
        self.endpoint_is_default = default
        self.outcomes = list(outcomes)
        self.sent: list[list[Any]] = []
        self.prepared = 0
        self.resets = 0
        self.timeouts: list[float] = []
        self.blocked = threading.Event()
        self.blocked.set()

    def prepare(self, items: Sequence[Any]) -> Prepared:
        self.prepared += 1
        good = [item for item in items if item != "bad"]
        return Prepared(good or None, len(items) - len(good))

    def send(self, payload: Any, timeout_seconds: float) -> Outcome:
        self.timeouts.append(timeout_seconds)
        self.sent.append(list(payload))
        self.blocked.wait(10)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        return outcome(payload) if callable(outcome) else outcome

    def reset(self) -> None:
        self.resets += 1


@pytest.fixture
def make_queue() -> Iterator[Callable[..., ExportQueue]]:
    made: list[ExportQueue] = []

    def make(sender: ScriptedSender, **limits: Any) -> ExportQueue:
        settings = {"delay_seconds": 0.01, **limits}
        queue = ExportQueue(sender, Accounts("traces", published=False), Outages(), QueueLimits(**settings))
        made.append(queue)
        return queue

    yield make
    for queue in made:
        queue.sender.blocked.set()  # type: ignore[attr-defined]
        queue.abandon()


def soon(condition: Callable[[], Any], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def in_seconds(seconds: float) -> float:
    return time.monotonic() + seconds


def offer_all(queue: ExportQueue, items: Sequence[Any], size: int = 10) -> None:
    for item in items:
        queue.offer(item, size)


def test_sends_after_the_delay_without_being_asked(make_queue: Any) -> None:
    """
    An item that comes alone leaves when the schedule delay has passed.
    """
    sender = ScriptedSender(DELIVERED)
    make_queue(sender).offer("a", 10)

    assert soon(lambda: [["a"]] == sender.sent)


def test_full_batch_does_not_wait(make_queue: Any) -> None:
    """
    As many items as a batch holds leave at once, whatever the delay.
    """
    sender = ScriptedSender(DELIVERED)
    offer_all(make_queue(sender, delay_seconds=60.0, batch_items=3), "abc")

    assert soon(lambda: [["a", "b", "c"]] == sender.sent)


@pytest.mark.parametrize("has_threads", [True, False])
def test_sends_without_becoming_telemetry(monkeypatch: pytest.MonkeyPatch, make_queue: Any, has_threads: bool) -> None:
    """
    Instrumentations of the HTTP client are told to keep out, on the kit's thread and on a caller's in its place.
    """
    suppressed: list[object] = []

    def answer(payload: Sequence[Any]) -> Outcome:
        suppressed.append(get_value(_SUPPRESS_INSTRUMENTATION_KEY))
        return DELIVERED

    queue = make_queue(ScriptedSender(answer))
    if not has_threads:
        monkeypatch.setattr(threading.Thread, "start", raise_end_of_interpreter)
    queue.offer("a", 10)

    assert queue.flush(in_seconds(20))
    assert ([True], None) == (suppressed, get_value(_SUPPRESS_INSTRUMENTATION_KEY))


def raise_end_of_interpreter(thread: threading.Thread) -> None:
    raise RuntimeError("can't create new thread at interpreter shutdown")


def test_bound_in_items(make_queue: Any) -> None:
    """
    What comes to a full queue is dropped and counted, the older items stay.
    """
    sender = ScriptedSender(DELIVERED)
    queue = make_queue(sender, delay_seconds=60.0, max_items=3, batch_items=3)
    sender.blocked.clear()
    offer_all(queue, "abcde")
    assert soon(lambda: 1 == len(sender.sent))

    queue.offer("f", 10)

    assert ({"queue_full": 3}, {"accepted": 6, "delivered": 0, "dropped": 3, "queued": 3}) == (
        queue.accounts.dropped,
        queue.accounts.view(),
    )


def test_bound_in_bytes(make_queue: Any) -> None:
    """
    Items whose bytes would pass the bound are dropped though their number is small.
    """
    sender = ScriptedSender(DELIVERED)
    queue = make_queue(sender, delay_seconds=60.0, max_bytes=1000)

    offer_all(queue, range(5), size=300)

    assert ({"queue_full": 2}, 3) == (queue.accounts.dropped, queue.accounts.view()["queued"])


def test_room_comes_back_with_delivery(make_queue: Any) -> None:
    """
    After a flush the queue takes as many bytes as before.
    """
    queue = make_queue(ScriptedSender(DELIVERED), delay_seconds=60.0, max_bytes=1000)
    for _ in range(5):
        offer_all(queue, range(3), size=300)
        queue.flush(in_seconds(20))

    assert {"accepted": 15, "delivered": 15, "dropped": 0, "queued": 0} == queue.accounts.view()


def test_batch_is_bounded_in_bytes(make_queue: Any) -> None:
    """
    One request carries no more than about a megabyte.
    """
    sender = ScriptedSender(DELIVERED)
    queue = make_queue(sender, delay_seconds=60.0)

    offer_all(queue, range(5), size=400_000)
    queue.flush(in_seconds(20))

    assert [[0, 1], [2, 3], [4]] == sender.sent


def test_retries_the_same_payload_until_it_is_taken(make_queue: Any) -> None:
    """
    A busy collector gets the batch again, encoded once.
    """
    sender = ScriptedSender(BUSY, BUSY, DELIVERED)
    queue = make_queue(sender)
    queue.offer("a", 10)

    assert (True, 3, 1) == (queue.flush(in_seconds(20)), len(sender.sent), sender.prepared)


def test_refusal_is_final_and_counted_by_reason(make_queue: Any) -> None:
    """
    A status that is not retried drops the batch under its reason.
    """
    queue = make_queue(ScriptedSender(Outcome("drop", "HTTP 400", "rejected")))
    offer_all(queue, "abc")

    assert (True, {"rejected": 3}) == (queue.flush(in_seconds(20)), queue.accounts.dropped)


def test_partial_success(make_queue: Any) -> None:
    """
    What the collector says it refused is dropped, the rest delivered.
    """
    queue = make_queue(ScriptedSender(Outcome("delivered", rejected=2)))
    offer_all(queue, "abcde")
    queue.flush(in_seconds(20))

    assert (3, {"partial_success": 2}) == (queue.accounts.delivered, queue.accounts.dropped)


def test_too_large_batches_are_halved(make_queue: Any) -> None:
    """
    A batch the collector finds too large goes in smaller ones, down to the one item that is too large.
    """
    sender = ScriptedSender(lambda items: Outcome("split", "HTTP 413", "too_large") if "big" in items else DELIVERED)
    queue = make_queue(sender, delay_seconds=60.0)
    offer_all(queue, ["a", "b", "big", "c"])
    queue.flush(in_seconds(20))

    assert (3, {"too_large": 1}) == (queue.accounts.delivered, queue.accounts.dropped)


def test_unencodable_items_are_counted_apart(make_queue: Any) -> None:
    """
    Items of which no bytes could be made are dropped, their neighbours delivered.
    """
    queue = make_queue(ScriptedSender(DELIVERED))
    offer_all(queue, ["a", "bad", "b"])
    queue.flush(in_seconds(20))

    assert (2, {"unencodable": 1}) == (queue.accounts.delivered, queue.accounts.dropped)


def test_flush_says_false_at_the_deadline(make_queue: Any) -> None:
    """
    A flush that a hanging collector holds up ends with its time and says that something is left.
    """
    sender = ScriptedSender(DELIVERED)
    sender.blocked.clear()
    queue = make_queue(sender)
    queue.offer("a", 10)
    begun = time.monotonic()

    flushed = queue.flush(in_seconds(0.3))

    assert (False, True, 1) == (flushed, time.monotonic() - begun < 4.0, queue.accounts.view()["queued"])


def test_flush_ends_at_once_when_nobody_listens(make_queue: Any) -> None:
    """
    A refused connection makes waiting useless; the items stay for later.
    """
    queue = make_queue(ScriptedSender(REFUSED))
    queue.offer("a", 10)
    begun = time.monotonic()

    flushed = queue.flush(in_seconds(20))

    assert (False, True, 1) == (flushed, time.monotonic() - begun < 4.0, queue.accounts.view()["queued"])


def test_flush_ends_at_once_when_asked_to_wait_longer(make_queue: Any) -> None:
    """
    A Retry-After beyond the deadline is honoured by not asking again.
    """
    sender = ScriptedSender(Outcome("later", "HTTP 429", retry_after_seconds=30.0))
    queue = make_queue(sender)
    queue.offer("a", 10)
    begun = time.monotonic()

    results = [queue.flush(in_seconds(20)), queue.flush(in_seconds(20))]

    assert ([False, False], 1, True) == (results, len(sender.sent), time.monotonic() - begun < 4.0)


def test_retry_after_within_the_deadline_is_kept(make_queue: Any) -> None:
    """
    A collector that asks for a moment gets it, and then the batch.
    """
    sender = ScriptedSender(Outcome("later", "HTTP 429", retry_after_seconds=0.3), DELIVERED)
    queue = make_queue(sender)
    queue.offer("a", 10)
    begun = time.monotonic()

    assert (True, True) == (queue.flush(in_seconds(20)), time.monotonic() - begun >= 0.3)


def test_flush_cuts_the_kits_own_backoff(make_queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A flush tries at once although the next attempt was due a minute later.
    """
    monkeypatch.setattr(patience, "FIRST_BACKOFF_SECONDS", 60.0)
    monkeypatch.setattr(patience, "LAST_BACKOFF_SECONDS", 60.0)
    sender = ScriptedSender(REFUSED, DELIVERED)
    queue = make_queue(sender)
    queue.offer("a", 10)
    assert soon(lambda: 1 == len(sender.sent))

    assert queue.flush(in_seconds(20))


def test_attempts_of_a_flush_end_with_it(make_queue: Any) -> None:
    """
    While the process waits, a request may take no longer than what is left.
    """
    sender = ScriptedSender(DELIVERED)
    queue = make_queue(sender, delay_seconds=60.0)
    queue.offer("a", 10)
    queue.flush(in_seconds(8))

    assert 0.0 < sender.timeouts[0] <= 8


def test_close_counts_the_rest_as_dropped(make_queue: Any) -> None:
    """
    What a hanging collector has not confirmed by the deadline is dropped at shutdown, its answer too late.
    """
    sender = ScriptedSender(DELIVERED)
    sender.blocked.clear()
    queue = make_queue(sender, batch_items=2)
    offer_all(queue, "abcd")

    closed = queue.close(in_seconds(0.2))
    sender.blocked.set()

    assert (False, {"accepted": 4, "delivered": 0, "dropped": 4, "queued": 0}, {"shutdown": 4}) == (
        closed,
        queue.accounts.view(),
        queue.accounts.dropped,
    )


def test_works_after_close(make_queue: Any) -> None:
    """
    An item after the close is delivered by a new thread, also when the old one still hangs.
    """
    sender = ScriptedSender(DELIVERED)
    sender.blocked.clear()
    queue = make_queue(sender)
    queue.offer("a", 10)
    assert soon(lambda: 1 == len(sender.sent))
    queue.close(in_seconds(0.05))
    sender.blocked.set()

    queue.offer("b", 10)

    assert (True, 1) == (queue.flush(in_seconds(20)), queue.accounts.delivered)


def test_accounts_hold_under_many_threads(make_queue: Any) -> None:
    """
    Every offer of eight threads is delivered or dropped, none twice.
    """
    queue = make_queue(ScriptedSender(DELIVERED), max_items=256, batch_items=64)

    def work() -> None:
        for number in range(2000):
            queue.offer(number, 100)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.flush(in_seconds(20))

    view = queue.accounts.view()
    assert (16_000, 16_000, 0) == (view["accepted"], view["delivered"] + view["dropped"], view["queued"])


def test_a_fault_of_the_sender_costs_one_batch(make_queue: Any) -> None:
    """
    A sender that raises drops its batch; the next one goes out.
    """

    def fail(items: Sequence[Any]) -> Outcome:
        raise RuntimeError("broken")

    queue = make_queue(ScriptedSender(fail, DELIVERED))
    queue.offer("a", 10)
    assert soon(lambda: {"failed": 1} == queue.accounts.dropped)
    queue.offer("b", 10)

    assert (True, 1) == (queue.flush(in_seconds(20)), queue.accounts.delivered)


def test_stale_items_are_discarded_oldest_first(make_queue: Any) -> None:
    """
    `discard_waiting` keeps the newest.
    """
    sender = ScriptedSender(DELIVERED)
    queue = make_queue(sender, delay_seconds=60.0)
    offer_all(queue, "abcd")

    queue.discard_waiting(keep=2)
    queue.flush(in_seconds(20))

    assert ([["c", "d"]], {"stale": 2}) == (sender.sent, queue.accounts.dropped)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_child_starts_empty(make_queue: Any) -> None:
    """
    A child leaves the parent's items to the parent, and sends its own.
    """
    sender = ScriptedSender(DELIVERED)
    queue = make_queue(sender, delay_seconds=60.0)
    queue.offer("parent's", 10)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        queue.offer("child's", 10)
        queue.flush(in_seconds(20))
        os.write(writer, repr((sender.sent, queue.accounts.view()["accepted"])).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    seen = os.read(reader, 1000).decode()
    os.close(reader)
    queue.flush(in_seconds(20))

    assert ('([["child\'s"]], 1)', [["parent's"]]) == (seen, sender.sent)


def test_offer_is_quick(make_queue: Any) -> None:
    """
    Ten thousand offers take a small part of the time a request takes.
    """
    queue = make_queue(ScriptedSender(DELIVERED), delay_seconds=60.0, max_items=100_000, batch_items=100_000)
    rounds = []
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(2000):
            queue.offer("a", 1)
        rounds.append((time.perf_counter() - begun) / 2000)

    assert min(rounds) < 5e-6
