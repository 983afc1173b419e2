"""
One variant under uvicorn, until standard input closes: `python -m benchmarks.serve <variant>`.

It listens on a free port and prints `{"port": …}` once it accepts requests.
uvicorn's access lines are off for every variant; those that write a request line write their own.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading

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
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    channel.write(json.dumps({"port": listener.getsockname()[1]}) + "\n")
    threading.Thread(target=stop_with_input, args=(server,), daemon=True).start()
    await serving


def stop_with_input(server: uvicorn.Server) -> None:
    """
    Wait for the driver to close our standard input, then let the server end.
    """
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(sys.argv[1]))
