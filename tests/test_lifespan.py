"""
The two ends of serving.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import gc
from fastapi import FastAPI
from starlette.testclient import TestClient
from otel_kit import setup_observability

app = FastAPI()
kit = setup_observability(app)
before = gc.get_freeze_count()
with TestClient(app):
    during = gc.get_freeze_count()
print("FROZEN", before, during > 10_000)
"""


@pytest.mark.parametrize(("value", "frozen"), [("true", True), ("false", False)])
def test_what_the_start_made_is_left_alone_by_the_garbage_collector(value: str, frozen: bool) -> None:
    """
    Once the application has started its objects are frozen, unless the setting says no.
    """
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "OTEL_KIT_GC_FREEZE": value, "LOG_LEVEL": "CRITICAL"},
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert f"FROZEN 0 {frozen}" in done.stdout
