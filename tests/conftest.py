"""
What every test has at hand.
"""

from __future__ import annotations

import logging
import os

# before anything reads the environment: tests export to nowhere unless they say where
os.environ.setdefault("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
os.environ.setdefault("OTEL_BSP_SCHEDULE_DELAY", "200")
# most tests send more requests than one client may; those of limits switch them on by name
os.environ.setdefault("RATELIMIT_ENABLED", "false")


def pytest_unconfigure() -> None:
    """
    Nobody wants to read, below the tests' last line, that nothing was delivered to nowhere.
    """
    logging.getLogger("otel_kit").setLevel(logging.ERROR)
