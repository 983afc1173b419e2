"""
The answer to a refused request, to the letter.
"""

from __future__ import annotations

import json

import pytest

from otel_kit.ratelimit.answers import refusal_by, refusal_uncounted, retry_after
from otel_kit.ratelimit.rates import parse_rates
from tests.asgi_client import call


async def test_the_body_is_the_contract_s() -> None:
    """
    The JSON of a refusal has the documented members, in their order.
    """
    answer = await call(refusal_by("/auth", parse_rates("10/minute")[0], 44.2, 0))

    assert 429 == answer.status
    assert (
        b'{"error":"rate_limit_exceeded","message":"Rate limit exceeded: 10 per 1 minute","retry_after":45}'
        == answer.body
    )


async def test_all_fields_name_the_same_moment() -> None:
    """
    `Retry-After`, `RateLimit` and the body agree, and the policy is described.
    """
    answer = await call(refusal_by("/auth", parse_rates("10/minute")[0], 44.2, 3))

    assert ("45", '"/auth";r=3;t=45', '"/auth";q=10;w=60') == tuple(
        answer.header(name) for name in ("Retry-After", "RateLimit", "RateLimit-Policy")
    )


async def test_a_problem_document_says_the_same() -> None:
    """
    Who asks for problem+json gets the same facts and headers.
    """
    refusal = refusal_by("/auth", parse_rates("10/minute")[0], 44.2, 0)
    answer = await call(refusal, headers={"Accept": "application/problem+json"})
    document = json.loads(answer.body)

    assert ("application/problem+json", "45") == (answer.header("content-type"), answer.header("retry-after"))
    assert (429, "rate_limit_exceeded", 45) == (document["status"], document["error"], document["retry_after"])


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/problem+json;q=0", "application/json"),
        ("application/problem+json; Q=0.000", "application/json"),
        ("application/json, application/problem+json;charset=utf-8;q=0.0, */*", "application/json"),
        ("application/*;q=0", "application/json"),
        ("application/problem+jsonp", "application/json"),
        ("", "application/json"),
        ("application/json, Application/Problem+JSON", "application/problem+json"),
        ("application/problem+json;q=0.001", "application/problem+json"),
        ("text/html;q=0, application/problem+json ; q=1", "application/problem+json"),
    ],
)
async def test_a_problem_document_is_for_who_accepts_it(accept: str, media_type: str) -> None:
    """
    Named by its own name, and not with a weight of 0.
    """
    refusal = refusal_by("/auth", parse_rates("10/minute")[0], 44.2, 0)
    answer = await call(refusal, headers={"Accept": accept})

    assert media_type == answer.header("content-type")


async def test_a_limit_that_nobody_counts_says_so() -> None:
    """
    The members are the same, and the sentence names no limit that would have been hit.
    """
    answer = await call(refusal_uncounted("/auth", parse_rates("10/minute")[0]))
    document = json.loads(answer.body)

    assert ["error", "message", "retry_after"] == list(document)
    assert ("rate_limit_exceeded", "Rate limits can't be counted at the moment") == (
        document["error"],
        document["message"],
    )
    assert str(document["retry_after"]) == answer.header("retry-after")


@pytest.mark.parametrize(
    ("wait", "window", "seconds"),
    [(0.001, 60, 1), (0.5, 60, 1), (1.0, 60, 2), (44.2, 60, 45), (60.0, 60, 60), (0.3, 1, 1), (1.0, 1, 1)],
)
def test_seconds_are_whole_and_within_the_window(wait: float, window: int, seconds: int) -> None:
    """
    The wait is rounded up, is at least a second and never longer than the window.
    """
    assert seconds == retry_after(wait, window)
