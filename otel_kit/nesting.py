"""
An application that is set up, inside of another one that is: the outer one's limits, health and page of metrics hold.

Owns the words for it: one warning of what the inner one was given in vain, and how its report tells. Knows nothing of
how it is found out; the rings do at the first request, and the outer application does where it begins to serve.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from otel_kit.faults import fault

__all__ = ["Nesting"]

INSIDE = "inside another application that is set up"
REMEDY = "give them to the outer application, or mount this one in an application that is not set up"
MAX_PLACE = 256

_logger = logging.getLogger("otel_kit")


class Nesting:
    """
    Whether one application is inside of another.

    Args:
        profile: Its profile's name.
        given: What it was given that holds for requests of its own alone, by name.
    """

    def __init__(self, profile: str, given: Callable[[], list[str]]) -> None:
        self._profile = profile
        self._given = given
        self._is_inside = self._serves = self._told = False

    def serves(self) -> None:
        """
        It meets requests of its own: for them all of it holds.
        """
        self._serves, self._is_inside = True, False

    def found(self, place: str, profile: str) -> None:
        """
        It is mounted at `place` in an application set up with `profile`. Warns once, of what was given. Never raises.
        """
        try:
            self._is_inside = not self._serves
            given = [*self._given(), *(["profile"] if profile != self._profile else [])]
            if given and not self._told:
                self._told = True
                extra = {"mounted_at": place[:MAX_PLACE], "not_in_force": given, "why": INSIDE, "remedy": REMEDY}
                _logger.warning("otel_kit.set_up_inside", extra=extra)
        except Exception as error:  # a request is at hand
            fault("nesting", error)

    def shown(self, application: dict[str, Any]) -> dict[str, Any]:
        """
        The report of the application, less what does not hold where it is inside.
        """
        if not self._is_inside:
            return application
        limits = {key: value for key, value in application["limits"].items() if key != "holds"}
        return {
            **application,
            "pages": [],
            "limits": {**limits, "enabled": False, "why": f"{INSIDE}: its limits hold, and those of single routes"},
            "health": {**application["health"], "phase": "off", "routes": [], "why": f"{INSIDE}: its checks are asked"},
            "off": {
                **application["off"],
                "rate limits": f"{INSIDE}: its limits hold, and those of single routes",
                "health": f"{INSIDE}: its checks are asked",
                "metrics page": f"{INSIDE}: its page shows the whole process",
            },
        }
