"""
Health of real servers: sick checks under many probes, and the time between SIGTERM and the end.
"""

from __future__ import annotations

import json
import signal
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.otlp_receiver import OtlpReceiver
from tests.servers.serving import Answer, Server, serve, wait_until

APP = "tests.servers.health_app:app"
SICK = {"APP_SICK": "1", "OTEL_KIT_CHECK_TIMEOUT": "1", "RATELIMIT_ENABLED": "false"}
SETUPS = [("uvicorn", 1, []), ("uvicorn", 1, ["--loop", "asyncio"]), ("uvicorn-workers", 2, []), ("gunicorn", 2, [])]


def document(answer: Answer) -> Any:
    """
    What was answered, as JSON.
    """
    return json.loads(answer.body)


def is_draining(server: Server) -> bool:
    """
    Whether readiness is refused because the service has been told to end.
    """
    answer = server.get("/readyz")
    return 503 == answer.status and "draining" == document(answer)["reason"]


def test_sick_checks_under_many_probes(tmp_path: Path) -> None:
    """
    Fifty probes at once are answered within the time of a check, name who is sick, and slow nobody else down.
    """
    with serve("uvicorn", tmp_path, app=APP, environment=SICK) as server:
        wait_until(lambda: server.said("otel_kit.check_blocks"), 30, "the start is over")
        with ThreadPoolExecutor(52) as pool:
            probes = [pool.submit(server.get, "/health/all") for _ in range(50)]
            others = [server.get(path) for path in ("/health", "/items/7") for _ in range(20)]
            answers = [probe.result() for probe in probes]
        services = document(answers[0])["services"]

        assert {503} == {answer.status for answer in answers}
        assert ["good"] == [name for name, service in services.items() if service["status"] == "healthy"]
        assert max(answer.seconds for answer in answers) < 2.5
        assert {200} == {answer.status for answer in others}
        assert statistics.median(answer.seconds for answer in others) <= 0.1
        assert server.stop() < 4.0
        assert "hunter2" not in server.out.read_text() + server.err.read_text()


def test_many_probes_cost_one_run(tmp_path: Path) -> None:
    """
    A hundred probes within a second run the check about once.
    """
    with serve("uvicorn", tmp_path, app=APP, environment={"RATELIMIT_ENABLED": "false"}) as server:
        begun, before = time.monotonic(), int(server.get("/runs").body)
        with ThreadPoolExecutor(20) as pool:
            statuses = {answer.status for answer in pool.map(server.get, ["/health/all"] * 100)}
        ran = int(server.get("/runs").body) - before - 1

        assert {200} == statuses
        assert ran <= time.monotonic() - begun + 1


def test_the_metric_needs_no_prober(tmp_path: Path) -> None:
    """
    The state of each check is on the page without anybody asking for health.
    """
    with serve("uvicorn", tmp_path, app=APP, environment=SICK) as server:
        wait_until(lambda: server.said("otel_kit.check_blocks"), 30, "the start is over")
        wait_until(lambda: len(health_of(server)) == 6, 30, "all checks have run")

        assert {"good": 1.0} == {name: value for name, value in health_of(server).items() if value}


def health_of(server: Server) -> dict[str, float]:
    """
    The metric by check.
    """
    found = {series: value for series, value in server.scrape().values.items() if "service_health_status{" in series}
    return {series.partition('"')[2].rpartition('"')[0]: value for series, value in found.items()}


def test_the_delivery_to_the_collector_is_a_check(tmp_path: Path) -> None:
    """
    It degrades the service while the collector refuses what it is sent, and no longer.
    """
    environment = {"APP_COLLECTOR": "1", "RATELIMIT_ENABLED": "false"}
    with (
        OtlpReceiver(mode="status") as receiver,
        serve("uvicorn", tmp_path, app=APP, collector=receiver.url, environment=environment) as server,
    ):
        server.drive(10)
        wait_until(lambda: "degraded" == overall(server), 30, "the failure is seen")
        receiver.mode = "ok"
        server.drive(10)

        wait_until(lambda: "healthy" == overall(server), 20, "the recovery is seen")


def overall(server: Server) -> str:
    """
    The state of the service as a whole.
    """
    return str(document(server.get("/health/all"))["status"])


@pytest.mark.parametrize(("setup", "workers", "more"), SETUPS)
def test_readiness_goes_before_the_server_does(setup: str, workers: int, more: list[str], tmp_path: Path) -> None:
    """
    After SIGTERM new connections are still accepted and answered, for as long as was asked for.
    """
    environment = {"OTEL_KIT_DRAIN_SECONDS": "3"}
    with serve(setup, tmp_path, *more, workers=workers, app=APP, environment=environment) as server:
        assert 200 == server.get("/readyz").status

        begun = time.monotonic()
        server.process.terminate()
        wait_until(lambda: is_draining(server), 2.8, "readiness is refused")
        during = [server.get(path).status for path in ("/items/7", "/health", "/startupz")]
        server.process.wait(10)
        wait_until(lambda: not server.processes(), 10, "every process has ended")

        assert [200, 200, 200] == during
        assert 3 <= time.monotonic() - begun < 8
        assert len(server.said("otel_kit.draining")) == workers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_goes_through_at_once(number: int, tmp_path: Path) -> None:
    """
    Who asks twice does not want to wait.
    """
    with serve("uvicorn", tmp_path, app=APP, environment={"OTEL_KIT_DRAIN_SECONDS": "60"}) as server:
        server.process.terminate()
        wait_until(lambda: is_draining(server), 30, "readiness is refused")

        assert server.stop(number) < 3.0


def test_without_a_drain_time_the_server_ends_at_once(tmp_path: Path) -> None:
    """
    By default nothing is put off.
    """
    with serve("uvicorn", tmp_path, app=APP) as server:
        assert server.stop() < 2.0


def test_the_end_is_the_servers_own(tmp_path: Path) -> None:
    """
    After the drain time the exit status is as it is without one, and nobody complains.
    """
    codes = []
    for seconds in ("0", "0.3"):
        with serve("uvicorn", tmp_path, app=APP, environment={"OTEL_KIT_DRAIN_SECONDS": seconds}) as server:
            server.stop()
            codes.append(server.process.returncode)

            assert [] == [line for line in server.lines() if line["level"] in ("ERROR", "CRITICAL")]

    assert codes[0] == codes[1]
