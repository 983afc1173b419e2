"""
`otel-kit collector config` and what all commands say when something is wrong.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.collector.fakes import components_text, fake_collector, finished, launcher_environment, seen

SECRETS = {
    "DD_API_KEY": "hush-1",
    "OTEL_KIT_COLLECTOR_TOKEN": "hush-2",
    "OTLP_FORWARD_ENDPOINT": "http://me:hush-3@store.example",
    "OTLP_FORWARD_HEADERS": "authorization=hush-4",
}


def without_program(directory: Path, **more: str) -> dict[str, str]:
    """
    A machine on which there is no Collector.
    """
    environment = launcher_environment(directory, **more)
    return {**environment, "PATH": str(directory), "OTEL_KIT_COLLECTOR_BINARY": ""}


def test_config_without_a_program_merges_by_itself(tmp_path: Path) -> None:
    """
    It says so, and shows references in place of values; the whole output is YAML.
    """
    environment = without_program(tmp_path, LOKI_ENDPOINT="http://loki.example:3100", **SECRETS)
    program = (
        "import sys; from otel_kit.cli.collector import binary; binary.checkout = lambda: None;"
        "binary.built_binary = lambda flavour: None; from otel_kit.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "collector", "config"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert 0 == done.returncode, done.stderr
    assert "# merged without a Collector" in done.stdout
    assert "${env:LOKI_ENDPOINT}/otlp" == yaml.safe_load(done.stdout)["exporters"]["otlp_http/loki"]["endpoint"]
    assert "hush" not in done.stdout + done.stderr


def test_config_shows_the_command_line(tmp_path: Path) -> None:
    """
    As a shell takes it, with the reasons for each file.
    """
    fake_collector(tmp_path)
    environment = launcher_environment(tmp_path, DD_SITE="datadoghq.eu", JAEGER_OTLP_ENDPOINT="http://j.example")
    status, output, errors = finished(environment, "config")
    lines = [line.removeprefix("#").strip() for line in output.splitlines()]
    command = shlex.split(lines[lines.index("command:") + 1])

    assert "JAEGER_OTLP_ENDPOINT=http://j.example (optional)" == why(lines, "backends/jaeger.yaml")
    assert "DD_SITE is set, but DD_API_KEY is not" == why(lines, "backends/datadog.yaml")
    assert str(tmp_path / "fake-collector") == command[0]
    assert ["base.yaml", "redaction.yaml", "jaeger.yaml"] == [Path(part).name for part in command[2:7:2]]
    assert (0, "") == (status, errors)


def test_config_asks_the_program_without_a_secret(tmp_path: Path) -> None:
    """
    The fake prints what it was given: marks, and the names of headers.
    """
    fake_collector(tmp_path)
    status, output, _ = finished(launcher_environment(tmp_path, **SECRETS), "config")
    given = yaml.safe_load(output)["variables"]

    assert 0 == status
    assert "hush" not in output
    assert "REDACTED" == given["DD_API_KEY"]
    assert "http://REDACTED@store.example" == given["OTLP_FORWARD_ENDPOINT"]


def why(lines: list[str], file: str) -> str:
    """
    What stands behind a file.
    """
    return next(line.removeprefix(file).strip() for line in lines if line.startswith(file))


@pytest.mark.parametrize("action", ["config", "validate", "run"])
def test_faults_are_lines_and_a_status(tmp_path: Path, action: str) -> None:
    """
    One line for each, nothing started, status 2.
    """
    fake_collector(tmp_path)
    environment = launcher_environment(tmp_path, LOKI_ENDPOINT="loki:3100", OTEL_KIT_COLLECTOR_HOST="maybe")
    status, _, errors = finished(environment, action)

    assert 2 == status
    assert ["error: LOKI_ENDPOINT=loki:3100", "error: OTEL_KIT_COLLECTOR_HOST=maybe"] == [
        line.rpartition(": is ")[0] for line in errors.splitlines()
    ]
    assert [] == seen(tmp_path)


def test_a_near_miss_is_an_error_for_validate(tmp_path: Path) -> None:
    """
    Where nothing runs yet, there is time to correct it.
    """
    fake_collector(tmp_path)
    status, _, errors = finished(launcher_environment(tmp_path, LOKI_ENDPIONT="http://x"), "validate")

    assert 2 == status
    assert "error: LOKI_ENDPIONT: is not read by the Collector: did you mean LOKI_ENDPOINT?\n" == errors


def test_validate_looks_at_the_directories(tmp_path: Path) -> None:
    """
    It makes none of them, and still says which can't be made.
    """
    fake_collector(tmp_path)
    (tmp_path / "file").touch()
    environment = launcher_environment(tmp_path, OTEL_KIT_FILE_DIR=str(tmp_path / "file" / "out"))
    status, _, errors = finished(environment, "validate")

    assert 2 == status
    assert f"error: OTEL_KIT_FILE_DIR={tmp_path / 'file' / 'out'}: can't be written to (" in errors
    assert not (tmp_path / "queue").exists()


def test_an_incomplete_program_is_refused(tmp_path: Path) -> None:
    """
    Before the start, with what it lacks.
    """
    fake_collector(
        tmp_path,
        components_text({"receivers": ["otlp"], "processors": [], "exporters": [], "connectors": [], "extensions": []}),
    )
    status, _, errors = finished(launcher_environment(tmp_path), "run")

    assert 2 == status
    assert "lacks connector forward, exporter nop" in errors
    assert [] == seen(tmp_path)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"OTEL_KIT_COLLECTOR_TLS_CERT": "{}/no.pem", "OTEL_KIT_COLLECTOR_TLS_KEY": "{}/no.key"},
            "can't be loaded (no such file",
        ),
        ({"CLOUDWATCH_LOG_GROUP": "shop", "AWS_REGION": "eu-west-1"}, "there are no credentials for AWS"),
        (
            {"CLOUDWATCH_LOG_GROUP": "a", "AWS_REGION": "b", "AWS_ACCESS_KEY_ID": "c"},
            "there are no credentials for AWS",
        ),
    ],
)
def test_what_lies_in_files_is_looked_at(tmp_path: Path, variables: dict[str, str], said: str) -> None:
    """
    Certificates that are not there, and credentials that are nowhere.
    """
    fake_collector(tmp_path)
    given = {name: value.format(tmp_path) for name, value in variables.items()}
    status, _, errors = finished(launcher_environment(tmp_path, **given), "run")

    assert 2 == status
    assert said in errors


def test_it_works_in_any_directory(tmp_path: Path) -> None:
    """
    The files are found by the package, not by where one stands.
    """
    fake_collector(tmp_path)
    status, _, errors = finished(launcher_environment(tmp_path, FAKE="end"), "run", cwd=Path("/"))

    assert 3 == status, errors


@pytest.mark.parametrize("action", ["config", "validate", "run"])
@pytest.mark.parametrize(
    "variables",
    [
        {"LOKI_ENDPOINT": "http://[::1"},
        {"JAEGER_OTLP_ENDPOINT": "http://[::1]]:3100"},
        {"OTEL_KIT_COLLECTOR_FILES": ","},
        {"OTEL_KIT_COLLECTOR_GATEWAYS": ","},
        {"OTEL_KIT_COLLECTOR_SAMPLING": "0.1", "OTEL_KIT_COLLECTOR_SAMPLING_WAIT": "5"},
        {"ENVIRONMENT": "\udcff"},
        {"OTEL_KIT_QUEUE_DIR": "~nobody-of-this-name/queue"},
    ],
    ids=lambda variables: next(reversed(variables)),
)
def test_each_command_names_the_variable_and_starts_nothing(
    tmp_path: Path, action: str, variables: dict[str, str]
) -> None:
    """
    What one of them refuses all refuse, in the same line.
    """
    fake_collector(tmp_path)
    status, _, errors = finished(launcher_environment(tmp_path, **variables), action)

    assert 2 == status
    assert [f"error: {next(reversed(variables))}"] == [line.partition("=")[0] for line in errors.splitlines()]
    assert [] == seen(tmp_path)


def test_a_program_that_prints_something_else_is_named(tmp_path: Path) -> None:
    """
    It answers the first question as a Collector does, and not the second.
    """
    path = tmp_path / "fake-collector"
    path.write_text(f"#!/bin/sh\n[ $1 = components ] && echo '{components_text()}' || printf 'a: [\\377'\n", "utf-8")
    path.chmod(0o755)
    status, _, errors = finished(launcher_environment(tmp_path), "config")

    assert 2 == status
    assert f"error: {path}: doesn't answer as a Collector does (ParserError): name another program\n" == errors


def test_a_file_below_an_unknown_home_is_named(tmp_path: Path) -> None:
    """
    The name is taken as it stands, and there is no such file.
    """
    fake_collector(tmp_path)
    status, _, errors = finished(launcher_environment(tmp_path), "run", "--config", "~nobody-of-this-name/own.yaml")

    assert 2 == status
    assert "~nobody-of-this-name/own.yaml: can't be read (no such file or directory): " in errors


def test_a_lock_that_cannot_be_opened_is_a_line(tmp_path: Path) -> None:
    """
    Something else has its name.
    """
    fake_collector(tmp_path)
    environment = launcher_environment(tmp_path)
    (tmp_path / "queue" / ".otel-kit-collector").mkdir(parents=True)
    status, _, errors = finished(environment, "run")

    assert 2 == status
    assert errors.startswith(
        f"error: OTEL_KIT_QUEUE_DIR={tmp_path / 'queue'}: .otel-kit-collector in it can't be opened ("
    )


def test_a_directory_that_is_gone_is_a_line(tmp_path: Path) -> None:
    """
    A relative path can't be made whole any more.
    """
    gone = tmp_path / "gone"
    program = (
        f"import os, sys; os.mkdir({str(gone)!r}); os.chdir({str(gone)!r}); os.rmdir({str(gone)!r});"
        "from otel_kit.cli import main; sys.exit(main(['collector', 'config']))"
    )
    environment = launcher_environment(tmp_path, OTEL_KIT_COLLECTOR_FILES="shop.log")
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)

    assert 2 == done.returncode
    assert "error: otel-kit collector: No such file or directory\n" == done.stderr
