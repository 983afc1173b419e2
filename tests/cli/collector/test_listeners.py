"""
Where merged files listen and send.
"""

from __future__ import annotations

from typing import Any

import pytest

from otel_kit.cli.collector.checks import port_problems
from otel_kit.cli.collector.compose import compose
from otel_kit.cli.collector.files import collector_directory
from otel_kit.cli.collector.judgement import BROWSER_PORT, BROWSER_PORT_DEFAULT
from otel_kit.cli.collector.listeners import Listener, circles, listeners, resolved
from otel_kit.cli.collector.selection import select


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${env:A}", "1"),
        ("${env:MISSING}", ""),
        ("${env:MISSING:-x:y}", "x:y"),
        ("${env:B:-https://${env:A}.example}", "https://1.example"),
        (400, "400"),
    ],
)
def test_references_are_resolved(text: object, value: str) -> None:
    """
    With defaults, and with references within defaults.
    """
    assert value == resolved(text, {"A": "1"})


@pytest.mark.parametrize("value", ["a${env:A}", "${env:A}${env:A}x", "${env:B}", "${env:A}"])
def test_a_variable_that_refers_to_itself_comes_to_an_end(value: str) -> None:
    """
    The Collector refuses it; here it need only not go on for ever.
    """
    assert len(resolved("${env:A}", {"A": value, "B": "b${env:A}"})) < 100_000


@pytest.mark.parametrize(
    ("address", "why"),
    [("127.0.0.1:99999", "is no address to listen on"), ("ü" * 80 + ":1", "is no address to listen on")],
)
def test_what_is_no_address_can_t_be_listened_on(address: str, why: str) -> None:
    """
    A port beyond the last, a name that can't be asked for.
    """
    tree = {"receivers": {"otlp": {"protocols": {"http": {"endpoint": address}}}}}

    (problem,) = port_problems(listeners(tree, {}), {})

    assert f"{address} {why}" == problem.problem


def test_digits_of_other_scripts_are_no_port() -> None:
    """
    Python would count some of them as digits and fail to read them.
    """
    assert [] == listeners({"receivers": {"otlp": {"endpoint": "127.0.0.1:\u00b2"}}}, {})


def test_the_base_listens_where_the_variables_say() -> None:
    """
    On loopback, at the documented ports.
    """
    tree = compose(collector_directory(), select({})).tree
    found = listeners(tree, {"OTEL_KIT_HTTP_PORT": "5318"})

    assert {(4317, "127.0.0.1"), (5318, "127.0.0.1"), (13133, "127.0.0.1"), (8888, "127.0.0.1")} == {
        (one.port, one.host) for one in found
    }


def test_a_file_of_ones_own_may_listen_elsewhere() -> None:
    """
    What has to be free is what the merged files say, in either form of an address.
    """
    tree = {"receivers": {"otlp/b": {"protocols": {"grpc": {"endpoint": "[::1]:1234"}}}}}

    assert [Listener("otlp/b", "::1", 1234)] == listeners(tree, {})


@pytest.mark.parametrize(
    ("exporter", "leads_back"),
    [
        ({"endpoint": "http://localhost:4318"}, True),
        ({"traces_endpoint": "http://127.0.0.2:4318/v1/traces"}, True),
        ({"endpoint": "10.0.0.11:4317"}, True),
        ({"endpoint": "http://store.example:4318"}, False),
        ({"endpoint": "http://localhost:3100"}, False),
        ({"endpoint": "http://[nonsense"}, False),
    ],
)
def test_an_exporter_that_leads_back_is_found(exporter: dict[str, Any], leads_back: bool) -> None:
    """
    In files of the user's own too, and on other addresses than loopback.
    """
    protocols = {"http": {"endpoint": "127.0.0.1:4318"}, "grpc": {"endpoint": "10.0.0.11:4317"}}
    tree = {"receivers": {"otlp": {"protocols": protocols}}, "exporters": {"otlp_http/x": exporter}}

    assert leads_back == bool(circles(tree, {}))


def test_the_receiver_for_browsers_listens_where_the_tables_say() -> None:
    """
    The default stands in the file, and the circle is looked for at the same port.
    """
    selection = select({"OTEL_KIT_COLLECTOR_BROWSER_ORIGINS": "https://shop.example"})
    found = listeners(compose(collector_directory(), selection).tree, {})

    assert BROWSER_PORT == selection.ports[BROWSER_PORT_DEFAULT]
    assert BROWSER_PORT_DEFAULT in [one.port for one in found if "otlp/browser" == one.component]
