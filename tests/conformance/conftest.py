"""
The four systems, live, for all tests of this directory.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.conformance.lines import SYSTEMS
from tests.conformance.states import states
from tests.conformance.system import System, observe


@pytest.fixture(scope="session")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, System]]:
    """
    One service for each system, by its name.
    """
    directory = tmp_path_factory.mktemp("systems")
    with ExitStack() as running, ThreadPoolExecutor(len(SYSTEMS)) as pool:
        contexts = [observe(name, directory) for name in SYSTEMS]
        for each in contexts:
            running.push(each.__exit__)
        found = list(pool.map(lambda each: each.__enter__(), contexts))
        # an answer is kept for a second, so each system takes some: they wait at the same time
        list(pool.map(states, found))
        yield dict(zip(SYSTEMS, found, strict=True))
