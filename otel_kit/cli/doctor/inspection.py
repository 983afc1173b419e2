"""
The program that imports an application and tells what it found: `python -m otel_kit.cli.doctor.inspection`.

Owns the looking, not the judging. Runs in a process of its own, since an application may do anything when
it is imported. Nothing is served: no lifespan begins, no request is made, and the process ends without
its exit handlers, so that nothing is sent.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from importlib import import_module
from typing import Any

__all__ = ["inspect"]

DEEPEST = 20
"""
Layers around an application, and mounts within each other, that are looked through.
"""


def inspect(target: str) -> dict[str, Any]:
    """
    What `module:app` is, as data; `failure` says why it could not be looked at.
    """
    module, _, path = target.partition(":")
    try:
        found: Any = import_module(module)
    except BaseException as error:  # an application may even call sys.exit
        return {"failure": _failure(error)}
    try:
        for name in path.split("."):
            found = getattr(found, name)
    except AttributeError:
        return {"failure": {"kind": "absent", "text": f"{module} has no {path}", "place": ""}}
    try:
        return _describe(found)
    except Exception as error:
        return {"failure": {"kind": "", "text": f"it does not look like itself ({type(error).__name__})", "place": ""}}


def _failure(error: BaseException) -> dict[str, Any]:
    from otel_kit.errors import OtelKitError

    frames = traceback.extract_tb(error.__traceback__)
    theirs = [one for one in frames if not _is_ours(one.filename)]
    place = f"{os.path.basename(theirs[-1].filename)}:{theirs[-1].lineno}" if theirs else ""
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{os.path.basename(error.filename)}:{error.lineno}"
    # an application's own text may hold what it must not tell; the kit's is masked, an import's names a module
    text = str(error) if isinstance(error, OtelKitError | ImportError) else ""
    return {"kind": type(error).__name__, "text": text, "place": place}


def _is_ours(file: str) -> bool:
    return f"{os.sep}otel_kit{os.sep}" in file or "importlib" in file


def _describe(found: Any) -> dict[str, Any]:
    from fastapi import FastAPI

    around: list[str] = []
    while not isinstance(found, FastAPI) and hasattr(found, "app") and len(around) < DEEPEST:
        around.append(_name(type(found)))
        found = found.app
    if not isinstance(found, FastAPI):
        is_factory = callable(found) and not hasattr(found, "routes") and hasattr(found, "__code__")
        return {"application": None, "type": _name(type(found)), "factory": is_factory, "around": around}
    return {"application": _application(found), "around": around, **_process()}


def _application(app: Any) -> dict[str, Any]:
    from otel_kit.guards import has_own_cors
    from otel_kit.observability import HANDLE, Observability
    from otel_kit.routes import literal_paths

    handle = getattr(app, HANDLE, None)
    native = getattr(app, "_telemetry", None)
    told: dict[str, Any] = {
        "title": app.title,
        "set_up": isinstance(handle, Observability),
        "contrib": bool(getattr(app, "_is_instrumented_by_opentelemetry", False)),
        "middleware": [_name(one.cls) for one in app.user_middleware],
        "own_cors": has_own_cors(app),
        "paths": sorted(literal_paths(app)),
        "limiter": _name(type(getattr(app.state, "limiter", None))),
        "auto_configure": bool(isinstance(native, dict) and native.get("auto_configure")),
    }
    if isinstance(handle, Observability):
        told["report"] = handle.report()
        told["engine_setting"] = handle.settings.engine
        told["metrics_path"] = handle.profile.metrics_path
    return told


def _process() -> dict[str, Any]:
    from opentelemetry import _logs, metrics, trace

    return {
        "providers": {
            "traces": _name(type(trace.get_tracer_provider())),
            "metrics": _name(type(metrics.get_meter_provider())),
            "logs": _name(type(_logs.get_logger_provider())),
        },
        "log_handlers": [_name(type(handler)) for handler in logging.getLogger().handlers],
    }


def _name(cls: Any) -> str:
    return f"{getattr(cls, '__module__', '')}.{getattr(cls, '__qualname__', type(cls).__qualname__)}"


def main(target: str, directory: str) -> None:
    """
    Look, write one line of JSON to standard output, and end at once.
    """
    # what the application prints goes nowhere, and no process that it starts has the pipe
    output = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # `-m` has put the current directory first; a server puts the application's there
    sys.path[:1] = [directory] if sys.path[:1] == [os.getcwd()] else [directory, *sys.path[:1]]
    told = json.dumps(inspect(target), default=str)
    with os.fdopen(output, "w", encoding="utf-8") as stream:
        stream.write(f"\n{told}\n")
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
