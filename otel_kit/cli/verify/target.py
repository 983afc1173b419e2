"""
What is verified, and how: the command's arguments after they were judged.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from otel_kit.cli.verify.documented import Documented
from otel_kit.profiles import Profile
from otel_kit.ratelimit.rates import Rate

__all__ = ["Target"]

UNDOCUMENTED_HEALTH = "/health"


@dataclass(frozen=True)
class Target:
    """
    One service and what is expected of it.
    """

    base_url: str
    """Without a slash at its end."""

    profile: Profile
    documented: Documented
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
    def health_path(self) -> str:
        """
        The route that is asked most: the one for which no check runs, else the first that the profile has.
        """
        routes = [route for route in self.profile.health.routes if route.kind not in ("one", "metrics")]
        live = [route.path for route in routes if route.kind == "live"]
        return next(iter([*live, *(route.path for route in routes)]), UNDOCUMENTED_HEALTH)

    @property
    def missing_path(self) -> str:
        """
        A path that no service has.
        """
        return f"/otel-kit-verify-{self.run_id[:12]}"
