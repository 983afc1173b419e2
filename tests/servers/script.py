"""
A service that runs itself: `python -m tests.servers.script PORT`.
"""

from __future__ import annotations

import sys

import uvicorn

from tests.servers.apps import app

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]))
