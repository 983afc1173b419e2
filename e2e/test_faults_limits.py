"""
Where the room ends: a full disk, a full memory, a damaged queue file, and the four limits of Loki.

Each test is a row of docs/explanation/guarantees.md.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from e2e import otlp
from e2e.faults.files import FRONT, OF_RECORD, forward_to
from e2e.faults.records import Numbers, numbered_logs, numbered_spans
from e2e.faults.senders import send_once, send_spans
from e2e.faults.stores import store
from e2e.programs import Collector, Loki, NotReady, collector, unique, wait_for
from e2e.questions import LogLine

MIB = 2**20

QUEUE_OF_TRACES = "exporter_otlp_http_otlp_traces"
"""The file in which the spans for `backends/otlp.yaml` wait."""


TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
"""Made up, in the shape of a real one."""


def fill(running: Collector, numbers: Numbers) -> tuple[list[str], otlp.Answer]:
    """
    Send spans of 1 KB until a request is refused.

    Returns: The numbers that were acknowledged, and the refusal.
    """
    acknowledged: list[str] = []
    while True:
        batch = numbers.take(20)
        answer = otlp.send(running.url, numbered_spans(batch, padding=900))
        if answer.status != 200:
            return acknowledged, answer
        acknowledged += batch


def test_full_disk_is_told_to_the_sender(tmp_path: Path) -> None:
    """
    The disk takes nothing more: 503, which senders repeat; what was acknowledged arrives, and room is made by that.
    """
    numbers = Numbers()
    with store() as kept, collector(OF_RECORD, forward_to(kept), tmp_path) as running:
        # what the kernel says at 8 MiB is what a full disk says, and no file system has to be made for it
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (8 * MIB, resource.RLIM_INFINITY))
        acknowledged, refusal = fill(running, numbers)
        kept.live()
        kept.wait_for("traces", acknowledged)

        assert (503, True) == (refusal.status, b"file too large" in refusal.body)
        assert 200 == send_once(running.url, numbered_spans(numbers.take(20), padding=900))


def test_restart_on_a_full_disk_loses_what_was_on_its_way(tmp_path: Path) -> None:
    """
    A Collector that starts while its disk is still full loses what was on its way when it ended, says so, and no more.
    """
    full = {"extensions": {"file_storage/queue": {"max_size": 8 * MIB, "compaction": {"on_rebound": False}}}}
    numbers = Numbers()
    with store() as kept, collector((*OF_RECORD, full), forward_to(kept), tmp_path) as running:
        acknowledged, _ = fill(running, numbers)
        running.kill()
        kept.live()
        running.start()
        wait_for(lambda: send_once(running.url, numbered_spans(numbers.take(1))) == 200, "room on the disk", 30)
        wait_for(lambda: running.metrics().sum("otelcol_exporter_queue_size") == 0, "an empty queue", 30)
        lost = set(acknowledged) - kept.arrivals("traces").keys()

        # ten requests of 256 KiB, and what completes the last span of each
        assert len(lost) <= 10 * 290
        assert any("Errors occurred while moving items" in entry for entry in running.warnings())


def test_memory_limit_is_told_to_the_sender(tmp_path: Path) -> None:
    """
    Above its limit of memory the Collector answers 503 and stays healthy; below it takes again, and nothing is lost.
    """
    numbers, acknowledged = Numbers(), list[str]()
    # 80 MiB of the limit are kept for spikes; only a queue in memory, and a large one, gets to the rest
    tight = {"OTEL_KIT_COLLECTOR_MEMORY_MIB": "130"}
    large = {"exporters": {"otlp_http/jaeger": {"compression": "gzip", "sending_queue": {"queue_size": 1024 * MIB}}}}
    with store() as kept, store() as hanging:
        kept.live()
        hanging.hang()
        environment = {**forward_to(kept), **tight, "JAEGER_OTLP_ENDPOINT": hanging.url}
        with collector((*OF_RECORD, "backends/jaeger.yaml", large), environment, tmp_path) as running:
            while (
                answer := otlp.send(running.url, numbered_spans(batch := numbers.take(100), padding=4000))
            ).status == 200:
                acknowledged += batch
            healthy = running.is_healthy()
            hanging.live()
            wait_for(lambda: send_once(running.url, numbered_spans(numbers.take(1))) == 200, "room in memory", 30)
            kept.wait_for("traces", acknowledged)

        assert (503, True, True) == (answer.status, b"high memory usage" in answer.body, healthy)


def test_damaged_queue_file_stops_the_start(tmp_path: Path) -> None:
    """
    The file of a queue is damaged: the start fails and names the exporter; with that file away the other queues go on.
    """
    numbers = Numbers()
    with store() as kept, collector(OF_RECORD, forward_to(kept), tmp_path) as running:
        send_spans(running.url, numbers, 100)
        records = numbers.take(100)
        assert 200 == send_once(running.url, numbered_logs(records))
        running.kill()
        damaged = running.queue / QUEUE_OF_TRACES
        damaged.write_bytes(b"\xff" * 8192 + damaged.read_bytes()[8192:])
        with pytest.raises(NotReady, match='failed to start "otlp_http/otlp" exporter: invalid database'):
            running.start()
        damaged.rename(tmp_path / "damaged")
        kept.live()
        running.start()
        kept.wait_for("logs", records)

        assert not kept.arrivals("traces")


@pytest.fixture(scope="module")
def to_loki(tmp_path_factory: pytest.TempPathFactory, loki_store: Loki) -> Iterator[Collector]:
    """
    A Collector with Loki behind it.
    """
    files = (*FRONT, "backends/loki.yaml")
    with collector(files, {"LOKI_ENDPOINT": loki_store.url}, tmp_path_factory.mktemp("to-loki")) as running:
        yield running


def stored_in_loki(running: Collector, loki_store: Loki, *records: LogRecord, count: int = 1) -> list[LogLine]:
    """
    Send these in one request, and give the lines that Loki then has: `count` of them, none refused.
    """
    service = unique("limits")
    assert 200 == otlp.send(running.url, otlp.logs(records, {"service.name": service})).status

    def lines() -> list[LogLine]:
        found = loki_store.query(f'{{service_name="{service}"}}', seconds=2 * 3600)
        return found if len(found) >= count else []

    stored = wait_for(lines, f"{count} lines in Loki")
    assert 0 == running.metrics().sum("otelcol_exporter_send_failed_log_records")
    return stored


def test_large_attribute_arrives_cut(to_loki: Collector, loki_store: Loki) -> None:
    """
    An attribute beyond Loki's 64 KiB arrives cut, with a mark, and its record is whole otherwise.
    """
    large = otlp.log("large attribute", attributes={"exception.stacktrace": "frame " * 20_000, "order": "o-1"})
    [line] = stored_in_loki(to_loki, loki_store, large)

    trace = line.labels["exception_stacktrace"]
    assert ("large attribute", "o-1", "…") == (line.text, line.labels["order"], trace[-1])
    assert 30_000 < len(trace.encode()) < 65_536


def test_many_attributes_arrive_as_many_as_loki_takes(to_loki: Collector, loki_store: Loki) -> None:
    """
    Of 300 attributes arrive as many as Loki takes, the correlation id among them.
    """
    attributes = {f"attribute.{number:03}": "value" for number in range(300)}
    crowded = otlp.log("crowded", attributes={**attributes, "correlation_id": "c-1"})
    [line] = stored_in_loki(to_loki, loki_store, crowded)

    assert ("crowded", "c-1") == (line.text, line.labels["correlation_id"])
    assert 70 <= sum(name.startswith("attribute_") for name in line.labels) < 128


def test_attributes_that_are_large_together_arrive_cut(to_loki: Collector, loki_store: Loki) -> None:
    """
    A hundred attributes of 2 KB, none too large by itself, arrive cut.
    """
    attributes = {f"attribute.{number:03}": "ü" * 1000 for number in range(70)}
    [line] = stored_in_loki(to_loki, loki_store, otlp.log("heavy", attributes=attributes))

    assert "heavy" == line.text


def test_nested_attribute_arrives_in_bounds(to_loki: Collector, loki_store: Loki) -> None:
    """
    A map of 300 entries as one attribute arrives: Loki counts each of them.
    """
    nested = {"detail": {f"key{number:03}": number for number in range(300)}}
    [line] = stored_in_loki(to_loki, loki_store, otlp.log("nested", attributes=nested))

    assert "nested" == line.text


def test_long_line_arrives_cut(to_loki: Collector, loki_store: Loki) -> None:
    """
    A line beyond 256 KiB arrives cut, with a mark.
    """
    [line] = stored_in_loki(to_loki, loki_store, otlp.log("word " * 70_000))

    assert ("word word", "…") == (line.text[:9], line.text[-1])
    assert 200_000 < len(line.text.encode()) <= 262_144


@pytest.mark.parametrize("place", ["line", "attribute"])
def test_secret_at_the_cut_does_not_survive_in_part(to_loki: Collector, loki_store: Loki, place: str) -> None:
    """
    What is cut is redacted before: a token that lies across the cut leaves no part of itself.
    """
    harmless = "x " * 200_000

    def stored(text: str) -> str:
        record = otlp.log(text) if place == "line" else otlp.log("long note", attributes={"note": text})
        [line] = stored_in_loki(to_loki, loki_store, record)
        return line.text if place == "line" else line.labels["note"]

    cut = len(stored(harmless)) - len("…")
    before = harmless[: cut - 21] + " "
    across = stored(before + TOKEN + harmless)

    assert (True, False) == (across.startswith(before), TOKEN[:8] in across)


def test_old_record_is_dropped_and_counted_beside_its_neighbours(to_loki: Collector, loki_store: Loki) -> None:
    """
    A record of eight days ago is dropped before Loki and counted; an hour old and five minutes ahead arrive.
    """
    before = to_loki.metrics().sum("otelcol_processor_filter_logs_filtered")
    times = {"eight days old": -8 * 86_400, "an hour old": -3_600, "now": 0, "five minutes ahead": 300}
    records = [otlp.log(text, time_ns=time.time_ns() + seconds * 10**9) for text, seconds in times.items()]
    stored = stored_in_loki(to_loki, loki_store, *records, count=3)

    assert ["an hour old", "now", "five minutes ahead"] == [line.text for line in stored]
    assert 1 == to_loki.metrics().sum("otelcol_processor_filter_logs_filtered") - before
