"""
The header by which a sender says that the policy was applied to what it sends.

The Collector of this repository believes it of senders that show a token, and then does not search their
data again.
"""

from __future__ import annotations

__all__ = ["MARK_HEADER", "MARK_VALUE"]

MARK_HEADER = "x-otel-kit-redacted"
MARK_VALUE = "1"
