"""
A service of the Platform API's kind, for its health: with a database, which is away when the variable DATABASE says so.
"""

from __future__ import annotations

import os

from fastapi import FastAPI

from otel_kit import setup_observability


async def database() -> bool:
    """
    Whether it answers.
    """
    return os.environ.get("DATABASE") != "away"


app = FastAPI(title="Platform API")
kit = setup_observability(app, checks={"database": database})
