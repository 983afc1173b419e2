"""
What all applications of a process share, and which runtime it is that they share.
"""

from otel_kit.runtime.process import Runtime
from otel_kit.runtime.shared import current, make_by, put, shared_runtime

__all__ = ["Runtime", "current", "make_by", "put", "shared_runtime"]
