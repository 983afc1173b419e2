"""
Names that nobody reads and that look like known ones.

Owns how near is near: two edits for documented names, and for the specification's. Values of
misspelt names are never shown, as they may be secrets.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator

from otel_kit.cli.collector.variables import near_misses, nearest
from otel_kit.cli.doctor.remarks import Remark, remark
from otel_kit.cli.doctor.rows import collector_variables
from otel_kit.cli.doctor.sources import Sources
from otel_kit.environment.reference import otel_reference
from otel_kit.settings import Settings, unknown_variables
from otel_kit.settings.source import variable_of_field
from otel_kit.settings.unknown import is_service_link, nearest_name

__all__ = ["judge_names"]

SPECIFIED = "OTEL_"

ALIKE = 0.9
"""
From here on two long names are taken for one that was misspelt, however many edits it takes.
"""

NAMES_OF_OTHERS = re.compile(
    r"[A-Z]{3}_VERSION|LOGNAME|OTEL_(GO|DOTNET|NODE|JAVA|JAVAAGENT|JMX|PHP|RUBY|EBPF|PYTHON|INSTRUMENTATION|LOGS_JSON)_.*"
    r"|OTEL_EXPORTER_(JAEGER|ZIPKIN|PROMETHEUS|CONSOLE)_.*|OTEL_(PYTHON_CONFIGURATOR|ENTITIES)|OTEL_COLLECTOR_.*"
)
"""
Near a known name or with its prefix, and in use elsewhere.
"""


def judge_names(sources: Sources) -> list[Remark]:
    """
    A warning for each name that is probably misspelt, an information for each `OTEL_*` that is read by nobody here.
    """
    own = {variable_of_field(Settings, name) for name in Settings.model_fields}
    specified = {row.variable for row in otel_reference()}
    collector = collector_variables()
    known = own | specified | collector
    unknown = {
        name: value for name, value in sources.merged.items() if name not in known and not is_service_link(name, value)
    }
    # `.env` is in the merged variables already
    of_kit = [
        remark("warning", "names", f"{found.variable} {found.problem}", found.remedy)
        for found in unknown_variables(unknown, env_file=None)
    ]
    rest = {name: value for name, value in unknown.items() if not name.startswith("OTEL_KIT_")}
    documented = {name for name in own if not name.startswith("OTEL_")}
    told = [*_misspelt_prefix(rest, own - documented - specified), *_documented(rest, documented)]
    told += _specified(rest.keys() - {name for name, _ in told}, specified)
    told += _backends(rest.keys() - {name for name, _ in told}, collector)
    seen = {name for name, _ in told}
    of_collector = near_misses({name: value for name, value in rest.items() if name not in seen}, collector)
    return [
        *of_kit,
        *(found for _, found in told),
        *(remark("warning", "names", f"{one.subject} {one.problem}", one.remedy) for one in of_collector),
    ]


def _misspelt_prefix(names: Collection[str], known: set[str]) -> Iterator[tuple[str, Remark]]:
    for name in sorted(names):
        meant = nearest(name, known)
        if meant:
            yield name, remark("warning", "names", f"{name} is read by nobody", f"did you mean {meant}?")


def _backends(names: Collection[str], known: Collection[str]) -> Iterator[tuple[str, Remark]]:
    # some have OTLP in their names, and some don't
    plain = {_without_otlp(name): name for name in known if name.endswith("_ENDPOINT")}
    for name in sorted(names):
        meant = plain.get(_without_otlp(name)) if name.endswith("_ENDPOINT") else None
        if meant:
            yield name, remark("warning", "names", f"{name} is not read by the Collector", f"did you mean {meant}?")


def _without_otlp(name: str) -> str:
    return name.replace("_OTLP_", "_")


def _documented(names: Collection[str], known: set[str]) -> Iterator[tuple[str, Remark]]:
    for name in sorted(names):
        meant = None if name.startswith("OTEL_") or NAMES_OF_OTHERS.fullmatch(name) else nearest(name, known)
        if meant:
            yield name, remark("warning", "names", f"{name} is read by nobody", f"did you mean {meant}?")


def _specified(names: Collection[str], known: set[str]) -> Iterator[tuple[str, Remark]]:
    for name in sorted(names):
        if not name.upper().startswith(SPECIFIED):
            continue
        meant = nearest(name, known) or next(iter(difflib.get_close_matches(name, sorted(known), 1, ALIKE)), None)
        if meant:
            yield name, remark("warning", "names", f"{name} is not read by otel_kit", f"did you mean {meant}?")
        elif not NAMES_OF_OTHERS.fullmatch(name):
            told = f"{name} is not read by otel_kit"
            nearest_one = nearest_name(name.upper(), known, SPECIFIED)
            nearby = f"; the nearest name is {nearest_one}" if nearest_one else ""
            yield name, remark("info", "names", told, f"unset it unless others need it{nearby}")
