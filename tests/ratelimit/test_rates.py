"""
The notation of rates: that of `limits`, within bounds.
"""

from __future__ import annotations

import limits
import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits.util import parse_many

from otel_kit.ratelimit.rates import MAX_AMOUNT, MAX_SECONDS, parse_rates

SPELLINGS = (
    "10/minute",
    "10 / minute",
    "10 per minute",
    "10per minute",
    "10 PER MINUTE",
    "10/minutes",
    "100 per hour",
    "5/10 seconds",
    "5/10second",
    "5 per 10 seconds",
    "1/day",
    "1 per 2 days",
    "1/month",
    "1/year",
    "1/second;5/minute",
    "1/second ; 5 per 2 minutes",
    "1/second, 5/minute",
    "1/second|5/minute|10 per hour",
    " 10/minute ",
)


def facts(item: limits.RateLimitItem) -> tuple[int, int, str, int]:
    """
    What our own rates hold, of the library's.
    """
    return item.amount, item.multiples, item.GRANULARITY.name, item.get_expiry()


@pytest.mark.parametrize("text", SPELLINGS)
def test_reads_what_the_library_reads(text: str) -> None:
    """
    Every spelling means the same rates as in `limits`.
    """
    assert [facts(item) for item in parse_many(text)] == [tuple(rate) for rate in parse_rates(text)]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**9),
            st.sampled_from(["/", " per ", " / ", "per"]),
            st.one_of(st.just(""), st.integers(1, 9).map(str)),
            st.sampled_from(["second", "seconds", "minute", "Hours", "day"]),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda one: (one[0], one[2], one[3].lower().rstrip("s")),
    ),
    st.sampled_from([";", " ; ", ",", "|"]),
)
def test_agrees_with_the_library_on_any_rate(parts: list[tuple[int, str, str, str]], between: str) -> None:
    """
    Composed texts mean the same rates as in `limits`.
    """
    text = between.join(f"{amount}{sign}{multiples} {unit}" for amount, sign, multiples, unit in parts)
    theirs = {(item.amount, item.get_expiry()) for item in parse_many(text)}

    assert theirs == {(rate.amount, rate.seconds) for rate in parse_rates(text)}


@given(st.text(alphabet="0123456789/per minutesho;:, .-+\n", max_size=24))
def test_accepts_nothing_that_the_library_refuses(text: str) -> None:
    """
    Whatever is read as rates is a text that `limits` reads too.
    """
    try:
        ours = parse_rates(text)
    except ValueError:
        return

    assert {(item.amount, item.get_expiry()) for item in parse_many(text)} == {
        (rate.amount, rate.seconds) for rate in ours
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "10",
        "minute",
        "ten/minute",
        "10/fortnight",
        "-10/minute",
        "0/minute",
        "10/0 minutes",
        "1.5/minute",
        "10/minute;",
        ";10/minute",
        f"{MAX_AMOUNT + 1}/minute",
        f"1/{MAX_SECONDS + 1} seconds",
        "1/2 years",
        "9" * 40 + "/minute",
        "10/minute" + " " * 300,
        None,
        10,
        b"10/minute",
    ],
)
def test_refuses_what_is_no_rate(text: object) -> None:
    """
    Negative, empty, absurd and unreadable rates are errors.
    """
    with pytest.raises(ValueError, match=r"write a rate|count by|let "):
        parse_rates(text)


def test_shows_a_rate_as_documented() -> None:
    """
    A rate's text is the one of the refusal's message.
    """
    assert "10 per 1 minute" == str(parse_rates("10/minutes")[0])


def test_one_window_stands_once() -> None:
    """
    The same window written twice counts once.
    """
    assert 1 == len(parse_rates("10/minute;10/60 seconds"))
