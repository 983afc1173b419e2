"""
One variant under uvicorn, until standard input closes: `python -m benchmarks.serve <variant>`.

It listens on a free port and prints `{"port": …}` once it accepts requests.
uvicorn's access lines are off for every variant; those that write a request line write their own.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn

from benchmarks.processes import take_channel


async def serve(variant: str) -> None:
    """
    Print the port when the server accepts requests.
    """
    channel = take_channel()
    from benchmarks.apps import build

    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    config = uvicorn.Config(build(variant).app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    server = AnnouncedServer(config)
    server.announce = lambda: print(json.dumps({"port": listener.getsockname()[1]}), file=channel, flush=True)
    threading.Thread(target=stop_with_input, args=(server,), daemon=True).start()
    await server.serve([listener])


class AnnouncedServer(uvicorn.Server):
    """Says when it accepts requests."""

    announce: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.announce()


def stop_with_input(server: uvicorn.Server) -> None:
    """
    Wait for the driver to close our standard input, then let the server end.
    """
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(sys.argv[1]))
