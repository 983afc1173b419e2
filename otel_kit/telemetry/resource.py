"""
Who sends the telemetry: the resource on every span, record and metric.

Owns the order of sources: the SDK and its detectors, then what the kit's settings say, then
`OTEL_RESOURCE_ATTRIBUTES`; later ones win. The service's name is decided by the caller.
"""

from __future__ import annotations

import os
import queue
import threading

from opentelemetry.sdk.environment_variables import OTEL_EXPERIMENTAL_RESOURCE_DETECTORS
from opentelemetry.sdk.resources import Resource

from otel_kit.environment import OtelEnvironment
from otel_kit.faults import fault
from otel_kit.redaction import Policy
from otel_kit.settings import Settings

__all__ = ["build_resource"]

UNKNOWN_HOST = "unknown"

DETECTOR_SECONDS = 1.0
"""
How long detectors may hold up the start. Those of clouds ask a network that may not answer.
"""


def build_resource(otel: OtelEnvironment, settings: Settings, service_name: str, policy: Policy) -> Resource:
    """
    The redacted resource. The instance id is the SDK's, which makes a new one in a forked process.
    """
    known = {
        "service.version": settings.app_version,
        "deployment.environment.name": settings.environment,
        "host.name": settings.hostname,
    }
    detected = _detect()
    attributes: dict[str, object] = {**detected.attributes, **known}
    if settings.hostname == UNKNOWN_HOST and "host.name" in detected.attributes:
        # a detector that was asked for knows the host better than a default does
        attributes["host.name"] = detected.attributes["host.name"]
    attributes.update(otel.resource_attributes)
    attributes["service.name"] = service_name
    return Resource(dict(policy.mapping(attributes)), detected.schema_url)  # type: ignore[arg-type]


def _detect() -> Resource:
    """
    What the SDK and its detectors say; only the SDK's own part when they take too long.
    """
    if not os.environ.get(OTEL_EXPERIMENTAL_RESOURCE_DETECTORS):
        return Resource.create({})
    found: queue.SimpleQueue[Resource] = queue.SimpleQueue()
    threading.Thread(target=lambda: found.put(Resource.create({})), name="otel_kit-detect", daemon=True).start()
    try:
        return found.get(timeout=DETECTOR_SECONDS)
    except queue.Empty:
        fault("resource", f"resource detectors took longer than {DETECTOR_SECONDS:g} s and are left out")
        return Resource(dict(_bare().attributes))


def _bare() -> Resource:
    asked = os.environ.pop(OTEL_EXPERIMENTAL_RESOURCE_DETECTORS, None)
    try:
        return Resource.create({})
    finally:
        if asked is not None:
            os.environ[OTEL_EXPERIMENTAL_RESOURCE_DETECTORS] = asked
