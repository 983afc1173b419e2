"""
Refused websocket handshakes on real servers: the id is on the 403, whoever speaks the protocol.
"""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest

from tests.servers.serving import Server, serve

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "X-Correlation-ID": "handshake-1",
}


def shake(server: Server, path: str) -> tuple[int, str | None, bytes]:
    """
    Status, id and body of the answer to a handshake.
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", path, headers=UPGRADE)
        answer = connection.getresponse()
        return answer.status, answer.getheader("X-Correlation-ID"), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("protocol", ["websockets", "websockets-sansio"])
def test_a_refused_handshake_has_the_id(tmp_path: Path, protocol: str) -> None:
    """
    Where the handler closes before it accepts, and where there is no such route.
    """
    with serve("uvicorn", tmp_path, "--ws", protocol, app="tests.servers.handshake_app:app") as server:
        answers = [shake(server, path) for path in ("/refused", "/nowhere")]

    assert [(403, "handshake-1")] * 2 == [answer[:2] for answer in answers]
