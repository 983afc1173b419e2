"""
The limit on request bodies.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

import orjson
import pytest
from fastapi import Body, FastAPI, File, UploadFile
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_kit.guards import ANSWERED, farewell
from tests.asgi_client import Answer
from tests.counting import value_of
from tests.guards.uploads import STALLS, Upload, guarded

LIMIT = 10
REFUSED = {"error": "body_too_large", "message": "The request body is larger than 10 bytes.", "max_bytes": LIMIT}
TOO_MUCH = [b"12345", b"67890", b"1"]


def reader(methods: tuple[str, ...] = ("POST", "GET", "HEAD")) -> Starlette:
    """
    An application that says how much it has read.
    """

    async def size(request: Request) -> Response:
        return JSONResponse({"bytes": len(await request.body())})

    return Starlette(routes=[Route("/{path:path}", size, methods=list(methods))])


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    """
    An application that does not look at the body.
    """
    await PlainTextResponse("seen")(scope, receive, send)


async def send_length(value: str, *more: str, body: bytes = b"12345") -> Answer:
    """
    What comes of a body of five bytes that is announced like this.
    """
    headers = [(b"content-length", text.encode()) for text in (value, *more)]
    return await Upload([body], headers=headers).to(guarded(reader()))


def assert_refused(answer: Answer) -> None:
    """
    There is one answer, whole, and it is the refusal.
    """
    assert 413 == answer.status
    assert REFUSED == orjson.loads(answer.body)
    assert ["http.response.start", "http.response.body"] == [m["type"] for m in answer.messages[:2]]
    assert 1 == sum(message["type"] == "http.response.start" for message in answer.messages)
    assert not answer.messages[-1].get("more_body", False)


async def test_a_body_of_the_limit_passes() -> None:
    """
    The limit itself is allowed.
    """
    answer = await Upload([b"12345", b"67890"], headers={"content-length": "10"}).to(guarded(reader()))

    assert 200 == answer.status
    assert {"bytes": 10} == orjson.loads(answer.body)


async def test_an_announced_body_is_refused_unread() -> None:
    """
    One byte more is refused by its length, and the application never hears of it.
    """
    called: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        called.append(scope)

    assert_refused(await Upload([b"12345678901"], headers={"content-length": "11"}).to(guarded(app)))
    assert [] == called


async def test_a_body_without_length_is_refused_as_it_comes() -> None:
    """
    What arrives is counted.
    """
    assert_refused(await Upload(TOO_MUCH, headers={"transfer-encoding": "chunked"}).to(guarded(reader())))


async def test_a_body_longer_than_announced_is_refused() -> None:
    """
    A length that lies does not help.
    """
    assert_refused(await Upload(TOO_MUCH, headers={"content-length": "5"}).to(guarded(reader())))


@pytest.mark.parametrize("http_version", ["1.1", "2"])
async def test_a_body_without_any_header_is_counted(http_version: str) -> None:
    """
    HTTP/2 needs no length, and neither do programs that call the application themselves.
    """
    answer = await Upload(TOO_MUCH, http_version=http_version).to(guarded(reader()))

    assert_refused(answer)


@pytest.mark.parametrize(
    ("name", "value", "http_version"),
    [("transfer-encoding", "chunked", "1.1"), ("content-length", "5", "1.1"), ("accept", "*/*", "2")],
)
async def test_the_body_of_a_get_counts(name: str, value: str, http_version: str) -> None:
    """
    A method that usually has no body has the same limit.
    """
    upload = Upload(TOO_MUCH, method="GET", headers={name: value}, http_version=http_version)

    assert_refused(await upload.to(guarded(reader())))


@pytest.mark.parametrize("value", ["11", "00011", " 11 ", "9" * 18, "9" * 5000, "0" * 5000 + "11"])
async def test_lengths_beyond_the_limit(value: str) -> None:
    """
    Whatever is a number is read as one, and one of absurd length is beyond any limit.
    """
    assert_refused(await send_length(value))


@pytest.mark.parametrize("value", ["-1", "-11", "+11", "0x1f", "1e9", "11, 11", "eleven", "", "1_1", "\u0661\u0661"])
async def test_lengths_that_are_no_number(value: str) -> None:
    """
    They say nothing: the five bytes that come are counted.
    """
    assert {"bytes": 5} == orjson.loads((await send_length(value)).body)


async def test_lengths_that_are_no_number_do_not_switch_counting_off() -> None:
    """
    Eleven bytes behind a negative length are refused.
    """
    assert_refused(await send_length("-1", body=b"12345678901"))


async def test_the_largest_of_several_lengths_holds() -> None:
    """
    In whatever order they come.
    """
    assert_refused(await send_length("5", "11", "1"))


async def test_a_body_that_nobody_reads() -> None:
    """
    An application that answers without reading keeps its answer, and nothing is read on its behalf.
    """
    upload = Upload(itertools.repeat(b"12345678901"), headers={"transfer-encoding": "chunked"})
    answer = await upload.to(guarded(answers))

    assert (200, b"seen", 0) == (answer.status, answer.body, upload.taken)


async def test_a_request_without_body_goes_straight_through() -> None:
    """
    Its messages are not looked at: the application has the server's own functions.
    """
    given: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        given.extend([receive, send])

    upload = Upload(method="GET", headers={"accept": "*/*", "user-agent": "test"})
    await guarded(app)(upload.scope, upload.receive, upload.send)

    assert [upload.receive, upload.send] == given


async def test_websockets_go_straight_through() -> None:
    """
    The size of their messages is the server's affair.
    """
    given: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        given.extend([receive, send])

    upload = Upload(headers={"content-length": "11"})
    await guarded(app)({**upload.scope, "type": "websocket"}, upload.receive, upload.send)

    assert [upload.receive, upload.send] == given


async def test_a_problem_document_when_asked_for() -> None:
    """
    The same facts by RFC 9457.
    """
    headers = {"content-length": "11", "accept": "application/problem+json"}
    answer = await Upload([b"12345678901"], headers=headers).to(guarded(reader()))

    assert "application/problem+json" == answer.header("content-type")
    assert {"status": 413, "error": "body_too_large", "max_bytes": 10}.items() <= orjson.loads(answer.body).items()


# -- whatever the application does about it ---------------------------------------------------


async def catches_everything(scope: Scope, receive: Receive, send: Send) -> None:
    """
    Answers 200 whatever happens to its reading.
    """
    try:
        while (await receive()).get("more_body", False):
            pass
    except Exception:
        await PlainTextResponse("all is well")(scope, receive, send)


async def answers_errors_by_500(scope: Scope, receive: Receive, send: Send) -> None:
    """
    A middleware that turns exceptions into answers.
    """
    try:
        await reader()(scope, receive, send)
    except Exception:
        await PlainTextResponse("sorry", 500)(scope, receive, send)


async def says_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """
    Stops when there is nothing more to read, without an answer.
    """
    more = True
    while more:
        try:
            more = (await receive()).get("more_body", False)
        except Exception:
            more = True


async def raises_its_own(scope: Scope, receive: Receive, send: Send) -> None:
    """
    Reports a failing read by an exception of its own.
    """
    try:
        await Request(scope, receive).body()
    except Exception as error:
        raise LookupError("no body") from error


async def answers_without_end(scope: Scope, receive: Receive, send: Send) -> None:
    """
    Streams for ever, in its answer to a failing read.
    """
    try:
        await Request(scope, receive).body()
    except Exception:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})


def behind_base_http_middleware() -> ASGIApp:
    """
    The class that hands the body on through queues and tasks.
    """

    async def dispatch(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return await call_next(request)

    return BaseHTTPMiddleware(reader(), dispatch)


def reads_in_base_http_middleware() -> ASGIApp:
    """
    The same, where the middleware reads the body first.
    """

    async def dispatch(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        await request.body()
        return await call_next(request)

    return BaseHTTPMiddleware(reader(), dispatch)


def fastapi_json() -> ASGIApp:
    """
    A body parameter, behind a user's handler of all errors.
    """
    app = FastAPI()

    @app.post("/")
    async def take(item: Annotated[dict[str, int], Body()]) -> None: ...

    @app.exception_handler(Exception)
    async def answer(request: Request, error: Exception) -> Response:
        return PlainTextResponse("caught", 500)

    return app


def fastapi_answering_in_its_way() -> ASGIApp:
    """
    A handler of the user's for 413.
    """
    app = FastAPI()

    @app.post("/")
    async def take(request: Request) -> int:
        return len(await request.body())

    @app.exception_handler(413)
    async def answer(request: Request, error: Exception) -> Response:
        return PlainTextResponse("mine", 413)

    return app


def streams_what_it_reads() -> ASGIApp:
    """
    An answer whose first piece needs the whole body.
    """

    async def echo(request: Request) -> Response:
        body = await request.body()

        async def pieces() -> AsyncIterator[bytes]:
            yield body

        return StreamingResponse(pieces())

    return Starlette(routes=[Route("/", echo, methods=["POST"])])


@pytest.mark.parametrize(
    "app",
    [
        reader(),
        catches_everything,
        answers_errors_by_500,
        says_nothing,
        raises_its_own,
        answers_without_end,
        behind_base_http_middleware(),
        reads_in_base_http_middleware(),
        fastapi_json(),
        fastapi_answering_in_its_way(),
        streams_what_it_reads(),
    ],
    ids=lambda app: getattr(app, "__name__", type(app).__name__),
)
async def test_the_client_gets_one_413(app: ASGIApp) -> None:
    """
    However the application deals with a body that is cut off.
    """
    pieces = [b'{"a": 1, ', b'"b": 2, ', b'"c": 3}']
    headers = {"transfer-encoding": "chunked", "content-type": "application/json"}

    assert_refused(await Upload(pieces, headers=headers).to(guarded(app)))


async def test_a_form_that_is_cut_off() -> None:
    """
    The parser of forms and uploaded files is stopped as well.
    """
    app = FastAPI()

    @app.post("/")
    async def take(file: Annotated[UploadFile, File()]) -> None: ...

    headers = {"transfer-encoding": "chunked", "content-type": "multipart/form-data; boundary=x"}
    pieces = [b"--x\r\nConte", b'nt-Disposition: form-data; name="file"; filename="f"\r\n\r\n', b"data\r\n--x--\r\n"]

    assert_refused(await Upload(pieces, headers=headers).to(guarded(app)))


async def test_an_exception_of_an_allowed_request_passes() -> None:
    """
    What the application raises by itself is not touched.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        raise LookupError

    with pytest.raises(LookupError):
        await Upload([b"12345"]).to(guarded(app))


async def test_an_answer_that_has_begun_is_cut_off() -> None:
    """
    An echo that streams is told that the client has gone; its answer stays without an end, and no second one comes.
    """

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async for piece in Request(scope, receive).stream():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    answer = await Upload(TOO_MUCH, headers={"transfer-encoding": "chunked"}).to(guarded(echo))

    assert (200, b"1234567890") == (answer.status, answer.body)
    assert answer.messages[-1]["more_body"]


async def test_an_answer_that_has_begun_is_rounded_off_by_nobody() -> None:
    """
    Starlette's `BaseHTTPMiddleware` ends an answer that breaks off, and the client would take it for the whole.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await receive())["type"] == "http.request":
            pass
        await send({"type": "http.response.body", "body": b""})

    answer = await Upload(TOO_MUCH, headers={"transfer-encoding": "chunked"}).to(guarded(app))

    assert ["http.response.start"] == [message["type"] for message in answer.messages]


async def test_a_cancelled_request_is_not_answered() -> None:
    """
    The server's own end of a request passes through.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await Request(scope, receive).body()
        except Exception:
            raise asyncio.CancelledError from None

    upload = Upload(TOO_MUCH)
    with pytest.raises(asyncio.CancelledError):
        await upload.to(guarded(app))
    assert [] == upload.sent


# -- by path ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/", 10),
        ("/upload", 30),
        ("/upload/", 30),
        ("/upload/a/b", 30),
        ("/uploads", 10),
        ("/upload/small", 5),
        ("/upload/small/x", 5),
        ("/upload/smaller", 30),
        ("/UPLOAD", 10),
    ],
)
async def test_the_longest_prefix_holds(path: str, limit: int) -> None:
    """
    By whole segments, with or without a slash at its end.
    """
    app = guarded(reader(), LIMIT, per_path={"/upload": 30, "/upload/small/": 5})
    fits = await Upload([b"x" * limit], path=path).to(app)
    does_not = await Upload([b"x" * (limit + 1)], path=path).to(app)

    assert (200, 413) == (fits.status, does_not.status)
    assert limit == orjson.loads(does_not.body)["max_bytes"]


async def test_the_servers_prefix_is_not_part_of_the_path() -> None:
    """
    A rule is for the path that the application knows.
    """
    app = guarded(reader(), LIMIT, per_path={"/upload": 30})
    answer = await Upload([b"x" * 20], path="/api/upload", root_path="/api").to(app)

    assert {"bytes": 20} == orjson.loads(answer.body)


@pytest.mark.parametrize("everywhere", ["*", "/"])
async def test_a_rule_for_everything(everywhere: str) -> None:
    """
    Both spellings stand in for the default.
    """
    answer = await Upload([b"x" * 20], path="/any").to(guarded(reader(), LIMIT, per_path={everywhere: 30, "/other": 1}))

    assert {"bytes": 20} == orjson.loads(answer.body)


async def test_a_limit_of_nothing() -> None:
    """
    A path may allow no body at all; an empty one is none.
    """
    app = guarded(reader(), LIMIT, per_path={"/none": 0})
    none = await Upload([b""], path="/none", headers={"content-length": "0"}).to(app)
    some = await Upload([b"x"], path="/none", headers={"content-length": "1"}).to(app)

    assert (200, 413) == (none.status, some.status)


# -- the end of the connection ----------------------------------------------------------------


async def test_the_connection_is_the_last_of_its_kind() -> None:
    """
    The client is told that the connection ends.
    """
    assert "close" == (await send_length("11")).header("connection")


async def test_http2_has_no_such_header() -> None:
    """
    A stream of HTTP/2 ends alone, and its answer must not name the connection.
    """
    upload = Upload(itertools.repeat(b"x"), headers={"content-length": "11"}, http_version="2")
    answer = await upload.to(guarded(reader()))

    assert ([], 0) == (answer.all("connection"), upload.taken)
    assert not answer.messages[1].get("more_body", False)


async def test_the_answer_goes_out_whole_before_the_rest_is_read() -> None:
    """
    A client that waits for the answer does not wait for itself, and the record of the request ends here.
    """
    upload = Upload([b"12345678901", b"more", b"and more"], headers={"content-length": "1000"})
    seen: list[int] = []

    async def send(message: Message) -> None:
        seen.append(upload.taken)
        await upload.send(message)

    await guarded(reader())(upload.scope, upload.receive, send)

    assert [0, 0, 3] == seen
    assert [True, True, False] == [message.get("more_body", True) for message in upload.sent]
    assert [None, True, None] == [message.get(ANSWERED) for message in upload.sent]


async def test_a_client_that_stalls_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What has not come within a moment does not come.
    """
    monkeypatch.setattr(farewell, "IDLE_SECONDS", 0.01)
    upload = Upload([b"x", STALLS], headers={"content-length": "11"})

    assert_refused(await asyncio.wait_for(upload.to(guarded(reader())), 5))
    assert 2 == upload.taken


async def test_a_client_that_goes_on_for_ever_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Reading on has an end.
    """
    monkeypatch.setattr(farewell, "LINGER_SECONDS", 0.05)
    upload = Upload(itertools.repeat(b"x" * 1000), headers={"transfer-encoding": "chunked"})

    assert_refused(await asyncio.wait_for(upload.to(guarded(reader())), 5))


# -- what is known of it ----------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{"content-length": "11"}, {"transfer-encoding": "chunked"}])
async def test_a_refusal_is_a_security_event(headers: dict[str, str]) -> None:
    """
    One each, by length or as it comes.
    """
    before = value_of("otel_kit_security_events_total", event="body_too_large")
    await Upload(TOO_MUCH, headers=headers).to(guarded(reader()))

    assert 1 == value_of("otel_kit_security_events_total", event="body_too_large") - before
