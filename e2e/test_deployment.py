"""
The compose file and the Kubernetes sidecar: read by their own readers, and the Collector's part of them run.

What reads them are Docker Compose's loader and the Kubernetes API's types (`schemas/`, a Go program); neither a
container engine nor a cluster is needed.
"""

from __future__ import annotations

import http.client
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e import otlp
from e2e.binaries import ROOT
from e2e.process import answers_ok, clean_environment
from e2e.programs import FILES, MissingProgram, Running, collector, find, free_port

pytestmark = pytest.mark.timeout(400)  # the first build of the readers takes a minute or two

COMPOSE = FILES / "compose.yaml"
SIDECAR = FILES / "kubernetes/sidecar.yaml"
PASSWORD = {"GRAFANA_ADMIN_PASSWORD": "chosen"}
POD_IP = "127.0.0.2"


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The program that reads both kinds of file.
    """
    go = shutil.which("go")
    if go is None:
        raise MissingProgram("go is not there; e2e/schemas is built with it, as is all of `make e2e`")
    program = tmp_path_factory.mktemp("schemas") / "schemas"
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-o", program, "."],
        cwd=ROOT / "e2e/schemas",
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == built.returncode, built.stderr
    return program


def read(program: Path, kind: str, file: Path, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """
    Exit status and output of the reader.
    """
    done = subprocess.run(
        [program, kind, file],
        env=dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


def test_compose_reads_the_file(schemas: Path) -> None:
    """
    Docker Compose's loader finds every key known and every reference answered.
    """
    assert (0, "8 services\n") == read(schemas, "compose", COMPOSE, PASSWORD)


def test_compose_wants_a_password(schemas: Path) -> None:
    """
    Grafana gets no password that everybody knows.
    """
    status, output = read(schemas, "compose", COMPOSE)

    assert 1 == status
    assert "GRAFANA_ADMIN_PASSWORD is missing" in output


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("depends_on:", "depend_on:", "services.app.depend_on"),
        ("network_mode: service:pod", "network_mode: service:pot", "pot"),
        ("      - queue:/queue\n    depends_on", "      - kew:/queue\n    depends_on", "kew"),
    ],
)
def test_a_mistake_in_the_compose_file_is_found(
    schemas: Path, tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    """
    A misspelt key, service or volume does not pass.
    """
    text = COMPOSE.read_text(encoding="utf-8")
    assert right in text
    broken = tmp_path / "compose.yaml"
    broken.write_text(text.replace(right, wrong, 1), encoding="utf-8")

    status, output = read(schemas, "compose", broken, PASSWORD)

    assert 1 == status
    assert said in output


def test_kubernetes_reads_the_manifest(schemas: Path) -> None:
    """
    The API's own types know every field of the sidecar example.
    """
    assert (0, "Deployment\nService\n") == read(schemas, "kubernetes", SIDECAR)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("restartPolicy: Always", "restartpolicy: Always", 'unknown field "spec.template.spec.initContainers[0]'),
        ("containerPort: 13133", "containerPort: thirteen", "cannot unmarshal string"),
        ("kind: Deployment", "kind: Deploymint", "no kind"),
    ],
)
def test_a_mistake_in_the_manifest_is_found(schemas: Path, tmp_path: Path, right: str, wrong: str, said: str) -> None:
    """
    A misspelt field or kind and a wrong type do not pass.
    """
    broken = tmp_path / "sidecar.yaml"
    broken.write_text(SIDECAR.read_text(encoding="utf-8").replace(right, wrong, 1), encoding="utf-8")

    status, output = read(schemas, "kubernetes", broken)

    assert 1 == status
    assert said in output


def test_the_sidecar_runs_and_is_probed_at_the_pods_address(tmp_path: Path) -> None:
    """
    With the files and variables of the manifest, health and numbers are at the pod's address, OTLP is on loopback.
    """
    manifest = next(yaml.safe_load_all(SIDECAR.read_text(encoding="utf-8")))
    sidecar = manifest["spec"]["template"]["spec"]["initContainers"][0]
    by_name = {path.name: path for path in [*FILES.glob("*.yaml"), *FILES.glob("[bk]*/*.yaml")]}
    files = [str(by_name[Path(argument).name]) for argument in sidecar["args"]]
    ports = {name: free_port() for name in ("GRPC", "HTTP", "HEALTH", "SELF")}
    variables = {one["name"]: one.get("value", POD_IP) for one in sidecar["env"]}
    variables |= {f"OTEL_KIT_{name}_PORT": str(port) for name, port in ports.items()}
    variables["OTEL_KIT_QUEUE_DIR"] = str(tmp_path / "queue")
    command = [find("collector"), *(part for file in files for part in ("--config", file))]
    running = Running(
        "sidecar",
        command,
        tmp_path / "sidecar.log",
        clean_environment(tmp_path, variables),
        lambda: probe_answers(POD_IP, ports["HEALTH"]),
    )
    spans = otlp.traces([otlp.span("GET /")], {"service.name": "shop"})

    try:
        running.start()

        assert probe_answers(POD_IP, ports["SELF"], "/metrics")
        assert not answers_ok(ports["HEALTH"], "/")
        assert not answers_ok(ports["SELF"], "/metrics")
        assert 200 == otlp.send(f"http://127.0.0.1:{ports['HTTP']}", spans).status
    finally:
        running.kill()


def test_the_collector_of_the_compose_file_runs(tmp_path: Path) -> None:
    """
    Its arguments and variables start a Collector that takes what is sent.
    """
    service: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["collector"]
    files = [argument.removeprefix("--config=/etc/otel-kit/") for argument in service["command"]]
    dead = {name: f"http://127.0.0.1:{free_port()}" for name in service["environment"] if name.endswith("_ENDPOINT")}
    variables = {**service["environment"], **dead, "OTEL_KIT_QUEUE_DIR": str(tmp_path / "queue")}

    with collector(files, variables, tmp_path) as running:
        assert 200 == otlp.send(running.url, otlp.logs([otlp.log("hello")], {"service.name": "shop"})).status


def probe_answers(host: str, port: int, path: str = "/") -> bool:
    """
    Whether a GET at that address is answered by 200.
    """
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
