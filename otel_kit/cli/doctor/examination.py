"""
The whole examination: every question asked, every answer judged.

Owns the order. Import this module only after the two variables that stop `import fastapi` have been
judged, as some parts import OpenTelemetry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from otel_kit._version import __version__
from otel_kit.cli.doctor.application import Told, judge_application, judge_profile, look_at
from otel_kit.cli.doctor.collector import collector_probes
from otel_kit.cli.doctor.hidden import hider
from otel_kit.cli.doctor.names import judge_names
from otel_kit.cli.doctor.otlp import grpc_remarks, otlp_probes
from otel_kit.cli.doctor.places import Place, judge_places, read_places
from otel_kit.cli.doctor.probes import Answer, ask, judge_answers
from otel_kit.cli.doctor.redis import redis_probes, redis_remarks
from otel_kit.cli.doctor.remarks import LEVELS, Remark, safe
from otel_kit.cli.doctor.rows import SettingRow, setting_rows
from otel_kit.cli.doctor.safety import judge_safety
from otel_kit.cli.doctor.sources import Sources
from otel_kit.cli.doctor.values import Judged
from otel_kit.cli.doctor.versions import Version, judge_versions, read_versions

__all__ = ["Examination", "examine"]


@dataclass(frozen=True)
class Examination:
    """
    What was found, fit to be shown.
    """

    settings: list[SettingRow]
    answers: list[Answer]
    places: list[Place]
    versions: list[Version]
    target: str | None
    application: Told | None
    """What the application says of itself; None without one, or where it can't be imported."""
    findings: list[Remark]
    """The gravest first."""

    @property
    def counts(self) -> dict[str, int]:
        """
        How many findings of each level.
        """
        found = Counter(one.level for one in self.findings)
        return {level: found[level] for level in LEVELS}

    def document(self) -> dict[str, Any]:
        """
        Everything as data.
        """
        return {
            "version": __version__,
            "findings": [asdict(one) for one in self.findings],
            "counts": self.counts,
            "settings": [asdict(row) for row in self.settings],
            "reachability": [asdict(answer) for answer in self.answers],
            "places": [asdict(place) for place in self.places],
            "versions": [asdict(version) for version in self.versions],
            "target": self.target,
            "application": self.application,
        }


def examine(sources: Sources, judged: Judged, target: str | None, directory: str) -> Examination:
    """
    Ask everything; takes a second, and the time that the application's import takes.

    Args:
        target: `module:app`, or None.
        directory: Where its modules are looked for first.
    """
    probes = [*otlp_probes(judged.otel), *redis_probes(judged.settings), *collector_probes(sources)]
    hide = hider(sources)
    answers = [replace(one, address=hide(one.address), detail=hide(one.detail)) for one in ask(probes)]
    places, versions = [_hidden(place, hide) for place in read_places(sources)], read_versions()
    findings = [
        *judged.remarks,
        *judge_profile(judged.settings, directory),
        *judge_names(sources),
        *judge_answers(answers),
        *grpc_remarks(judged.otel),
        *redis_remarks(judged.settings),
        *judge_safety(judged.settings, judged.otel, sources),
        *judge_places(places),
        *judge_versions(versions),
    ]
    application = None
    if target is not None:
        told = look_at(target, directory, (*judged.blocking, *judged.unusable))
        findings += judge_application(target, told, judged.settings)
        application = _shown(told.get("application"), hide)
    findings = [replace(one, what=hide(one.what), remedy=hide(one.remedy)) for one in findings]
    findings = sorted(dict.fromkeys(findings), key=lambda one: LEVELS.index(one.level))
    return Examination(setting_rows(sources), answers, places, versions, target, application, findings)


def _hidden(place: Place, hide: Callable[[str], str]) -> Place:
    return replace(place, path=hide(place.path), problem=hide(place.problem))


def _shown(told: Any, hide: Callable[[str], str]) -> Any:
    """
    The same data with each text fit to be shown.
    """
    if isinstance(told, dict):
        return {str(name): _shown(value, hide) for name, value in told.items()}
    if isinstance(told, list):
        return [_shown(item, hide) for item in told]
    return hide(safe(told)) if isinstance(told, str) else told
