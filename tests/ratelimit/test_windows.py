"""
Counting in memory: never more than the amount in any window, bounded in clients, sweeping as it goes.
"""

from __future__ import annotations

import gc
import itertools
import random
import time
import tracemalloc

import pytest

from otel_kit.ratelimit.cells import ALL_CELLS, FEW_CELLS, MOST_CELLS
from otel_kit.ratelimit.windows import Windows


class Clock:
    """
    A clock that stands still until it is moved.
    """

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def key_of(number: int) -> str:
    """
    The key of one client, as the limiter makes them.
    """
    return f"otel-kit:1:{{{number * 2654435761 % 2**32:08x}{number:024x}}}:0123456789abcdef"


def friends(count: int) -> list[str]:
    """
    Clients who share a window when they share one.
    """
    sharing: dict[int, list[str]] = {}
    for number in itertools.count():
        found = sharing.setdefault(hash(f"friend {number}") % MOST_CELLS, [])
        found.append(f"friend {number}")
        if len(found) == count:
            return found
    raise AssertionError


def flood(
    windows: Windows, clock: Clock, moments: list[float], amount: int, seconds: int, *, exact: bool
) -> list[float]:
    """
    The moments of one client's requests that passed.
    """
    passed = []
    for moment in moments:
        clock.now = moment
        if windows.take("client", amount, seconds, 1, exact=exact):
            passed.append(moment)
    return passed


def most_in_any(passed: list[float], seconds: float) -> int:
    """
    The largest number of moments within any window of that length.
    """
    most = first = 0
    for last, moment in enumerate(passed):
        while moment - passed[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_no_window_ever_holds_more_than_the_amount(seed: int, exact: bool) -> None:
    """
    Whenever requests come, any window's length of time has at most the amount of them, across edges too.
    """
    chance = random.Random(seed)
    clock = Clock()
    rate = chance.choice([3.0, 30.0, 300.0])
    moments = list(itertools.accumulate((chance.expovariate(rate) for _ in range(3000)), initial=1000.0))

    assert 100 >= most_in_any(flood(Windows(clock=clock), clock, moments, 100, 10, exact=exact), 10.0)


@pytest.mark.parametrize("exact", [True, False])
def test_a_burst_at_the_end_of_a_window_does_not_double(exact: bool) -> None:
    """
    Who sends all at the end of one window and all at the begin of the next passes once.
    """
    clock = Clock()
    moments = [1019.9] * 150 + [1020.0 + step / 100 for step in range(300)]

    assert 100 == len(flood(Windows(clock=clock), clock, moments, 100, 10, exact=exact))


def test_a_moving_window_frees_each_request_by_its_own_time() -> None:
    """
    With exact times a request passes as soon as the oldest one is a window ago, and not before.
    """
    clock = Clock()
    windows = Windows(clock=clock)
    moments = [1000.0, 1001.0, 1002.0, 1009.9, 1010.0, 1010.5, 1011.0]

    assert [1000.0, 1001.0, 1002.0, 1010.0, 1011.0] == flood(windows, clock, moments, 3, 10, exact=True)


@pytest.mark.parametrize(("amount", "pace"), [(10, 6.0), (16, 3.75), (100, 0.66), (1000, 0.066)])
def test_who_comes_evenly_below_the_limit_always_passes(amount: int, pace: float) -> None:
    """
    A counter lets a steady client pass: at the full rate where it is small, at nine tenths of any.
    """
    clock = Clock()
    moments = [1000.0 + step * pace for step in range(4 * amount)]

    assert moments == flood(Windows(clock=clock), clock, moments, amount, 60, exact=False)


def test_a_counter_frees_all_after_a_window() -> None:
    """
    A window after the last of a full amount, the full amount passes again.
    """
    clock = Clock()
    windows = Windows(clock=clock)
    flood(windows, clock, [1000.0 + step / 10 for step in range(50)], 50, 10, exact=False)
    clock.now = 1014.9

    assert 50 == sum(windows.take("client", 50, 10, 1, exact=False) for _ in range(80))


@pytest.mark.parametrize("exact", [True, False])
def test_who_comes_back_after_the_wait_passes(exact: bool) -> None:
    """
    The wait is within the window, a request just before its end is refused and one at its end passes.
    """
    chance = random.Random(7)
    clock = Clock()
    windows = Windows(clock=clock)
    for _ in range(300):
        clock.now += chance.expovariate(2.0)
        cost = chance.randint(1, 5)
        if windows.take("client", 10, 10, cost, exact=exact):
            continue
        wait = windows.wait("client", 10, 10, cost, exact=exact)
        assert 0.0 < wait <= 10.0
        clock.now += wait - 1e-6
        assert not windows.take("client", 10, 10, cost, exact=exact)
        clock.now += 2e-6
        assert windows.take("client", 10, 10, cost, exact=exact)


def test_a_cost_is_taken_whole_or_not_at_all() -> None:
    """
    A request that is too dear leaves what is left to cheaper ones.
    """
    windows = Windows(clock=Clock())
    taken = [windows.take("client", 10, 60, cost, exact=False) for cost in (6, 5, 4, 1, 11)]

    assert [True, False, True, False, False] == taken
    assert 10 == windows.held("client", 60, exact=False)


def test_who_has_nothing_has_no_wait() -> None:
    """
    An unknown client holds nothing and waits for nothing.
    """
    windows = Windows(clock=Clock())

    assert (0, 0.0) == (windows.held("client", 60, exact=False), windows.wait("client", 1, 60, 1, exact=False))


def test_windows_that_are_over_go_as_others_come() -> None:
    """
    Requests of one client remove the windows of those who came no more, a few at a time.
    """
    clock = Clock()
    windows = Windows(clock=clock)
    for number in range(100):
        windows.take(key_of(number), 10, 60, 1, exact=False)
    clock.now += 120.0
    for _ in range(50):
        windows.take("client", 10**6, 60, 1, exact=False)

    assert 1 == windows.clients


def test_who_stays_does_not_keep_those_who_left() -> None:
    """
    A client that comes all the time keeps its window; who comes no more goes within two windows.
    """
    clock = Clock()
    windows = Windows(clock=clock)
    windows.take("stays", 100, 60, 1, exact=False)
    windows.take("leaves", 100, 60, 1, exact=False)
    for _ in range(6):
        clock.now += 25.0
        windows.take("stays", 100, 60, 1, exact=False)

    assert 1 == windows.clients


@pytest.mark.parametrize("pause", [1.0, 59.0, 60.0, 119.0, 120.0, 600.0])
@pytest.mark.parametrize("clients", [("client", "client"), ("before", "client")])
def test_a_pause_does_not_lose_the_request_after_it(clients: tuple[str, str], pause: float) -> None:
    """
    Whenever a client comes, what it takes is remembered for a window.
    """
    clock = Clock()
    windows = Windows(clock=clock)
    windows.take(clients[0], 2, 60, 1, exact=False)
    clock.now += pause
    first = windows.take(clients[1], 2, 60, 2, exact=False) or windows.take(clients[1], 2, 60, 1, exact=False)
    clock.now += 59.9

    assert first
    assert not windows.take(clients[1], 2, 60, 2, exact=False)


def test_places_are_taken_from_windows_of_any_length() -> None:
    """
    When all places are taken, what is over under another rule gives its place to a new client.
    """
    clock = Clock()
    windows = Windows(max_clients=2, clock=clock)
    for client in ("1111", "2222"):
        windows.take(f"otel-kit:1:{{{client}}}:short", 1, 10, 1, exact=False)
    clock.now += 21.0
    keys = ["otel-kit:1:{aaaa1}:long", "otel-kit:1:{aaaa2}:long"]

    assert [True, True] == [windows.take(key, 1, 60, 1, exact=False) for key in keys]


def test_nobody_is_forgotten_when_all_places_are_taken() -> None:
    """
    A client whose limit is used up stays refused, however many others come.
    """
    windows = Windows(max_clients=100, clock=Clock())
    assert windows.take(key_of(0), 1, 60, 1, exact=False)
    for number in range(1, 5000):
        windows.take(key_of(number), 1, 60, 1, exact=False)

    assert not windows.take(key_of(0), 1, 60, 1, exact=False)
    assert (100, MOST_CELLS) == (windows.clients, windows.shared)


def test_new_clients_share_windows_when_all_places_are_taken() -> None:
    """
    Beyond the cap a new client is counted with those whose hashes end alike, and apart from all others and other rates.
    """
    windows = Windows(max_clients=1, clock=Clock())
    windows.take("first:rate", 1, 60, 1, exact=False)
    first, second = friends(2)
    stranger = next(name for name in map(str, range(9)) if hash(name) % MOST_CELLS != hash(first) % MOST_CELLS)
    keys = [f"{first}:rate", f"{second}:rate", f"{stranger}:rate", f"{first}:other"]

    assert [True, False, True, True] == [windows.take(key, 1, 60, 1, exact=False) for key in keys]
    assert 0.0 < windows.wait(f"{second}:rate", 1, 60, 1, exact=False)


@pytest.mark.parametrize("rates", [1, 2, 4])
def test_newcomers_are_hardly_ever_refused_for_strangers(rates: int) -> None:
    """
    All places are taken twenty times over, and of those who come first under a small limit next to nobody is refused.
    """
    windows = Windows(max_clients=10_000, clock=Clock())
    keys = [f"{number}:rate {rate}" for number in range(200_000 // rates) for rate in range(rates)]

    assert 10 > sum(not windows.take(key, 10, 60, 1, exact=False) for key in keys)
    assert 10_000 == windows.clients


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_who_shares_gets_no_more_than_the_amount(seed: int, exact: bool) -> None:
    """
    A client without a window of his own is held to the amount within any window, across edges too.
    """
    chance = random.Random(seed)
    clock = Clock()
    windows = Windows(max_clients=0, clock=clock)
    moments = list(itertools.accumulate((chance.expovariate(30.0) for _ in range(3000)), initial=1000.0))
    passed = flood(windows, clock, moments, 100, 10, exact=exact)

    assert 100 == most_in_any(passed, 10.0)
    assert 0.85 * 100 / 10 < len(passed) / (moments[-1] - moments[0])


def test_a_counter_that_is_shared_frees_all_in_the_end() -> None:
    """
    A tenth of the window after its end nothing of what was taken counts any more, and the cells are given up.
    """
    clock = Clock()
    windows = Windows(max_clients=0, clock=clock)
    assert windows.take("client:rate", 50, 10, 50, exact=False)
    assert 10.0 == windows.wait("client:rate", 50, 10, 1, exact=False)
    clock.now += 11.0
    held = windows.held("client:rate", 10, exact=False)
    windows.take("other:rate2", 1, 10, 1, exact=False)
    clock.now += 20.0
    for _ in range(3):
        clock.now += 2.0
        windows.take("other:rate2", 10, 10, 1, exact=False)

    assert (0, MOST_CELLS) == (held, windows.shared)


def test_rates_divide_the_cells() -> None:
    """
    Three rates get all that one may have, each further one half of what is left, and none too few.
    """
    windows = Windows(max_clients=0, clock=Clock())
    sizes = []
    for rate in range(16):
        before = windows.shared
        windows.take(f"client:{rate}", 1, 60, 1, exact=False)
        sizes.append(windows.shared - before)

    assert [MOST_CELLS] * 3 + [MOST_CELLS >> number for number in range(1, 9)] == sizes[:11]
    assert [FEW_CELLS] * 5 == sizes[11:]
    assert ALL_CELLS + 5 * FEW_CELLS > windows.shared


@pytest.mark.parametrize("exact", [True, False])
def test_a_cell_costs_44_bytes(exact: bool) -> None:
    """
    However often clients come who share, and however many they are, they need no more memory than stated.
    """
    clock = Clock()
    windows = Windows(max_clients=0, clock=clock)
    gc.collect()
    tracemalloc.start()
    for number in range(40_000):
        clock.now += 0.004
        windows.take(f"{number}:rate", 1000, 60, 1, exact=exact)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 44.1 > used / windows.shared


def test_a_shared_window_does_not_free_who_finds_a_place_later() -> None:
    """
    A client refused in a shared window stays refused when places become free, as long as the window runs.
    """
    clock = Clock()
    windows = Windows(max_clients=1, clock=clock)
    windows.take("otel-kit:1:{0000}:rate", 1, 60, 1, exact=False)
    clock.now += 30.0
    windows.take("otel-kit:1:{aaaa1}:rate", 1, 60, 1, exact=False)
    clock.now += 31.0
    windows.take("otel-kit:1:{cccc1}:rate", 1, 60, 1, exact=False)

    assert not windows.take("otel-kit:1:{aaaa1}:rate", 1, 60, 1, exact=False)


@pytest.mark.parametrize("exact", [True, False])
def test_sharing_ends_when_there_are_places_again(exact: bool) -> None:
    """
    Clients who shared a window, and go on coming, have their own after the flood; nobody is refused for another.
    """
    clock = Clock()
    windows = Windows(max_clients=10, clock=clock)
    for number in range(10):
        windows.take(key_of(number), 4, 60, 1, exact=exact)
    keys = [f"{friend}:0123456789abcdef" for friend in friends(4)]
    first = [windows.take(key, 4, 60, 1, exact=exact) for key in keys]
    later = []
    for _ in range(16):
        clock.now += 20.0
        later.append([windows.take(key, 4, 60, 1, exact=exact) for key in keys])

    assert [[True] * 4] * 9 == [first, *later[8:]]


@pytest.mark.parametrize("exact", [True, False])
def test_who_parts_from_a_shared_window_takes_along_what_it_holds(exact: bool) -> None:
    """
    A place of one's own is no new amount: what was taken in the shared window still counts, as do its times.
    """
    clock = Clock()
    windows = Windows(max_clients=1, clock=clock)
    windows.take("otel-kit:1:{0000}:rate", 3, 60, 1, exact=exact)
    clock.now += 90.0
    mine = "otel-kit:1:{aaaa1}:rate"
    taken = [windows.take(mine, 3, 60, 1, exact=exact) for _ in range(2)]
    clock.now += 31.0
    windows.take("otel-kit:1:{bbbb1}:rate", 3, 60, 1, exact=exact)
    taken += [windows.take(mine, 3, 60, 1, exact=exact) for _ in range(3)]
    clock.now += 181.0
    for number in range(20):
        clock.now += 61.0
        windows.take(key_of(number), 3, 60, 1, exact=exact)

    assert [True, True, True, False, False] == taken
    assert 3 >= windows.clients >= windows.times - 1


def test_places_become_free_again() -> None:
    """
    When windows are over, new clients have their own again.
    """
    clock = Clock()
    windows = Windows(max_clients=100, clock=clock)
    for number in range(100):
        windows.take(key_of(number), 1, 60, 1, exact=False)
    clock.now += 121.0

    assert 100 == sum(windows.take(key_of(number), 1, 60, 1, exact=False) for number in range(1000, 1100))
    assert 100 >= windows.clients


@pytest.mark.parametrize("exact", [True, False])
def test_times_kept_are_counted_right(exact: bool) -> None:
    """
    After everybody's windows are over, no time of theirs is counted any more.
    """
    clock = Clock()
    windows = Windows(clock=clock)
    for number in range(50):
        for _ in range(number):
            clock.now += 0.01
            windows.take(key_of(number), 1000, 20, 1, exact=exact)
    clock.now += 41.0
    for _ in range(100):
        windows.take("client", 1000, 20, 1, exact=exact)
        clock.now += 0.0001

    assert (1, 100 if exact else 0) == (windows.clients, windows.times)


def test_moving_windows_group_when_times_are_used_up() -> None:
    """
    Beyond the cap on times a moving window goes on as a counter, and still lets no more pass.
    """
    clock = Clock()
    windows = Windows(max_times=10, clock=clock)
    moments = [1000.0 + step / 100 for step in range(2000)]

    assert 100 == most_in_any(flood(windows, clock, moments, 100, 10, exact=True), 10.0)
    assert 30 > windows.times


def test_forgetting_frees_a_client() -> None:
    """
    A cleared client begins anew; a reset forgets all.
    """
    windows = Windows(clock=Clock())
    windows.take("a", 1, 60, 1, exact=False)
    windows.take("b", 1, 60, 1, exact=True)
    windows.clear("a")

    assert windows.take("a", 1, 60, 1, exact=False)
    assert 2 == windows.reset()
    assert windows.take("b", 1, 60, 1, exact=True)


@pytest.mark.parametrize("amount", [16, 10**9])
def test_a_client_costs_at_most_640_bytes(amount: int) -> None:
    """
    A client that comes all the time needs no more memory than stated.
    """
    clients = 1000
    clock = Clock()
    windows = Windows(clock=clock)
    gc.collect()
    tracemalloc.start()
    for _ in range(40):
        clock.now += 4.0
        for number in range(clients):
            windows.take(key_of(number), amount, 60, 1, exact=False)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 640 > used / clients


@pytest.mark.parametrize("exact", [True, False])
def test_the_collector_of_garbage_does_not_see_clients(exact: bool) -> None:
    """
    However many clients there are, a collection has no more objects to look at.
    """
    windows = Windows()
    windows.take("client", 10, 60, 1, exact=exact)
    gc.collect()
    before = len(gc.get_objects())
    for number in range(5_000):
        windows.take(key_of(number), 10, 60, 1, exact=exact)

    assert 500 > len(gc.get_objects()) - before


def test_the_machine_s_clock_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A jump of the machine's clock frees nobody and locks nobody.
    """
    windows = Windows()
    assert windows.take("client", 1, 60, 1, exact=False)
    for moment in (0.0, 4e9):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        assert not windows.take("client", 1, 60, 1, exact=False)
        assert 60.0 >= windows.wait("client", 1, 60, 1, exact=False) > 50.0
