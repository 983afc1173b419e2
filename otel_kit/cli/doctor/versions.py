"""
What is installed, and whether it is new enough.

Owns the lowest versions that are supported; they are those of the package's own requirements.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from importlib import metadata

from otel_kit._version import __version__
from otel_kit.cli.doctor.remarks import Remark, remark

__all__ = ["LOWEST", "Version", "is_older", "judge_versions", "read_versions"]

PYTHON = "3.10"

LOWEST = {
    "anyio": "4.1",
    "certifi": "2024.2.2",
    "fastapi": "0.115.0",
    "limits": "5.6.0",
    "starlette": "0.38.6",
    "opentelemetry-api": "1.45.2",
    "opentelemetry-sdk": "1.45.2",
    "opentelemetry-proto": "1.45.2",
    "opentelemetry-exporter-otlp-proto-common": "1.45.2",
    "opentelemetry-exporter-otlp-proto-http": "1.45.2",
    "opentelemetry-exporter-prometheus": "0.66b2",
    "opentelemetry-instrumentation-fastapi": "0.66b2",
    "orjson": "3.10.0",
    "prometheus-client": "0.21.0",
    "protobuf": "6.31.1",
    "pydantic": "2.10.0",
    "pydantic-settings": "2.7.0",
    "python-dotenv": "1.0.0",
    "urllib3": "2.2.0",
}
"""
Without these the kit can't be set up.
"""

FURTHER: dict[str, str | None] = {
    "uvicorn": "0.30",
    "gunicorn": None,
    "redis": "6.0",
    "PyJWT": "2.13",
    "cryptography": None,
    "opentelemetry-exporter-otlp-proto-grpc": "1.45.2",
}
"""
Shown where they are installed; what needs one of them says so itself.
"""

_VERSION = re.compile(r"(\d+(?:\.\d+)*)(?:(a|b|rc)(\d+))?")


@dataclass(frozen=True)
class Version:
    """
    One distribution.
    """

    name: str
    installed: str | None
    lowest: str | None
    """None where any will do."""


def read_versions() -> list[Version]:
    """
    This package, Python, and what the package needs or uses.
    """
    installed = {name: _installed(name) for name in (*LOWEST, *FURTHER)}
    return [
        Version("otel-kit", __version__, None),
        Version("python", platform.python_version(), PYTHON),
        *(Version(name, installed[name], lowest) for name, lowest in LOWEST.items()),
        *(Version(name, installed[name], lowest) for name, lowest in FURTHER.items() if installed[name]),
    ]


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def judge_versions(versions: list[Version]) -> list[Remark]:
    """
    An error for each that is missing or too old, a warning where parts of OpenTelemetry don't belong together.
    """
    remarks = []
    for version in versions:
        if version.lowest is None:
            continue
        remedy = f"pip install '{version.name}>={version.lowest}'"
        if version.name == "python":
            remedy = f"run the service with Python {version.lowest} or later"
        if version.installed is None:
            remarks.append(remark("error", "versions", f"{version.name} is not installed", remedy))
        elif is_older(version.installed, version.lowest):
            what = f"{version.name} {version.installed} is older than {version.lowest}, the lowest that is supported"
            remarks.append(remark("error", "versions", what, remedy))
    return [*remarks, *_mixed(versions)]


def _mixed(versions: list[Version]) -> list[Remark]:
    found = {one.name: one.installed for one in versions if one.name in ("opentelemetry-api", "opentelemetry-sdk")}
    if None in found.values() or len(set(found.values())) < 2:
        return []
    api, sdk = found["opentelemetry-api"], found["opentelemetry-sdk"]
    what = f"opentelemetry-api {api} and opentelemetry-sdk {sdk} are released in pairs and don't match"
    return [remark("warning", "versions", what, f"pip install 'opentelemetry-sdk=={api}'")]


def is_older(version: str, lowest: str) -> bool:
    """
    Whether a version comes before another; one that can't be read does not.
    """
    left, right = _key(version), _key(lowest)
    return left is not None and right is not None and left < right


def _key(version: str) -> tuple[tuple[int, ...], str, int] | None:
    found = _VERSION.match(version)
    if found is None:
        return None
    release = tuple(map(int, found[1].split(".")))
    while release and release[-1] == 0:
        release = release[:-1]
    # a final release comes after its own candidates, and "z" after every letter of theirs
    return release, found[2] or "z", int(found[3] or 0)
