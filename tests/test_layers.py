"""
Who imports whom: the layers of the package, and the one door of each third-party library.

Both are read from the source, so an import inside of a function counts too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.trees import parsed

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "otel_kit"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("_version", "errors", "refusals"),
    ("faults", "shape", "wake"),
    ("catalogue", "environment", "event_layout", "health_layout", "layout"),
    ("settings",),
    ("context", "ledger", "redaction"),
    ("derived",),
    ("profiles", "captured_headers"),
    ("peers", "propagation", "integrations", "server_span", "security", "listing"),
    ("exposition", "logs", "lifespan", "beside", "identity", "guards", "health", "saturation"),
    ("telemetry",),
    ("arrival", "routes", "request_metrics", "ratelimit", "handled"),
    ("request_path",),
    ("asgi",),
    ("wiring", "runtime", "protection"),
    ("report", "assembly", "nesting"),
    ("observability",),
    ("setup",),
    ("__init__", "testing", "assets"),
    ("cli", "demo"),
    ("__main__",),
)
"""
From the ground up. A part imports those below it, never its neighbours or those above.
"""

DOORS: dict[str, tuple[str, ...]] = {
    "anyio": (
        "otel_kit.guards",
        "otel_kit.lifespan",
        "otel_kit.observability",
        "otel_kit.health",
        "otel_kit.saturation",
    ),
    "certifi": ("otel_kit.telemetry.connections",),
    "dotenv": ("otel_kit.environment.envfile",),
    "fastapi": (
        "otel_kit.routes",
        "otel_kit.assembly",
        "otel_kit.observability",
        "otel_kit.protection",
        "otel_kit.setup",
        "otel_kit.wiring",
        "otel_kit.identity.dependencies",
        "otel_kit.ratelimit.dependency",
    ),
    "google.protobuf": ("otel_kit.telemetry",),
    "grpc": ("otel_kit.telemetry",),
    "jwt": ("otel_kit.identity.tokens",),
    "limits": ("otel_kit.ratelimit",),
    "opentelemetry.exporter.otlp": ("otel_kit.telemetry",),
    "opentelemetry.exporter.prometheus": ("otel_kit.exposition.otel", "otel_kit.telemetry.ledger_points"),
    "opentelemetry.instrumentation": ("otel_kit.wiring", "otel_kit.integrations"),
    "opentelemetry.proto": ("otel_kit.telemetry",),
    "opentelemetry.sdk": ("otel_kit.exposition.otel", "otel_kit.telemetry", "otel_kit.testing"),
    "orjson": ("otel_kit.logs.json_layout", "otel_kit.refusals", "otel_kit.health"),
    "prometheus_client": ("otel_kit.exposition.otel",),
    "pydantic": ("otel_kit.settings",),
    "pydantic_core": ("otel_kit.settings",),
    "pydantic_settings": ("otel_kit.settings",),
    "pytest": ("otel_kit.testing",),
    "redis": ("otel_kit.ratelimit", "otel_kit.integrations"),
    "sqlalchemy": ("otel_kit.integrations",),
    "structlog": ("otel_kit.logs.structlog_bridge",),
    "urllib3": ("otel_kit.telemetry.connections", "otel_kit.telemetry.sender"),
}
"""
Library -> modules, or packages with all that is in them, that may import it.
"""

EVERYWHERE = ("opentelemetry", "starlette")
"""
Starlette's types are ASGI's, and OpenTelemetry's API is made to be called from anywhere.
"""

EXEMPT = ("cli", "demo", "__main__")
"""
They run beside a service, not inside of it, and may need what they like.
"""


class Import(NamedTuple):
    """
    One name that a module imports.
    """

    module: str
    target: str


def part_of(module: str) -> str:
    """
    `otel_kit.logs.item` -> `logs`.
    """
    return module.split(".")[1] if "." in module else "__init__"


def imports() -> Iterator[Import]:
    """
    All imports of the package.
    """
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Import):
                yield from (Import(module, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert 0 == node.level, f"{module} imports relatively"
                # `from package import module` names a module where there is one of that name
                for alias in node.names:
                    yield Import(module, _resolve(str(node.module), alias.name))


def _resolve(package: str, name: str) -> str:
    directory = ROOT / package.replace(".", "/")
    inside = directory.with_suffix(".py").exists() or not directory.is_dir()
    own = (directory / f"{name}.py").exists() or (directory / name).is_dir()
    return f"{package}.{name}" if (own and not inside) or package.startswith("opentelemetry") else package


OWN = sorted({(part_of(one.module), part_of(one.target)) for one in imports() if one.target.startswith("otel_kit")})
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}


def test_every_part_has_a_layer() -> None:
    """
    A new module is given its place here before it is used.
    """
    parts = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert set() == parts - LEVEL.keys()


def test_imports_point_down() -> None:
    """
    A part imports only parts of lower layers.
    """
    upwards = [
        f"{importer} imports {imported}"
        for importer, imported in OWN
        if importer != imported and LEVEL[imported] >= LEVEL[importer]
    ]

    assert [] == upwards


def test_each_library_has_its_door() -> None:
    """
    A third-party library is imported where it is declared to be, and nowhere else.
    """
    strays = [
        one
        for one in imports()
        if part_of(one.module) not in EXEMPT and (library := _library(one.target)) is not None
        if not any(one.module == door or one.module.startswith(f"{door}.") for door in DOORS.get(library, ()))
    ]

    assert [] == strays


def _library(target: str) -> str | None:
    """
    The declared library that an import belongs to, or its first name; None for what may be imported anywhere.
    """
    top = target.split(".")[0]
    if top in sys.stdlib_module_names or top == "otel_kit":
        return None
    found = [library for library in DOORS if target == library or target.startswith(f"{library}.")]
    if found:
        return max(found, key=len)
    return None if top in EVERYWHERE else top


@pytest.mark.parametrize(
    "library", ["opentelemetry.sdk", "opentelemetry.exporter", "requests", "structlog", "pytest", "otel_kit.telemetry"]
)
def test_importing_the_package_leaves_out(library: str) -> None:
    """
    The SDK comes with set-up, when bad variables are judged; nothing else that is optional or slow comes at all.
    """
    program = f"import sys, otel_kit; sys.exit({library!r} in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, timeout=60).returncode


@pytest.mark.parametrize("library", ["requests", "google.protobuf", "prometheus_client", "grpc"])
def test_set_up_leaves_out(library: str) -> None:
    """
    What is slow to import and not needed by default does not come with set-up either.
    """
    program = (
        "import sys, fastapi; from otel_kit import setup_observability; setup_observability(fastapi.FastAPI());"
        f"sys.exit({library!r} in sys.modules)"
    )

    assert 0 == subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, timeout=60).returncode


def test_importing_the_package_starts_nothing() -> None:
    """
    No thread, file or socket is made before somebody serves.
    """
    program = (
        "import fastapi, pydantic_settings, threading, os; before = set(os.listdir('/proc/self/fd'));"
        "import otel_kit; assert threading.active_count() == 1;"
        "assert set(os.listdir('/proc/self/fd')) == before"
    )

    assert 0 == subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, timeout=60).returncode
