"""
A configuration on trial: nothing of it reaches what is outside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otel_kit.cli.collector.compose import compose
from otel_kit.cli.collector.files import collector_directory, merged, strings_in
from otel_kit.cli.collector.redirect import Redirected
from otel_kit.cli.collector.rows import BACKENDS
from otel_kit.cli.collector.selection import select

CLOSED = "127.0.0.1:9"
PIPELINES = {"traces": {"receivers": ["otlp"], "exporters": ["nop"]}}


def tried(tree: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """
    The configuration as it is started on trial.
    """
    whole = merged([{"service": {"pipelines": PIPELINES}}, tree])
    return merged([whole, Redirected(whole, scratch, CLOSED).overlay])


def test_no_address_of_a_picked_file_is_left(tmp_path: Path) -> None:
    """
    All nine backends and every overlay with a variable of its own: only loopback is left, and no port twice.
    """
    variables = {row.variable: "http://store.example:4318" for row in BACKENDS}
    overlays = {
        "OTEL_KIT_COLLECTOR_GATEWAYS": "10.0.0.1:4317",
        "OTEL_KIT_COLLECTOR_FILES": "/var/log/*.log",
        "OTEL_KIT_COLLECTOR_BROWSER_ORIGINS": "https://shop.example",
        "OTEL_KIT_COLLECTOR_HOST": "true",
    }
    tree = tried(compose(collector_directory(), select({**variables, **overlays})).tree, tmp_path)

    exporters = list(strings_in({name: where_to(one) for name, one in tree["exporters"].items()}))
    listeners = [one for section in ("receivers", "extensions") for one in strings_in(endpoints(tree[section]))]
    assert exporters
    assert {CLOSED, f"http://{CLOSED}"} == {one for one in exporters if not one.startswith(str(tmp_path))}
    assert all(one.startswith("127.0.0.1:") and one.rpartition(":")[2].isdigit() for one in listeners)
    assert len(listeners) == len(set(listeners)) >= 4
    assert {str(tmp_path)} == {str(Path(one).parent) for one in tree["receivers"]["file_log/services"]["include"]}
    assert str(tmp_path) == tree["extensions"]["file_storage/queue"]["directory"]


def where_to(exporter: Any) -> dict[str, Any]:
    """
    What an exporter says of its destination.
    """
    found = endpoints(exporter or {})
    hostnames = ((exporter or {}).get("resolver") or {}).get("static", {}).get("hostnames", [])
    return {**found, "path": (exporter or {}).get("path", []), "hostnames": hostnames}


def endpoints(tree: Any) -> dict[str, Any]:
    """
    Whatever is called an endpoint, however deep.
    """
    found = {}
    for key, value in tree.items():
        if key == "endpoint" or key.endswith("_endpoint"):
            found[key] = value
        elif isinstance(value, dict):
            found[key] = endpoints(value)
    return found


def test_what_is_unknown_is_not_started(tmp_path: Path) -> None:
    """
    Nor what leans on it; pipelines get a stand-in where they would be empty.
    """
    tree = {
        "receivers": {"otlp": {}, "kafka": {"brokers": ["k.example"]}},
        "processors": {"resource_detection": {"detectors": ["ec2"]}},
        "exporters": {
            "nop": {},
            "kafka/out": {},
            "otlp_http/in": {"endpoint": "https://x.example", "auth": {"authenticator": "oauth2client"}},
        },
        "extensions": {"oauth2client": {}, "health_check": {}},
        "service": {
            "extensions": ["health_check", "oauth2client"],
            "pipelines": {
                "traces": {
                    "receivers": ["kafka"],
                    "processors": ["resource_detection"],
                    "exporters": ["kafka/out", "otlp_http/in"],
                }
            },
        },
    }
    trial = Redirected(tree, tmp_path, CLOSED)
    service = merged([tree, trial.overlay])["service"]

    assert ["kafka", "kafka/out", "oauth2client", "otlp_http/in", "resource_detection"] == trial.left_out
    assert {"receivers": ["otlp"], "processors": [], "exporters": ["nop"]} == service["pipelines"]["traces"]
    assert ["health_check"] == service["extensions"]


def test_telemetry_of_its_own_goes_nowhere(tmp_path: Path) -> None:
    """
    A hand-written file may push the Collector's own telemetry to a store.
    """
    push = {"periodic": {"exporter": {"otlp": {"endpoint": "https://x.example"}}}}
    batch = {"batch": {"exporter": {"otlp": {"endpoint": "https://x.example"}}}}
    telemetry = {"metrics": {"readers": [push]}, "traces": {"processors": [batch]}, "logs": {"processors": [batch]}}
    tree = tried({"service": {"telemetry": telemetry}}, tmp_path)

    assert [] == [text for text in strings_in(tree) if "x.example" in text]


@pytest.mark.parametrize(
    "resolver", [{"static": {"hostnames": ["a:1"]}}, {"dns": {"hostname": "a.example"}}, {"k8s": {}}]
)
def test_a_balancer_knows_one_closed_gateway(tmp_path: Path, resolver: dict[str, Any]) -> None:
    """
    Whoever resolved names before resolves none now.
    """
    tree = tried({"exporters": {"load_balancing": {"resolver": resolver}}}, tmp_path)

    found = tree["exporters"]["load_balancing"]["resolver"]
    assert {"hostnames": [CLOSED]} == found.pop("static")
    assert {None} >= set(found.values())
