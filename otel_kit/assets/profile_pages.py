"""
One reference page for each documented system: its metrics, log line, health routes and queries.

Owns the shape of the page; every fact on it is read from the profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from otel_kit.catalogue import Declaration
from otel_kit.health_layout import WORDS, HealthRoute
from otel_kit.layout import Field, LogLayout
from otel_kit.profiles import Profile, Reading, Threshold

__all__ = ["metric_entries", "profile_page", "table"]

_ROLES = {
    "total": "each request",
    "duration": "the time of each request",
    "errors": "each failed request",
    "in_progress": "the requests that run",
    "request_size": "the size of each request",
    "response_size": "the size of each answer",
}


def profile_page(profile: Profile, note: str) -> str:
    """
    Everything that the profile declares.

    Args:
        note: Stands below the title.
    """
    parts = [
        f"# Profile {profile.name}",
        note,
        f'`OTEL_KIT_PROFILE={profile.name}`, or `setup_observability(app, profile="{profile.name}")`.\n'
        f"`from otel_kit.profiles.{profile.name} import …` gives the handles of the metrics.",
        "## Metrics",
        f"They stand on `GET {profile.metrics_path}` and leave over OTLP under the same names.\n"
        f"A request without a route has the label `{profile.unmatched}` in its place.",
        "Filled by the kit:",
        table(("metric", "counts", "labels"), _fillings(profile)),
        *metric_entries(metric.declaration for metric in profile.metrics),
        "## Log line",
        _line_text(profile.layout),
        table(("field", "holds", "stands on"), map(_field_row, profile.layout.fields)),
        "## Health",
        table(("path", "answers for", "statuses"), map(_route_row, profile.health.routes)),
    ]
    if profile.limits:
        parts += ["## Limits", table(("path prefix", "rate of one client"), _pairs(_rates(profile)))]
    if profile.environment:
        parts += ["## Documented variables", table(("variable", "default"), _pairs(profile.environment))]
    if profile.readings:
        parts += [
            "## Queries",
            "What the system documents as a rate, a percentile or a share, in PromQL.",
            *_readings(profile),
        ]
    if profile.thresholds:
        head = ("name", "of", "target", "warning", "critical")
        parts += ["## Thresholds", table(head, map(_threshold_row, profile.thresholds))]
    return "\n\n".join(parts) + "\n"


def metric_entries(declarations: Iterable[Declaration]) -> Iterator[str]:
    """
    A heading for each metric, with what is declared of it.
    """
    for one in declarations:
        lines = [f"### `{one.name}`", "", one.help, "", f"- kind: {one.kind}"]
        if one.labels:
            lines.append(f"- labels: {', '.join(f'`{label}`' for label in one.labels)}")
        if one.buckets:
            lines.append(f"- buckets: {', '.join(f'{bound:g}' for bound in one.buckets)}")
        yield "\n".join(lines)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """
    A table of Markdown.
    """
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in lines)


def _fillings(profile: Profile) -> Iterator[tuple[str, ...]]:
    for item in profile.requests:
        labels = ", ".join(f"`{label}`: {source}" for label, source in item.labels.items())
        yield f"`{item.metric.name}`", _ROLES[item.role], labels
    gauges = ((profile.health_gauge, "the checks of health", "name"), (profile.status_gauge, "the service", "state"))
    for gauge, counts, label in gauges:
        if gauge is not None:
            yield f"`{gauge.name}`", counts, f"`{gauge.labelnames[0]}`: {label}"
    for share in profile.derived:
        minutes = f"{share.window_seconds / 60:g} minutes"
        yield f"`{share.gauge.name}`", f"`{share.part.name}` in `{share.whole.name}`, over {minutes}", ""
    for event in profile.events:
        for count in event.counts:
            labels = ", ".join(f"`{label}`: {value}" for label, value in count.labels.items())
            yield f"`{count.metric.declaration.name}`", f"the security event `{event.name}`", labels


def _line_text(layout: LogLayout) -> str:
    text = f"One JSON object a line.\nTimes are ISO 8601 in UTC, to the {layout.timestamp.removesuffix('s')}."
    if layout.level_names:
        words = ", ".join(f"{python} is `{own}`" for python, own in layout.level_names.items())
        text += f"\nOf levels {words}."
    exception = "text" if layout.exception_form == "text" else "`{type, message, stack}`"
    return (
        f"{text}\nThe line of a request has the message `{layout.request_message}`."
        f"\nAfter these fields stand `trace_id`, `span_id`, what the caller gave as `extra`, and `log.class`; "
        f"an exception is in `{layout.exception_key}`, as {exception}."
    )


def _field_row(field: Field) -> tuple[str, ...]:
    holds = field.source.replace("_", " ") if field.source else "what the caller gives"
    if field.source and field.caller:
        holds += ", or what the caller gives"
    return f"`{field.name}`", holds, "every line" if field.on == "every" else "lines of requests"


def _route_row(route: HealthRoute) -> tuple[str, ...]:
    states = route.statuses if route.state else WORDS[route.kind]
    statuses = ", ".join(f"{state} {route.statuses[state]}" for state in states)
    return f"`{route.path}`", route.kind, statuses


def _rates(profile: Profile) -> dict[str, str]:
    return {prefix: str(getattr(limit, "rate", limit) or "no limit") for prefix, limit in profile.limits.items()}


def _pairs(mapping: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    return ((f"`{key}`", f"`{value}`" if value else "empty") for key, value in mapping.items())


def _readings(profile: Profile) -> Iterator[str]:
    for reading in profile.readings:
        yield f"### {reading.what[0].upper()}{reading.what[1:]}\n\n{_queries(reading)}"


def _queries(reading: Reading) -> str:
    lines = [f"# {legend}\n{query}" if legend else query for legend, query in reading.queries.items()]
    return "```promql\n" + "\n".join(lines) + "\n```"


def _threshold_row(threshold: Threshold) -> tuple[str, ...]:
    of = f"{threshold.reading} ({threshold.legend})" if threshold.legend else threshold.reading
    bound = "at least" if threshold.at_least else "below"
    figures = (threshold.target, threshold.warning, threshold.critical)
    words = (bound, "above", "above")
    return (
        f"`{threshold.name}`",
        of,
        *(_bound(word, figure) for word, figure in zip(words, figures, strict=True)),
    )


def _bound(word: str, figure: float | None) -> str:
    if figure is None:
        return ""
    # nothing counts less than none
    return "0" if (word, figure) == ("below", 0) else f"{word} {figure:g}"
