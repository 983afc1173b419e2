"""
What can be asked of Loki, Tempo, Jaeger and Prometheus once they run.

Owns their query languages' addresses and the shape of their answers. How they are started is in `stores.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from e2e.asking import ask
from e2e.process import Running
from e2e.samples import Sample
from e2e.spans import StoredSpan, of_jaeger, of_otlp

__all__ = ["Exemplar", "Jaeger", "LogLine", "Loki", "Prometheus", "Tempo"]


class LogLine(NamedTuple):
    """
    A line in Loki: index labels and structured metadata together, as its answers have them.
    """

    labels: dict[str, str]
    nanoseconds: int
    text: str


class Exemplar(NamedTuple):
    """
    An exemplar in Prometheus: the series' labels, its own, and its value.
    """

    series: dict[str, str]
    labels: dict[str, str]
    value: float


class Loki(Running):
    """
    Loki. `url` is what LOKI_ENDPOINT takes.
    """

    url: str

    def query(self, logql: str, *, seconds: float = 3600, limit: int = 5000) -> list[LogLine]:
        """
        Lines that match, oldest first, of the last `seconds` and the ten minutes to come.
        """
        span = _around_now(seconds, 10**9)
        answer = ask(f"{self.url}/loki/api/v1/query_range", query=logql, limit=limit, direction="forward", **span)
        lines = [
            LogLine(stream["stream"], int(nanoseconds), text)
            for stream in answer["data"]["result"]
            for nanoseconds, text, *_ in stream["values"]
        ]
        return sorted(lines, key=lambda line: line.nanoseconds)

    def streams(self, selector: str, *, seconds: float = 3600) -> list[dict[str, str]]:
        """
        The streams that match, each with its index labels alone.
        """
        span: dict[str, Any] = {"match[]": selector, **_around_now(seconds, 10**9)}
        streams: list[dict[str, str]] = ask(f"{self.url}/loki/api/v1/series", **span)["data"]
        return streams


class Tempo(Running):
    """
    Tempo. `otlp_url` is what TEMPO_OTLP_ENDPOINT takes; `url` is asked.
    """

    url: str
    otlp_url: str

    def search(self, traceql: str, *, seconds: float = 3600, limit: int = 500) -> list[str]:
        """
        Ids of the traces that match, in 32 digits (its answers leave leading zeros out).
        """
        answer = ask(f"{self.url}/api/search", q=traceql, limit=limit, **_around_now(seconds, 1))
        return [trace["traceID"].zfill(32) for trace in answer.get("traces") or ()]

    def trace(self, trace_id: str) -> list[StoredSpan]:
        """
        The spans of a trace; none where it is unknown.
        """
        answer = ask(f"{self.url}/api/traces/{trace_id}") or {}
        return [span for batch in answer.get("batches", ()) for span in of_otlp(batch)]


class Jaeger(Running):
    """
    Jaeger. `otlp_url` is what JAEGER_OTLP_ENDPOINT takes; `url` is asked.
    """

    url: str
    otlp_url: str
    otlp_grpc_port: int

    def search(self, service: str, tags: Mapping[str, str], *, limit: int = 500) -> list[str]:
        """
        Ids of the traces with a span of this service that has these tags.
        """
        answer = ask(f"{self.url}/api/traces", service=service, tags=json.dumps(dict(tags)), limit=limit, lookback="1h")
        return [trace["traceID"].zfill(32) for trace in (answer or {}).get("data") or ()]

    def trace(self, trace_id: str) -> list[StoredSpan]:
        """
        The spans of a trace; none where it is unknown.
        """
        answer = ask(f"{self.url}/api/traces/{trace_id}") or {}
        return [span for trace in answer.get("data") or () for span in of_jaeger(trace)]


class Prometheus(Running):
    """
    Prometheus. `url` is what PROMETHEUS_ENDPOINT takes.
    """

    url: str
    jobs: Path

    def scrape(self, targets: Mapping[str, Sequence[str]]) -> None:
        """
        Scrape these from now on: targets ("127.0.0.1:8000") by name of the job.
        """
        groups = [{"targets": list(hosts), "labels": {"job": job}} for job, hosts in targets.items()]
        fresh = self.jobs.with_suffix(".new")
        fresh.write_text(json.dumps(groups), encoding="utf-8")
        fresh.rename(self.jobs)

    def query(self, promql: str) -> list[Sample]:
        """
        The series of an instant query, now.
        """
        answer = ask(f"{self.url}/api/v1/query", query=promql)
        return [
            Sample(one["metric"].get("__name__", ""), one["metric"], float(one["value"][1]))
            for one in answer["data"]["result"]
        ]

    def sum(self, promql: str) -> float:
        """
        The sum of the series of an instant query; 0 where there is none.
        """
        return sum(sample.value for sample in self.query(promql))

    def names(self, selector: str) -> set[str]:
        """
        The metric names that have a series which matches.
        """
        answer = ask(f"{self.url}/api/v1/label/__name__/values", **{"match[]": selector})
        return set(answer["data"])

    def exemplars(self, promql: str, *, seconds: float = 3600) -> list[Exemplar]:
        """
        The exemplars of the series that a query reads.
        """
        answer = ask(f"{self.url}/api/v1/query_exemplars", query=promql, **_around_now(seconds, 1))
        return [
            Exemplar(one["seriesLabels"], exemplar["labels"], float(exemplar["value"]))
            for one in answer["data"]
            for exemplar in one["exemplars"]
        ]


def _around_now(seconds: float, unit: int) -> dict[str, int]:
    return {"start": int((time.time() - seconds) * unit), "end": int((time.time() + 600) * unit)}
