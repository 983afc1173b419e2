"""
A service that runs itself: `python -m tests.servers.script PORT [WORKERS]`.

With workers its own process imports the application, too, but only watches over them.
"""

from __future__ import annotations

import sys

import uvicorn

from tests.servers.apps import app

if __name__ == "__main__":
    port, *workers = map(int, sys.argv[1:])
    if workers:
        uvicorn.run("tests.servers.apps:app", port=port, workers=workers[0])
    else:
        uvicorn.run(app, port=port)
