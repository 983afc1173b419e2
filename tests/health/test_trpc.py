"""
tRPC over HTTP for health: what each request is answered. That a real server answers the same is seen in `e2e/`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Scope

from otel_kit.faults import counts
from otel_kit.health.trpc import MAX_BATCH, Answer, Trpc
from otel_kit.health.trpc_wire import CODES
from tests.asgi_client import answer_of, call, http_scope
from tests.health.asking import Asked

WELL = {"status": "healthy"}
SICK = {"status": "unhealthy", "checks": {"database": {"status": "unhealthy"}}}
JSONL = {"trpc-accept": "application/jsonl"}

PROMISED = '{"0":[[0],[null,0,0]],"1":[[0],[null,0,1]],"2":[[0],[null,0,2]]}'


def saying(status: int, document: Any, asked: list[str] | None = None) -> Answer:
    """
    A procedure that always says the same, and notes that it was asked.
    """

    async def answer(scope: Scope) -> tuple[int, Any]:
        if asked is not None:
            asked.append(scope["path"])
        return status, document

    return answer


def trpc_of(**procedures: Answer) -> Trpc:
    """
    These under `health.`, beside one that is well and one that is not.
    """
    known = {"well": saying(200, WELL), "sick": saying(503, SICK), **procedures}
    return Trpc("/trpc", {f"health.{name}": answer for name, answer in known.items()})


async def ask(trpc: Trpc, path: str, query: str = "", **scope: Any) -> Asked:
    """
    One request, as the inner ring makes it.
    """
    found = trpc.find(path)
    assert found is not None, path
    return Asked(await call(found[1], path=path, query=query.encode(), **scope))


def error_of(status: int, name: str, code: int, message: str, **data: Any) -> dict[str, Any]:
    """
    The envelope of an error, as @trpc/server makes it.
    """
    return {"error": {"message": message, "code": code, "data": {"code": name, "httpStatus": status, **data}}}


NOWHERE = error_of(404, "NOT_FOUND", -32004, 'No procedure found on path "nowhere"', path="nowhere")
UNAVAILABLE = error_of(503, "SERVICE_UNAVAILABLE", -32603, "SERVICE_UNAVAILABLE", path="health.sick", health=SICK)


async def test_a_good_answer() -> None:
    """
    The document, as the data of a result.
    """
    asked = await ask(trpc_of(), "/trpc/health.well")

    assert (200, {"result": {"data": WELL}}) == (asked.status, asked.document)
    assert "application/json" == asked.answer.header("content-type")
    assert "trpc-accept, accept" == asked.answer.header("vary")
    assert "no-store" == asked.answer.header("cache-control")
    assert str(len(asked.answer.body)) == asked.answer.header("content-length")


async def test_a_bad_answer() -> None:
    """
    An error with the status, so that `curl -f` fails; what was found out is beside it.
    """
    asked = await ask(trpc_of(), "/trpc/health.sick")

    assert (503, UNAVAILABLE) == (asked.status, asked.document)


@pytest.mark.parametrize(("status", "name", "code"), [(status, *names) for status, names in CODES.items()])
async def test_each_error_by_its_name(status: int, name: str, code: int) -> None:
    """
    tRPC's name of a status and its JSON-RPC code stand in the envelope; a text is the message.
    """
    asked = await ask(trpc_of(one=saying(status, "Not for you.")), "/trpc/health.one")

    assert (status, error_of(status, name, code, "Not for you.", path="health.one")) == (asked.status, asked.document)


async def test_a_status_that_trpc_does_not_know() -> None:
    """
    It is an internal error, as in a tRPC server.
    """
    asked = await ask(trpc_of(one=saying(418, None)), "/trpc/health.one")

    assert 500 == asked.status
    assert error_of(500, "INTERNAL_SERVER_ERROR", -32603, "INTERNAL_SERVER_ERROR", path="health.one") == asked.document


@pytest.mark.parametrize("document", [{1: 2}, "\ud800"], ids=["keys", "surrogate"])
async def test_what_is_no_json(document: Any) -> None:
    """
    An internal error, counted as a fault.
    """
    before = counts().get("health", 0)
    asked = await ask(trpc_of(one=saying(200, document)), "/trpc/health.one")

    assert (500, before + 1) == (asked.status, counts()["health"])


async def test_a_procedure_that_raises() -> None:
    """
    An internal error that tells nothing of the exception; the others of its batch are answered.
    """

    async def raising(scope: Scope) -> tuple[int, Any]:
        raise ConnectionError("postgresql://app:hunter2@db")

    before = counts().get("health", 0)
    asked = await ask(trpc_of(one=raising), "/trpc/health.one,health.well", "batch=1")

    assert (207, before + 1) == (asked.status, counts()["health"])
    assert [500, None] == [one.get("error", {}).get("data", {}).get("httpStatus") for one in asked.document]
    assert b"hunter2" not in asked.answer.body


async def test_an_unknown_procedure() -> None:
    """
    404 in tRPC's form.
    """
    asked = await ask(trpc_of(), "/trpc/nowhere")

    assert (404, NOWHERE) == (asked.status, asked.document)


@pytest.mark.parametrize(
    "name",
    ["x" * 65, "<script>", 'a"b', "a\nb", "ä", "a b", "\udcff", "a/b", "\x00", "%zz"],
    ids=["long", "markup", "quote", "line", "umlaut", "space", "byte", "slash", "nul", "percent"],
)
async def test_a_strange_name_is_not_repeated(name: str) -> None:
    """
    The error says that there is no such procedure, and no more.
    """
    asked = await ask(trpc_of(), f"/trpc/{name}")

    assert (404, error_of(404, "NOT_FOUND", -32004, 'No procedure found on path ""')) == (asked.status, asked.document)


@pytest.mark.parametrize(
    ("names", "status", "expected"),
    [
        ("health.well", 200, [{"result": {"data": WELL}}]),
        ("health.sick", 503, [UNAVAILABLE]),
        ("health.well,health.well", 200, [{"result": {"data": WELL}}] * 2),
        ("health.sick,health.sick", 503, [UNAVAILABLE] * 2),
        ("health.well,health.sick", 207, [{"result": {"data": WELL}}, UNAVAILABLE]),
        ("nowhere,nowhere", 404, [NOWHERE] * 2),
        ("nowhere,health.sick", 207, [NOWHERE, UNAVAILABLE]),
    ],
)
async def test_a_batch(names: str, status: int, expected: list[Any]) -> None:
    """
    An array in the order of the names, under the status that all have, or 207.
    """
    asked = await ask(trpc_of(), f"/trpc/{names}", "batch=1&input=%7B%7D")

    assert (status, expected) == (asked.status, asked.document)


@pytest.mark.parametrize("query", ["batch=1", "input=%7B%7D&batch=1", "batch=1&batch=0"])
async def test_batch_is_1(query: str) -> None:
    """
    The first `batch` of the query counts, wherever it stands.
    """
    assert isinstance((await ask(trpc_of(), "/trpc/health.well", query)).document, list)


@pytest.mark.parametrize(
    "query", ["", "a&" * 1_000_000 + "batch=1", "batch", "batch=", "batch=0", "batch=11", "xbatch=1", "batch=0&batch=1"]
)
async def test_anything_else_is_no_batch(query: str) -> None:
    """
    Names with a comma between them are then one name, which nobody has.
    """
    trpc = trpc_of()

    assert isinstance((await ask(trpc, "/trpc/health.well", query)).document, dict)
    assert 404 == (await ask(trpc, "/trpc/health.well,health.well", query)).status


@pytest.mark.parametrize("query", ["input=%7Bno", "input=1", "batch=1&input=", "input=" + "x" * 60_000, "%ff=%00"])
async def test_input_is_not_read(query: str) -> None:
    """
    The procedures take none, so a broken one is no reason to refuse.
    """
    assert 200 == (await ask(trpc_of(), "/trpc/health.well", query)).status


@pytest.mark.parametrize("headers", [{}, JSONL], ids=["json", "stream"])
async def test_a_batch_asks_each_procedure_once(headers: dict[str, str]) -> None:
    """
    However often it is named.
    """
    runs: list[str] = []
    trpc = trpc_of(one=saying(200, WELL, runs), two=saying(200, WELL, runs))
    names = ",".join(["health.one", "health.two"] * (MAX_BATCH // 2))
    await call(trpc.find(f"/trpc/{names}")[1], path="/trpc/of-both", query=b"batch=1", headers=headers)

    assert ["/trpc/of-both"] * 2 == runs


async def test_the_procedures_of_a_batch_run_side_by_side() -> None:
    """
    A batch takes as long as its slowest call.
    """
    first, second = asyncio.Event(), asyncio.Event()

    async def one(scope: Scope) -> tuple[int, Any]:
        first.set()
        await asyncio.wait_for(second.wait(), 10)
        return 200, WELL

    async def two(scope: Scope) -> tuple[int, Any]:
        second.set()
        await asyncio.wait_for(first.wait(), 10)
        return 200, WELL

    assert 200 == (await ask(trpc_of(one=one, two=two), "/trpc/health.one,health.two", "batch=1")).status


@pytest.mark.parametrize("headers", [{}, JSONL], ids=["json", "stream"])
@pytest.mark.parametrize("calls", [MAX_BATCH + 1, 10_000])
async def test_a_batch_that_is_too_big(calls: int, headers: dict[str, str]) -> None:
    """
    It is refused as a whole, and nothing is asked.
    """
    runs: list[str] = []
    names = ",".join(["health.one"] * calls)
    asked = await ask(trpc_of(one=saying(200, WELL, runs)), f"/trpc/{names}", "batch=1", headers=headers)

    assert (400, []) == (asked.status, runs)
    assert error_of(400, "BAD_REQUEST", -32600, "Batch call exceeds maximum size") == asked.document


async def test_the_biggest_batch() -> None:
    """
    So many calls are answered.
    """
    asked = await ask(trpc_of(), "/trpc/" + ",".join(["health.well"] * MAX_BATCH), "batch=1")

    assert (200, MAX_BATCH) == (asked.status, len(asked.document))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused(method: str) -> None:
    """
    405 in tRPC's form says which are allowed, and asks nothing.
    """
    runs: list[str] = []
    asked = await ask(trpc_of(one=saying(200, WELL, runs)), "/trpc/health.one", method=method)
    message = f'Unsupported {method}-request to query procedure at path "health.one"'

    assert (405, "GET, HEAD", []) == (asked.status, asked.answer.header("allow"), runs)
    assert error_of(405, "METHOD_NOT_SUPPORTED", -32005, message, path="health.one") == asked.document


async def test_a_strange_method_is_not_repeated() -> None:
    """
    It is the client's text like any other.
    """
    asked = await ask(trpc_of(), "/trpc/health.well", method="X" * 1000)

    assert (405, False) == (asked.status, b"XX" in asked.answer.body)


async def test_a_post_of_a_batch() -> None:
    """
    Each call is refused by itself: the known for the method, others for their name.
    """
    asked = await ask(trpc_of(), "/trpc/health.well,nowhere", "batch=1", method="POST")

    assert (207, NOWHERE) == (asked.status, asked.document[1])
    assert ("METHOD_NOT_SUPPORTED", "GET, HEAD") == (
        asked.document[0]["error"]["data"]["code"],
        asked.answer.header("allow"),
    )


@pytest.mark.parametrize(
    ("names", "query", "headers"),
    [
        ("health.well", "", {}),
        ("health.sick", "", {}),
        ("nowhere", "", {}),
        ("health.well,health.sick", "batch=1", {}),
        ("health.well", "", JSONL),
    ],
)
async def test_head_has_the_status_of_get(names: str, query: str, headers: dict[str, str]) -> None:
    """
    And its length, without a body.
    """
    trpc = trpc_of()
    get = await ask(trpc, f"/trpc/{names}", query, headers=headers)
    head = await ask(trpc, f"/trpc/{names}", query, headers=headers, method="HEAD")

    assert (get.status, get.answer.headers, b"") == (head.status, head.answer.headers, head.answer.body)


async def test_head_of_a_stream() -> None:
    """
    A probe that asks for the head alone learns the status of the batch.
    """
    asked = await ask(trpc_of(), "/trpc/health.sick,health.sick", "batch=1", headers=JSONL, method="HEAD")

    assert (503, b"") == (asked.status, asked.answer.body)


@pytest.mark.parametrize(
    "headers",
    [JSONL, {"accept": "application/jsonl"}, {"accept": "text/html, application/jsonl"}],
    ids=["own header", "accept", "accept among others"],
)
async def test_a_stream(headers: dict[str, str]) -> None:
    """
    200, then a line that promises one for each call, then these lines.
    """
    page = trpc_of().find("/trpc/health.well,health.sick,nowhere")[1]
    answer = await call(page, query=b"batch=1", headers=headers)
    head, *lines = answer.body.decode().splitlines()

    assert (200, "application/json", []) == (answer.status, answer.header("content-type"), answer.all("content-length"))
    assert PROMISED == head
    assert [
        [0, 0, [[{"result": {"data": WELL}}]]],
        [1, 0, [[UNAVAILABLE]]],
        [2, 0, [[NOWHERE]]],
    ] == sorted(json.loads(line) for line in lines)


@pytest.mark.parametrize(
    "headers",
    [
        {"trpc-accept": "application/json", "accept": "application/jsonl"},
        {"accept": "application/jsonl;q=1"},
        {"accept": "application/jsonlines"},
        {"trpc-accept": "application/jsonl, */*"},
    ],
)
async def test_no_stream_unless_it_is_asked_for(headers: dict[str, str]) -> None:
    """
    tRPC's own header goes before `accept`, and nothing but the exact word counts.
    """
    asked = await ask(trpc_of(), "/trpc/health.well", "batch=1", headers=headers)

    assert [{"result": {"data": WELL}}] == asked.document


async def test_a_stream_of_no_batch() -> None:
    """
    It is refused, as in a tRPC server.
    """
    asked = await ask(trpc_of(), "/trpc/health.well", headers=JSONL)
    message = "Streaming requests must be batched (you can do a batch of 1)"

    assert (400, error_of(400, "BAD_REQUEST", -32600, message)) == (asked.status, asked.document)


async def test_a_stream_does_not_wait_for_the_slowest() -> None:
    """
    What is known is sent while another procedure runs.
    """
    sent: list[Message] = []
    read = asyncio.Event()

    async def slow(scope: Scope) -> tuple[int, Any]:
        await asyncio.wait_for(read.wait(), 10)
        return 200, WELL

    async def send(message: Message) -> None:
        sent.append(message)
        if b"[1,0," in message.get("body", b""):
            read.set()

    page = trpc_of(slow=slow).find("/trpc/health.slow,health.well")[1]
    scope = http_scope(path="/trpc/health.slow,health.well", query=b"batch=1", headers=JSONL)
    await page(scope, asyncio.Event().wait, send)  # type: ignore[arg-type]

    assert [1, 0] == [json.loads(line)[0] for line in answer_of(sent).body.decode().splitlines()[1:]]


async def test_a_stream_that_nobody_reads_leaves_nothing_behind() -> None:
    """
    When the client is gone, what still runs for it is cancelled.
    """
    cancelled = asyncio.Event()

    async def endless(scope: Scope) -> tuple[int, Any]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return 200, WELL

    async def send(message: Message) -> None:
        if b"[1,0," in message.get("body", b""):
            raise OSError("gone")

    page = trpc_of(endless=endless).find("/trpc/health.endless,health.well")[1]
    scope = http_scope(path="/trpc/health.endless,health.well", query=b"batch=1", headers=JSONL)
    with pytest.raises(OSError, match="gone"):
        await page(scope, asyncio.Event().wait, send)  # type: ignore[arg-type]

    await asyncio.wait_for(cancelled.wait(), 10)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/trpc/health.well", "/trpc/health.well"),
        ("/trpc/health.well/", "/trpc/health.well"),
        ("/trpc/health.well,health.sick", "/trpc/batch"),
        ("/trpc/,", "/trpc/batch"),
        ("/trpc/" + "x," * 10_000, "/trpc/batch"),
        ("/trpc/nowhere", None),
        ("/trpc/health.well//", None),
        ("/trpc/batch", None),
        ("/trpc/", None),
    ],
)
def test_tells_the_template(path: str, template: str | None) -> None:
    """
    The label is a known procedure's or the batch's: no unknown name becomes one.
    """
    assert template == trpc_of().find(path)[0]


@pytest.mark.parametrize("path", ["", "/", "/trpc", "/trpcx/health.well", "/x/trpc/health.well", "/TRPC/health.well"])
def test_other_paths_are_not_its_own(path: str) -> None:
    """
    They go on to the application.
    """
    assert None is trpc_of().find(path)


def test_names_all_labels() -> None:
    """
    Each procedure's, and the batch's.
    """
    assert ("/trpc/health.well", "/trpc/health.sick", "/trpc/batch") == trpc_of().templates
