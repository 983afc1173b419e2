"""
How near a process is to its limits: event loop, threads, requests in flight, memory, CPU, files, garbage.

Owns when this is measured and what it is called: by Prometheus' names where it has them. Knows
nothing of requests but how many there are.

Applications of one process share these metrics, and the values of several workers are added up.
It costs a timer of the event loop four times a second, two short calls around each collection of
garbage, and a look at the system's figures at each scrape, at most once a second.
"""

from __future__ import annotations

from otel_kit.saturation.measuring import Saturation
from otel_kit.saturation.memory import MemoryFigures

__all__ = ["MemoryFigures", "Saturation"]
