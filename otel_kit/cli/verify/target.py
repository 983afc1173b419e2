"""
What is verified, and how: the command's arguments after they were judged.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from otel_kit.health_layout import HealthRoute
from otel_kit.health_layout.routes import WORDS
from otel_kit.profiles import Profile, Verification
from otel_kit.ratelimit.rates import Rate

__all__ = ["Target", "statuses_of"]

BY_SETTING = (200, 503)
NOT_FOUND = 404
FIRST_FAULT = 400


@dataclass(frozen=True)
class Target:
    """
    One service and what is expected of it.
    """

    base_url: str
    """Without a slash at its end."""

    profile: Profile
    login_path: str
    rate: Rate | None
    """The documented limit of `login_path`."""

    origin: str | None = None
    """One that browsers may come from; None leaves the check of CORS out."""

    token: str | None = field(default=None, repr=False)
    """Opens `/metrics`."""

    log_file: str | None = None
    log_command: str | None = None
    skip_limits: bool = False
    strict: bool = False
    timeout: float = 10.0

    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """The correlation id that is sent along, and looked for in answers and log."""

    @property
    def documented(self) -> Verification:
        """
        The names of the checks, and the login.
        """
        return self.profile.verification

    @property
    def health_routes(self) -> list[HealthRoute]:
        """
        Those that are looked at: the name of a check is not known here, and metrics are not for everyone.
        """
        return [route for route in self.profile.health.routes if route.kind not in ("one", "metrics")]

    @property
    def health_route(self) -> HealthRoute | None:
        """
        The route that is asked most: the one for which no check runs, else the first that the profile has.
        """
        routes = self.health_routes
        return next((route for route in routes if route.kind == "live"), next(iter(routes), None))

    @property
    def asked_path(self) -> str:
        """
        Where most requests go: that route, or where the profile has none a path that no service has.
        """
        route = self.health_route
        return self.missing_path if route is None else route.path

    @property
    def good_statuses(self) -> frozenset[int]:
        """
        By which `asked_path` answers where all is well.
        """
        route = self.health_route
        if route is None:
            return frozenset({NOT_FOUND})
        words = WORDS[route.kind] if route.state is None else tuple(route.statuses)
        documented = statuses_of(route, words)
        return frozenset(status for status in documented if status < FIRST_FAULT) or documented

    @property
    def missing_path(self) -> str:
        """
        A path that no service has.
        """
        return f"/otel-kit-verify-{self.run_id[:12]}"


def statuses_of(route: HealthRoute, words: tuple[str, ...] | None = None) -> frozenset[int]:
    """
    The documented statuses of these words, or of all of the route's.
    """
    found = [route.statuses[word] for word in (route.statuses if words is None else words)]
    return frozenset(one for status in found for one in (BY_SETTING if status == "by setting" else (status,)))
