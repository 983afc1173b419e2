"""
`module:app`: what stands beside the kit, with stand-ins for the libraries that are not installed here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.doctor.asking import doctor, document

KIT = """
from fastapi import FastAPI
from otel_kit import setup_observability
{before}
app = FastAPI(title="shop")
{beside}
setup_observability(app)
{after}
"""

PASSING = """
class {name}:
    def __init__(self, app, **given):
        self.app = app
    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)
"""

STAND_INS = {
    "prometheus_fastapi_instrumentator": "PrometheusInstrumentatorMiddleware",
    "asgi_correlation_id": "CorrelationIdMiddleware",
    "slowapi": "SlowAPIMiddleware",
    "starlette_exporter": "PrometheusMiddleware",
}


def written(directory: Path, before: str = "", beside: str = "", after: str = "") -> None:
    """
    An application that is set up, as `main:app`.
    """
    text = KIT.format(before=before, beside=beside, after=after)
    (directory / "main.py").write_text(text, encoding="utf-8")


def engine(directory: Path, *arguments: str, **variables: str) -> list[tuple[str, str]]:
    """
    Levels and texts of what is said of `main:app`.
    """
    found = document(directory, *(arguments or ("main:app",)), **variables)
    return [(one["level"], one["what"]) for one in found["findings"] if one["area"] == "engine"]


def test_an_application_of_the_kits_own_is_well(tmp_path: Path) -> None:
    """
    Nothing to say of the engine; its own report is part of the document.
    """
    written(tmp_path)
    found = document(tmp_path, "main:app")

    assert [] == [one for one in found["findings"] if one["area"] == "engine"]
    assert ("main:app", "shop", True) == (
        found["target"],
        found["application"]["title"],
        found["application"]["set_up"],
    )
    assert "goblin" == found["application"]["report"]["profile"]


@pytest.mark.parametrize("package", sorted(STAND_INS))
def test_a_library_that_does_the_same_is_a_warning(tmp_path: Path, package: str) -> None:
    """
    By the middleware that it adds.
    """
    name = STAND_INS[package]
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / package / "middleware.py").write_text(PASSING.format(name=name), encoding="utf-8")
    written(tmp_path, f"from {package}.middleware import {name}", f"app.add_middleware({name})")

    ((level, what),) = engine(tmp_path)

    assert "warning" == level
    assert package.replace("_", "-") in what


def test_slowapi_without_its_middleware_is_found(tmp_path: Path) -> None:
    """
    By the limiter that its decorators need.
    """
    (tmp_path / "slowapi").mkdir()
    (tmp_path / "slowapi" / "__init__.py").write_text("class Limiter: pass\n", encoding="utf-8")
    written(tmp_path, "from slowapi import Limiter", "app.state.limiter = Limiter()")

    ((level, what),) = engine(tmp_path)

    assert ("warning", True) == (level, what.startswith("slowapi counts"))


def test_contribs_instrumentation_is_a_warning(tmp_path: Path) -> None:
    """
    The kit leaves the server spans to it; nothing to say where that is asked for.
    """
    before = "from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor"
    written(tmp_path, before, "FastAPIInstrumentor.instrument_app(app)")

    assert ["warning"] == [level for level, what in engine(tmp_path) if "FastAPIInstrumentor" in what]
    assert [] == engine(tmp_path, OTEL_KIT_ENGINE="contrib")


def test_a_second_server_span_is_a_warning(tmp_path: Path) -> None:
    """
    Contrib's middleware, added by hand.
    """
    before = "from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware"
    written(tmp_path, before, "app.add_middleware(OpenTelemetryMiddleware)")

    ((level, what),) = engine(tmp_path)

    assert ("warning", True) == (level, "a second server span" in what)


def test_a_provider_that_was_there_before_is_said(tmp_path: Path) -> None:
    """
    It does the export.
    """
    before = (
        "from opentelemetry import trace\nfrom opentelemetry.sdk.trace import TracerProvider\n"
        "trace.set_tracer_provider(TracerProvider())"
    )
    written(tmp_path, before)

    ((level, what),) = engine(tmp_path)

    assert ("info", True) == (level, "traces (opentelemetry.sdk.trace.TracerProvider)" in what)


def test_the_applications_own_cors_is_in_charge(tmp_path: Path) -> None:
    """
    A warning only where the setting says something that does not count.
    """
    before = "from fastapi.middleware.cors import CORSMiddleware"
    written(tmp_path, before, "app.add_middleware(CORSMiddleware, allow_origins=[])")

    assert ["info"] == [level for level, _ in engine(tmp_path)]
    assert ["warning"] == [level for level, _ in engine(tmp_path, CORS_ORIGINS="https://shop.example")]


def test_the_applications_own_page_is_in_charge(tmp_path: Path) -> None:
    """
    A route for the page of metrics keeps the kit's from being served.
    """
    written(tmp_path, after="app.get('/metrics')(lambda: 'own')")

    ((level, what),) = engine(tmp_path)

    assert ("warning", True) == (level, "/metrics is in charge" in what)


def test_fastapis_own_exporters_are_a_warning(tmp_path: Path) -> None:
    """
    With the application and without.
    """
    written(tmp_path)

    assert ["warning"] == [level for level, _ in engine(tmp_path, FASTAPI_OTEL_AUTO_CONFIGURE="true")]
    assert ["warning"] == [level for level, _ in engine(tmp_path, "--all", FASTAPI_OTEL_AUTO_CONFIGURE="true")]


def test_an_application_without_the_kit_is_an_error(tmp_path: Path) -> None:
    """
    With the line that is missing.
    """
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n", encoding="utf-8")
    done = doctor(tmp_path, "main:app")

    assert 1 == done.returncode
    assert "main:app is not set up by otel_kit" in done.stdout
    assert "call setup_observability(app) where the application is made" in done.stdout


@pytest.mark.parametrize(
    ("text", "target", "told"),
    [
        ("import nothing_of_this_name", "main:app", "ModuleNotFoundError at main.py:1: No module named"),
        ("value = 1 / 0", "main:app", "ZeroDivisionError at main.py:1"),
        ("app = (", "main:app", "SyntaxError at main.py:1"),
        ("other = 1", "main:app", "main has no app"),
        ("app = object()", "main:app", "is no FastAPI application"),
        ("def app():\n    return 1", "main:app", "is a function, not an application"),
        ("import os\nos._exit(3)", "main:app", "its import ends the process"),
        ("import sys\nsys.exit('bye')", "main:app", "SystemExit at main.py:2"),
        ("app = 1", "absent:app", "No module named 'absent'"),
        (
            "from fastapi import FastAPI\nfrom otel_kit import setup_observability\n"
            "app = FastAPI()\nsetup_observability(app, profile='nobody')",
            "main:app",
            "ConfigurationError at main.py:4: ",
        ),
    ],
)
def test_an_application_that_can_not_be_looked_at_is_an_error(
    tmp_path: Path, text: str, target: str, told: str
) -> None:
    """
    The kind of failure and its place, and doctor goes on.
    """
    (tmp_path / "main.py").write_text(text + "\n", encoding="utf-8")
    found: Any = document(tmp_path, target)

    ((level, what),) = [(one["level"], one["what"]) for one in found["findings"] if one["area"] == "engine"]
    assert ("error", True) == (level, told in what), what
    assert found["reachability"]


@pytest.mark.parametrize(("name", "wrong"), [("own", 0), ("absent", 1)])
def test_the_module_of_a_profile_is_looked_for(tmp_path: Path, name: str, wrong: int) -> None:
    """
    Not imported: it may raise or never end, and the service itself would say so.
    """
    (tmp_path / "own.py").write_text("raise RuntimeError\n", encoding="utf-8")
    found: Any = document(tmp_path, OTEL_KIT_PROFILE=f"{name}:PROFILE")

    assert wrong == len([one for one in found["findings"] if "OTEL_KIT_PROFILE: there is no module" in one["what"]])


def test_a_missing_attribute_has_its_own_remedy(tmp_path: Path) -> None:
    """
    An import of the module would tell nothing.
    """
    (tmp_path / "main.py").write_text("other = 1\n", encoding="utf-8")
    found: Any = document(tmp_path, "main:app")

    ((what, remedy),) = [(one["what"], one["remedy"]) for one in found["findings"] if one["area"] == "engine"]
    assert ("main:app can't be looked at: main has no app", "name an attribute that the module has") == (what, remedy)


def test_modules_are_looked_for_in_the_directory_that_is_named(tmp_path: Path) -> None:
    """
    As a server's `--app-dir`; what the application prints is not part of the output.
    """
    (tmp_path / "backend").mkdir()
    written(tmp_path / "backend", after="print('x' * 200_000)")

    assert [] == engine(tmp_path, "main:app", "--app-dir", "backend")


def test_nothing_is_served_and_nothing_runs_on(tmp_path: Path) -> None:
    """
    No lifespan begins, no exit handler runs.
    """
    lifespan = "@contextlib.asynccontextmanager\nasync def begin(app):\n    pathlib.Path('begun').touch()\n    yield"
    written(
        tmp_path,
        f"import atexit, contextlib, pathlib\n{lifespan}",
        after="app.router.lifespan_context = begin\natexit.register(lambda: pathlib.Path('ended').touch())",
    )

    assert [] == engine(tmp_path)
    assert [] == [name for name in ("begun", "ended") if (tmp_path / name).exists()]


def test_bad_settings_do_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    """
    The application is looked at without them.
    """
    written(tmp_path, after="app.get('/metrics')(lambda: 'own')")

    assert ["warning"] == [level for level, _ in engine(tmp_path, LOG_LEVEL="LOUD", OTEL_PROPAGATORS="nobody")]
