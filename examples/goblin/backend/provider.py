"""
A double of chat providers: what their client libraries would give, without a network.

Owns the models with their prices and manners. Tokens come one by one and take their time. Two
models fail now and then, each in its own way and always at the same count, so that what a test
or a demonstration shows is the same every time. Knows nothing of HTTP, metrics or spans.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

__all__ = ["MODELS", "Model", "ProviderError", "QuotaExceeded", "StreamStalled", "count_tokens", "stream_completion"]

_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])")


class ProviderError(Exception):
    """
    What the client libraries of providers raise.
    """


class QuotaExceeded(ProviderError):
    """
    The provider takes no more requests for now.
    """


class StreamStalled(ProviderError):
    """
    The connection is open, and no token comes any more.
    """


@dataclass(frozen=True)
class Model:
    """
    One model, what it costs and how it behaves.
    """

    name: str
    provider: str
    prompt_usd_per_million: float
    completion_usd_per_million: float
    first_token_seconds: float = 0.08
    token_seconds: float = 0.006
    refuses_every: int = 0
    """Each so-many-th completion is refused before its first token; 0: none."""
    stalls_every: int = 0
    """Each so-many-th completion stalls in the middle; 0: none."""
    patience_seconds: float = 0.3
    """Silence after which a stream counts as stalled."""
    calls: Iterator[int] = field(default_factory=lambda: itertools.count(1), compare=False, repr=False)

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """
        What a completion costs.
        """
        prompt = prompt_tokens * self.prompt_usd_per_million
        return (prompt + completion_tokens * self.completion_usd_per_million) / 1_000_000


MODELS = {
    model.name: model
    for model in (
        Model("gpt-4", "openai", 30.0, 60.0),
        Model("claude-3-opus", "anthropic", 15.0, 75.0, refuses_every=3),
        Model("mistral-large", "mistral_ai", 2.0, 6.0, stalls_every=2),
    )
}


async def stream_completion(model: Model, prompt: str, max_tokens: int) -> AsyncIterator[str]:
    """
    The answer, token by token.

    Raises:
        QuotaExceeded: Before the first token.
        StreamStalled: Before or between tokens.
    """
    call = next(model.calls)
    await asyncio.sleep(model.first_token_seconds)
    if model.refuses_every and call % model.refuses_every == 0:
        raise QuotaExceeded(f"{model.provider} answered 429: quota of {model.name} used up")
    stalls = model.stalls_every and call % model.stalls_every == 0
    tokens = _TOKEN.findall(f"Goblins know this: {prompt}")[:max_tokens]
    for position, token in enumerate(tokens):
        if stalls and position == 7:
            await asyncio.sleep(model.patience_seconds)
            raise StreamStalled(f"{model.provider} sent nothing for {model.patience_seconds} s after {position} tokens")
        yield token
        await asyncio.sleep(model.token_seconds)


def count_tokens(text: str) -> int:
    """
    How many tokens a text has.
    """
    return len(_TOKEN.findall(text))
