"""
What a clean request costs, as a ratio to walking its dictionaries: bare figures hold for one machine only.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from otel_kit.redaction import Policy

LOOPS = 2000
RUNS = 15
OWN_RECORD_RATIO = 8
ANY_DICTIONARY_RATIO = 15

PATH, QUERY = "/api/v1/items/12345", "q=shoes&page=2&limit=20"
MESSAGE = "GET /api/v1/items/{item_id} 200 in 12.3 ms"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
ATTRIBUTES: dict[str, object] = {
    "http.request.method": "GET", "url.path": PATH, "url.query": QUERY, "http.route": "/api/v1/items/{item_id}",
    "user_agent.original": AGENT, "client.address": "127.0.0.1", "server.address": "shop.example.org",
    "server.port": 8000, "url.scheme": "http", "network.protocol.version": "1.1", "http.response.status_code": 200,
    "correlation_id": "0b4d6d6c-2f6b", "http.request.size": 100,
}  # fmt: skip
FIELDS: dict[str, object] = {
    "message": MESSAGE, "level": "INFO", "logger": "app.orders", "correlation_id": "0b4d6d6c-2f6b", "order": 12,
    "duration_ms": 1.5, "user": "u-12", "status": "ok", "step": "pay",
}  # fmt: skip


def seconds(call: Callable[[], object]) -> float:
    """
    This thread's own processor time for many calls, of the fastest of several runs.
    """
    best = float("inf")
    for _ in range(RUNS):
        started = time.thread_time()
        for _ in range(LOOPS):
            call()
        best = min(best, time.thread_time() - started)
    return best


def walk() -> None:
    """
    Look at each key and value once.
    """
    for attributes in (ATTRIBUTES, FIELDS):
        for key, value in attributes.items():
            if key and type(value) is str:
                pass


def test_a_clean_record_of_the_kit_costs_little() -> None:
    """
    Path, query and message in one look, the user agent from the cache.
    """
    policy = Policy()

    def check() -> bool:
        return policy.clean_joined((PATH, QUERY, MESSAGE)) and policy.cached(AGENT) is AGENT

    assert check()
    assert seconds(check) < OWN_RECORD_RATIO * seconds(walk)


def test_any_clean_dictionary_costs_little() -> None:
    """
    The attributes and the log fields of a clean request, as a library might hand them over.
    """
    policy = Policy()

    def check() -> bool:
        return policy.mapping(ATTRIBUTES) is ATTRIBUTES and policy.mapping(FIELDS) is FIELDS

    assert check()
    assert seconds(check) < ANY_DICTIONARY_RATIO * seconds(walk)
