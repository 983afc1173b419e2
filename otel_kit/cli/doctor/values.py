"""
Values that can't be used: all of them, each with the line that set-up or the launcher would give.

Owns the order of judgement. The two variables that stop `import fastapi` itself are found here, before
anything imports it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from otel_kit.cli.collector.rows import BACKENDS, OVERLAYS, PORTS
from otel_kit.cli.doctor.remarks import Remark, remark, safe
from otel_kit.cli.doctor.rows import collector_variables
from otel_kit.cli.doctor.sources import Sources
from otel_kit.environment import Finding, OtelEnvironment, read_otel_environment
from otel_kit.errors import ConfigurationError
from otel_kit.settings import Settings, judge_settings

__all__ = ["BLOCKING", "Judged", "judge_values", "uses_collector"]

BLOCKING = ("OTEL_PROPAGATORS", "OTEL_PYTHON_CONTEXT")
"""
Read when OpenTelemetry's API is imported, which FastAPI does.
"""


@dataclass(frozen=True)
class Judged:
    """
    What counts after everything bad has been left out, and what was bad.
    """

    settings: Settings
    otel: OtelEnvironment
    remarks: list[Remark]
    blocking: tuple[str, ...]
    """Variables of the process that keep FastAPI from being imported."""
    unusable: tuple[str, ...]
    """Variables of the process that keep the kit from being set up."""


def judge_values(sources: Sources) -> Judged:
    """
    Each setting by itself.
    """
    settings, errors = judge_settings(sources.merged)
    otel, found, blocking = _judge_specified(sources)
    remarks = [*map(setting_error, errors), *found, *_collector(sources)]
    unusable = tuple(error.variable for error in errors if sources.origin(error.variable) == "environment")
    return Judged(settings, otel, remarks, blocking, unusable)


def setting_error(error: ConfigurationError) -> Remark:
    """
    The line of set-up, in two parts.
    """
    return remark("error", "settings", f"{error.variable}={safe(str(error.value))!r} can't be used", error.remedy)


def _judge_specified(sources: Sources) -> tuple[OtelEnvironment, list[Remark], tuple[str, ...]]:
    environ = dict(sources.environ)
    # the file adds what set-up would take from it
    for name, value in sources.file.items():
        if name.startswith("OTEL_") and not name.startswith("OTEL_KIT_"):
            environ.setdefault(name, value)
    otel = read_otel_environment(environ)
    blocking = tuple(
        finding.variable
        for finding in otel.findings
        if finding.variable in BLOCKING and sources.origin(finding.variable) == "environment"
    )
    remarks = [_stops(one) if one.variable in blocking else _warning(one) for one in otel.findings]
    return otel, [*remarks, *_read_too_late(sources)], blocking


def _stops(finding: Finding) -> Remark:
    what = f"{finding.variable}={safe(finding.value)!r} {finding.problem}, which stops `import fastapi` itself"
    return remark("error", "settings", what, finding.remedy)


def _warning(finding: Finding) -> Remark:
    verdict = "ignored: " if finding.ignored else ""
    return remark(
        "warning", "settings", f"{verdict}{finding.variable}={safe(finding.value)!r} {finding.problem}", finding.remedy
    )


def _read_too_late(sources: Sources) -> Iterator[Remark]:
    for name in BLOCKING:
        if sources.origin(name) == ".env":
            what = f"{name} in .env has no effect: it is read when FastAPI is imported"
            yield remark("warning", "settings", what, "set it in the environment of the process")


def uses_collector(sources: Sources) -> bool:
    """
    Whether this environment is one that a Collector is to be run in.
    """
    picking = {row.variable for row in (*BACKENDS, *OVERLAYS)}
    return any(name in sources.environ for name in (*picking, *PORTS, "OTEL_KIT_QUEUE_DIR"))


def _collector(sources: Sources) -> Iterator[Remark]:
    services = {"OTEL_SERVICE_NAME", "ENVIRONMENT", "APP_VERSION", "HOSTNAME"}
    for name in sorted(collector_variables() - services):
        if sources.origin(name) == ".env":
            what = f"{name} in .env has no effect: the Collector and its launcher don't read that file"
            yield remark("warning", "settings", what, "set it in the environment of the Collector")
    if not uses_collector(sources):
        return
    if find_spec("yaml") is None:
        yield remark(
            "info", "settings", "the Collector's values are not judged without PyYAML", "pip install 'otel-kit[cli]'"
        )
        return
    from otel_kit.cli.collector.checks import file_problems
    from otel_kit.cli.collector.selection import select
    from otel_kit.cli.collector.variables import empty_secrets, present

    variables = present(sources.environ, collector_variables())
    selection = select(variables)
    for problem in [*selection.problems, *file_problems(selection, variables)]:
        yield remark("error", "settings", f"{safe(problem.subject)}: {problem.problem}", problem.remedy)
    for problem in empty_secrets(sources.environ):
        yield remark("warning", "settings", f"{safe(problem.subject)}: {problem.problem}", problem.remedy)
