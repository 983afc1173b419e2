"""
What protects one application: identities, limits, health, the guard and CORS, built from its settings.

Owns which of these there are and when they begin and end to serve. What each of them does is its
own business; where in the path of a request they stand is that of `wiring` and `asgi`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from otel_kit.errors import ConfigurationError
from otel_kit.exposition.access import AccessRule
from otel_kit.faults import fault
from otel_kit.guards import Guard, cors, has_own_cors, is_cors
from otel_kit.health import Checks, Health, Providers
from otel_kit.health_layout import Facts
from otel_kit.identity import Identities
from otel_kit.ledger import ledger
from otel_kit.ledger.totals import totals
from otel_kit.profiles import Profile
from otel_kit.ratelimit import Limit, Limiter, build_rules
from otel_kit.routes import literal_paths, mounts, templates
from otel_kit.saturation import MemoryFigures, Saturation
from otel_kit.settings import Settings
from otel_kit.settings.model import LOG_LEVEL_NUMBERS

__all__ = ["Protection"]

Identify = Callable[..., Any]
Limits = Mapping[str, "str | Limit | None"]

OWN_CHECK = "ratelimit"


class Protection:
    """
    Of one application.

    Raises:
        ConfigurationError: A limit, a check or a key can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        profile: Profile,
        *,
        checks: Mapping[str, Callable[[], Any]] | None,
        limits: Limits | None,
        identify: Identify | None,
    ) -> None:
        self._settings = settings
        self._profile = profile
        self._own_limits, self._identifies = bool(limits), identify is not None
        if identify is not None and not callable(identify):
            raise ConfigurationError("identify", identify, "give a function from the connection to an identity")
        self.identities = Identities(
            settings.api_keys, settings.jwt_key, settings.jwt_algorithms, settings.metrics_token
        )
        self.limiter = Limiter(
            build_rules(
                profile.limits if limits is None else limits, exempt=[profile.metrics_path, *profile.health.unlimited]
            ),
            identities=self.identities,
            identify=identify,
            enabled=settings.ratelimit_enabled,
            storage_url=settings.ratelimit_storage_url,
        )
        self.checks = Checks(timeout_seconds=settings.check_timeout_seconds, reserved=profile.health.reserved_names)
        if not isinstance(checks, Mapping | None):
            raise ConfigurationError("checks", checks, "give a mapping from names to functions")
        for name, function in (checks or {}).items():
            self.checks.add(name, function)
        if self.limiter.storage_state() != "memory":
            # limits that hold in each process alone are worth knowing of, and no reason to be taken out of service
            self.checks.add(OWN_CHECK, self._limits_are_shared, critical=False, type="Redis")
        self.providers = Providers(timeout_seconds=settings.check_timeout_seconds)
        self._application: FastAPI | None = None
        self._memory = MemoryFigures()
        token = settings.metrics_token
        access = AccessRule(None if token is None else token.get_secret_value())
        self.health = Health(
            self.checks,
            profile.health,
            degraded_status=settings.health_degraded_status,
            providers=self.providers,
            facts=self._facts,
            metrics=lambda: totals(ledger.snapshot()),
            gauge=profile.health_gauge,
            status_gauge=profile.status_gauge,
            trusted=access.admits,
            refusal=access.refusal,
            clean=lambda text: self._clean(text),
            interval_seconds=settings.check_interval_seconds,
            drain_seconds=settings.drain_seconds,
        )
        self.in_flight: Callable[[], int] = int
        """How many requests there are; set when there are rings that know."""
        self._saturation = Saturation(lambda: self.in_flight())
        self.own_cors = False
        self._clean: Callable[[str], str] = str

    def join(self, clean: Callable[[str], str], service_name: str) -> None:
        """
        Take over what belongs to the process, which is made after the application's settings were judged.

        Args:
            clean: Takes secrets out of a text.
            service_name: Whose windows the limits are counted in.
        """
        self._clean = clean
        self.limiter.service = service_name

    def middleware(self, app: FastAPI) -> list[Middleware]:
        """
        The application's middleware with the guard in it: outermost, but inside of the application's own
        CORS middleware where that comes first, so that browsers may read what the guard answers.
        """
        self._application = app
        self.health.give_way(templates(app), mounts(app))
        self.own_cors = has_own_cors(app)
        before = list(app.user_middleware)
        guard = Middleware(
            Guard,
            max_body_bytes=self._settings.max_body_bytes,
            per_path=self._body_limits(),
            max_in_flight=self._settings.max_in_flight,
            never_shed=self.health.concerns,
            literals=literal_paths(app),
        )
        position = 1 if self.own_cors and before and is_cors(before[0]) else 0
        return [*before[:position], guard, *before[position:]]

    def around(self, stack: ASGIApp) -> ASGIApp:
        """
        The whole stack, with CORS where origins are listed and the application has none of its own.

        It stands outside of the handler of unhandled errors: a browser may read these answers as well.
        """
        origins = self._settings.cors_origins
        return cors(stack, origins) if origins and not self.own_cors else stack

    def what_is_off(self) -> dict[str, str]:
        """
        What somebody might expect to be on, and why it is not.
        """
        off: dict[str, str] = {}
        limits = self.limiter.report()
        if "why" in limits:
            off["rate limits"] = limits["why"]
        if self.own_cors:
            off["cors"] = "the application has a CORSMiddleware of its own, which is in charge"
        elif not self._settings.cors_origins:
            off["cors"] = "CORS_ORIGINS is empty"
        if not self.identities.has_keys:
            off["client keys"] = "OTEL_KIT_API_KEYS is empty: what requires a key answers 401"
        if self._settings.max_in_flight is None:
            off["load shedding"] = "OTEL_KIT_MAX_IN_FLIGHT is not set"
        return {**off, **self.health.what_is_off()}

    def given(self) -> list[str]:
        """
        What the application itself has asked for, that the rings do for it.
        """
        asked = {
            "limits": self._own_limits,
            "identify": self._identifies,
            "checks": any(check.name != OWN_CHECK for check in self.checks),
            "providers": bool(self.providers),
        }
        return [name for name, was_given in asked.items() if was_given]

    def report(self) -> dict[str, Any]:
        """
        What holds, as data.
        """
        origins = self._settings.cors_origins
        return {
            "limits": self.limiter.report(),
            "health": self.health.state(),
            "cors": "the application's own" if self.own_cors else ", ".join(origins) or "none",
            "max_body_bytes": self._settings.max_body_bytes,
            # no keys of the user's, as with limits
            "body_limits": [{"prefix": path, "bytes": most} for path, most in sorted(self._body_limits().items())],
        }

    def _body_limits(self) -> dict[str, int]:
        return {**self._profile.max_body_bytes, **self.limiter.rules.body_limits}

    # -- life ---------------------------------------------------------------------------------

    def opening(self) -> None:
        """
        A lifespan begins.
        """
        self.health.opening()

    def serve(self) -> None:
        """
        Serving begins, on the loop that runs now: with a lifespan, or with a first request where the server has none.
        """
        self._saturation.start()
        self.limiter.utilization.start()
        self.health.serve()

    async def start(self) -> None:
        """
        The application's start-up is complete, on the loop that serves. Never raises.
        """
        try:
            await self.limiter.start()
            self.health.start()
        except Exception as error:
            fault("protection", error)

    def stopping(self) -> None:
        """
        The server wants to end.
        """
        self.health.stopping()

    async def close(self) -> None:
        """
        The application has shut down. Never raises.
        """
        for closing in (self.health.close, self.limiter.close):
            try:
                await closing()
            except Exception as error:
                fault("protection", error)
        self._saturation.stop()

    def rest(self) -> None:
        """
        Nothing is measured and no signal awaited until serving begins again.
        """
        self.health.rest()
        self.limiter.utilization.stop()
        self._saturation.stop()

    def _limits_are_shared(self) -> bool:
        return self.limiter.storage_state() != "local"

    # -- facts --------------------------------------------------------------------------------

    def _facts(self) -> Facts:
        """
        What health documents may tell of the service, as it is now.
        """
        number = logging.getLogger().getEffectiveLevel()
        level = _LEVEL_NAMES.get(number) or logging.getLevelName(number)
        return Facts(
            version=self._version(),
            environment=self._settings.environment,
            debug=self._application is not None and bool(self._application.debug),
            log_level=self._profile.layout.level_names.get(level, level),
            read_memory=self._memory,
        )

    def _version(self) -> str | None:
        if "app_version" in self._settings.model_fields_set:
            return self._settings.app_version
        own = self._application.version if self._application is not None else _NO_VERSION
        return None if own == _NO_VERSION else own


_LEVEL_NAMES = {number: name for name, number in LOG_LEVEL_NUMBERS.items()}
_NO_VERSION = (FastAPI.__init__.__kwdefaults__ or {}).get("version")
"""What FastAPI calls an application to which nobody has given a version."""
