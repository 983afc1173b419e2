"""
Where a configuration listens and where it sends, with variables resolved.

Owns two questions that need the merged files, hand-written ones among them: which addresses must be
free, and whether data would come back to where it came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from otel_kit.cli.collector.addresses import flaw_of_url
from otel_kit.cli.collector.endpoints import is_this_machine
from otel_kit.cli.collector.files import Tree
from otel_kit.cli.collector.problems import Problem

__all__ = ["Listener", "circles", "flawed", "listeners", "resolved"]

_REFERENCE = re.compile(r"\$\{env:(\w+)(?::-([^${}]*))?\}")

# a variable may hold a reference to itself
MOST_ROUNDS = 10
MOST_CHARACTERS = 10_000

LISTENING = frozenset({"otlp", "health_check", "zpages", "pprof"})


OVER_HTTP = frozenset({"otlp_http", "otlphttp"})
TARGETS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint")


class Listener(NamedTuple):
    """
    One address that has to be free.
    """

    component: str
    host: str
    port: int


def resolved(text: object, variables: Mapping[str, str]) -> str:
    """
    A text with each `${env:X:-default}` replaced, inner ones first.
    """
    before, after = "", str(text)
    for _ in range(MOST_ROUNDS):
        if before == after or len(after) > MOST_CHARACTERS:
            break
        before, after = after, _REFERENCE.sub(lambda found: variables.get(found[1], found[2] or ""), after)
    return after


def listeners(tree: Tree, variables: Mapping[str, str]) -> list[Listener]:
    """
    Those of OTLP receivers, of extensions, and of the Collector's own metrics.
    """
    found = []
    for section in ("receivers", "extensions"):
        for name, settings in (tree.get(section) or {}).items():
            endpoints = _under("endpoint", settings) if name.partition("/")[0] in LISTENING else ()
            for endpoint in endpoints:
                host, _, port = resolved(endpoint, variables).rpartition(":")
                if _is_number(port):
                    found.append(Listener(name, host.strip("[]"), int(port)))
    telemetry = (tree.get("service") or {}).get("telemetry") or {}
    for reader in _under("prometheus", telemetry.get("metrics")):
        if not isinstance(reader, Mapping):
            continue
        port = resolved(reader.get("port", ""), variables)
        if _is_number(port):
            found.append(Listener("its own metrics", resolved(reader.get("host", "localhost"), variables), int(port)))
    return found


def circles(tree: Tree, variables: Mapping[str, str]) -> list[Problem]:
    """
    Exporters that lead to a receiver of the same Collector.
    """
    own = listeners(tree, variables)
    return [
        Problem(
            f"exporter {name}", f"leads to {one.component} of the Collector itself", "name another address, or move one"
        )
        for name, settings in (tree.get("exporters") or {}).items()
        for host, port in _targets(settings, variables)
        for one in own
        if port == one.port and _same(host, one.host)
    ]


def flawed(tree: Tree, variables: Mapping[str, str]) -> list[Problem]:
    """
    Exporters of OTLP over HTTP whose URL is none; on trial they get another one, so only a start would show it.
    """
    return [
        Problem(f"exporter {name}", f"its {key} {flaw.problem}", flaw.remedy)
        for name, settings in (tree.get("exporters") or {}).items()
        if name.partition("/")[0] in OVER_HTTP and isinstance(settings, Mapping)
        for key in TARGETS
        if (url := resolved(settings.get(key, ""), variables)).startswith(("http://", "https://"))
        if (flaw := flaw_of_url(url))
    ]


def _is_number(port: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,9}", port))


def _same(left: str, right: str) -> bool:
    return left == right or (is_this_machine(left) and is_this_machine(right))


def _targets(settings: Any, variables: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for endpoint in (one for key in TARGETS for one in _under(key, settings)):
        text = resolved(endpoint, variables)
        try:
            url = urlsplit(text if "://" in text else f"//{text}")
            if url.hostname and url.port:
                yield url.hostname, url.port
        except ValueError:
            continue  # what is no address leads nowhere; the Collector says what is wrong with it


def _under(key: str, tree: Any) -> Iterator[Any]:
    """
    Every value under a key, however deep.
    """
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            if name == key and value is not None:
                yield value
            else:
                yield from _under(key, value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _under(key, item)
