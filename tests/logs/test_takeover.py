"""
Taking logging over and giving it back.
"""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.config import LOGGING_CONFIG

from otel_kit.logs.access import RequestLog
from otel_kit.logs.exceptions import mark
from otel_kit.logs.handler import KitHandler
from otel_kit.logs.takeover import Takeover

from .conftest import Collected

NAMES = ("uvicorn", "uvicorn.error", "uvicorn.access", "gunicorn.error")


@pytest.fixture
def handler(collected: Collected) -> KitHandler:
    """
    The kit's handler, not yet anywhere.
    """
    return KitHandler(collected)


@pytest.fixture
def takeover(handler: KitHandler) -> Takeover:
    """
    Not yet begun.
    """
    return Takeover(handler, logging.INFO)


def uvicorn_configures() -> None:
    """
    What uvicorn does to its loggers.
    """
    logging.config.dictConfig(LOGGING_CONFIG)


def tree() -> dict[str, tuple[object, ...]]:
    """
    The loggers that matter, as they are.
    """
    found = {"": (list(logging.root.handlers), logging.root.level)}
    for name in NAMES:
        logger = logging.getLogger(name)
        found[name] = (list(logger.handlers), logger.level, logger.propagate, list(logger.filters))  # type: ignore[assignment]
    return found  # type: ignore[return-value]


def messages(collected: Collected) -> list[str]:
    """
    What arrived.
    """
    return [item.message for item in collected.items]


def test_joins_uvicorn(takeover: Takeover, collected: Collected) -> None:
    """
    uvicorn's lines arrive once, and its access lines not at all.
    """
    uvicorn_configures()
    takeover.install()
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.access").info("GET /")

    assert ["Started server process"] == messages(collected)
    assert not logging.getLogger("uvicorn.access").hasHandlers()
    assert not logging.getLogger("uvicorn").handlers


def test_joins_uvicorn_that_comes_later(takeover: Takeover, collected: Collected) -> None:
    """
    `uvicorn.run(app)` configures after set-up; by the time of serving it is joined.
    """
    takeover.install()
    uvicorn_configures()
    takeover.join()
    logging.getLogger("uvicorn.error").info("Uvicorn running")

    assert ["Uvicorn running"] == messages(collected)


def test_a_supervisor_keeps_its_lines(takeover: Takeover, collected: Collected) -> None:
    """
    A process that never serves has uvicorn's own handlers, as uvicorn left them.
    """
    takeover.install()
    uvicorn_configures()

    assert logging.getLogger("uvicorn").handlers
    assert not logging.getLogger("uvicorn").propagate


def test_gunicorn_is_joined_only_when_serving(takeover: Takeover, collected: Collected) -> None:
    """
    gunicorn's parent process, which may have preloaded the application, keeps its own lines.
    """
    gunicorn = logging.getLogger("gunicorn.error")
    gunicorn.handlers, gunicorn.propagate = [logging.NullHandler()], False
    takeover.install()
    assert gunicorn.handlers
    takeover.join()
    gunicorn.info("Worker exiting")

    assert ["Worker exiting"] == messages(collected)


def test_libraries_follow_the_level(handler: KitHandler, collected: Collected) -> None:
    """
    With LOG_LEVEL=WARNING uvicorn's INFO lines, whose level nobody chose, are gone.
    """
    uvicorn_configures()
    Takeover(handler, logging.WARNING).install()
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.error").warning("Something")

    assert ["Something"] == messages(collected)


def test_a_chosen_level_stays(takeover: Takeover, collected: Collected) -> None:
    """
    `uvicorn --log-level debug` is a choice.
    """
    uvicorn_configures()
    logging.getLogger("uvicorn.error").setLevel(logging.DEBUG)
    takeover.install()
    logging.getLogger("uvicorn.error").debug("details")

    assert ["details"] == messages(collected)


def test_handlers_of_the_user_stay(takeover: Takeover) -> None:
    """
    What stands on the root logger stays there.
    """
    theirs = logging.NullHandler()
    logging.root.addHandler(theirs)
    takeover.install()

    assert theirs in logging.root.handlers


def test_undo_leaves_everything_as_found(takeover: Takeover) -> None:
    """
    After undo the tree is what it was, whatever came between.
    """
    logging.getLogger("gunicorn.error").propagate = False
    uvicorn_configures()
    before = tree()
    for _ in range(2):
        takeover.install()
        takeover.join()
    takeover.undo()
    takeover.undo()

    assert before == tree()


def test_undo_gives_back_what_the_server_configured_last(takeover: Takeover) -> None:
    """
    A server that configured itself after set-up gets that configuration back.
    """
    takeover.install()
    uvicorn_configures()
    theirs = list(logging.getLogger("uvicorn").handlers)
    takeover.join()
    takeover.undo()

    assert theirs == logging.getLogger("uvicorn").handlers
    assert logging.INFO == logging.getLogger("uvicorn.error").level


def test_undo_keeps_a_shared_list(takeover: Takeover) -> None:
    """
    uvicorn's worker class lets its logger share gunicorn's list of handlers: it is shared again.
    """
    gunicorn, uvicorn = logging.getLogger("gunicorn.error"), logging.getLogger("uvicorn.error")
    gunicorn.handlers = uvicorn.handlers = [logging.NullHandler()]
    gunicorn.propagate = uvicorn.propagate = False
    takeover.install()
    takeover.join()
    assert ([], []) == (gunicorn.handlers, uvicorn.handlers)
    takeover.undo()

    assert gunicorn.handlers is uvicorn.handlers
    assert 1 == len(gunicorn.handlers)


def test_may_begin_again(takeover: Takeover, collected: Collected) -> None:
    """
    After undo logging can be taken over once more.
    """
    takeover.install()
    takeover.undo()
    takeover.install()
    logging.getLogger("app").info("again")

    assert ["again"] == messages(collected)


def test_drops_the_second_record_of_an_exception(takeover: Takeover, collected: Collected) -> None:
    """
    What the request line has said, the server doesn't say again; what it hasn't, it does.
    """
    uvicorn_configures()
    takeover.install()
    known, new = ValueError("known"), ValueError("new")
    mark(known)
    for error in (known, new):
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=error)

    assert ["ValueError: new"] == [item.exception.stack for item in collected.items if item.exception]
    assert 1 == len(collected.items)


@pytest.mark.parametrize(
    "configure",
    [
        lambda: logging.basicConfig(force=True),
        lambda: logging.config.dictConfig({"version": 1, "root": {"handlers": []}}),
        lambda: logging.config.dictConfig({"version": 1, "disable_existing_loggers": True}),
    ],
)
def test_comes_back_after_another_configuration(
    takeover: Takeover,
    handler: KitHandler,
    collected: Collected,
    a_request: Callable[..., Any],
    configure: Callable[[], None],
) -> None:
    """
    The next request line notices that the kit was removed, restores it, and says so once.
    """
    logging.getLogger("otel_kit").disabled = False
    takeover.install()
    requests = RequestLog(handler, "goblin_assistant", restore=takeover.restore)
    for _ in range(2):
        configure()
        logging.root.setLevel(logging.INFO)
        requests.emit(a_request())

    assert 1 == messages(collected).count("logs.restored")
    assert 2 == messages(collected).count("request_completed")


def test_stays_away_after_undo(
    takeover: Takeover, handler: KitHandler, collected: Collected, a_request: Callable[..., Any]
) -> None:
    """
    Given back is given back: a late request line restores nothing.
    """
    takeover.install()
    requests = RequestLog(handler, "goblin_assistant", restore=takeover.restore)
    takeover.undo()
    requests.emit(a_request())

    assert handler not in logging.root.handlers
