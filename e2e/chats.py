"""
A request that was made, and everything that the stores have of it, found by its correlation id alone.
"""

from __future__ import annotations

from typing import NamedTuple

from e2e.programs import Jaeger, Loki, Tempo, wait_for
from e2e.questions import LogLine
from e2e.services.serving import Answer, Pair
from e2e.spans import StoredSpan

__all__ = ["OF_ASSISTANT", "OF_MODELS", "SPANS", "Chat", "one", "story"]

SPANS = {"gpt-4": 4, "broken": 3, "forgetful": 4}
"""
Server, client and server of a chat, and the background task, which a broken chat does not come to.
"""


OF_ASSISTANT = {"chat_requested", "chat_remembered", "request_completed"}
OF_MODELS = {"generation_started", "request_completed"}
"""
What each service says of a chat that works.
"""


class Chat(NamedTuple):
    """
    A request that was made, and where to look for it.
    """

    answer: Answer
    services: Pair
    loki: Loki
    tempo: Tempo
    jaeger: Jaeger
    model: str

    @property
    def id(self) -> str:
        """
        The correlation id, as the answer's header has it.
        """
        return self.answer.correlation_id

    def lines(self, selector: str, messages: set[str]) -> list[LogLine]:
        """
        The request's lines in Loki, of the streams that `selector` names; waits until these messages are there.
        """
        query = f'{selector} | correlation_id="{self.id}"'
        wait_for(lambda: messages <= {line.text for line in self.loki.query(query)}, f"{messages} by {query}")
        return self.loki.query(query)

    def in_tempo(self) -> list[StoredSpan]:
        """
        The spans of the one trace that TraceQL finds by the correlation id.
        """
        found = wait_for(lambda: self.tempo.search(f'{{ span.correlation_id = "{self.id}" }}'), "the trace in Tempo")
        return self._spans(self.tempo, found)

    def in_jaeger(self) -> list[StoredSpan]:
        """
        The spans of the one trace that Jaeger finds by the tag correlation_id.
        """
        tags, name = {"correlation_id": self.id}, self.services.assistant.service_name
        return self._spans(self.jaeger, wait_for(lambda: self.jaeger.search(name, tags), "the trace in Jaeger"))

    def _spans(self, store: Tempo | Jaeger, found: list[str]) -> list[StoredSpan]:
        assert 1 == len(found)
        wait_for(lambda: len(store.trace(found[0])) >= SPANS[self.model], f"the spans of {found[0]}")
        return store.trace(found[0])


def one(spans: list[StoredSpan], service: str, name: str) -> StoredSpan:
    """
    The only span of this service with this name.
    """
    found = [span for span in spans if (span.service, span.name) == (service, name)]
    assert 1 == len(found), spans
    return found[0]


def story(spans: list[StoredSpan]) -> set[tuple[str, str, str, str]]:
    """
    Service, name and kind of each span, and the name of its parent.
    """
    names = {span.span_id: f"{span.service} {span.name}" for span in spans} | {"": "nobody"}
    return {(span.service, span.name, span.kind, names[span.parent_id]) for span in spans}
