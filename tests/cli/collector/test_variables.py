"""
Names that are nearly right.
"""

from __future__ import annotations

import pytest

from otel_kit.cli.collector.files import collector_directory, variables_of_files
from otel_kit.cli.collector.rows import known_variables
from otel_kit.cli.collector.variables import empty_secrets, near_misses, present
from otel_kit.settings.unknown import COLLECTOR_VARIABLES

KNOWN = known_variables() | variables_of_files(collector_directory())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LOKI_ENDPIONT", "LOKI_ENDPOINT"),
        ("LOKI_ENDPOINTS", "LOKI_ENDPOINT"),
        ("loki_endpoint", "LOKI_ENDPOINT"),
        ("DD_APIKEY", "DD_API_KEY"),
        ("TEMPO_OLTP_ENDPOINT", "TEMPO_OTLP_ENDPOINT"),
        ("OTEL_KIT_COLLECTR_TOKEN", "OTEL_KIT_COLLECTOR_TOKEN"),
        ("OTEL_KIT_QUEU_DIRS", "OTEL_KIT_QUEUE_DIR"),
    ],
)
def test_two_edits_are_a_near_miss(name: str, meant: str) -> None:
    """
    The name that was meant is told, the value is not.
    """
    (problem,) = near_misses({name: "hush"}, KNOWN)

    assert f"{name}: is not read by the Collector: did you mean {meant}?" == str(problem)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOKI_ENDPOINT", "http://loki.example"),
        ("LOKI_PORT", "tcp://10.0.0.1:3100"),
        ("LOKI_PORT_3100_TCP", "tcp://10.0.0.1:3100"),
        ("TEMPO_SERVICE_HOST", "10.0.0.1"),
        ("OTEL_KIT_COLLECTOR_PORT", "tcp://10.0.0.1:4318"),
        ("OTEL_KIT_COLLECTOR_SERVICE_HOST", "10.0.0.1"),
        ("OTEL_KIT_PROFILE", "todo"),
        ("DD_APP_KEY", "x"),
        ("HOST_NAME", "x"),
        ("LOKI_POINT", "x"),
        ("PATH", "/bin"),
    ],
)
def test_other_names_are_no_near_miss(name: str, value: str) -> None:
    """
    Right names, those of services and of other programs, service links of Kubernetes, and what is far off.
    """
    assert [] == near_misses({name: value}, KNOWN)


def test_an_empty_variable_is_unset() -> None:
    """
    So are blanks, where the Collector reads the variable.
    """
    environ = {"LOKI_ENDPOINT": "", "DD_API_KEY": "  ", "OTEL_KIT_HTTP_PORT": " 5318 ", "PS1": " "}

    assert {"OTEL_KIT_HTTP_PORT": "5318", "PS1": " "} == present(environ, KNOWN)


def test_services_know_the_names_of_the_collector() -> None:
    """
    What a file of the Collector reads is not called a misspelled setting of the service beside it.
    """
    assert set() == {name for name in KNOWN if name.startswith("OTEL_KIT_")} - {*COLLECTOR_VARIABLES}


def test_an_empty_token_is_no_silent_opening() -> None:
    """
    Whoever passes a token on that came to nothing is told that none is asked for.
    """
    (problem,) = empty_secrets({"OTEL_KIT_COLLECTOR_TOKEN": " "})

    assert "OTEL_KIT_COLLECTOR_TOKEN: is empty, so senders need no token: set the token, or unset the variable" == str(
        problem
    )
    assert [] == empty_secrets({}) == empty_secrets({"OTEL_KIT_COLLECTOR_TOKEN": "t"})
