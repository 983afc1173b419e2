"""
Every variable with value, origin and effect: the kit's, the specification's, the Collector's.

Owns how values are shown. What a variable means comes from the references of those who read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from otel_kit.cli.collector.problems import SECRETS
from otel_kit.cli.collector.rows import BACKENDS, OVERLAYS, PORTS, known_variables
from otel_kit.cli.doctor.remarks import masked, printable, safe
from otel_kit.cli.doctor.sources import Origin, Sources
from otel_kit.environment import MASK
from otel_kit.environment.findings import shown
from otel_kit.environment.reference import otel_reference
from otel_kit.settings import SettingReference, Settings, settings_reference
from otel_kit.settings.formats import parse_storage_url
from otel_kit.settings.source import metadata, variable_of_field
from otel_kit.settings.unknown import COLLECTOR_VARIABLES

__all__ = ["Group", "SettingRow", "collector_variables", "setting_rows"]

Group = Literal["kit", "opentelemetry", "collector"]

STORAGE = "OTEL_KIT_RATELIMIT_STORAGE_URL"

_ALONE = {
    "AWS_REGION": "Region of CloudWatch.",
    "CLOUDWATCH_LOG_STREAM": "Stream within the group of CloudWatch.",
    "OTEL_KIT_CACHE": "Where a Collector that was built is kept.",
    "OTEL_KIT_COLLECTOR_BINARY": "The Collector's program.",
    "OTEL_KIT_COLLECTOR_HOST_ROOT": "Where the host's file system is seen.",
    "OTEL_KIT_COLLECTOR_MEMORY_MIB": "Memory that the Collector may take.",
    "OTEL_KIT_COLLECTOR_OPTIONAL": "Backends that may lose data rather than refuse it.",
    "OTEL_KIT_GATEWAY_ADDRESS": "Where the gateway listens.",
    "OTEL_KIT_GATEWAY_CA": "Authorities that the agent trusts.",
    "OTEL_KIT_GATEWAY_TOKEN": "What the agent shows to the gateway.",
    "OTEL_KIT_QUEUE_BYTES": "Memory of each queue.",
    "OTEL_KIT_QUEUE_DIR": "Directory of the queues.",
}


@dataclass(frozen=True)
class SettingRow:
    """
    One variable.
    """

    variable: str
    group: Group
    value: str
    """Fit to be shown; that of the default where nobody has set it."""
    origin: Origin
    effect: str
    beats_file: bool
    """Whether `.env` says something else, which does not count."""


def setting_rows(sources: Sources) -> list[SettingRow]:
    """
    All variables. The Collector's are there when one of them is set, or can only be meant for it.
    """
    secret = {
        variable_of_field(Settings, name) for name, field in Settings.model_fields.items() if metadata(field)["secret"]
    }
    specified = {row.variable for row in otel_reference()}
    own = [row for row in settings_reference() if row.variable not in specified]
    services = {row.variable for row in own} | specified
    collector = [row for row in _collector_reference() if row.variable not in services]
    in_use = any(row.variable in sources.merged for row in collector)
    return [
        *_rows(sources, own, "kit", secret),
        *_rows(sources, otel_reference(), "opentelemetry", frozenset()),
        *_rows(sources, collector if in_use else (), "collector", SECRETS),
    ]


def _rows(
    sources: Sources, reference: Iterable[SettingReference], group: Group, secret: Iterable[str]
) -> Iterator[SettingRow]:
    hidden = frozenset(secret)
    for row in reference:
        value = sources.merged.get(row.variable)
        text = row.default if value is None else _shown(row.variable, value, row.variable in hidden)
        yield SettingRow(
            row.variable,
            group,
            text,
            sources.origin(row.variable),
            row.meaning,
            sources.beats_file(row.variable),
        )


def _shown(variable: str, value: str, secret: bool) -> str:
    if variable == STORAGE:
        return _shown_storage(value)
    # the policy first: of `authorization=Bearer …` the other leaves what the policy would no longer know
    return MASK if secret else printable(shown(variable, masked(value.strip())))


def _shown_storage(value: str) -> str:
    """
    Scheme, host and path; what is no such URL may be a password in the wrong place.
    """
    try:
        parse_storage_url(value.strip())
    except ValueError:
        return MASK
    # as an endpoint's: what stands before the last @ is hidden, and so is the query
    return safe(shown("_ENDPOINT", value.strip()))


def collector_variables() -> frozenset[str]:
    """
    Every variable that the Collector's launcher or files read.
    """
    known = known_variables() | set(COLLECTOR_VARIABLES)
    if find_spec("yaml") is None:
        return known
    from otel_kit.cli.collector.files import collector_directory, variables_of_files

    return known | variables_of_files(collector_directory())


def _collector_reference() -> Iterator[SettingReference]:
    described: dict[str, tuple[str, str]] = {}
    for row in BACKENDS:
        described[row.variable] = ("", f"Has the Collector send to {row.name}.")
        described.update(dict.fromkeys(row.more, ("", f"For the Collector's way to {row.name}.")))
    for row in OVERLAYS:
        described[row.variable] = ("", f"Switches the Collector's {row.name} on.")
        described.update(dict.fromkeys(row.more, ("", f"For the Collector's {row.name}.")))
    for name, port in PORTS.items():
        part = name.removeprefix("OTEL_KIT_").partition("_")[0]
        kind = {"HEALTH": "health answer", "SELF": "own metrics"}.get(part, f"OTLP over {part}".replace("GRPC", "gRPC"))
        described[name] = (str(port), f"Port of the Collector's {kind}.")
    for name in sorted({*described, *_ALONE, *collector_variables()}):
        default, meaning = described.get(name, ("", _ALONE.get(name, "Read by the Collector's files.")))
        yield SettingReference(name, default, meaning, "")
