"""
Correlation ids and the record.
"""

from __future__ import annotations

import asyncio
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from otel_kit import context
from otel_kit.context import bound_correlation_id, correlation_id, keep_context, new_correlation_id, safe_correlation_id

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_new_ids_have_the_form_of_a_uuid() -> None:
    """
    A made id is a random UUID, and no two are alike.
    """
    made = {new_correlation_id() for _ in range(1000)}

    assert len(made) == 1000
    assert all(UUID.fullmatch(one) for one in made)


def test_new_ids_differ_in_a_forked_child() -> None:
    """
    A forked worker does not repeat its parent's ids.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, new_correlation_id().encode())
        os._exit(0)
    mine = new_correlation_id()
    os.waitpid(child, 0)

    assert os.read(read, 36).decode() != mine
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("text", ["a", "A.b_c-9", "x" * 128])
def test_accepts_safe_ids(text: str) -> None:
    """
    Up to 128 of the safe characters are taken over as they are.
    """
    assert text == safe_correlation_id(text)


@pytest.mark.parametrize("text", ["", "x" * 129, "a b", "a\n", "ä", "a;b", "' or 1=1", "{}"])
def test_refuses_unsafe_ids(text: str) -> None:
    """
    Anything else is not an id.
    """
    assert safe_correlation_id(text) is None


def test_there_is_no_id_outside() -> None:
    """
    Outside of requests, tasks and messages there is no id.
    """
    assert correlation_id() is None


def test_binds_an_id_to_a_block() -> None:
    """
    A task runs under the id that came with its message, and nothing is left behind.
    """
    with bound_correlation_id("job-7") as given:
        inside = correlation_id()

    assert given == inside == "job-7"
    assert correlation_id() is None


def test_makes_an_id_where_the_message_has_a_bad_one() -> None:
    """
    An unsafe id is replaced, not refused.
    """
    with bound_correlation_id("a b{}") as given:
        assert UUID.fullmatch(given)


async def test_carries_the_id_into_an_executor() -> None:
    """
    A kept context holds in a thread that was started without one, also several times at once.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(2) as pool, bound_correlation_id("job-8"):
        work = keep_context(correlation_id)
        found = await asyncio.gather(*(loop.run_in_executor(pool, work) for _ in range(8)))
        bare = await loop.run_in_executor(pool, correlation_id)

    assert found == ["job-8"] * 8
    assert bare is None


def test_a_bound_id_that_is_a_secret_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An id that came with a message is judged like one that came with a request.
    """
    monkeypatch.setattr(context, "_is_clean", lambda text: "swordfish" not in text)

    with bound_correlation_id("swordfish") as replaced, bound_correlation_id("message-1") as kept:
        assert UUID.fullmatch(replaced)
        assert "message-1" == kept
