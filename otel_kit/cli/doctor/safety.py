"""
Settings that work and are probably not what a service in production wants.

Owns the judgement of combinations. Judges no value that can't be used; that is done before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.util import find_spec

from otel_kit.cli.doctor.remarks import Remark, remark
from otel_kit.cli.doctor.sources import Sources
from otel_kit.environment import OtelEnvironment
from otel_kit.profiles import load_profile
from otel_kit.settings import Settings

__all__ = ["judge_safety"]

SHORTEST_TOKEN = 16
SHORTEST_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
"""
RFC 7518, section 3.2: a key is at least as long as the digest.
"""

GUESSED_KEYS = (
    "",
    "key",
    "apikey",
    "api-key",
    "secret",
    "password",
    "test",
    "demo",
    "dev",
    "changeme",
    "admin",
    "12345",
)

WIDEST = 0
"""
Length of a network's prefix that takes in everybody.
"""


def judge_safety(settings: Settings, otel: OtelEnvironment, sources: Sources) -> list[Remark]:
    """
    Everything that deserves a word.
    """
    return [
        *_limits(settings, sources),
        *_peers(settings),
        *_keys(settings),
        *_tokens(settings),
        *_browsers(settings),
        *_output(settings, otel, sources),
    ]


def _limits(settings: Settings, sources: Sources) -> Iterator[Remark]:
    if not settings.ratelimit_enabled:
        what = "RATELIMIT_ENABLED=false: no request is refused, whatever the limits say"
        yield remark("warning", "security", what, "unset it, or set it to true")
        return
    workers = sources.environ.get("WEB_CONCURRENCY", "").strip()
    in_memory = settings.ratelimit_storage_url.get_secret_value().lower().removeprefix("async+").startswith("memory")
    if in_memory and workers.isdecimal() and int(workers[:6]) > 1:
        what = f"WEB_CONCURRENCY={workers[:6]}: each worker counts by itself, so {workers[:6]} times a limit may pass"
        yield remark("warning", "security", what, "set OTEL_KIT_RATELIMIT_STORAGE_URL=redis://…, which all share")


def _peers(settings: Settings) -> Iterator[Remark]:
    if any(network.prefixlen == WIDEST for network in settings.trusted_proxies):
        what = "OTEL_KIT_TRUSTED_PROXIES takes in everybody, so each client chooses the address it is limited by"
        yield remark("warning", "security", what, "name the addresses or networks of your own proxies")
    everybody = settings.trust_traceparent == "all" or (
        isinstance(settings.trust_traceparent, tuple)
        and any(network.prefixlen == WIDEST for network in settings.trust_traceparent)
    )
    if everybody:
        what = "OTEL_KIT_TRUST_TRACEPARENT takes in everybody, so strangers join traces and force sampling"
        yield remark("warning", "security", what, "use private, or name the networks of your own services")


def _keys(settings: Settings) -> Iterator[Remark]:
    for number, key in enumerate(settings.api_keys, start=1):
        guesses = (*GUESSED_KEYS, key.name, key.tier)
        if key.sha256 in {hashlib.sha256(guess.encode()).hexdigest() for guess in guesses}:
            what = f"OTEL_KIT_API_KEYS: entry {number} is the digest of a word that anybody would try"
            remedy = "make a key: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            yield remark("warning", "security", what, remedy)


def _tokens(settings: Settings) -> Iterator[Remark]:
    token = settings.metrics_token
    if token is not None and len(token.get_secret_value()) < SHORTEST_TOKEN:
        what = (
            f"OTEL_KIT_METRICS_TOKEN has fewer than {SHORTEST_TOKEN} characters and opens {_page(settings)} to anyone"
        )
        yield remark("warning", "security", what, "use 32 random characters")
    elif token is None:
        what = f"{_page(settings)} answers loopback and private addresses alone"
        yield remark("info", "security", what, "set OTEL_KIT_METRICS_TOKEN for a scraper from elsewhere")
    key = settings.jwt_key
    if key is None:
        return
    if find_spec("jwt") is None:
        what = "OTEL_KIT_JWT_KEY is set, but PyJWT is not installed"
        yield remark("error", "security", what, "pip install 'otel-kit[jwt]'")
    if settings.jwt_key_kind != "secret":
        return
    length = len(key.get_secret_value().encode())
    least = max(SHORTEST_SECRET_BYTES.get(name, 0) for name in settings.accepted_jwt_algorithms)
    if length < least:
        what = f"OTEL_KIT_JWT_KEY has fewer bytes than the {least} that its algorithms want, and can be guessed"
        yield remark("warning", "security", what, f"use {least} random bytes, or a public key")


def _page(settings: Settings) -> str:
    """
    Where the metrics are read, as far as that is known without importing a module of the user's.
    """
    name = str(settings.profile)
    return "the page of metrics" if ":" in name else load_profile(name).metrics_path


def _browsers(settings: Settings) -> Iterator[Remark]:
    if "*" in settings.cors_origins:
        what = "CORS_ORIGINS=*: pages of any site may read answers (without cookies)"
        yield remark("warning", "security", what, "name the origins of your own pages")


def _output(settings: Settings, otel: OtelEnvironment, sources: Sources) -> Iterator[Remark]:
    if settings.environment.lower() in ("production", "prod") and settings.log_level in ("TRACE", "DEBUG"):
        what = f"LOG_LEVEL={settings.log_level} in ENVIRONMENT={settings.environment}: more lines and more in them"
        yield remark("warning", "security", what, "use LOG_LEVEL=INFO")
    if otel.disabled:
        what = "OTEL_SDK_DISABLED=true: no spans and no export; /metrics, limits, ids and log lines go on"
        yield remark("info", "engine", what, "unset it to have telemetry leave")
    if sources.environ.get("FASTAPI_OTEL_AUTO_CONFIGURE", "").strip().lower() == "true":
        what = "FASTAPI_OTEL_AUTO_CONFIGURE=true: FastAPI adds exporters of its own where the kit is not set up"
        yield remark("warning", "engine", what, "unset it; the kit exports")
