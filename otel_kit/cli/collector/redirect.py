"""
A configuration turned away from the world, so that it can be started on trial.

Owns what is laid over it: every listener gets a free port of loopback, every exporter an address where
nobody listens, every directory and file a place in a scratch directory. A component of which this
can't be said with certainty (a hand-written file may hold any) is left out of the trial, by name.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from otel_kit.cli.collector.files import Tree, strings_in

__all__ = ["Redirected"]

Rule: TypeAlias = Callable[[str, Any], Any]
"""Key and value -> what stands there instead; None keeps it."""

# old names too: they start with a warning, which is what a trial is for
RECEIVERS = frozenset({"otlp", "file_log", "filelog", "host_metrics", "hostmetrics"})
EXPORTERS = frozenset(
    {"otlp_http", "otlphttp", "otlp_grpc", "otlp", "file", "nop", "debug", "load_balancing", "loadbalancing"}
)
EXTENSIONS = frozenset({"health_check", "file_storage", "bearertokenauth", "sigv4auth", "zpages", "pprof"})

ASKING = frozenset({"k8s_attributes", "k8sattributes", "resource_detection", "resourcedetection"})
"""
Processors that ask the network at their start.
"""


class Redirected:
    """
    What is laid over a configuration for its trial.

    Args:
        tree: The configuration, merged.
        scratch: An empty directory that is its own.
        closed: Address of loopback at which nobody listens.
    """

    def __init__(self, tree: Tree, scratch: Path, closed: str) -> None:
        self.tree = tree
        self.scratch = scratch
        self.closed = closed
        self._used: set[int] = set()
        self.http_port = 0
        """Where the first HTTP receiver listens during the trial."""
        self.left_out = sorted(self._unknown())
        """Components that are configured and not started."""
        self.overlay = self._overlay()

    def _unknown(self) -> set[str]:
        known = (("receivers", RECEIVERS), ("exporters", EXPORTERS), ("extensions", EXTENSIONS))
        strange = {
            name for section, types in known for name in self.tree.get(section) or {} if _type(name) not in types
        }
        strange |= {name for name in self.tree.get("processors") or {} if _type(name) in ASKING}
        # settings that stand elsewhere, in ${file:…}, can't be turned away
        strange |= {
            name
            for section, _ in known
            for name, settings in (self.tree.get(section) or {}).items()
            if isinstance(settings, str)
        }
        # what leans on a component that is not there can't start either
        leaning = {
            name
            for section, _ in known
            for name, settings in (self.tree.get(section) or {}).items()
            if any(text in strange for text in strings_in(settings))
        }
        return strange | leaning

    def _overlay(self) -> Tree:
        rules: dict[str, Rule] = {
            "receivers": self._receiver_rule,
            "exporters": self._exporter_rule,
            "extensions": self._extension_rule,
        }
        overlay: Tree = {
            section: {
                name: changed
                for name, settings in (self.tree.get(section) or {}).items()
                if name not in self.left_out and (changed := replaced(settings or {}, rule))
            }
            for section, rule in rules.items()
        }
        self.http_port = _port_of(overlay["receivers"].get("otlp"))
        for name in self.tree.get("exporters") or {}:
            if _type(name) in ("load_balancing", "loadbalancing") and name not in self.left_out:
                overlay["exporters"].setdefault(name, {})["resolver"] = self._resolver(name)
        return {**overlay, "service": self._service()}

    def _service(self) -> Tree:
        service = self.tree["service"]
        pipelines = {name: self._pipeline(settings or {}) for name, settings in service["pipelines"].items()}
        telemetry = service.get("telemetry") or {}
        reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": self._free_port()}}}}
        replaced_telemetry: Tree = {
            "logs": {"level": "info", "encoding": "json", "output_paths": ["stderr"]},
            "metrics": {"readers": [reader]},
        }
        for signal in ("logs", "traces"):
            if "processors" in (telemetry.get(signal) or {}):
                replaced_telemetry.setdefault(signal, {})["processors"] = []
        return {
            "extensions": [name for name in service.get("extensions") or () if name not in self.left_out],
            "pipelines": {name: changed for name, changed in pipelines.items() if changed},
            "telemetry": replaced_telemetry,
        }

    def _pipeline(self, settings: Tree) -> Tree:
        stand_ins = {"receivers": ["otlp"], "processors": [], "exporters": ["nop"]}
        changed = {}
        for section, stand_in in stand_ins.items():
            names = settings.get(section) or []
            left = [name for name in names if name not in self.left_out]
            if left != names:
                changed[section] = left or stand_in
        return changed

    def _resolver(self, name: str) -> Tree:
        given = (self.tree["exporters"][name] or {}).get("resolver")
        given = given if isinstance(given, dict) else {}
        return {**dict.fromkeys(given), "static": {"hostnames": [self.closed]}}

    def _free_port(self) -> int:
        """
        A port that nobody holds, below those that the system gives to outgoing connections.
        """
        while True:
            port = random.randrange(12000, 32000)
            with socket.socket() as probe, suppress(OSError):
                probe.bind(("127.0.0.1", port))
                if port not in self._used:
                    self._used.add(port)
                    return port

    def _receiver_rule(self, key: str, value: Any) -> Any:
        if key == "endpoint":
            return f"127.0.0.1:{self._free_port()}"
        if key == "include" and isinstance(value, str | list):
            # an empty file, as a pattern without files is worth a warning
            path = self.scratch / "trial.log"
            path.touch()
            return [str(path)]
        return None

    def _exporter_rule(self, key: str, value: Any) -> Any:
        if key == "endpoint" or key.endswith("_endpoint"):
            return f"http://{self.closed}"
        if key == "path":
            return str(self.scratch / Path(str(value)).name)
        return None

    def _extension_rule(self, key: str, value: Any) -> Any:
        if key == "endpoint":
            return f"127.0.0.1:{self._free_port()}"
        return str(self.scratch) if key == "directory" else None


def replaced(tree: Tree, rule: Rule) -> Tree:
    """
    The parts of a map that a rule changes; a list in which it changes something as a whole.
    """
    changed: Tree = {}
    for key, value in tree.items():
        new = rule(str(key), value)
        if new is None and isinstance(value, dict):
            new = replaced(value, rule) or None
        elif new is None and isinstance(value, list):
            new = _replaced_list(value, rule)
        if new is not None:
            changed[key] = new
    return changed


def _replaced_list(items: list[Any], rule: Rule) -> list[Any] | None:
    new = [{**item, **replaced(item, rule)} if isinstance(item, dict) else item for item in items]
    return new if new != items else None


def _port_of(otlp: Any) -> int:
    """
    Where a receiver that was turned away takes OTLP over HTTP; 0 where it does not.
    """
    for key in ("protocols", "http", "endpoint"):
        otlp = otlp.get(key) if isinstance(otlp, dict) else None
    return int(otlp.rpartition(":")[2]) if isinstance(otlp, str) else 0


def _type(name: object) -> str:
    return str(name).partition("/")[0]
