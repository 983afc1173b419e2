"""
A service whose log records and spans are as large as one asks.
"""

from __future__ import annotations

import logging

from fastapi import FastAPI
from opentelemetry import trace

from otel_kit import setup_observability

app = FastAPI(title="Large")
kit = setup_observability(app)

logger = logging.getLogger("large")


@app.get("/large/{kibibytes}")
async def large(kibibytes: int) -> dict[str, int]:
    """
    One record and one span of about this size.
    """
    text = "word " * (kibibytes * 1024 // 5)
    trace.get_current_span().set_attribute("text", text)
    logger.info(text)
    return {"kibibytes": kibibytes}
