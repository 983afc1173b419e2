"""
Addresses of stores and gateways: whether they can be right.

Owns the rule that data never goes in a circle: an address that is the Collector's own, in any
spelling of loopback or by the machine's own name, is refused. Resolves no names.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from otel_kit.cli.collector.addresses import flaw_of_address, flaw_of_url
from otel_kit.cli.collector.problems import Problem, problem_of

__all__ = ["endpoint_problem", "gateway_problem", "is_loopback", "is_this_machine"]

_APPENDED = {
    "LOKI_ENDPOINT": ("/otlp", "/otlp/v1/logs", "/loki/api/v1/push"),
    "PROMETHEUS_ENDPOINT": ("/api/v1/otlp", "/api/v1/otlp/v1/metrics", "/api/v1/write"),
}
_SIGNAL_PATHS = ("/v1/traces", "/v1/metrics", "/v1/logs")
_WITH_SIGNAL_PATH = ("CLOUDWATCH_LOGS_ENDPOINT", "CLOUDWATCH_TRACES_ENDPOINT", "CLOUDWATCH_METRICS_ENDPOINT")
_USUAL_PORTS = {"http": 80, "https": 443}


def endpoint_problem(variable: str, value: str, own_ports: Mapping[int, str]) -> Problem | None:
    """
    What is wrong with a base URL.

    Args:
        own_ports: Where the Collector itself listens, with the name of each port's variable.
    """

    def problem(text: str, remedy: str) -> Problem:
        return problem_of(variable, value, text, remedy)

    flaw = flaw_of_url(value)
    if flaw:
        return problem(*flaw)
    url = urlsplit(value)
    if "?" in value or "#" in value:
        return problem("has a query or a fragment", "leave out what follows ? or #")
    path = url.path.rstrip("/")
    too_much = _too_much(variable, path)
    if too_much:
        return problem(f"has the path {too_much}, which is added to it", f"leave out {too_much}")
    return _circle(variable, value, url.hostname or "", url.port or _USUAL_PORTS[url.scheme], own_ports)


def gateway_problem(variable: str, value: str, gateway: str, own_ports: Mapping[int, str]) -> Problem | None:
    """
    What is wrong with one `host:port` of the list in a variable.
    """
    flaw = flaw_of_address(gateway)
    is_another = "://" in gateway or "@" in gateway or (flaw is None and not re.search(r":[0-9]+$", gateway))
    text = "is not host:port" if is_another else flaw.problem if flaw else None
    if text:
        return problem_of(variable, value, f"{gateway!r} {text}", "write host:port,host:port")
    host, _, port = gateway.rpartition(":")
    return _circle(variable, value, host.strip("[]"), int(port), own_ports)


def _circle(variable: str, value: str, host: str, port: int, own: Mapping[int, str]) -> Problem | None:
    if port not in own or not is_this_machine(host):
        return None
    text = f"is the Collector itself ({own[port]}={port})"
    return problem_of(variable, value, text, f"name the store's own address, or move the Collector with {own[port]}")


def is_this_machine(host: str) -> bool:
    """
    Whether a host is loopback or this machine's own name. Names are not resolved, so an address of a network
    interface, or another name of it, is not recognized.
    """
    own = socket.gethostname().lower()
    name = host.rstrip(".").lower()
    return is_loopback(host) or (bool(name) and name in (own, own.partition(".")[0]))


def is_loopback(host: str) -> bool:
    """
    Whether a host is this machine's loopback, however it is spelled; an unspecified address leads there too.
    """
    name = host.rstrip(".").lower()
    if name in ("localhost", "ip6-localhost", "ip6-loopback") or name.endswith((".localhost", ".localdomain")):
        return True
    try:
        # the C library's forms too: 127.1, 0x7f000001, 2130706433
        address = ipaddress.ip_address(socket.inet_aton(name))
    except (OSError, ValueError):
        try:
            address = ipaddress.ip_address(name.partition("%")[0])
        except ValueError:
            return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or (mapped or address).is_unspecified


def _too_much(variable: str, path: str) -> str | None:
    if variable in _WITH_SIGNAL_PATH:
        return None
    endings = (*_APPENDED.get(variable, ()), *_SIGNAL_PATHS)
    return next((ending for ending in sorted(endings, key=len, reverse=True) if path.endswith(ending)), None)
