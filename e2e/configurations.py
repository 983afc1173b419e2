"""
What the stores are told that have no variables in their files: Jaeger and Prometheus.

Loki and Tempo run by the project's own files (`collector/loki/`, `collector/tempo/`) as they are. Prometheus runs
by the project's file too (intake, exemplars, late points), with the jobs of the test in place of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from e2e.binaries import ROOT
from e2e.process import free_port

__all__ = ["jaeger_config", "prometheus_config"]

LOOPBACK = "127.0.0.1"


def jaeger_config(port: int, otlp_port: int, grpc_port: int, health_port: int) -> dict[str, Any]:
    """
    Jaeger with its traces in memory; its own health address kept off the Collector's 13133.
    """
    otlp = {"http": {"endpoint": f"{LOOPBACK}:{otlp_port}"}, "grpc": {"endpoint": f"{LOOPBACK}:{grpc_port}"}}
    query = {
        "storage": {"traces": "memory"},
        "http": {"endpoint": f"{LOOPBACK}:{port}"},
        "grpc": {"endpoint": f"{LOOPBACK}:{free_port()}"},
    }
    return {
        "receivers": {"otlp": {"protocols": otlp}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
        "extensions": {
            "jaeger_storage": {"backends": {"memory": {"memory": {"max_traces": 100000}}}},
            "jaeger_query": query,
            "healthcheckv2": {"use_v2": True, "http": {"endpoint": f"{LOOPBACK}:{health_port}"}},
        },
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]}},
        },
    }


def prometheus_config(jobs: Path, seconds: float) -> dict[str, Any]:
    """
    The project's Prometheus, without rules; what it scrapes every so many seconds is in the file `jobs`.
    """
    ground = yaml.safe_load((ROOT / "collector/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    every = f"{int(seconds * 1000)}ms"
    interval = {"scrape_interval": every, "scrape_timeout": every}
    listed = {"job_name": "listed", "file_sd_configs": [{"files": [str(jobs)], "refresh_interval": "1s"}]}
    return {**ground, "global": interval, "rule_files": [], "scrape_configs": [listed]}
