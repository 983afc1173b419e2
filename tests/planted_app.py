"""
A service that says whatever it is told to say, at every place from which something leaves.

`POST /plant` takes a list of texts; `/raise` lets one out as an exception; `/cut` puts secrets
around the limit of attributes. What is to be different about the process is asked for by
variables `APP_…`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

import httpx
from fastapi import BackgroundTasks, FastAPI, Request, Response
from opentelemetry import baggage, context, metrics, trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger_provider
from opentelemetry.trace import Link, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_kit import Counter, Histogram, bound_correlation_id, setup_observability
from tests.planted import PLANTED, REDACT
from tests.redaction.samples import PASSWORD

early_total = Counter("early_total", "Counted before set-up.", ["note", "password"])
early_total.labels(PLANTED["e-mail"][0], PASSWORD).inc()

app = FastAPI()
kit = setup_observability(app, redact=REDACT)

if "APP_BREAK_POLICY" in os.environ:
    from otel_kit.redaction.policy import Policy

    def _fail(*arguments: Any) -> str:
        raise RuntimeError("the policy is broken")

    Policy._redacted = Policy.clean_joined = _fail  # type: ignore[method-assign, assignment]

client = httpx.AsyncClient()
logger = logging.getLogger("shop")
tracer = trace.get_tracer("shop", attributes={"note": PLANTED["github"][0]})
meter = metrics.get_meter("shop", attributes={"note": PLANTED["github"][0]})
said_total = Counter("said_total", "Texts that were said.", ["note", "password"])
said_seconds = Histogram("said_seconds", "How long it took to say them.", ["note"])
library_said = meter.create_counter("library.said")
library_seconds = meter.create_histogram("library.seconds")
HEADERS = {"authorization": f"Token {PASSWORD}", "x-api-key": PASSWORD, "accept": "*/*"}


class Holds:
    """
    An object whose text is only known when it is asked for.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


@app.api_route("/items/{item}", methods=["GET", "HEAD", "BREW"])
async def item(item: str) -> str:
    """
    An ordinary route.
    """
    return "found"


@app.post("/plant")
async def plant(request: Request, response: Response, tasks: BackgroundTasks) -> str:
    """
    Say each text at every place.
    """
    for text in await request.json():
        log(text)
        make_spans(text)
        count(text)
        emit(text)
        await call_out(text)
        asyncio.ensure_future(_raise(text))  # noqa: RUF006 - nobody waits for it, so its exception is logged
        tasks.add_task(_say_late, text)
    response.headers["Set-Cookie"] = "session=" + PASSWORD
    response.headers["X-Note"] = text.replace("\n", " ").encode("ascii", "replace").decode()
    return "said"


@app.get("/raise")
async def raises(text: str) -> None:
    """
    An exception with a cause.
    """
    try:
        raise ValueError(text)
    except ValueError as cause:
        error = RuntimeError(f"outer {text}")
        error.add_note(text) if hasattr(error, "add_note") else None
        raise error from cause


@app.get("/fails-late")
async def fails_late(text: str, tasks: BackgroundTasks) -> str:
    """
    An exception after the answer.
    """
    tasks.add_task(_raise, text)
    return "said"


@app.get("/cut")
async def cut(limit: int) -> int:
    """
    Attributes of spans, events and records in which a secret lies around the limit.
    """
    done = 0
    masked_before = f"{PLANTED['github'][0]} " * 10
    for kind in ("aws secret", "google", "iban", "e-mail", "database url", "card"):
        secret = PLANTED[kind][0]
        for place in (limit, limit + 256):
            for offset in range(place - len(secret) - 1, place + 2, 3):
                for before in ("", masked_before):
                    _cut_one(before + "x" * (offset - 1 - len(before)) + " " + secret + " y" * 400)
                    done += 1
    return done


def _cut_one(text: str) -> None:
    with tracer.start_as_current_span("cut", attributes={"note": text, "list": [text]}) as span:
        span.add_event("cut", {"note": text})
        span.record_exception(ValueError(text))
        logger.info("cut", extra={"note": text})
    record = LogRecord(body="cut", severity_number=SeverityNumber.INFO, attributes={"note": text})
    get_logger_provider().get_logger("library").emit(record)


def log(text: str) -> None:
    """
    By the `logging` module.
    """
    logger.info("said %s", text)
    logger.info(text)
    logger.info(Holds(text))
    nested = {"list": [text, {"deep": text, "password": PASSWORD}], text: "as a key", "object": Holds(text)}
    logger.info("fields", extra={"note": text, "nested": nested, "password": PASSWORD, "headers": HEADERS})
    logger.info("bytes", extra={"note": text.encode(), "pairs": [(b"cookie", PASSWORD.encode())]})
    try:
        try:
            raise ValueError(text)
        except ValueError as cause:
            raise RuntimeError(f"outer {text}") from cause
    except RuntimeError:
        logger.exception("failed")
    with bound_correlation_id(text):
        logger.info("bound")


def make_spans(text: str) -> None:
    """
    By OpenTelemetry's API.
    """
    link = Link(trace.get_current_span().get_span_context(), {"note": text, "password": PASSWORD})
    server = trace.get_current_span()
    for key in ("url.query", "url.path", "user_agent.original", "error.type", "http.route", "note"):
        server.set_attribute(key, text)
    with tracer.start_as_current_span(f"say {text}", links=[link]) as span:
        span.set_attributes({"note": text, "list": [text, "other"], "password": PASSWORD, text: 1})
        span.set_attribute("url.full", f"https://shop.example/?{text}&access_token={PASSWORD}")
        span.add_event(f"said {text}", {"note": text, "password": PASSWORD})
        span.record_exception(ValueError(text), {"note": text})
        span.set_status(Status(StatusCode.ERROR, f"bad {text}"))


def count(text: str) -> None:
    """
    By metrics of the kit's and of OpenTelemetry's.
    """
    ids = {"trace_id": text, "span_id": text}
    said_total.labels(note=text, password=PASSWORD).inc(1, exemplar=ids)
    said_seconds.labels(text).observe(0.2, exemplar=ids)
    library_said.add(1, {"note": text, "password": PASSWORD, "list": [text]})
    library_seconds.record(0.2, {"note": text})


def emit(text: str) -> None:
    """
    By OpenTelemetry's loggers, as bridges of other logging libraries do.
    """
    record = LogRecord(
        body={"note": text, "object": Holds(text), "password": PASSWORD, text: [text]},
        severity_text=text,
        severity_number=SeverityNumber.INFO,
        attributes={"note": text, "password": PASSWORD},
        event_name=text,
    )
    get_logger_provider().get_logger("library").emit(record)
    get_logger_provider().get_logger("library").emit(LogRecord(body=Holds(text)))  # type: ignore[arg-type]


async def call_out(text: str) -> None:
    """
    To the next service, with baggage and a caller's trace state.
    """
    state = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": f"vendor={text}"}
    with_state = TraceContextTextMapPropagator().extract(state)
    members = baggage.set_baggage("note", text, baggage.set_baggage("password", PASSWORD))
    members = baggage.set_baggage(text, "as a key", members)
    for each in (members, with_state):
        token = context.attach(each)
        try:
            await client.get(os.environ["APP_NEXT_SERVICE"])
        finally:
            context.detach(token)


async def _raise(text: str) -> None:
    raise RuntimeError(f"nobody waits for {text}")


def _say_late(text: str) -> None:
    logger.warning("late %s", text)
