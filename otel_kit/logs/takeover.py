"""
Taking logging over, and giving it back.

Owns what the kit changes in the `logging` tree: its handler and level on the root logger, the
servers' loggers joined to it. Everything is remembered and undone. Knows nothing of layouts.

Servers configure their loggers at different moments: uvicorn's command line before it imports
the application, `uvicorn.run(app)` after set-up, gunicorn's worker class after a preload and
after each fork. So the servers are joined twice, at set-up and when the process begins to serve
(`join`, which may be called as often as one likes). A supervisor never serves, and keeps its
own plain lines. gunicorn's logger is joined only when serving, since a preloaded application is
imported in gunicorn's parent process.

A later `logging.basicConfig(force=True)` or `dictConfig` takes every handler off the root
logger, or disables loggers. The next request line notices: the kit comes back, and says so once.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from otel_kit.logs.exceptions import is_marked
from otel_kit.logs.handler import KitHandler

__all__ = ["Takeover"]

_AT_SETUP = ("uvicorn", "uvicorn.error", "uvicorn.asgi")
_WHEN_SERVING = (*_AT_SETUP, "gunicorn.error")
_REPLACED = "uvicorn.access"

_logger = logging.getLogger("otel_kit")


@dataclass
class _Before:
    """
    A logger as the server or the user had set it up.
    """

    handlers: list[logging.Handler]
    level: int
    propagate: bool
    disabled: bool


class _LoggedOnce(logging.Filter):
    """
    Drops a server's record of an exception whose stack stands on the request line already.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """
        Whether the record says anything new.
        """
        return not (record.exc_info and is_marked(record.exc_info[1]))


class Takeover:
    """
    The kit's place in the `logging` tree.

    Args:
        handler: Goes on the root logger, beside those that are there.
        level: The root logger's level while the kit is on.
    """

    def __init__(self, handler: KitHandler, level: int) -> None:
        self._handler = handler
        self._level = level
        self._lock = threading.RLock()
        self._before: dict[str, _Before] = {}
        self._levels: dict[str, int] = {}
        self._once = _LoggedOnce()
        self._root_level: int | None = None
        self._said = False

    @property
    def active(self) -> bool:
        """
        Whether logging is taken over at the moment.
        """
        return self._root_level is not None

    def install(self) -> None:
        """
        Take logging over. Again and again makes no difference.
        """
        with self._lock:
            if self._root_level is None:
                self._root_level = logging.root.level
                logging.root.setLevel(self._level)
                self._said = False
            if self._handler not in logging.root.handlers:
                logging.root.addHandler(self._handler)
            self._join(_AT_SETUP)

    def join(self) -> None:
        """
        Join the servers' loggers, as they are now. To be called when the process begins to serve.
        """
        with self._lock:
            if self.active:
                self.install()
                self._join(_WHEN_SERVING)

    def restore(self, logger: logging.Logger) -> None:
        """
        Come back after a later configuration took the handler away or disabled `logger`.
        """
        with self._lock:
            if not self.active:
                return
            logger.disabled = False
            _logger.disabled = False
            self.join()
            first, self._said = not self._said, True
        if first:
            _logger.warning("logs.restored", extra={"reason": "a later logging configuration had removed the kit"})

    def undo(self) -> None:
        """
        Leave the `logging` tree as it was found.
        """
        with self._lock:
            if self._root_level is None:
                return
            logging.root.removeHandler(self._handler)
            if logging.root.level == self._level:
                logging.root.setLevel(self._root_level)
            self._root_level = None
            for name, before in self._before.items():
                _give_back(logging.getLogger(name), before)
                logging.getLogger(name).removeFilter(self._once)
            self._before.clear()

    def _join(self, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in logging.root.manager.loggerDict and name.startswith("gunicorn"):
                continue
            logger = logging.getLogger(name)
            # uvicorn's own default is INFO: a level that nobody chose follows LOG_LEVEL
            level = logging.NOTSET if logger.level == logging.INFO else logger.level
            self._change(logger, _Before([], level, True, False))
            logger.addFilter(self._once)
        # without handlers uvicorn doesn't even make the record
        self._change(logging.getLogger(_REPLACED), _Before([], logging.INFO, False, False))

    def _change(self, logger: logging.Logger, wanted: _Before) -> None:
        found = _Before(logger.handlers, logger.level, logger.propagate, logger.disabled)
        same = (found.handlers, found.propagate, found.disabled) == (wanted.handlers, wanted.propagate, wanted.disabled)
        # a server that configured it again since has said what it wants back
        if logger.name not in self._before or not same:
            self._before[logger.name] = found
        elif found.level != self._levels[logger.name]:
            self._before[logger.name].level = found.level
        self._levels[logger.name] = wanted.level
        _give_back(logger, wanted)


def _give_back(logger: logging.Logger, state: _Before) -> None:
    # the list itself: uvicorn's worker class shares one list between its loggers and gunicorn's
    logger.handlers = state.handlers
    logger.propagate = state.propagate
    logger.disabled = state.disabled
    logger.setLevel(state.level)
