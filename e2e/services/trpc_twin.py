"""
The kit's tRPC alone, with procedures that say what the variable PROCEDURES holds: {name: [status, document]}.
"""

from __future__ import annotations

import json
import os
from typing import Any

from starlette.types import Receive, Scope, Send

from otel_kit.health.trpc import Answer, Trpc


def answering(status: int, document: Any) -> Answer:
    """
    A procedure that always says the same.
    """

    async def answer(scope: Scope) -> tuple[int, Any]:
        return status, document

    return answer


trpc = Trpc("/trpc", {name: answering(*answer) for name, answer in json.loads(os.environ["PROCEDURES"]).items()})


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """
    Serve what is under the prefix; nothing else is asked for.
    """
    found = trpc.find(scope["path"])
    assert found is not None, scope["path"]
    await found[1](scope, receive, send)
