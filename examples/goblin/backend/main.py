"""
The Goblin Assistant's backend: an assistant that answers from its notes.

Serve it from this directory: uvicorn main:app --host 0.0.0.0 --port 8001

Owns which parts make the service. What makes it observable is the one line below.
"""

from __future__ import annotations

from fastapi import FastAPI

import chat
import health
import login
from otel_kit import setup_observability

app = FastAPI(title="Goblin Assistant")
kit = setup_observability(app, checks=health.CHECKS)

app.include_router(chat.router)
app.include_router(login.router)
chat.answer_failures(app)


@app.get("/settings")
async def read_settings() -> dict[str, str]:
    """
    How the service runs; nothing that is secret.
    """
    return {
        "environment": kit.settings.environment,
        "version": kit.settings.app_version,
        "log_level": kit.settings.log_level,
        "default_model": chat.DEFAULT_MODEL,
    }
