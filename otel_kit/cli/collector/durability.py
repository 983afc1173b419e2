"""
Of record or optional: a backend's own file turned into the other form.

Of record: a queue on disk, no batch processor, no giving up, so nothing that was acknowledged is lost.
Optional: a batch processor first, a small queue in memory, a bounded time of retries, so that a dead
backend loses its own data and never refuses a sender.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from otel_kit.cli.collector.files import Tree

__all__ = ["is_of_record", "optional_form", "record_form"]

SMALL_QUEUE = {"requests": 200, "items": 20_000, "bytes": 16 * 2**20}
"""
Size of an optional backend's queue, by what it is counted in.
"""

BATCH = {"timeout": "200ms", "send_batch_size": 512, "send_batch_max_size": 2048}
RETRY_SECONDS = "60s"
STORAGE = "file_storage/queue"

_RECORD_QUEUE = {
    "storage": STORAGE,
    "sizer": "bytes",
    "queue_size": "${env:OTEL_KIT_QUEUE_BYTES:-1073741824}",
    "batch": {"flush_timeout": "200ms", "min_size": 262_144, "max_size": 3_145_728},
}


def is_of_record(backend: Tree) -> bool:
    """
    Whether the file as it stands has no batch processor in front of its exporters.
    """
    return not any(_is_batch(one) for _, pipeline in _delivering(backend) for one in pipeline.get("processors") or ())


def optional_form(name: str, backend: Tree) -> Tree:
    """
    What makes a backend of record optional, to be merged over its file.
    """
    pipelines = {
        pipeline: {"processors": [f"batch/{name}", *(settings.get("processors") or ())]}
        for pipeline, settings in _delivering(backend)
    }
    return {
        "processors": {f"batch/{name}": dict(BATCH)},
        "exporters": {exporter: _small_queue(settings) for exporter, settings in _queueing(backend)},
        "service": {"pipelines": pipelines},
    }


def record_form(backend: Tree) -> Tree:
    """
    What makes an optional backend one of record, to be merged over its file.
    """
    pipelines = {
        pipeline: {"processors": [one for one in settings.get("processors") or () if not _is_batch(one)]}
        for pipeline, settings in _delivering(backend)
    }
    queues = {
        exporter: {"sending_queue": dict(_RECORD_QUEUE), "retry_on_failure": {"max_elapsed_time": 0}}
        for exporter, _ in _queueing(backend)
    }
    return {"exporters": queues, "service": {"pipelines": pipelines}}


def _small_queue(exporter: Mapping[str, Any]) -> Tree:
    sizer = (exporter.get("sending_queue") or {}).get("sizer", "requests")
    return {
        "sending_queue": {"storage": None, "queue_size": SMALL_QUEUE.get(sizer, SMALL_QUEUE["requests"])},
        "retry_on_failure": {"max_elapsed_time": RETRY_SECONDS},
    }


def _delivering(backend: Tree) -> Iterator[tuple[str, Tree]]:
    """
    The pipelines that end in an exporter of the file's own, not in a connector.
    """
    exporters = backend.get("exporters") or {}
    for name, pipeline in backend["service"]["pipelines"].items():
        if any(one in exporters for one in pipeline.get("exporters") or ()):
            yield name, pipeline


def _queueing(backend: Tree) -> Iterator[tuple[str, Tree]]:
    for name, settings in (backend.get("exporters") or {}).items():
        if "sending_queue" in (settings or {}):
            yield name, settings


def _is_batch(processor: str) -> bool:
    return processor.partition("/")[0] == "batch"
