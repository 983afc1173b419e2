"""
One completion, observed: its span, its metrics, and the errors of this service in place of the provider's.

Owns what is recorded of a completion, and when. The span follows the semantic conventions for
generative AI; what people wrote and what the model answered is in none of it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from time import perf_counter

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from middleware.metrics import (
    chat_completion_cost_usd_total,
    chat_completion_errors_total,
    chat_completion_tokens_total,
    chat_completions_total,
    provider_latency_seconds,
)
from provider import Model, QuotaExceeded, StreamStalled, count_tokens, stream_completion

__all__ = ["Completion", "RateLimited"]

_tracer = trace.get_tracer("goblin.chat")
_logger = logging.getLogger("goblin.chat")


class RateLimited(Exception):
    """
    The provider asks us to come again later.
    """


class Completion:
    """
    A completion of one prompt by one model.
    """

    def __init__(self, model: Model, prompt: str, max_tokens: int) -> None:
        self.model = model
        self.prompt_tokens = count_tokens(prompt)
        self.completion_tokens = 0
        self._prompt = prompt
        self._max_tokens = max_tokens

    async def tokens(self) -> AsyncIterator[str]:
        """
        The answer, token by token; everything about it is recorded by the time this ends.

        Raises:
            RateLimited: The provider refuses.
            TimeoutError: The provider does not come to an end.
        """
        # not made the current one: a streamed answer goes on after the handler, in another context
        span = self._start_span()
        started = perf_counter()
        chat_completions_total.labels(provider=self.model.provider, model=self.model.name).inc()
        try:
            async for token in self._provider_tokens():
                if not self.completion_tokens:
                    span.set_attribute("gen_ai.response.time_to_first_chunk", perf_counter() - started)
                self.completion_tokens += 1
                yield token
            span.set_attribute("gen_ai.response.finish_reasons", [self._finish_reason()])
            _logger.info("chat_completed", extra=self._facts())
        except (RateLimited, TimeoutError) as error:
            self._record_failure(span, error)
            raise
        finally:
            self._record_use(span, perf_counter() - started)
            span.end()

    def usage(self) -> dict[str, int]:
        """
        Tokens used so far.
        """
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens}

    async def _provider_tokens(self) -> AsyncIterator[str]:
        model = self.model
        try:
            async for token in stream_completion(model, self._prompt, self._max_tokens):
                yield token
        except QuotaExceeded as error:
            raise RateLimited(f"{model.provider} refuses more completions by {model.name}") from error
        except StreamStalled as error:
            raise TimeoutError(f"{model.provider} did not finish a completion by {model.name}") from error

    def _start_span(self) -> Span:
        attributes: dict[str, str | int] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": self.model.provider,
            "gen_ai.request.model": self.model.name,
            "gen_ai.request.max_tokens": self._max_tokens,
            "gen_ai.response.model": self.model.name,
        }
        return _tracer.start_span(f"chat {self.model.name}", kind=SpanKind.CLIENT, attributes=attributes)

    def _record_failure(self, span: Span, error: RateLimited | TimeoutError) -> None:
        error_type = "rate_limit" if isinstance(error, RateLimited) else "TimeoutError"
        chat_completion_errors_total.labels(provider=self.model.provider, error_type=error_type).inc()
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, str(error)))
        span.set_attribute("error.type", error_type)
        _logger.warning("chat_failed", extra={**self._facts(), "error_type": error_type})

    def _record_use(self, span: Span, seconds: float) -> None:
        model = self.model
        of_model = {"provider": model.provider, "model": model.name}
        span.set_attribute("gen_ai.usage.input_tokens", self.prompt_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", self.completion_tokens)
        chat_completion_tokens_total.labels(**of_model, token_type="prompt").inc(self.prompt_tokens)
        chat_completion_tokens_total.labels(**of_model, token_type="completion").inc(self.completion_tokens)
        cost = model.cost_usd(self.prompt_tokens, self.completion_tokens)
        chat_completion_cost_usd_total.labels(**of_model).inc(cost)
        provider_latency_seconds.labels(provider=model.provider, operation="chat_completion").observe(seconds)

    def _finish_reason(self) -> str:
        return "length" if self.completion_tokens >= self._max_tokens else "stop"

    def _facts(self) -> dict[str, str | int]:
        return {"provider": self.model.provider, "model": self.model.name, **self.usage()}
