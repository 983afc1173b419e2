"""
One page for all scrapes that ask at the same time.

Owns when a page is made: one at a time for each form and event loop, in slices short enough that
requests are not held up. A scrape shares the page of another one only while that page has not
begun to read, so that whoever scrapes sees all that was counted before asking.

Instruments of other libraries are read in a thread of their own with a time limit: their
callbacks are foreign code, which may block or hang.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from time import perf_counter
from typing import Protocol

from otel_kit.exposition.families import Family, LeftOut
from otel_kit.exposition.negotiation import Form
from otel_kit.exposition.text import Renderer
from otel_kit.faults import fault
from otel_kit.ledger import Ledger

__all__ = ["Instruments", "Scrapes"]

SLICE_SECONDS = 0.001
INSTRUMENTS_TIMEOUT_SECONDS = 2.0
GZIP_LEVEL = 1
GZIP_WITH_HEADER = 31


class Instruments(Protocol):
    """
    Where families of other libraries come from.
    """

    def families(self) -> list[Family]:
        """
        What they have measured so far. May block.
        """


class _Flight:
    """
    A page in the making; `boarding` until it begins to read.
    """

    __slots__ = ("boarding", "task")

    def __init__(self) -> None:
        self.boarding = True
        self.task: asyncio.Task[bytes]


class Scrapes:
    """
    Pages of one ledger and, where given, the instruments of other libraries.

    Args:
        has_traces: Whether the traces that exemplars name may be anywhere; asked for each page.
    """

    def __init__(
        self,
        ledger: Ledger,
        instruments: Instruments | None = None,
        *,
        has_traces: Callable[[], bool] = lambda: True,
    ) -> None:
        self._ledger = ledger
        self._instruments = instruments
        self._has_traces = has_traces
        self._renderer = Renderer(LeftOut())
        # flights belong to one event loop, and a thread runs one loop at a time
        self._local = threading.local()

    async def page(self, form: Form) -> bytes:
        """
        The page, made now or shared with others who asked meanwhile. Never raises for what it shows.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # served by trio: nobody to share with
            return self.page_now(form)
        flights = self._flights(loop)
        flight = flights.get(form)
        if flight is None or not flight.boarding:
            previous, flight = flight, _Flight()
            # an empty context: the page outlives the scrape that asked first
            flight.task = contextvars.Context().run(loop.create_task, self._fly(flight, previous, form, flights))
            flights[form] = flight
        return await asyncio.shield(flight.task)

    def page_now(self, form: Form) -> bytes:
        """
        The page without a pause, for callers outside an event loop.
        """
        return b"".join(self._pieces(self._read_instruments(), form))

    def _flights(self, loop: asyncio.AbstractEventLoop) -> dict[Form, _Flight]:
        if getattr(self._local, "loop", None) is not loop:
            self._local.loop, self._local.flights = loop, {}
        flights: dict[Form, _Flight] = self._local.flights
        return flights

    async def _fly(self, flight: _Flight, previous: _Flight | None, form: Form, flights: dict[Form, _Flight]) -> bytes:
        try:
            if previous is not None:
                await asyncio.wait([previous.task])
            flight.boarding = False
            instruments = await self._instruments_apart()
            pieces, begun = [], perf_counter()
            for piece in self._pieces(instruments, form):
                pieces.append(piece)
                if perf_counter() - begun > SLICE_SECONDS:
                    await asyncio.sleep(0)
                    begun = perf_counter()
            return b"".join(pieces)
        finally:
            if flights.get(form) is flight:
                del flights[form]

    def _pieces(self, instruments: list[Family], form: Form) -> Iterator[bytes]:
        """
        The page bit by bit; a piece is empty while families are still being read.
        """
        families = []
        leads_nowhere = form.openmetrics and not self._has_traces()
        for family in chain(self._documented(), instruments):
            families.append(family.without_exemplars() if leads_nowhere else family)
            yield b""
        yield from _packed(self._renderer.chunks(families, form.openmetrics), form)

    def _documented(self) -> Iterator[Family]:
        try:
            for snapshot in self._ledger.read():
                yield Family.of(snapshot)
        except Exception as error:  # the rest of the page is better than none
            fault("exposition", error)

    def _read_instruments(self) -> list[Family]:
        try:
            return self._instruments.families() if self._instruments is not None else []
        except Exception as error:  # foreign callbacks may raise anything
            fault("exposition", error)
            return []

    async def _instruments_apart(self) -> list[Family]:
        if self._instruments is None:
            return []
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Family]] = loop.create_future()

        def settle(families: list[Family]) -> None:
            if not answer.done():
                answer.set_result(families)

        def read() -> None:
            families = self._read_instruments()
            try:
                loop.call_soon_threadsafe(settle, families)
            except RuntimeError:  # the loop has been closed, so nobody waits any more
                return

        threading.Thread(target=read, name="otel_kit-instruments", daemon=True).start()
        try:
            return await asyncio.wait_for(answer, INSTRUMENTS_TIMEOUT_SECONDS)
        except asyncio.TimeoutError:
            fault("exposition", "instruments of other libraries took too long to read")
            return []


def _packed(chunks: Iterator[str], form: Form) -> Iterator[bytes]:
    """
    The chunks as bytes, compressed one by one where the form wants it.
    """
    if not form.gzip:
        for chunk in chunks:
            yield chunk.encode()
        return
    # level 1: metrics text repeats itself so much that more effort saves little
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WITH_HEADER)
    for chunk in chunks:
        yield packer.compress(chunk.encode())
    yield packer.flush()
