"""
`module:app`: what the application has besides the kit, and who is in charge.

Owns the child process that imports it, and the judgement of what the child saw.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, TypeAlias

from otel_kit.cli.doctor.remarks import Remark, remark, safe
from otel_kit.settings import Settings

__all__ = ["judge_application", "judge_profile", "look_at"]

LONGEST_SECONDS = 20.0
PACKAGES = Path(__file__).resolve().parents[3]

Told: TypeAlias = dict[str, Any]
"""
What the child says, as it was read from JSON.
"""

_BESIDE = {
    "prometheus_fastapi_instrumentator": (
        "prometheus-fastapi-instrumentator measures each request a second time",
        "remove it; the kit measures each request",
    ),
    "starlette_exporter": (
        "starlette-exporter measures each request a second time",
        "remove it; the kit measures each request",
    ),
    "starlette_prometheus": (
        "starlette-prometheus measures each request a second time",
        "remove it; the kit measures each request",
    ),
    "asgi_correlation_id": (
        "asgi-correlation-id makes a second id; the kit's is in charge of X-Correlation-ID, trace and log",
        "remove CorrelationIdMiddleware; otel_kit.correlation_id() gives the id",
    ),
    "slowapi": (
        "slowapi counts and refuses requests beside the kit's limits",
        "move its limits to setup_observability(app, limits=…), or set RATELIMIT_ENABLED=false",
    ),
    "opentelemetry.instrumentation.asgi": (
        "OpenTelemetryMiddleware makes a second server span for each request",
        "remove it, or set OTEL_KIT_ENGINE=contrib in its place",
    ),
    "opentelemetry.instrumentation.starlette": (
        "opentelemetry-instrumentation-starlette makes a second server span for each request",
        "remove it, or set OTEL_KIT_ENGINE=contrib in its place",
    ),
}
"""
Package of a middleware -> what it does beside the kit, and the remedy.
"""


def look_at(target: str, directory: str, without: Collection[str]) -> Told:
    """
    What the child tells; `failure` where it could not.

    Args:
        without: Variables that would keep it from being imported or set up; reported already.
    """
    command = [sys.executable, "-m", "otel_kit.cli.doctor.inspection", target, directory]
    child = subprocess.Popen(
        command,
        env=_environment(without),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        output, _ = child.communicate(timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        return _failure(f"its import takes more than {LONGEST_SECONDS:g} s")
    finally:
        # whatever it has started goes with it
        _end(child)
    return _parsed(output)


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # it has ended, and nothing of it is left
        child.poll()
    child.wait()


def _parsed(output: bytes) -> Told:
    try:
        # what stands before may come from the interpreter's own start
        told = json.loads(output.strip().rpartition(b"\n")[2])
    except ValueError:
        return _failure("its import ends the process")
    return told if isinstance(told, dict) else _failure("its import tells nothing")


def _failure(text: str) -> Told:
    return {"failure": {"kind": "", "text": text, "place": ""}}


def _environment(without: Collection[str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in without}
    # last, so that it shadows nothing: a checkout may not be installed
    paths = [kept.get("PYTHONPATH", ""), str(PACKAGES)]
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONDONTWRITEBYTECODE": "1"}


def judge_profile(settings: Settings, directory: str) -> list[Remark]:
    """
    Whether the module of a user's own profile is there; it is not imported.
    """
    module, separator, _ = str(settings.profile).partition(":")
    package = module.partition(".")[0]
    if not separator or PathFinder.find_spec(package, [directory, *sys.path]) is not None:
        return []
    what = f"OTEL_KIT_PROFILE: there is no module {safe(package)}"
    return [remark("error", "settings", what, "name the directory of its modules with --app-dir, or install it")]


def judge_application(target: str, told: Told, settings: Settings) -> list[Remark]:
    """
    What is missing, doubled, or in somebody else's hands.
    """
    if "failure" in told:
        return [_unreadable(target, told["failure"])]
    app = told.get("application")
    if not isinstance(app, dict):
        if told.get("factory"):
            what = f"{target} is a function, not an application"
            return [remark("error", "engine", what, "name the application, or a module that calls the function")]
        return [remark("error", "engine", f"{target} is no FastAPI application", "name it as module:attribute")]
    if not app["set_up"]:
        what = f"{target} is not set up by otel_kit: no ids, no request metrics, no limits"
        return [
            remark("error", "engine", what, "call setup_observability(app) where the application is made"),
            *_beside(told),
        ]
    return [*_engine(app), *_beside(told), *_charge(app, settings), *_shared(told, app)]


def _unreadable(target: str, failure: Told) -> Remark:
    kind, text = failure["kind"], safe(failure["text"])
    if kind == "absent":
        what = f"{target} can't be looked at: {text}"
        return remark("error", "engine", what, "name an attribute that the module has")
    place = f" at {failure['place']}" if failure["place"] else ""
    told = f"{target} can't be imported: {kind}{place}{': ' if kind and text else ''}{text}"
    if kind in ("ConfigurationError", "SetupError"):
        return remark("error", "engine", told, "correct it; the service can't start before")
    if kind == "ModuleNotFoundError":
        return remark(
            "error", "engine", told, "name the directory of its modules with --app-dir, install what it needs"
        )
    return remark("error", "engine", told, f"python -c 'import {target.partition(':')[0]}' tells all of it")


def _engine(app: Told) -> Iterator[Remark]:
    by_contrib = app["contrib"]
    if by_contrib and app["engine_setting"] != "contrib":
        what = "FastAPIInstrumentor makes the server spans; the kit leaves them to it and makes none of its own"
        yield remark("warning", "engine", what, "remove its call, or say so with OTEL_KIT_ENGINE=contrib")
    if app["auto_configure"]:
        what = "FastAPI's own auto_configure is on for this application beside the kit"
        yield remark("warning", "engine", what, "unset FASTAPI_OTEL_AUTO_CONFIGURE")


def _beside(told: Told) -> Iterator[Remark]:
    app = told["application"]
    names = [*told["around"], *app["middleware"], app["limiter"]]
    for package, (what, remedy) in _BESIDE.items():
        if any(name.startswith(f"{package}.") for name in names):
            yield remark("warning", "engine", what, remedy)


def _charge(app: Told, settings: Settings) -> Iterator[Remark]:
    if app["own_cors"] and settings.cors_origins:
        what = "the application's own CORSMiddleware is in charge; CORS_ORIGINS has no effect"
        yield remark("warning", "engine", what, "remove the middleware, or unset CORS_ORIGINS")
    elif app["own_cors"]:
        yield remark("info", "engine", "the application's own CORSMiddleware is in charge of origins")
    if app["metrics_path"] in app["paths"]:
        what = f"the application's own {app['metrics_path']} is in charge; the kit's page is not served"
        yield remark("warning", "engine", what, "remove the route, unless the page is what you want")


def _shared(told: Told, app: Told) -> Iterator[Remark]:
    joined = [name for name in ("traces", "metrics", "logs") if "set before" in json.dumps(app["report"].get(name, {}))]
    if joined:
        kinds = ", ".join(f"{name} ({told['providers'][name]})" for name in joined)
        what = f"a provider was set before the kit and does the export: {kinds}"
        yield remark("info", "engine", what, "nothing, if that is what you want; else don't set it")
    bridged = any(name.startswith("opentelemetry.") for name in told["log_handlers"])
    if bridged and "logs" not in joined:
        what = "OpenTelemetry's LoggingHandler is on the root logger, so each record leaves twice"
        yield remark("warning", "engine", what, "remove the handler; the kit exports log records")
    for note in app["report"].get("notes", ()):
        yield remark("info", "engine", safe(str(note)))
