"""
A client of one Redis, for one event loop.

Owns connections that stay open between calls, and what is done about those that lead to a Redis that is
gone. Knows nothing of windows. `redis` is imported here, when a setting asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from otel_kit.ratelimit.redis_url import is_cluster, open_storage

__all__ = ["RedisClient", "Script"]

Row = Sequence[str | int]


class Script(NamedTuple):
    """
    A script, and the name by which Redis knows it once it has seen it.
    """

    text: str
    digest: str


class RedisClient:
    """
    Runs scripts, over connections of the library's pool.

    A call takes a connection that the one before has left, without the pool's own questions: these
    cost turns of the event loop, and a busy loop has few. A Cluster's client does as it does.

    Raises:
        ConfigurationError: The URL can't be used, or the redis package is not there.
    """

    def __init__(self, url: str, connections: int) -> None:
        self._storage = open_storage(url, connections)
        from redis import exceptions

        self._errors = exceptions
        self._client: Any = self._storage.bridge.get_connection()
        self._free: list[Any] = []
        self.is_cluster = is_cluster(url)

    async def run(self, script: Script, rows: Sequence[Row]) -> list[Any]:
        """
        Run a script once for each row of arguments, all in one round trip.

        Returns:
            For each row its answer, or the exception that came in its place.
        """
        answers = await self._send(("EVALSHA", script.digest), rows)
        # a Redis that was started anew, or flushed, doesn't know the script
        unknown = [position for position, answer in enumerate(answers) if self._is_unknown(answer)]
        if unknown:
            told = await self._send(("EVAL", script.text), [rows[position] for position in unknown])
            for position, answer in zip(unknown, told, strict=True):
                answers[position] = answer
        return answers

    async def drop_idle(self) -> None:
        """
        Close connections that nobody uses at the moment: they may lead to a Redis that is gone.
        """
        if self.is_cluster:
            for node in self._client.get_nodes():
                await node.disconnect_free_connections()
            return
        pool = self._client.connection_pool
        while self._free:
            await pool.release(self._free.pop())
        await pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        """
        Close all connections.
        """
        self._free.clear()
        await self._client.aclose()
        sentinel = getattr(self._storage.bridge, "sentinel", None)
        if sentinel is not None:
            for one in sentinel.sentinels:
                await one.aclose()

    def _is_unknown(self, answer: Any) -> bool:
        return isinstance(answer, self._errors.NoScriptError)

    async def _send(self, start: tuple[str, str], rows: Sequence[Row]) -> list[Any]:
        try:
            if not self.is_cluster:
                return [await self._exchange(*start, *row) for row in rows]
            if len(rows) == 1:
                return [await self._client.execute_command(*start, *rows[0])]
            pipeline = self._client.pipeline()
            for row in rows:
                pipeline.execute_command(*start, *row)
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        except Exception as error:
            return [error] * len(rows)
        return answers

    async def _exchange(self, *command: str | int) -> Any:
        if self._free:
            try:
                return await self._exchange_on(self._free.pop(), command)
            except self._errors.AuthenticationError:
                raise
            except self._errors.ConnectionError:
                # it was left by a Redis that is gone, and so were the others
                await self.drop_idle()
        return await self._exchange_on(await self._client.connection_pool.get_connection(), command)

    async def _exchange_on(self, connection: Any, command: Row) -> Any:
        try:
            await connection.send_command(*command)
            answer = await connection.read_response()
        except self._errors.ResponseError:
            self._free.append(connection)
            raise
        except BaseException:
            await connection.disconnect(nowait=True)
            await self._client.connection_pool.release(connection)
            raise
        self._free.append(connection)
        return answer
