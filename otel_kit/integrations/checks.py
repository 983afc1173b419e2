"""
Ready-made health checks: a database, Redis, an HTTP dependency, the disk, the delivery to the collector.

Owns what counts as healthy for each. Every function here gives a callable for `checks=` or `kit.checks.add`; how often
it runs and what it may take is not decided here. A library is imported when a check for it is declared.

Each check raises what it finds wrong: the kit shows that text to trusted peers alone.
"""

from __future__ import annotations

import http.client
import inspect
import math
import re
import shutil
import socket
import ssl
import time
import urllib.parse
from collections.abc import Callable, Mapping
from os import PathLike, fspath
from typing import Any, Protocol

from otel_kit.errors import ConfigurationError

__all__ = ["collector_check", "disk_check", "http_check", "redis_check", "sqlalchemy_check"]

DEFAULT_FREE_RATIO = 0.05
MAX_STATUS_LINE = 1024
DATABASES = {
    "cockroachdb": "CockroachDB",
    "mariadb": "MariaDB",
    "mssql": "SQL Server",
    "mysql": "MySQL",
    "oracle": "Oracle",
    "postgresql": "PostgreSQL",
    "sqlite": "SQLite",
}
"""SQLAlchemy's dialects, as people write them; others keep their names."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})\s")


def sqlalchemy_check(engine: Any) -> Callable[[], Any]:
    """
    Healthy when the database answers `SELECT 1` over a connection from the engine's own pool.

    Args:
        engine: An `Engine` or an `AsyncEngine`. A pool with no connection left makes the check wait like a request.
    """
    from sqlalchemy import select

    # Oracle wants a table, and SQLAlchemy knows it
    statement = select(1)

    async def ask_async() -> None:
        async with engine.connect() as connection:
            await connection.execute(statement)

    def ask() -> None:
        with engine.connect() as connection:
            connection.execute(statement)

    dialect = str(engine.dialect.name)
    return _typed(ask_async if hasattr(engine, "sync_engine") else ask, DATABASES.get(dialect, dialect))


def _typed(function: Callable[[], Any], name: str) -> Callable[[], Any]:
    """
    The function, which now says itself what it asks: health documents may tell.
    """
    function.__dict__["check_type"] = name
    return function


def redis_check(client_or_url: Any, *, timeout_seconds: float = 2.0) -> Callable[[], Any]:
    """
    Healthy when Redis answers `PING`.

    Args:
        client_or_url: A client of redis-py, plain or asyncio, whose pool is used; a URL gets a client of its own.
        timeout_seconds: Of the connection made for a URL.

    Raises:
        ConfigurationError: No Redis URL. Its text is not shown, since it may hold a password.
    """
    client = client_or_url
    if isinstance(client, str):
        client = _redis_client(client, timeout_seconds)

    async def ask_async() -> None:
        await client.ping()

    def ask() -> None:
        client.ping()

    return _typed(ask_async if inspect.iscoroutinefunction(client.execute_command) else ask, "Redis")


def _redis_client(url: str, timeout_seconds: float) -> Any:
    import redis

    try:
        return redis.Redis.from_url(url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds)
    except (TypeError, ValueError):
        remedy = "give a URL like redis://user:password@host:6379/0, or a client"
        raise ConfigurationError("redis_check", "***", remedy) from None


def http_check(
    url: str, timeout_seconds: float = 2.0, *, headers: Mapping[str, str] | None = None
) -> Callable[[], None]:
    """
    Healthy when a `GET` is answered with a status from 200 to 399, as Kubernetes judges a probe.

    A redirect is an answer and is not followed. The body is not read, and no proxy of the environment is used.

    Raises:
        ConfigurationError: No `http` or `https` URL with a host, or one with a password in it.
    """
    parts = _http_url(url)
    secure = parts.scheme == "https"
    context = ssl.create_default_context() if secure else None
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    sent = {"User-Agent": "otel_kit", "Connection": "close", **(headers or {})}

    def ask() -> None:
        host, port = str(parts.hostname), parts.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=timeout_seconds, context=context)
            if secure
            else http.client.HTTPConnection(host, port, timeout=timeout_seconds)
        )
        try:
            connection.request("GET", target, headers=sent)
            status = _status(connection.sock, time.monotonic() + timeout_seconds)
        finally:
            connection.close()
        if not 200 <= status < 400:
            raise ConnectionError(f"HTTP {status}")

    return ask


def _status(connection: socket.socket, until: float) -> int:
    """
    From the first line of an answer, of which nothing is repeated: it may be anything.

    A socket's time-out is for each piece. A server that sends them one by one would hold the check, and keep it from
    seeing that the next connection would be answered.
    """
    line = b""
    while b"\n" not in line and len(line) < MAX_STATUS_LINE:
        connection.settimeout(max(until - time.monotonic(), 0.001))
        piece = connection.recv(MAX_STATUS_LINE)
        if not piece:
            break
        line += piece
    found = _STATUS_LINE.match(line)
    if found is None:
        raise ConnectionError("no answer in HTTP")
    return int(found[1])


def _http_url(url: str) -> urllib.parse.SplitResult:
    remedy = "give a URL like http://host:8000/health; credentials belong in headers"
    try:
        parts = urllib.parse.urlsplit(url)
        # reading the port judges it
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        raise ConfigurationError("http_check", "***", remedy) from None
    if not good or any(character <= " " or character >= "\x7f" for character in url):
        raise ConfigurationError("http_check", f"{parts.scheme}://{parts.hostname}", remedy)
    return parts


def disk_check(
    path: str | PathLike[str], *, min_free_bytes: int = 0, min_free_ratio: float | None = None
) -> Callable[[], None]:
    """
    Healthy while there is enough room on the file system of `path`, for those who are not its superuser.

    Args:
        min_free_bytes: What must be free.
        min_free_ratio: Which part of the whole must be free, from 0 to 1. By default 0.05, and 0 where bytes are given.

    Raises:
        ConfigurationError: A figure that can't be.
    """
    ratio = (0.0 if min_free_bytes else DEFAULT_FREE_RATIO) if min_free_ratio is None else min_free_ratio
    if not (math.isfinite(ratio) and 0 <= ratio <= 1):
        raise ConfigurationError("disk_check min_free_ratio", ratio, "give a number from 0 to 1")
    if min_free_bytes < 0:
        raise ConfigurationError("disk_check min_free_bytes", min_free_bytes, "give a number of bytes, 0 or more")
    place = fspath(path)

    def ask() -> None:
        usage = shutil.disk_usage(place)
        wanted = max(min_free_bytes, int(usage.total * ratio))
        if usage.free < wanted:
            raise OSError(f"{usage.free} bytes free of {usage.total}, {wanted} wanted")

    return ask


class Reporting(Protocol):
    """
    What `collector_check` needs of the kit's handle.
    """

    def report(self) -> dict[str, Any]: ...


def collector_check(kit: Reporting) -> Callable[[], None]:
    """
    Healthy when the last delivery of each signal succeeded, or nothing had to be sent.

    Sends nothing itself. At the default address, where nobody may listen on purpose, silence is no failure. Best
    declared with `critical=False`: the service works without its collector.
    """

    def ask() -> None:
        failing: Mapping[str, str] = kit.report().get("failing", {})
        if failing:
            raise ConnectionError(", ".join(f"{signal}: {kind}" for signal, kind in sorted(failing.items())))

    return ask
