"""
What each documented system says of its verification: its lines, and its login.

Data by the name of a profile, with a default for all others. Health routes, rates, metrics and log
fields are the profile's own and are not repeated here.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Documented", "documented_for"]


@dataclass(frozen=True)
class Documented:
    """
    The lines that a service's documents show, and the login that they try.
    """

    health: str = "Health check"
    metrics: str = "Prometheus metrics endpoint"
    limits: str = "Rate limiting (triggers after {count} requests)"
    cors: str = "CORS headers present"
    logs: str = "JSON logs"
    performance: str = "Performance test (< 1s for 10 concurrent requests)"

    login_path: str = "/auth/login"
    """Where the limit is tried. Nobody has the account of `login_body`."""

    login_body: bytes = b'{"email":"test@example.com","password":"test"}'


_BY_PROFILE = {
    "goblin": Documented(
        health="Backend health check",
        limits="Rate limiting (triggers after {count} auth requests)",
        logs="JSON logs in backend output",
    ),
}


def documented_for(profile: str) -> Documented:
    """
    Of a profile's name; a name that is not listed has the general lines.
    """
    return _BY_PROFILE.get(profile, Documented())
