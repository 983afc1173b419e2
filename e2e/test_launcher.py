"""
`otel-kit collector` with the real Collector: run, stop, what is refused, and the trial beside one that lives.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from e2e.binaries import ROOT, find
from e2e.process import clean_environment, free_port, wait_for
from e2e.programs import double, launched_collector

SECONDS_TO_STOP = 5.0
SECRETS = {"DD_API_KEY": "hush-1", "OTEL_KIT_COLLECTOR_TOKEN": "hush-2", "OTLP_FORWARD_HEADERS": "x-key=hush-3"}


def environment(directory: Path, **more: str) -> dict[str, str]:
    """
    The variables of a launcher on free ports.
    """
    ports = {f"OTEL_KIT_{name}_PORT": str(free_port()) for name in ("GRPC", "HTTP", "HEALTH", "SELF")}
    own = {"OTEL_KIT_QUEUE_DIR": str(directory / "queue"), "PYTHONPATH": str(ROOT)}
    return clean_environment(directory, {**ports, **own, "OTEL_KIT_COLLECTOR_BINARY": str(find("collector")), **more})


def finished(variables: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """
    What a command wrote and how it ended, away from the checkout.
    """
    return subprocess.run(
        [sys.executable, "-m", "otel_kit", "collector", *arguments],
        env=dict(variables),
        cwd=variables["HOME"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def send_span(port: int, token: str | None = None) -> int:
    """
    One span by OTLP/JSON; the status of the answer.
    """
    span = {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "work", "kind": 2}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/traces", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return int(response.status)


@contextmanager
def silent_store() -> Iterator[str]:
    """
    A store that takes connections and never answers; its base URL.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for one in held:
                one.close()


def child_of(pid: int) -> int:
    """
    The one process that this one started.
    """
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def test_run_takes_records_to_a_store(tmp_path: Path) -> None:
    """
    Picked by one variable, with converted headers; the stop is clean.
    """
    with double(tmp_path / "store") as store:
        variables = {"OTLP_FORWARD_ENDPOINT": f"{store.url}/", "OTLP_FORWARD_HEADERS": "x-scope-orgid=shop"}
        with launched_collector(variables, tmp_path / "run") as launched:
            assert 200 == send_span(launched.http)
            wait_for(store.spans, "the span is in the store")
            assert 0 == launched.stop(SECONDS_TO_STOP)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_hanging_store_of_record_delays_the_end_by_less_than_five_seconds(tmp_path: Path, number: int) -> None:
    """
    Nothing is lost: what waits is on disk, and arrives after the next start.
    """
    with silent_store() as url, launched_collector({"OTLP_FORWARD_ENDPOINT": url}, tmp_path / "run") as launched:
        for _ in range(20):
            send_span(launched.http)
        sent = time.monotonic()
        os.kill(launched.pid, number)
        launched.stop(SECONDS_TO_STOP)

        assert time.monotonic() - sent < SECONDS_TO_STOP
    with double(tmp_path / "store") as store:
        again = {"OTLP_FORWARD_ENDPOINT": store.url, "OTEL_KIT_QUEUE_DIR": str(launched.queue)}
        with launched_collector(again, tmp_path / "again"):
            assert 20 == wait_for(lambda: len(store.spans()) >= 20 and len({s["spanId"] for s in store.spans()}), "all")


def test_one_that_hangs_is_killed_and_that_is_said(tmp_path: Path) -> None:
    """
    An optional store's queue in memory would be drained for minutes.
    """
    variables = {"OTEL_KIT_COLLECTOR_OPTIONAL": "otlp"}
    with (
        silent_store() as url,
        launched_collector({**variables, "OTLP_FORWARD_ENDPOINT": url}, tmp_path / "run") as launched,
    ):
        for _ in range(50):
            send_span(launched.http)
            time.sleep(0.01)
        child = child_of(launched.pid)
        sent = time.monotonic()
        status = launched.stop(SECONDS_TO_STOP)

        assert time.monotonic() - sent < SECONDS_TO_STOP
        assert 128 + signal.SIGKILL == status
        assert [] != [
            line for line in launched.lines() if "had not ended 4.5 s after the signal and was killed" in line
        ]
        assert not Path(f"/proc/{child}").exists()


def test_the_collector_ends_with_a_launcher_that_is_killed(tmp_path: Path) -> None:
    """
    It would hold ports and queue, and nobody would know of it.
    """
    with launched_collector({}, tmp_path / "run") as launched:
        child = child_of(launched.pid)
        os.kill(launched.pid, signal.SIGKILL)

        wait_for(lambda: not Path(f"/proc/{child}").exists(), "the Collector is gone", timeout=5)


def test_a_hangup_reads_the_files_again(tmp_path: Path) -> None:
    """
    The Collector restarts its pipelines inside of the same process.
    """
    with launched_collector({}, tmp_path / "run") as launched:
        child = child_of(launched.pid)
        os.kill(launched.pid, signal.SIGHUP)
        wait_for(lambda: sum("Everything is ready" in line for line in launched.lines()) == 2, "it is ready again")

        assert child == child_of(launched.pid)
        assert 200 == send_span(launched.http)
        assert 0 == launched.stop(SECONDS_TO_STOP)


def test_what_a_living_one_holds_is_refused(tmp_path: Path) -> None:
    """
    Its ports and its queue, each with its variable; the queue of one that was started without the launcher too.
    """
    with launched_collector({"LOKI_ENDPOINT": "http://127.0.0.1:9"}, tmp_path / "run") as launched:
        done = finished(environment(tmp_path, OTEL_KIT_HTTP_PORT=str(launched.http)), "run")
        lock = launched.queue / ".otel-kit-collector"
        lock.unlink()
        other = finished(environment(tmp_path, OTEL_KIT_QUEUE_DIR=str(launched.queue)), "run")

    assert (2, 2) == (done.returncode, other.returncode)
    assert f"error: OTEL_KIT_HTTP_PORT={launched.http}: the port is taken on 127.0.0.1: " in done.stderr
    assert f"error: OTEL_KIT_QUEUE_DIR={launched.queue}: is in use by a Collector that runs: " in other.stderr


def test_validate_leaves_a_living_one_alone(tmp_path: Path) -> None:
    """
    Same variables, same ports, same queue, and a store to which nothing of the trial comes.
    """
    with double(tmp_path / "store") as store:
        logs = tmp_path / "app.log"
        logs.write_text('{"message": "hello"}\n', encoding="utf-8")
        variables = {"OTLP_FORWARD_ENDPOINT": store.url, "OTEL_KIT_FILE_DIR": str(tmp_path / "files"), **SECRETS}
        with launched_collector(variables, tmp_path / "run") as launched:
            before = sorted(launched.queue.iterdir())
            trial = {**launched.environment, "OTEL_KIT_COLLECTOR_FILES": str(logs), "OTEL_KIT_COLLECTOR_HOST": "true"}
            started = time.monotonic()
            done = finished(trial, "validate")

            assert 0 == done.returncode, done.stderr
            assert "valid: " in done.stdout
            assert time.monotonic() - started < 15
            assert before == sorted(launched.queue.iterdir())
            assert launched.is_healthy()
            assert 200 == send_span(launched.http, token="hush-2")
            wait_for(store.spans, "the span is in the store")

    assert 1 == len(store.spans())
    assert [] == store.records()
    assert "hush" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (
            {
                "exporters": {"otlphttp/old": {"endpoint": "http://store.example:4318"}},
                "service": {
                    "pipelines": {"traces/old": {"receivers": ["forward/traces"], "exporters": ["otlphttp/old"]}}
                },
            },
            'error: the Collector warns: "otlphttp" alias is deprecated; use "otlp_http" instead',
        ),
        (
            {"processors": {"memory_limiter": {"limit_mib": "${env:NOBODY_SET_THIS}"}}},
            "error: configuration: ",
        ),
        (
            {"processors": {"batch/x": {"timeout": "${env:NOBODY_SET_THIS}"}}},
            "error: the Collector warns: Configuration references unset environment variable name=NOBODY_SET_THIS",
        ),
        (
            {
                "exporters": {"otlp_http/x": {"endpoint": "http://s", "auth": {"authenticator": "bearertokenauth/x"}}},
                "service": {"pipelines": {"traces/x": {"receivers": ["forward/traces"], "exporters": ["otlp_http/x"]}}},
            },
            "error: the Collector does not start: ",
        ),
        (
            {
                "processors": {"transform/x": {"error_mode": "propagate", "trace_statements": ["set(span.links, [])"]}},
                "service": {
                    "pipelines": {
                        "traces/x": {
                            "receivers": ["forward/traces"],
                            "processors": ["transform/x"],
                            "exporters": ["nop"],
                        }
                    }
                },
            },
            "error: the Collector refuses traces: 503 ",
        ),
    ],
    ids=["alias", "empty value", "unset variable", "no authenticator", "statement that fails on data"],
)
def test_validate_finds_what_only_a_start_shows(tmp_path: Path, tree: dict[str, object], said: str) -> None:
    """
    Each of these passes the Collector's own validator, or says nothing there.
    """
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump(tree), encoding="utf-8")
    done = finished(environment(tmp_path), "validate", "--config", str(own))

    assert 0 != done.returncode
    assert said in done.stderr


def test_config_shows_the_merged_result_and_no_secret(tmp_path: Path) -> None:
    """
    As the Collector understands it, with the one list of extensions.
    """
    variables = {
        **SECRETS,
        "LOKI_ENDPOINT": "http://me:hush-4@127.0.0.1:3100",
        "OTLP_FORWARD_ENDPOINT": "http://127.0.0.1:9",
        "CLOUDWATCH_LOG_GROUP": "shop",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "hush-5",
        "AWS_SECRET_ACCESS_KEY": "hush-6",
    }
    done = finished(environment(tmp_path, **variables), "config")
    tree = yaml.safe_load(done.stdout)

    assert 0 == done.returncode, done.stderr
    assert "hush" not in done.stdout + done.stderr
    assert "http://REDACTED@127.0.0.1:3100/otlp" == tree["exporters"]["otlp_http/loki"]["endpoint"]
    assert {"bearertokenauth", "sigv4auth/logs", "file_storage/queue"} <= set(tree["service"]["extensions"])


def test_a_value_with_dollars_arrives_as_it_is(tmp_path: Path) -> None:
    """
    The Collector would take two for one, and `${…}` for a reference.
    """
    token = "a$$b${env:HOME}$c"
    with launched_collector({"OTEL_KIT_COLLECTOR_TOKEN": token}, tmp_path / "run") as launched:
        assert 200 == send_span(launched.http, token=token)


def test_names_with_quotes_arrive_as_they_are(tmp_path: Path) -> None:
    """
    They stand between the quotes of statements and of an expression.
    """
    name, where = 'a"b\\)', 'x"\\$y'
    with double(tmp_path / "store") as store:
        (tmp_path / "app.log").write_text('{"message": "hello"}\n', encoding="utf-8")
        variables = {"OTEL_KIT_COLLECTOR_FILES": str(tmp_path / "*.log"), "OTLP_FORWARD_ENDPOINT": store.url}
        names = {"OTEL_SERVICE_NAME": name, "ENVIRONMENT": where, "APP_VERSION": where}
        with launched_collector({**variables, **names}, tmp_path / "run"):
            wait_for(store.records, "the line is in the store")
        (batch,) = store.kept("logs")

    found = {one["key"]: one["value"]["stringValue"] for one in batch["resourceLogs"][0]["resource"]["attributes"]}
    assert name == found["service.name"]
    assert (where, where) == (found["deployment.environment.name"], found["service.version"])


@pytest.mark.parametrize("action", ["validate", "run"])
@pytest.mark.parametrize(
    "tree",
    [{"service": 5}, {"exporters": None}, {"exporters": {"otlp_http/x": {"endpoint": "http://h%zz:1"}}}],
    ids=["section", "nothing", "URL"],
)
def test_a_file_that_cannot_work_is_named_before_the_start(
    tmp_path: Path, action: str, tree: dict[str, object]
) -> None:
    """
    By the trial as by the start, in a line that says where it is.
    """
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump(tree), encoding="utf-8")
    done = finished(environment(tmp_path), action, "--config", str(own))

    assert 2 == done.returncode
    assert done.stderr.startswith((f"error: {own}: its ", "error: exporter otlp_http/x: its endpoint has a host "))


def test_the_agent_of_two_tiers_needs_its_own_program(tmp_path: Path) -> None:
    """
    The usual one can't balance, which is said before the start; the other one is valid.
    """
    gateways = {"OTEL_KIT_COLLECTOR_GATEWAYS": "10.0.0.11:4317,10.0.0.12:4317"}
    refused = finished(environment(tmp_path, **gateways), "run")
    lb = {"OTEL_KIT_COLLECTOR_BINARY": str(find("collector-lb"))}
    valid = finished(environment(tmp_path, **gateways, **lb), "validate")

    assert 2 == refused.returncode
    assert "lacks exporter load_balancing" in refused.stderr
    assert 0 == valid.returncode, valid.stderr


def test_the_installed_wheel_has_the_files(tmp_path: Path) -> None:
    """
    Built, unpacked and run far from the checkout, in a directory of its own.
    """
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT],
        check=True,
        timeout=120,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    (wheel,) = tmp_path.glob("otel_kit-*.whl")
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel]
    subprocess.run(install, check=True, timeout=120)
    done = finished(environment(tmp_path, PYTHONPATH=str(site), LOKI_ENDPOINT="http://127.0.0.1:9"), "validate")
    shown = finished(environment(tmp_path, PYTHONPATH=str(site), LOKI_ENDPOINT="http://127.0.0.1:9"), "config")

    assert 0 == done.returncode, done.stderr
    assert f"--config {site}/otel_kit/_collector/backends/loki.yaml" in shown.stdout
    assert (site / "otel_kit" / "_collector" / "builder" / "go.sum").is_file()
