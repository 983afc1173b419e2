"""
`/models` and `/chat/completions`: answers from the notes, whole or streamed.

Owns the shape of requests and answers, which is that of OpenAI's API, and what a failed
provider looks like to the caller. Knows nothing of what is recorded.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from completion import Completion, RateLimited
from notes import find_notes
from provider import MODELS

__all__ = ["DEFAULT_MODEL", "answer_failures", "router"]

DEFAULT_MODEL = "gpt-4"
RETRY_AFTER_SECONDS = 5

router = APIRouter()


class Message(BaseModel):
    """
    One turn of the conversation.
    """

    role: Literal["system", "user", "assistant"] = "user"
    content: str = Field(min_length=1, max_length=8000)


class ChatRequest(BaseModel):
    """
    What to answer, by which model, and how.
    """

    model: str = DEFAULT_MODEL
    messages: list[Message] = Field(min_length=1, max_length=50)
    stream: bool = False
    max_tokens: int = Field(40, ge=1, le=200)


@router.get("/models")
async def list_models() -> dict[str, list[dict[str, str]]]:
    """
    The models that can be asked.
    """
    return {"models": [{"name": model.name, "provider": model.provider} for model in MODELS.values()]}


@router.post("/chat/completions", response_model=None)
async def complete_chat(request: ChatRequest) -> Response:
    """
    An answer to the last message.
    """
    model = MODELS.get(request.model)
    if model is None:
        raise HTTPException(404, "no such model; GET /models lists them")
    note = await find_notes(request.messages[-1].content)
    prompt = "\n".join([note, *(message.content for message in request.messages)])
    completion = Completion(model, prompt, request.max_tokens)
    tokens = completion.tokens()
    # the first token is waited for, so that a provider that refuses is still a status
    first = await anext(tokens)
    if request.stream:
        return StreamingResponse(_events(first, tokens), media_type="text/event-stream")
    text = first + "".join([token async for token in tokens])
    message = {"role": "assistant", "content": text.strip()}
    return JSONResponse({"model": model.name, "choices": [{"message": message}], "usage": completion.usage()})


async def _events(first: str, tokens: AsyncIterator[str]) -> AsyncIterator[str]:
    """
    Server-sent events; a failure is the last of them, since the status has gone out already.
    """
    yield _event({"choices": [{"delta": {"content": first}}]})
    try:
        async for token in tokens:
            yield _event({"choices": [{"delta": {"content": token}}]})
    except (RateLimited, TimeoutError) as error:
        yield _event({"error": {"type": type(error).__name__, "message": str(error)}})
    else:
        yield "data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


def answer_failures(app: FastAPI) -> None:
    """
    Say with a status that a provider has failed.
    """

    @app.exception_handler(RateLimited)
    async def unavailable(request: Request, error: RateLimited) -> JSONResponse:
        retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return JSONResponse({"error": "provider_unavailable", "message": str(error)}, 503, headers=retry)

    @app.exception_handler(TimeoutError)
    async def timed_out(request: Request, error: TimeoutError) -> JSONResponse:
        return JSONResponse({"error": "provider_timeout", "message": str(error)}, 504)
