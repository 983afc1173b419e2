"""
`setup_observability`: the one line.

Owns the order of set-up for one application, and that threads which set up at the same time get one handle. What
the handle can do is in `observability.py`.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from otel_kit.errors import ConfigurationError, SetupError
from otel_kit.listing import Listing
from otel_kit.observability import HANDLE, Observability
from otel_kit.profiles import Profile, load_profile
from otel_kit.protection import Protection
from otel_kit.ratelimit import Limit
from otel_kit.runtime import current, shared_runtime
from otel_kit.security import judge_events, use_events
from otel_kit.settings import Settings

__all__ = ["Observability", "setup_observability"]

_placing = threading.RLock()
"""Held while a handle is looked for and placed. It may be taken again on the way: what runs then may be a user's."""

REDACT_TOO_LATE = "redact comes too late: the policy is the process's; give it with the first set-up"


def setup_observability(
    app: FastAPI,
    *,
    profile: str | Profile | None = None,
    settings: Settings | None = None,
    service_name: str | None = None,
    checks: Mapping[str, Callable[[], Any]] | None = None,
    limits: Mapping[str, str | Limit | None] | None = None,
    identify: Callable[[HTTPConnection], Any] | None = None,
    redact: object = None,
) -> Observability:
    """
    Make the application observable: traces, metrics, logs and one correlation id.

    May come before or after routes, routers, mounts and middleware. A second call for the same
    application gives the same handle and changes nothing.

    Args:
        profile: Names of one documented system; None takes `OTEL_KIT_PROFILE`, by default goblin.
        settings: None reads the environment and `.env`. Providers and logs belong to the process:
            for them the settings of its first set-up hold, the rest is each application's own.
        service_name: None takes `OTEL_SERVICE_NAME`, else the project's or module's name.
        checks: What health asks, by name: async or plain callables without arguments. True, None or a value is
            healthy; False, an exception or a time-out is not.
        limits: By path prefix, in place of the profile's: rates like `"10/minute"`, `Limit` objects, or
            None for no limit. The longest prefix wins, by whole segments; `"*"` holds for all paths in addition.
        identify: From the connection to a client's identity, or `(identity, tier)`; may be async. None, here or as
            its answer, takes the built-in order: API key, verified token's subject, client address.
        redact: Further keys and patterns for the redaction policy: a list of key names and
            compiled patterns. The policy is the process's, so they come with its first set-up.

    Raises:
        ConfigurationError: A setting can't be used, or the profile clashes with that of another application in this
            process. One line: variable or place, value, remedy. Nothing is set up then.
        SetupError: The application is serving already, so its middleware can't change any more; or
            `redact` comes with a later set-up.
    """
    known = _handle_of(app)
    if known is not None:
        return known
    _check_application(app)
    _check_arguments(settings, service_name)
    settings = settings or Settings()
    # without the lock: a profile's module may be one that another thread is importing, which sets up there
    chosen = load_profile(settings.profile, "OTEL_KIT_PROFILE") if profile is None else load_profile(profile)
    module = sys._getframe(1).f_globals.get("__name__")
    protected = {"checks": checks, "limits": limits, "identify": identify}
    named = {"service_name": service_name, "redact": redact, "module": module}
    with _placing:
        return _handle_of(app) or _place_handle(app, settings, chosen, protected, named)


def _place_handle(
    app: FastAPI, settings: Settings, profile: Profile, protected: dict[str, Any], named: dict[str, Any]
) -> Observability:
    """
    Make the handle. Whatever can be refused is refused before anything is joined: a failed set-up leaves no trace.

    Args:
        protected: What `Protection` is given.
        named: What `_join` is given.
    """
    if named["redact"] is not None and current() is not None:
        raise SetupError(REDACT_TOO_LATE)
    protection = Protection(settings, profile, **protected)
    judge_events(profile.events)
    listing = Listing(profile)
    try:
        handle = _join(app, settings, listing, protection, **named)
    except BaseException:
        listing.leave()
        raise
    use_events(profile.events)
    setattr(app, HANDLE, handle)
    return handle


def _join(
    app: FastAPI,
    settings: Settings,
    listing: Listing,
    protection: Protection,
    *,
    service_name: str | None,
    redact: object,
    module: str | None,
) -> Observability:
    """
    Make the process's runtime, or join it.
    """
    runtime, first = shared_runtime(settings, listing.profile.layout, service_name, redact, module)
    if redact is not None and not first:  # another thread was first, in the meantime
        raise SetupError(REDACT_TOO_LATE)
    if first:
        runtime.telemetry.install_last_net(runtime.close)
    protection.join(runtime.policy.text, runtime.service_name)
    return Observability(app, runtime, listing, settings, protection)


def _handle_of(app: object) -> Observability | None:
    handle = getattr(app, HANDLE, None)
    return handle if isinstance(handle, Observability) else None


def _check_application(app: object) -> None:
    if not isinstance(app, FastAPI):
        raise SetupError(f"setup_observability wants a FastAPI application, not {type(app).__name__}")
    if app.middleware_stack is not None:
        raise SetupError(
            "setup_observability comes too late: the application is serving; call it where the app is made"
        )


def _check_arguments(settings: object, service_name: object) -> None:
    """
    What nothing else judges before it is used: an empty name would pass for none.
    """
    if settings is not None and not isinstance(settings, Settings):
        remedy = "give a Settings, or None to read the environment"
        raise ConfigurationError("settings", type(settings).__name__, remedy)
    if service_name is not None and not (isinstance(service_name, str) and service_name.strip()):
        raise ConfigurationError("service_name", service_name, "give a text, or None to take OTEL_SERVICE_NAME")


def _begin_in_child() -> None:
    # a thread of the parent may have held it
    global _placing
    _placing = threading.RLock()


os.register_at_fork(after_in_child=_begin_in_child)
