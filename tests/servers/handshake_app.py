"""
An application that refuses a websocket.
"""

from __future__ import annotations

from fastapi import FastAPI, WebSocket

from otel_kit import setup_observability

app = FastAPI()
setup_observability(app)


@app.websocket("/refused")
async def refused(websocket: WebSocket) -> None:
    """
    Nobody is let in.
    """
    await websocket.close(1008)
