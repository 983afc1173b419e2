"""
In place of prometheus-fastapi-instrumentator: the same requests, the same names, types, labels, buckets and numbers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.differential.differences import DIFFERENCES, DIFFERENCES_AT_ROOT, REASONS, Difference
from tests.differential.pair import Ask, Page, Pair, open_pair, send

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "move-from-prometheus-fastapi-instrumentator.md"
JSON = {"Content-Type": "application/json"}
SLOW_SECONDS = 0.6
"""At least so long `/slow` takes to answer, and the task that `/background` leaves behind to end."""

SAME = {
    "plain": [Ask("/items/1")],
    "quoted path and query": [Ask("/items/%31?page=2")],
    "wrong parameter": [Ask("/items/first")],
    "body": [Ask("/items", "POST", JSON, b'{"name": "tea"}')],
    "wrong body": [Ask("/items", "POST", JSON, b'{"name": 7, "more": true}')],
    "no body": [Ask("/items", "POST")],
    "unknown path": [Ask("/nowhere/at/all")],
    "unknown path, other methods": [Ask("/nowhere", "HEAD"), Ask("/nowhere", "OPTIONS"), Ask("/nowhere", "DELETE")],
    "other case, doubled slash": [Ask("/ITEMS/1"), Ask("/items//1")],
    "wrong method": [Ask("/items/1", "POST"), Ask("/items/1", "DELETE")],
    "HEAD and OPTIONS of a route that has neither": [Ask("/items/1", "HEAD"), Ask("/items/1", "OPTIONS")],
    "each known method": [
        Ask("/any/x", method) for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE")
    ],
    "HEAD that Starlette adds": [Ask("/plain/joe", "HEAD"), Ask("/plain/joe")],
    "answer of no bytes": [Ask("/sized/0")],
    "large answer": [Ask("/sized/70000")],
    "no content": [Ask("/empty")],
    "not modified": [Ask("/unchanged")],
    "redirect of the application's own": [Ask("/moved")],
    "path with its slash": [Ask("/folder/"), Ask("/people/joe/")],
    "upload with a length": [Ask("/upload", "POST", body=b"x" * 70_000)],
    "upload of no bytes": [Ask("/upload", "POST", {"Content-Length": "0"})],
    "upload in chunks": [Ask("/upload", "POST", body=[b"x" * 500, b"y" * 300])],
    "body of a GET": [Ask("/items/1", body=b"abc")],
    "HTTPException": [Ask("/teapot"), Ask("/unavailable")],
    "exception with a handler": [Ask("/handled")],
    "background task": [Ask("/background")],
    "background task that fails": [Ask("/background-fails")],
    "stream without a length": [Ask("/stream")],
    "stream with a length": [Ask("/sized-stream")],
    "stream that breaks off": [Ask("/broken-stream")],
    "stream whose client leaves": [Ask("/endless", leaves=True)],
    "client that leaves a slow answer": [Ask(broken_off=b"GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n")],
    "client that breaks off its body": [
        Ask(broken_off=b"POST /items HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\n{")
    ],
    "path of a websocket by HTTP": [Ask("/ws/red")],
    "nested routers": [Ask("/api/outer/inner/g/x/1"), Ask("/api/outer/inner/g/x/1", "POST")],
    "converters": [Ask("/second/files/a/b/c/4"), Ask("/api/outer/inner/g/files/a/4")],
    "nested routers, wrong method": [Ask("/api/outer/inner/g/x/1", "DELETE")],
    "nested routers, unknown path": [Ask("/api/outer/inner/g"), Ask("/api/outer")],
    "router that is included twice": [Ask("/second/x/1"), Ask("/second/x/1", "POST"), Ask("/second/nowhere")],
    "Starlette's route in a router": [Ask("/api/outer/inner/g/starlette/joe"), Ask("/second/starlette/joe")],
    "mounted application": [Ask("/sub/things/1"), Ask("/sub/openapi.json")],
    "mounted application, unknown path": [Ask("/sub/nowhere"), Ask("/sub"), Ask("/sub/")],
    "mounted application, wrong method": [Ask("/sub/things/1", "POST")],
    "mounted application, exception": [Ask("/sub/boom")],
    "mount in a mount": [Ask("/sub/deep/things/1"), Ask("/sub/deep/nowhere")],
    "mount with a parameter": [Ask("/tenants/acme/things/1"), Ask("/tenants/acme/nowhere")],
    "files": [Ask("/static/robots.txt"), Ask("/static/robots.txt", "HEAD")],
    "files that are not there": [Ask("/static/none.txt"), Ask("/static/"), Ask("/static/robots.txt", "POST")],
    "mounted ASGI function": [Ask("/asgi/anything"), Ask("/asgi/", "POST")],
    "mounted Starlette": [Ask("/starlette/deep/1"), Ask("/starlette/more/"), Ask("/starlette/nowhere")],
    "unknown path of a host": [Ask("/nowhere", headers={"Host": "admin.example"})],
    "middleware's answer on an unknown path": [Ask("/nowhere", headers={"X-Shut": "1"})],
    "pages of the application's own documentation": [Ask("/docs"), Ask("/redoc")],
    "the same several times": [Ask("/items/1"), Ask("/items/2"), Ask("/items/first")] * 5,
}
SAME_AT_ROOT = {
    "plain": [Ask("/items/1")],
    "plain, with the prefix": [Ask("/prefix/items/1")],
    "mount, with the prefix": [Ask("/prefix/sub/things/1")],
    "mount, without": [Ask("/sub/things/1"), Ask("/sub/nowhere")],
    "an answer without a body": [Ask("/prefix/unchanged"), Ask("/prefix/empty")],
}
SAME_BELOW_PREFIX = {
    "plain": [Ask("/items/1")],
    "nested routers": [Ask("/api/outer/inner/g/x/1"), Ask("/second/x/1")],
    "mounts": [Ask("/sub/things/1"), Ask("/tenants/acme/things/1"), Ask("/static/robots.txt")],
    "unknown path": [Ask("/nowhere"), Ask("/sub/nowhere")],
    "wrong method": [Ask("/items/1", "POST")],
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """
    The two, as they are served most often.
    """
    with open_pair(("kit", "instrumentator"), tmp_path_factory.mktemp("pair")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pair_at_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """
    An application that names its root path, with files below `/`.
    """
    with open_pair(("kit_at_root", "instrumentator_at_root"), tmp_path_factory.mktemp("pair")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pair_below_prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """
    A server that names the root path.
    """
    arguments = ("--root-path", "/prefix")
    with open_pair(("kit", "instrumentator"), tmp_path_factory.mktemp("pair"), *arguments) as opened:
        yield opened


@pytest.mark.parametrize("asks", SAME.values(), ids=SAME)
def test_the_same_is_counted(pair: Pair, asks: list[Ask]) -> None:
    """
    Requests by method, status and handler, bytes by handler, observations of time.
    """
    ours, theirs = pair.grown(asks)

    assert theirs == ours


@pytest.mark.parametrize("asks", SAME_AT_ROOT.values(), ids=SAME_AT_ROOT)
def test_the_same_is_counted_where_the_application_has_a_root_path(pair_at_root: Pair, asks: list[Ask]) -> None:
    """
    With and without the prefix in front of the path.
    """
    ours, theirs = pair_at_root.grown(asks)

    assert theirs == ours


@pytest.mark.parametrize("asks", SAME_BELOW_PREFIX.values(), ids=SAME_BELOW_PREFIX)
def test_the_same_is_counted_where_the_server_has_a_root_path(pair_below_prefix: Pair, asks: list[Ask]) -> None:
    """
    A handler is named without it.
    """
    ours, theirs = pair_below_prefix.grown(asks)

    assert theirs == ours


def _name(difference: Difference) -> str:
    return f"{difference.reason.what}: {difference.ask.path}"


@pytest.mark.parametrize("difference", DIFFERENCES, ids=_name)
def test_what_differs_differs_as_it_is_written(pair: Pair, difference: Difference) -> None:
    """
    Nothing more on either side.
    """
    grown = pair.grown([difference.ask], *(1 if side else 0 for side in (difference.ours, difference.theirs)))

    assert (difference.ours, difference.theirs) == grown


@pytest.mark.parametrize("difference", DIFFERENCES_AT_ROOT, ids=_name)
def test_what_differs_below_a_mount_at_the_root(pair_at_root: Pair, difference: Difference) -> None:
    """
    Nothing more on either side.
    """
    assert (difference.ours, difference.theirs) == pair_at_root.grown([difference.ask])


def test_many_requests_at_once_are_counted_exactly(pair: Pair) -> None:
    """
    Two hundred of them, eight at a time.
    """
    asks = [Ask("/items/1"), Ask("/sub/things/1"), Ask("/upload", "POST", body=b"x" * 100), Ask("/nowhere")] * 50
    before = pair.pages()
    with ThreadPoolExecutor(8) as pool:
        for server in pair.servers:
            list(pool.map(lambda ask, server=server: send(server, ask), asks))
    ours, theirs = pair.grown_since(before, len(asks), len(asks))

    assert theirs == ours
    assert 50 * 100 == ours["http_request_size_bytes_sum", frozenset({("handler", "/upload")})]


# -- the page -----------------------------------------------------------------------------------


def test_all_families_are_there_from_the_start(pair: Pair) -> None:
    """
    By name and type: those of requests, and what prometheus_client's default registry brings along.
    """
    ours, theirs = pair.pages()
    wanted = {name: kind for name, kind in theirs.kinds.items() if not name.endswith("_created")}

    assert {"python_info", "process_open_fds", "http_request_size_bytes"} <= wanted.keys()
    assert wanted == {name: ours.kinds.get(name) for name in wanted}


def test_the_samples_of_a_handler_are_the_same_to_the_letter(pair: Pair) -> None:
    """
    Names, labels and the bounds of buckets as they are written.
    """
    pair.grown([Ask("/fresh/1")])
    ours, theirs = (page.of("http_", ("handler", "/fresh/{n}")) for page in pair.pages())

    assert 5 + 6 == len(theirs)
    assert theirs == ours


def test_the_samples_without_a_handler_are_the_same_to_the_letter(pair: Pair) -> None:
    """
    All bounds of the histogram with many buckets.
    """
    ours, theirs = (page.of("http_request_duration_highr_seconds") for page in pair.pages())

    assert 22 + 2 == len(theirs)
    assert theirs == ours


@pytest.mark.parametrize("prefix", ["python_", "process_"])
def test_the_samples_of_the_default_registry_are_here(pair: Pair, prefix: str) -> None:
    """
    By name and labels; the kit may know more.
    """
    ours, theirs = (page.of(prefix) for page in pair.pages())

    assert len(theirs) >= 6
    assert set() == theirs - ours


def test_a_websocket_leaves_no_trace(pair: Pair) -> None:
    """
    It is no request with an answer: neither counts it, and there are no samples at zero.
    """
    ours, theirs = pair.grown([Ask("/ws/blue", "WEBSOCKET"), Ask("/items/1")], 1, 1)

    assert theirs == ours
    assert [set(), set()] == [page.of("http_", ("handler", "/ws/{room}")) for page in pair.pages()]


def test_a_size_is_that_of_the_answer_as_it_was_sent(pair: Pair) -> None:
    """
    A middleware that compresses stands outside of the instrumentator's when it was added after it.
    """
    asked = Ask("/sized/70000", headers={"Accept-Encoding": "gzip"})
    ours, theirs = pair.grown([asked])
    sizes = "http_response_size_bytes_sum", frozenset({("handler", "/sized/{size}")})
    with pair.servers[0].connection() as connection:
        connection.request("GET", asked.path, headers=dict(asked.headers))
        answer = connection.getresponse()

    assert (70000, int(answer.headers["Content-Length"])) == (theirs[sizes], ours[sizes])


# -- times --------------------------------------------------------------------------------------


def _buckets(page: Page, name: str, *label: tuple[str, str]) -> dict[float, float]:
    found = {
        float(dict(labels)["le"]): value
        for (sample, labels), value in page.samples.items()
        if sample == f"{name}_bucket" and labels.issuperset(label)
    }
    return dict(sorted(found.items()))


def test_a_slow_answer_is_in_no_bucket_below_its_time(pair: Pair) -> None:
    """
    In either: the buckets rise, and the last one holds all.
    """
    label = ("handler", "/slow")
    pair.grown([Ask("/slow"), Ask("/slow")])
    for page in pair.pages():
        buckets = _buckets(page, "http_request_duration_seconds", label)
        count = page.sum("http_request_duration_seconds_count", label)

        assert [0, 0, count] == [buckets[0.1], buckets[0.5], buckets[float("inf")]]
        assert 0 <= buckets[1.0] <= count
        assert SLOW_SECONDS * count <= page.sum("http_request_duration_seconds_sum", label)


def test_one_observation_is_in_the_same_kind_of_bucket_on_both_histograms(pair: Pair) -> None:
    """
    The one with many buckets has it from the first bound above its time.
    """
    before, _ = pair.pages()
    pair.grown([Ask("/slow")])
    after, _ = pair.pages()
    name = "http_request_duration_highr_seconds"
    earlier = _buckets(before, name)
    grown = {bound: value - earlier[bound] for bound, value in _buckets(after, name).items()}

    assert {0} == {value for bound, value in grown.items() if bound < SLOW_SECONDS}
    assert 1 == grown[60.0] == grown[float("inf")]


# -- what differs in the page --------------------------------------------------------------------


def test_background_tasks_take_no_time_of_the_request(pair: Pair) -> None:
    """
    A request is over with the last byte of its answer; there with the end of its tasks.
    """
    label = ("handler", "/background")
    before = pair.pages()
    begun = time.monotonic()
    send(pair.servers[0], Ask("/background"))
    waited = time.monotonic() - begun
    send(pair.servers[1], Ask("/background"))
    pair.grown_since(before, 1, 1)
    ours, theirs = (
        after.sum("http_request_duration_seconds_sum", label) - earlier.sum("http_request_duration_seconds_sum", label)
        for earlier, after in zip(before, pair.pages(), strict=True)
    )

    assert ours <= waited
    assert SLOW_SECONDS <= theirs


def test_only_theirs_has_times_of_creation(pair: Pair) -> None:
    """
    A sample more for each series, and a family more for each family.
    """
    ours, theirs = ([name for name in page.kinds if name.endswith("_created")] for page in pair.pages())

    assert "http_requests_created" in theirs
    assert [] == ours


def test_only_theirs_counts_scrapes_and_shows_the_page_in_the_schema(pair: Pair) -> None:
    """
    Who looks changes what is there.
    """
    label = ("handler", "/metrics")
    ours, theirs = (page.of("http_", label) for page in pair.pages())
    schemas = [json.loads(server.get("/openapi.json").body)["paths"] for server in pair.servers]

    assert (set(), True) == (ours, bool(theirs))
    assert [False, True] == ["/metrics" in paths for paths in schemas]


def test_the_page_for_those_who_move_names_the_same_differences() -> None:
    """
    Each row of its table is one of these, for the same kind of reason.
    """
    section = PAGE.read_text(encoding="utf-8").partition("## What is counted differently")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in section.splitlines() if row.startswith("|")][2:]

    assert {reason.what: reason.kind for reason in REASONS} == {row[0]: row[-1].partition(":")[0] for row in rows}


def test_every_reason_has_its_requests() -> None:
    """
    But for the three that are no request's: they have the tests above.
    """
    shown = {difference.reason for difference in (*DIFFERENCES, *DIFFERENCES_AT_ROOT)}

    assert {"`/metrics` itself", "samples that end in `_created`", "the time of background tasks"} == {
        reason.what for reason in REASONS if reason not in shown
    }
