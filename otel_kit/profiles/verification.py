"""
What a system documents of its verification: the lines that it shows, and the login that it tries.

Owns the words. Health routes, rates, metrics and log fields stand elsewhere in the profile and are not repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from otel_kit.shape import check_instance, check_path, check_text

__all__ = ["Verification"]


@dataclass(frozen=True)
class Verification:
    """
    For `otel-kit verify`, whose checks have these names.

    Raises:
        ProfileError: A line that is no text, a login path that is none, a body that is not bytes.
    """

    health: str = "Health check"
    """The name of the check of the health routes."""
    metrics: str = "Prometheus metrics endpoint"
    """Of the page of metrics."""
    limits: str = "Rate limiting (triggers after {count} requests)"
    """`{count}` is what the limit of `login_path` lets through."""
    cors: str = "CORS headers present"
    """Of what browsers are told."""
    logs: str = "JSON logs"
    """Of the log lines."""
    performance: str = "Performance test (< 1s for 10 concurrent requests)"
    """Of ten requests at once."""

    login_path: str = "/auth/login"
    """Where the limit is tried. Nobody has the account of `login_body`."""

    login_body: bytes = b'{"email":"test@example.com","password":"test"}'
    """Sent as JSON."""

    def __post_init__(self) -> None:
        place = "verification"
        for each in fields(self)[:-1]:
            check_text(place, each.name, getattr(self, each.name))
        check_path(place, "login_path", self.login_path)
        check_instance(place, "login_body", self.login_body, bytes, "give the body as bytes")
