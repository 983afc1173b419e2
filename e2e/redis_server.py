"""
Redis on free ports of loopback: one, with a password or TLS; with Sentinel; as a Cluster of three.

Owns what is told to the program and how its state is asked for. Knows nothing of limits.

    with redis_server(directory) as server:      # `.url`, `.ask("INFO")`, `.stopped()`, `.kill()`, `.start()`
    with redis_server(directory, password="…"), redis_server(directory, pair=…, authority=…)
    with sentinels(directory) as group:          # `.url`, `.primary`, `.replica`, `.sentinel`
    with cluster(directory) as nodes:            # `.url`, `.nodes`
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import RedisError

from e2e.binaries import MissingProgram
from e2e.certificates import Authority
from e2e.process import Running, clean_environment, free_port, wait_for

__all__ = ["Cluster", "RedisServer", "Sentinels", "cluster", "redis_server", "sentinels"]

NAME = "limits"
SLOTS = 16384


class RedisServer(Running):
    """
    One redis-server; `url` is what limits are told.
    """

    port: int
    url: str
    connection: dict[str, Any]

    def ask(self, *command: str | int) -> Any:
        """
        The answer to a command, over a connection of its own; text as text.
        """
        with Redis(port=self.port, decode_responses=True, socket_timeout=5, **self.connection) as client:
            return client.execute_command(*command)

    def calls(self, command: str) -> int:
        """
        How often a command has been called since the statistics were reset.
        """
        statistics: Mapping[str, Any] = self.ask("INFO", "commandstats")
        return int(statistics.get(f"cmdstat_{command}", {}).get("calls", 0))

    def lives(self) -> dict[str, int]:
        """
        Milliseconds that each key has left; -1 is for ever.
        """
        return {key: self.ask("PTTL", key) for key in self.ask("KEYS", "*")}

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """
        It takes connections and answers nobody.
        """
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


class Sentinels(NamedTuple):
    """
    A primary with its replica, and the Sentinel that watches them.
    """

    url: str
    primary: RedisServer
    replica: RedisServer
    sentinel: RedisServer


class Cluster(NamedTuple):
    """
    Three nodes, each with a third of the slots.
    """

    url: str
    nodes: tuple[RedisServer, ...]


@contextmanager
def redis_server(
    directory: Path,
    *options: object,
    password: str | None = None,
    authority: Authority | None = None,
    start: bool = True,
) -> Iterator[RedisServer]:
    """
    One Redis, without persistence.

    Args:
        directory: Takes its log.
        options: More of its command line.
        password: Of the default user.
        authority: Signs its certificate; it then speaks nothing but TLS.
        start: False leaves it to the test, with the port free until then.
    """
    port, words, connection, scheme = free_port(), list(options), {}, "redis"
    if password is not None:
        words += ["--requirepass", password]
        connection["password"] = password
    if authority is not None:
        pair = authority.sign("redis")
        words += ["--tls-port", port, "--port", 0, "--tls-auth-clients", "no", "--tls-ca-cert-file", authority.root]
        words += ["--tls-cert-file", pair.certificate, "--tls-key-file", pair.key]
        connection |= {"ssl": True, "ssl_ca_certs": str(authority.root)}
        scheme = "rediss"
    server = _server(f"redis-{port}", directory, port, words, connection)
    credentials = "" if password is None else f":{password}@"
    server.url = f"{scheme}://{credentials}127.0.0.1:{port}"
    try:
        if start:
            server.start()
        yield server
    finally:
        _end(server)


@contextmanager
def sentinels(directory: Path) -> Iterator[Sentinels]:
    """
    A primary, a replica and one Sentinel that fails over within about two seconds.
    """
    with ExitStack() as stack:
        primary = stack.enter_context(redis_server(directory / "primary"))
        following = ("--replicaof", f"127.0.0.1 {primary.port}", "--repl-diskless-sync-delay", 0)
        replica = stack.enter_context(redis_server(directory / "replica", *following))
        wait_for(lambda: "up" == replica.ask("INFO", "replication")["master_link_status"], "the replica follows")
        (directory / "sentinel").mkdir(parents=True)
        file = directory / "sentinel" / "sentinel.conf"
        file.write_text(
            f"sentinel monitor {NAME} 127.0.0.1 {primary.port} 1\n"
            f"sentinel down-after-milliseconds {NAME} 500\n"
            f"sentinel failover-timeout {NAME} 2000\n",
            encoding="utf-8",
        )
        sentinel = _server("sentinel", directory / "sentinel", free_port(), ["--sentinel"], {}, file)
        stack.callback(_end, sentinel)
        sentinel.start()
        wait_for(lambda: sentinel.ask("SENTINEL", "REPLICAS", NAME), "the Sentinel knows the replica", 20)
        yield Sentinels(f"redis+sentinel://127.0.0.1:{sentinel.port}/{NAME}", primary, replica, sentinel)


@contextmanager
def cluster(directory: Path) -> Iterator[Cluster]:
    """
    Three nodes without replicas.
    """
    with ExitStack() as stack:
        nodes = []
        for number in range(3):
            bus = ("--cluster-enabled", "yes", "--cluster-node-timeout", 2000, "--cluster-port", free_port())
            nodes.append(stack.enter_context(redis_server(directory / f"node-{number}", *bus)))
        for number, node in enumerate(nodes):
            first, last = SLOTS * number // 3, SLOTS * (number + 1) // 3 - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
        for node in nodes[1:]:
            bus_port = node.ask("CONFIG", "GET", "cluster-port")["cluster-port"]
            nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port, bus_port)
        wait_for(lambda: all(map(_is_whole, nodes)), "the cluster is whole", 30)
        yield Cluster("redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes), tuple(nodes))


def _is_whole(node: RedisServer) -> bool:
    facts = str(node.ask("CLUSTER", "INFO"))
    return "cluster_state:ok" in facts and "cluster_known_nodes:3" in facts


def _server(
    name: str, directory: Path, port: int, words: list[object], connection: dict[str, Any], file: Path | None = None
) -> RedisServer:
    program = os.environ.get("OTEL_KIT_E2E_REDIS") or shutil.which("redis-server")
    if program is None:
        raise MissingProgram("redis-server is not there; `apt-get install redis-server`, or OTEL_KIT_E2E_REDIS=file")
    directory.mkdir(parents=True, exist_ok=True)
    settings = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", directory]
    command = [program, *([file] if file else []), *settings, *words]

    def is_ready() -> bool:
        # a password that a test has changed, or a list of users, is no reason to wait
        with suppress(RedisError):
            return bool(server.ask("PING"))
        return False

    server = RedisServer(name, command, directory / "redis.log", clean_environment(directory, {}), is_ready)
    server.port, server.connection = port, {"host": "127.0.0.1", **connection}
    return server


def _end(server: RedisServer) -> None:
    # one that is stopped would not hear anything but this
    server.kill()
