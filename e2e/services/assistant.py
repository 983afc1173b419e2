"""
The assistant: asks the models for an answer, and remembers it after the answer has gone out, if it is not `forgetful`.

What makes it observable is the one line below; the next service's address is in MODELS_URL.
"""

from __future__ import annotations

import asyncio
import logging
import os

import httpx
from fastapi import BackgroundTasks, FastAPI, HTTPException
from opentelemetry import trace

from otel_kit import setup_observability
from otel_kit.profiles.goblin import chat_completion_errors_total, chat_completions_total, provider_latency_seconds

app = FastAPI(title="Assistant")
kit = setup_observability(app)

# uvicorn closes a connection after an unhandled error, and a request that is just being sent on it would be lost
client = httpx.AsyncClient(
    base_url=os.environ["MODELS_URL"], timeout=10, limits=httpx.Limits(max_keepalive_connections=0)
)
logger = logging.getLogger("goblin.assistant")
tracer = trace.get_tracer("goblin.assistant")


class MemoryLost(RuntimeError):
    """
    After the answer; nobody catches it.
    """


@app.post("/chat/{model}")
async def chat(model: str, tasks: BackgroundTasks) -> dict[str, str]:
    """
    What the model says; 502 where it fails.
    """
    logger.info("chat_requested", extra={"model": model})
    chat_completions_total.labels(provider="models", model=model).inc()
    with provider_latency_seconds.labels(provider="models", operation="generate").time():
        response = await client.get(f"/generate/{model}")
    if response.status_code != 200:
        chat_completion_errors_total.labels(provider="models", error_type="unavailable").inc()
        raise HTTPException(502, "the model gave no answer")
    text = response.json()["text"]
    tasks.add_task(remember, model)
    return {"text": text}


async def remember(model: str) -> None:
    """
    Runs when the answer is out already; what it does is still part of the request's story.
    """
    with tracer.start_as_current_span("remember", attributes={"model": model}):
        await asyncio.sleep(0.01)
        if model == "forgetful":
            raise MemoryLost("the chat is gone")
        logger.info("chat_remembered", extra={"model": model})
