"""
Names nobody reads: `OTEL_KIT_*` variables that are probably misspelled.

Owns the list of the Collector's names too, which share the prefix and are not settings.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Mapping

from otel_kit.environment import ENV_FILE, MASK, Finding, read_env_file
from otel_kit.environment.envfile import EnvFile
from otel_kit.settings.model import Settings
from otel_kit.settings.source import variable_of_field

__all__ = ["COLLECTOR_VARIABLES", "is_service_link", "nearest_name", "unknown_variables"]

PREFIX = "OTEL_KIT_"
UNSET = "unset it; `otel-kit doctor --all` lists the names that are read"

COLLECTOR_VARIABLES = (
    "OTEL_KIT_FILE_DIR",
    "OTEL_KIT_QUEUE_DIR",
    "OTEL_KIT_QUEUE_BYTES",
    "OTEL_KIT_PROMETHEUS_APP_METRICS",
    "OTEL_KIT_CACHE",
    *(f"OTEL_KIT_GATEWAY_{name}" for name in ("ADDRESS", "CA", "TOKEN")),
    *(f"OTEL_KIT_{port}_PORT" for port in ("GRPC", "HTTP", "HEALTH", "SELF")),
    *(
        f"OTEL_KIT_COLLECTOR_{name}"
        for name in (
            "BINARY",
            "OPTIONAL",
            "MEMORY_MIB",
            "SAMPLING",
            "SAMPLING_SLOW_MS",
            "SAMPLING_KEEP_ROUTES",
            "SAMPLING_QUIET_ROUTES",
            "SAMPLING_WAIT",
            "SAMPLING_TRACES",
            "FILES",
            "HOST",
            "HOST_ROOT",
            "GATEWAYS",
            "BROWSER_PORT",
            "BROWSER_ORIGINS",
            "BROWSER_SERVICES",
            "TOKEN",
            "TLS_CERT",
            "TLS_KEY",
            "TLS_CLIENT_CA",
        )
    ),
)
"""
Read by the Collector's files, its launcher and its build.
"""

NEAR = 0.6
"""
From here on two names are taken for near, of 1 for the same: four letters of ten may differ.
"""

_SERVICE_LINK = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$")


def unknown_variables(environ: Mapping[str, str] = os.environ, *, env_file: EnvFile = ENV_FILE) -> list[Finding]:
    """
    A finding for each unknown `OTEL_KIT_*` name, in the environment or in `.env`, with the nearest known one
    where one is near.
    """
    known = {variable_of_field(Settings, name) for name in Settings.model_fields} | set(COLLECTOR_VARIABLES)
    return [
        _finding(name, known)
        for name, value in sorted({**read_env_file(env_file), **environ}.items())
        if name.startswith(PREFIX) and name not in known and not is_service_link(name, value)
    ]


def is_service_link(name: str, value: str) -> bool:
    """
    Whether Kubernetes made the variable, for a service whose name starts with `otel-kit`.
    """
    return bool(_SERVICE_LINK.search(name)) or (name.endswith("_PORT") and "://" in value)


def nearest_name(name: str, known: Collection[str], prefix: str) -> str | None:
    """
    The known name that is most like this one; None where none is near.

    Args:
        prefix: Left out, as it alone would make all names look alike; some have none.
    """
    ends = {one.removeprefix(prefix): one for one in sorted(known)}
    near = difflib.get_close_matches(name.removeprefix(prefix), ends, n=1, cutoff=NEAR)
    return ends[near[0]] if near else None


def _finding(name: str, known: set[str]) -> Finding:
    nearest = nearest_name(name, known, PREFIX)
    remedy = f"the nearest known name is {nearest}" if nearest else UNSET
    # a misspelled name may hold a secret, so its value is not shown
    return Finding(name, MASK, "is not a setting of otel_kit", remedy)
