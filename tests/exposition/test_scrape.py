"""
One page for simultaneous scrapes, made in slices.
"""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from otel_kit.exposition import scrape
from otel_kit.exposition.families import Family
from otel_kit.exposition.negotiation import Form
from otel_kit.exposition.scrape import Scrapes
from otel_kit.ledger import Counter, Exemplar, FamilySnapshot, Ledger
from otel_kit.ledger.registry import Registry
from tests.begun import Begun
from tests.exposition.build import counter, faults, gauge, samples, series

TEXT, ZIPPED, OPENMETRICS = Form(False, False), Form(False, True), Form(True, False)


class CountingLedger(Ledger):
    """
    A ledger that knows how often it was read.
    """

    reads = 0

    def read(self, own: bool = False) -> Iterator[FamilySnapshot]:
        self.reads += 1
        return super().read(own)


class Source:
    """
    Instruments that do what a test tells them.
    """

    def __init__(self, *families: Family, before: Any = None) -> None:
        self._families, self._before = list(families), before

    def families(self) -> list[Family]:
        if self._before is not None:
            self._before()
        return self._families


def new_ledger() -> CountingLedger:
    """
    A ledger apart from the process's own.
    """
    return CountingLedger(Registry())


async def test_simultaneous_scrapes_share_one_page() -> None:
    """
    However many ask at once, the ledger is read once.
    """
    ledger = new_ledger()
    scrapes = Scrapes(ledger)
    pages = await asyncio.gather(*(scrapes.page(TEXT) for _ in range(50)))

    assert 1 == ledger.reads
    assert 1 == len({id(page) for page in pages})


async def test_each_form_is_made_for_itself() -> None:
    """
    Text, OpenMetrics and the compressed page are three pages, and the compressed one unpacks to the plain one.
    """
    scrapes = Scrapes(new_ledger())
    text, zipped, openmetrics = await asyncio.gather(*(scrapes.page(form) for form in (TEXT, ZIPPED, OPENMETRICS)))

    assert text == gzip.decompress(zipped)
    assert text != openmetrics
    assert openmetrics.endswith(b"# EOF\n")


async def test_a_later_scrape_reads_anew() -> None:
    """
    Nothing is cached: what was counted after one page is on the next.
    """
    ledger = new_ledger()
    orders = Counter("orders_total", "Orders.", registry=ledger.registry)
    scrapes = Scrapes(ledger)
    await scrapes.page(TEXT)
    orders.inc()

    assert 1.0 == samples((await scrapes.page(TEXT)).decode())["orders_total", ()]


async def test_who_asks_while_a_page_is_read_gets_the_next_one() -> None:
    """
    A page that had begun to read before a count is not given to who scrapes after the count.
    """
    ledger = new_ledger()
    orders = Counter("orders_total", "Orders.", registry=ledger.registry)
    reading, go_on = threading.Event(), threading.Event()
    scrapes = Scrapes(ledger, Source(before=lambda: (reading.set(), go_on.wait(5))))
    first = asyncio.create_task(scrapes.page(TEXT))
    await asyncio.to_thread(reading.wait, 5)
    orders.inc()
    others = [asyncio.create_task(scrapes.page(TEXT)) for _ in range(10)]
    await asyncio.sleep(0)
    go_on.set()
    await first

    assert {1.0} == {samples(page.decode())["orders_total", ()] for page in await asyncio.gather(*others)}
    assert 2 == ledger.reads


async def test_a_scraper_that_leaves_does_not_take_the_page_from_the_others() -> None:
    """
    Cancelling the scrape that asked first leaves the shared page in the making.
    """
    scrapes = Scrapes(new_ledger())
    first, second = (asyncio.create_task(scrapes.page(TEXT)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    assert b"otel_kit_internal_errors_total" in await second


async def test_a_page_lets_others_run_in_between() -> None:
    """
    While a long page is made the event loop goes round many times, none of them for long.
    """
    ledger = new_ledger()
    orders = [Counter(f"orders_{n}_total", "Orders.", ["of"], registry=ledger.registry) for n in range(20)]
    for metric in orders:
        for of in range(500):
            metric.labels(str(of)).inc()
    page = asyncio.create_task(Scrapes(ledger).page(TEXT))
    rounds = 0
    while not page.done():
        await asyncio.sleep(0)
        rounds += 1

    assert 10_000 < page.result().count(b"\n")
    assert 8 <= rounds


def test_pages_are_made_in_several_loops_at_once() -> None:
    """
    One endpoint serves threads that run a loop each.
    """
    scrapes, pages = Scrapes(new_ledger(), Source(gauge("depth", series(1.0)))), []

    async def scrape_often() -> None:
        for _ in range(20):
            pages.append(await scrapes.page(TEXT))

    threads = [threading.Thread(target=lambda: asyncio.run(scrape_often())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert 80 == len(pages)
    assert {1.0} == {samples(page.decode())["depth", ()] for page in pages}


async def test_instruments_are_read_beside_the_loop() -> None:
    """
    Callbacks of other libraries run in a thread, so one that blocks does not hold up requests.
    """
    threads: list[threading.Thread] = []
    source = Source(gauge("depth", series(1.0)), before=lambda: threads.append(threading.current_thread()))
    page = await Scrapes(new_ledger(), source).page(TEXT)

    assert 1.0 == samples(page.decode())["depth", ()]
    assert [False] == [thread is threading.main_thread() for thread in threads]
    assert [True] == [thread.daemon for thread in threads]


async def test_instruments_that_hang_cost_a_scrape_only_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    After the time limit the page comes without them, and the fault is counted.
    """
    monkeypatch.setattr(scrape, "INSTRUMENTS_TIMEOUT_SECONDS", 0.05)
    before, never = faults(), threading.Event()
    try:
        page = await Scrapes(new_ledger(), Source(gauge("depth", series(1.0)), before=lambda: never.wait(5))).page(TEXT)
    finally:
        never.set()

    assert b"otel_kit_internal_errors_total" in page
    assert b"depth" not in page
    assert before + 1 == faults()


def _raise() -> None:
    raise RuntimeError("broken")


async def test_instruments_that_raise_cost_a_scrape_only_themselves() -> None:
    """
    The page comes without them, and the fault is counted.
    """
    before = faults()

    assert b"otel_kit_internal_errors_total" in await Scrapes(new_ledger(), Source(before=_raise)).page(TEXT)
    assert before + 1 == faults()


async def test_a_ledger_that_cannot_be_read_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The page is never an error: it shows what can be read.
    """
    before, ledger = faults(), new_ledger()
    monkeypatch.setattr(ledger, "read", lambda: _raise())
    page = await Scrapes(ledger, Source(gauge("depth", series(1.0)))).page(TEXT)

    assert {("depth", ()): 1.0} == samples(page.decode())
    assert before + 1 == faults()


def test_without_an_event_loop_of_asyncio_the_page_is_made_at_once() -> None:
    """
    A server on another event loop is answered too.
    """
    answer: Coroutine[Any, Any, bytes] = Scrapes(new_ledger(), Source(gauge("depth", series(1.0)))).page(TEXT)
    with pytest.raises(StopIteration) as ended:
        answer.send(None)

    assert 1.0 == samples(ended.value.value.decode())["depth", ()]


async def test_the_wait_for_a_page_is_short() -> None:
    """
    A page without instruments needs no thread and no timer.
    """
    begun, started = Begun(), time.perf_counter()
    await Scrapes(new_ledger()).page(TEXT)

    assert [] == begun.threads()
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize(("has_traces", "shown"), [(True, 2), (False, 0)])
async def test_exemplars_are_shown_while_traces_may_be_somewhere(has_traces: bool, shown: int) -> None:
    """
    Of the ledger's metrics and of other libraries' instruments alike.
    """
    ledger, ids = new_ledger(), ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    Counter("orders_total", "Orders.", registry=ledger.registry).inc(1, ids)
    foreign = counter("taken_total", series(1.0, exemplars=(Exemplar(*ids, 1.0, 1700000000.0),)))
    scrapes = Scrapes(ledger, Source(foreign), has_traces=lambda: has_traces)

    text = (await scrapes.page(OPENMETRICS)).decode()

    assert shown == text.count(" # {trace_id=")
    assert {1.0} == {samples(text, openmetrics=True)[name, ()] for name in ("orders_total", "taken_total")}
