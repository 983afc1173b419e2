"""
The service that is checked: an ordinary one under the kit, which does what it is told to.

`CONFORMANCE_PROFILE` names its profile; none is named for the default one. What a handler of the real system would do
(count, log, report an event, fail) comes as JSON, through the same public doors.
"""

from __future__ import annotations

import builtins
import importlib
import logging
import os
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI

from otel_kit import Limit, security_event, setup_observability

PROFILE = os.environ.get("CONFORMANCE_PROFILE") or None

app = FastAPI()
kit = setup_observability(app, profile=PROFILE, service_name=os.environ["CONFORMANCE_SERVICE"])
handles = importlib.import_module(f"otel_kit.profiles.{kit.profile.name}")

# what the checks say, and which order they have seen
checks: dict[str, bool] = dict.fromkeys(filter(None, os.environ["CONFORMANCE_CHECKS"].split(",")), True)
providers = dict.fromkeys(filter(None, os.environ.get("CONFORMANCE_PROVIDERS", "").split(",")), False)
orders = {"given": 0}
seen: dict[str, int] = {}
logins = {"count": 0}


def _declare(name: str) -> None:
    def ask() -> bool:
        seen[name] = orders["given"]
        if not checks[name]:
            raise ConnectionError(f"{name} is away")
        return True

    kit.checks.add(name, ask, type=os.environ.get("CONFORMANCE_TYPE"))


def _ask_provider(name: str) -> Callable[[], bool]:
    def is_configured() -> bool:
        seen[name] = orders["given"]
        return providers[name]

    return is_configured


for each in checks:
    _declare(each)
kit.providers({name: _ask_provider(name) for name in providers})


@app.post("/chat/completions")
async def complete() -> dict[str, str]:
    """
    A documented route.
    """
    return {"answer": "yes"}


@app.post("/auth/login")
async def log_in(email: Annotated[str, Body()], password: Annotated[str, Body()]) -> dict[str, int]:
    """
    A documented route, which says how often it was reached.
    """
    logins["count"] += 1
    return logins


@app.api_route("/items/{item}", methods=["GET", "POST", "PUT", "DELETE"])
async def item(item: int) -> dict[str, int]:
    """
    An ordinary route.
    """
    return {"item": item}


@app.get("/limited", dependencies=[Depends(kit.limit("1/minute"))])
async def limited() -> None:
    """
    A route with a limit of its own.
    """


@app.get("/watched", dependencies=[Depends(kit.limit(Limit("1/minute", shadow=True)))])
async def watched() -> None:
    """
    A route with a limit that refuses nobody.
    """


@app.get("/raise/{name}")
async def fail(name: str) -> None:
    """
    Raises one of Python's own exceptions.
    """
    raise getattr(builtins, name)("it went wrong")


@app.post("/puppet/metrics")
async def record(samples: list[dict[str, Any]]) -> None:
    """
    Counts, sets or observes through the profile's handles.
    """
    for sample in samples:
        metric = getattr(handles, sample["metric"])
        cell = metric.labels(**sample["labels"]) if sample["labels"] else metric
        getattr(cell, sample["call"])(*sample["values"])


@app.post("/puppet/calls")
async def call(documented: list[str]) -> None:
    """
    Runs calls as documents show them.
    """
    for one in documented:
        eval(one, vars(handles))


@app.post("/puppet/lines")
async def log(records: list[dict[str, Any]]) -> None:
    """
    Logs records by their attributes, those with `raises` with an exception of that name.
    """
    for given in records:
        logger = logging.getLogger(given.pop("logger", "puppet"))
        level = logging.getLevelName(given.pop("level", "INFO"))
        if logger.isEnabledFor(level):
            logger.handle(_record(logger, level, given))


def _record(logger: logging.Logger, level: int, given: dict[str, Any]) -> logging.LogRecord:
    failure = _raised(given.pop("raises", None))
    place = given.pop("pathname", "puppet.py"), given.pop("lineno", 1)
    message, function, at = given.pop("msg"), given.pop("funcName", "log"), given.pop("created", None)
    record = logger.makeRecord(logger.name, level, *place, message, (), failure, function, given)
    if at is not None:
        record.created = datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()
    return record


def _raised(name: str | None) -> Any:
    try:
        if name is not None:
            raise getattr(builtins, name)("it went wrong")
    except Exception as error:
        return type(error), error, error.__traceback__
    return None


@app.post("/puppet/events")
async def report(events: list[dict[str, Any]]) -> None:
    """
    Reports security events.
    """
    for event in events:
        security_event(event["event"], **event["fields"])


@app.post("/puppet/orders")
async def order(failing: Annotated[list[str], Body()], configured: Annotated[list[str], Body()]) -> int:
    """
    From now on these checks fail, and these providers are configured.
    """
    checks.update({name: name not in failing for name in checks})
    providers.update({name: name in configured for name in providers})
    orders["given"] += 1
    return orders["given"]


@app.get("/puppet/seen")
async def seen_orders() -> int:
    """
    The last order that every check and every provider has followed.
    """
    return min((seen.get(name, 0) for name in (*checks, *providers)), default=orders["given"])
