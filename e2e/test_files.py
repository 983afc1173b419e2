"""
Log lines from files by `overlays/files.yaml`: what OTLP would have brought, each once, through rotation and restart.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from e2e.programs import Collector, ConfigFile, Double, collector, double, unique, wait_for
from e2e.services.serving import STAGE, serve

FILES = ["base.yaml", "redaction.yaml", "backends/otlp.yaml", "overlays/files.yaml"]
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


class Reading(NamedTuple):
    """
    A directory of log files, the Collector that reads it, and the store behind it.
    """

    directory: Path
    collector: Collector
    store: Double

    def records(self, count: int) -> list[dict[str, Any]]:
        """
        What the store has, once it has so many.
        """
        wait_for(lambda: len(self.store.records()) >= count, f"{count} records", timeout=20)
        return self.store.records()

    def bodies(self, count: int) -> list[str]:
        """
        Their texts, in order.
        """
        return sorted(record["body"]["stringValue"] for record in self.records(count))


@contextmanager
def reading(
    directory: Path, more: Mapping[str, str] | None = None, files: Sequence[ConfigFile] = FILES
) -> Iterator[Reading]:
    """
    A Collector that reads `logs/*.log*`.
    """
    logs = directory / "logs"
    logs.mkdir()
    with double(directory / "store") as store:
        pattern = {"OTLP_FORWARD_ENDPOINT": store.url, "OTEL_KIT_COLLECTOR_FILES": f"{logs}/*.log*"}
        with collector(files, {**pattern, **(more or {})}, directory / "collector") as running:
            yield Reading(logs, running, store)


def line(message: str, **more: Any) -> str:
    """
    One line as a service of the goblin profile writes it.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = {"timestamp": now, "level": "INFO", "logger": "shop", "message": message}
    return json.dumps({**head, **more, "log.class": "application"}) + "\n"


def append(path: Path, text: str) -> None:
    """
    Write as a service does: to the end, at once.
    """
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    """
    Attributes of a stored record; each value is the one that its kind holds.
    """
    return {each["key"]: next(iter(each["value"].values())) for each in record["attributes"]}


ONE_WAY = {"http.route", "client.address", "http.server.request.duration", "log.file.name"}
"""What the goblin line leaves out, the duration, which it rounds, and what OTLP knows nothing of."""


def essence(record: Mapping[str, Any]) -> dict[str, Any]:
    """
    What a record says, however it came.
    """
    fields = ("severityNumber", "severityText", "body", "traceId", "spanId")
    left = {key: value for key, value in attributes(record).items() if key not in ONE_WAY}
    # a line takes a microsecond less than a millisecond for the millisecond
    milliseconds = (int(record["timeUnixNano"]) + 1_000) // 1_000_000
    return {"at": milliseconds, "attributes": left, **{field: record.get(field) for field in fields}}


def test_gives_the_records_that_otlp_brings(tmp_path: Path) -> None:
    """
    A service that does both, with requests that work and fail: line and record say the same, ids joined.
    """
    name = unique("models")
    with (
        reading(tmp_path, {"OTEL_SERVICE_NAME": name}) as read,
        serve("e2e.services.models:app", name, read.collector.url, read.directory) as service,
    ):
        paths = ("/generate/gpt-4", "/generate/broken", "/nowhere")
        ids = {service.ask("GET", path).correlation_id for path in paths}

        def story(from_file: bool) -> list[dict[str, Any]]:
            mine = [record for record in read.store.records() if attributes(record).get("correlation_id") in ids]
            these = [essence(record) for record in mine if from_file == ("log.file.name" in attributes(record))]
            return sorted(these, key=lambda each: json.dumps(each, sort_keys=True))

        wait_for(lambda: 5 == len(story(True)) == len(story(False)), "five records, twice")
        expected, found = story(False), story(True)

    assert expected == found
    assert all(each["traceId"] and each["spanId"] for each in found)
    assert any("exception.stacktrace" in each["attributes"] for each in found)


def test_says_whose_lines_they_are(tmp_path: Path) -> None:
    """
    The resource has the service of the environment, with its stage and version.
    """
    told = {"OTEL_SERVICE_NAME": "shop", "ENVIRONMENT": STAGE, "APP_VERSION": "1.2.3"}
    with reading(tmp_path, told) as read:
        append(read.directory / "any.log", line("hello"))
        read.records(1)
        owner = read.store.kept("logs")[0]["resourceLogs"][0]["resource"]

    expected = {"service.name": "shop", "deployment.environment.name": STAGE, "service.version": "1.2.3"}
    assert expected == attributes(owner)


def test_takes_the_file_for_the_service_where_nobody_says(tmp_path: Path) -> None:
    """
    Two services that write to one directory are told apart by their files' names.
    """
    with reading(tmp_path) as read:
        for name in ("shop.log", "stock.2026.log"):
            append(read.directory / name, line(name))
        read.records(2)
        owners = [owner["resource"] for batch in read.store.kept("logs") for owner in batch["resourceLogs"]]

    assert {"shop", "stock"} == {attributes(owner)["service.name"] for owner in owners}


def test_joins_ids_and_types_of_a_request(tmp_path: Path) -> None:
    """
    The request line's fields bear their names and types of OTLP; the duration is in seconds.
    """
    fields = {"correlation_id": "c-1", "method": "POST", "path": "/orders", "status_code": 201, "duration_ms": 1234.56}
    with reading(tmp_path) as read:
        append(read.directory / "shop.log", line("request_completed", **fields, trace_id=TRACE, span_id=SPAN))
        record = read.records(1)[0]

    found = attributes(record)
    assert (TRACE, SPAN) == (record["traceId"], record["spanId"])
    assert 1.23456 == pytest.approx(found.pop("http.server.request.duration"))
    assert {
        "correlation_id": "c-1",
        "http.request.method": "POST",
        "url.path": "/orders",
        "http.response.status_code": "201",
        "log.class": "application",
        "log.file.name": "shop.log",
    } == found


def test_passes_lines_of_any_other_form(tmp_path: Path) -> None:
    """
    Plain text, broken JSON and JSON that is no object are bodies; bad ids and times cost only themselves.
    """
    odd = ["INFO:     Started server process [7]", '{"half":', "[1, 2]", '"text"']
    with reading(tmp_path) as read:
        append(read.directory / "shop.log", "\n".join(odd) + "\n")
        append(read.directory / "shop.log", line("odd fields", trace_id="xyz", span_id="", level="LOUD", timestamp=""))
        bodies, records = read.bodies(5), read.store.records()
        said = read.collector.warnings()

    assert sorted([*odd, "odd fields"]) == bodies
    assert all(abs(int(record["timeUnixNano"]) - time.time_ns()) < 60e9 for record in records)
    assert [] == said


def test_joins_a_line_that_is_written_in_parts(tmp_path: Path) -> None:
    """
    A line whose end comes two seconds after its beginning is one record, and a secret in it is known by its name.
    """
    whole = line("login", password="hunter2-and-the-tail-of-it", correlation_id="c-1")
    cut = whole.index("-and-the-tail")
    with reading(tmp_path) as read:
        path = read.directory / "shop.log"
        append(path, line("before") + whole[:cut])
        read.records(1)
        time.sleep(2)  # four times as long as the receiver waits by default
        append(path, whole[cut:])
        records = read.records(2)

    assert ["before", "login"] == [record["body"]["stringValue"] for record in records]
    assert {"correlation_id": "c-1", "password": "REDACTED"}.items() <= attributes(records[1]).items()


def test_gives_up_on_the_end_of_a_line(tmp_path: Path) -> None:
    """
    What a program left at its death arrives as it is, once its end has not come for so long.
    """
    brisk = {"receivers": {"file_log/services": {"force_flush_period": "1s"}}}
    with reading(tmp_path, files=[*FILES, brisk]) as read:
        append(read.directory / "shop.log", '{"message":"half')
        bodies = read.bodies(1)

    assert ['{"message":"half'] == bodies


def test_unpacks_what_a_container_engine_wrote(tmp_path: Path) -> None:
    """
    The lines of Docker, of containerd and of CRI-O, also in two parts, are the service's own.
    """
    whole = line("from a container", level="WARNING").rstrip("\n")
    docker = json.dumps(
        {"log": whole + "\n", "stream": "stdout", "time": "2026-11-21T10:00:00.1Z"}, separators=(",", ":")
    )
    containerd = f"2026-11-21T10:00:00.123456789Z stdout F {whole}"
    parts = f"2026-11-21T10:00:00.1+00:00 stdout P {whole[:40]}\n2026-11-21T10:00:00.1+00:00 stdout F {whole[40:]}"
    with reading(tmp_path) as read:
        for name, text in (("docker", docker), ("containerd", containerd), ("crio", parts)):
            append(read.directory / f"{name}.log", text + "\n")
        records = read.records(3)

    assert [("from a container", "WARN")] * 3 == [
        (record["body"]["stringValue"], record["severityText"]) for record in records
    ]


def numbered(start: int, end: int) -> str:
    """
    Lines that can be counted.
    """
    return "".join(line(f"n{number:04}") for number in range(start, end))


def texts(end: int) -> list[str]:
    """
    The bodies of `numbered(0, end)`.
    """
    return [f"n{number:04}" for number in range(end)]


def rename(path: Path) -> None:
    """
    Rotation by a new file: what is open goes on under another name.
    """
    path.rename(path.with_name(path.name + ".1"))


def truncate(path: Path) -> None:
    """
    Rotation of a writer that knows nothing of it, once the copy is packed elsewhere.
    """
    os.truncate(path, 0)


@pytest.mark.parametrize("rotate", [rename, truncate])
def test_survives_rotation(rotate: Callable[[Path], None], tmp_path: Path) -> None:
    """
    Each line arrives once, before and after, and none is read again under its new name.
    """
    with reading(tmp_path) as read:
        path = read.directory / "shop.log"
        append(path, numbered(0, 50))
        read.records(50)
        rotate(path)
        append(path, numbered(50, 100))
        bodies = read.bodies(100)

        append(path, line("the end"))
        records = read.records(101)

    assert (texts(100), 101) == (bodies, len(records))


def test_goes_on_after_a_restart(tmp_path: Path) -> None:
    """
    What was written and rotated while the Collector was away arrives, and what it had read does not come again.
    """
    with reading(tmp_path) as read:
        path = read.directory / "shop.log"
        append(path, numbered(0, 50))
        read.records(50)
        read.collector.stop()
        append(path, numbered(50, 60))
        rename(path)
        append(path, numbered(60, 100))
        read.collector.start()
        bodies = read.bodies(100)

    assert texts(100) == bodies


def test_redacts_what_a_file_says(tmp_path: Path) -> None:
    """
    A password in a field or a line does not reach the store.
    """
    with reading(tmp_path) as read:
        append(read.directory / "shop.log", line("login", password="hunter2-in-a-field"))
        append(read.directory / "shop.log", "login with password=hunter2-in-a-line\n")
        text = json.dumps(read.records(2))

    assert "login" in text
    assert "hunter2" not in text


def test_waits_while_the_queue_is_full(tmp_path: Path) -> None:
    """
    With the store away and the queue full, lines stay in their file and come when the store is back.
    """
    with reading(tmp_path, {"OTEL_KIT_QUEUE_BYTES": "300000"}) as read:
        read.store.kill()
        for start in range(0, 6000, 500):
            append(read.directory / "shop.log", numbered(start, start + 500))
        refused = "otelcol_processor_refused_log_records", "otelcol_exporter_enqueue_failed_log_records"
        wait_for(lambda: any(read.collector.metrics().sum(name) for name in refused), "the queue is full", timeout=30)
        read.store.start()
        wait_for(lambda: texts(6000) == sorted({r["body"]["stringValue"] for r in read.store.records()}), "all", 40)
