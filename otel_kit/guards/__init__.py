"""
What stands in front of the application: how large a body may be, how many requests run at once, which origins may read.

Owns these three refusals. What is the server's affair stays the server's: the size of headers and
URLs, of websocket messages, how long a body may take, and how many connections there are.
"""

from __future__ import annotations

from otel_kit.guards.farewell import ANSWERED
from otel_kit.guards.guard import Guard
from otel_kit.guards.origins import cors, has_own_cors, is_cors

__all__ = ["ANSWERED", "Guard", "cors", "has_own_cors", "is_cors"]
