"""
Whether the Redis that limits are counted in answers, with the user, password and TLS that are set, and counts.

Owns just enough of Redis' protocol for `AUTH` and `PING`: whether a server is there does not depend on a library
that may be missing, which is a finding of its own, and a name that hangs holds up a thread that nobody waits for.
Whether it counts is tried by the limiter's own client, in `counting`.

Source: Redis serialization protocol specification (RESP2).
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from typing import IO, NamedTuple, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from otel_kit.cli.doctor.counting import Counting
from otel_kit.cli.doctor.probes import LONGEST_SECONDS, Answer, Probe
from otel_kit.cli.doctor.remarks import Remark, remark
from otel_kit.cli.doctor.values import setting_error
from otel_kit.environment.findings import shown
from otel_kit.errors import ConfigurationError
from otel_kit.ratelimit.redis_url import VARIABLE, open_storage
from otel_kit.settings import Settings

__all__ = ["redis_probes", "redis_remarks"]

PORTS = {"sentinel": 26379}
GROUPS = ("redis+sentinel", "redis+cluster")
"""Kinds of which the servers are asked for the one that counts."""
LONGEST_LINE = 1000

START = f"start it, or correct {VARIABLE} (rediss:// where it wants TLS); meanwhile each process counts by itself"


class _Place(NamedTuple):
    """
    One server to ask.
    """

    address: str
    """Host and port, or the path of a socket."""
    host: str
    port: int
    url: SplitResult
    options: Mapping[str, str]


def redis_probes(settings: Settings) -> Iterator[Probe]:
    """
    A question for each server that the URL names, and of several one to all of them; none for counting in memory.
    """
    url = settings.ratelimit_storage_url.get_secret_value()
    places = _places(url) if settings.ratelimit_enabled else []
    if not places:
        return
    counting = _counting(url)
    is_group = _kind(url) in GROUPS
    for place in places:
        question = partial(_ask, place) if is_group else partial(_ask_and_count, place, counting)
        yield Probe("rate limits", place.address, question, "error", START)
    if is_group and counting is not None:
        address = f"{_kind(url)}://{','.join(place.address for place in places)}{places[0].url.path}"
        yield Probe("rate limits", address, partial(_count, places, counting), "error", START)


def redis_remarks(settings: Settings) -> list[Remark]:
    """
    What keeps the service from using the storage that is set, and what is not safe about it.
    """
    url = settings.ratelimit_storage_url.get_secret_value()
    if _kind(url) == "memory":
        return []
    remarks = []
    if find_spec("redis") is None:
        what = f"{VARIABLE} names a Redis, but the library redis can't be imported"
        remarks.append(remark("error", "reach", what, "pip install 'otel-kit[redis]'"))
    elif (refusal := _refusal(url)) is not None:
        remarks.append(setting_error(refusal))
    for place in _places(url):
        password = _login(place)[1]
        if password and place.port and not _is_secure(place) and not _is_local(place.host):
            what = f"{VARIABLE} sends a password unencrypted to {place.address}"
            remarks.append(remark("warning", "security", what, "use rediss://, where the server has TLS"))
            break
    return remarks


def _counting(url: str) -> Counting | None:
    """
    A try that is ready to be made; None where set-up could not use the URL either, which is a finding of its own.
    """
    try:
        return Counting(url)
    except ConfigurationError:
        return None


def _refusal(url: str) -> ConfigurationError | None:
    """
    The error of set-up.
    """
    try:
        open_storage(url, 1)
    except ConfigurationError as error:
        return error
    return None


def _kind(url: str) -> str:
    return url.partition("://")[0].lower().removeprefix("async+")


def _places(value: str) -> list[_Place]:
    """
    The servers of a URL as `limits` spells them: one of Redis, several of Sentinel and Cluster; none where
    they can't be read.
    """
    kind, rest = _kind(value), value.partition("://")[2]
    if kind == "memory":
        return []
    if kind == "redis+unix":
        url = urlsplit(f"unix://{rest}")
        return [_Place(shown("_ENDPOINT", url.path), "", 0, url, dict(parse_qsl(url.query)))]
    authority = rest.partition("/")[0].partition("?")[0]
    login, at, hosts = authority.rpartition("@")
    tail = rest[len(authority) :]
    try:
        return [_place(urlsplit(f"{kind}://{login}{at}{host}{tail}")) for host in hosts.split(",")]
    except ValueError:
        return []


def _place(url: SplitResult) -> _Place:
    port = url.port or PORTS.get(url.scheme.partition("+")[2], 6379)
    host = url.hostname or "localhost"
    return _Place(f"{host}:{port}", host, port, url, dict(parse_qsl(url.query)))


def _ask_and_count(place: _Place, counting: Counting | None) -> Answer:
    begun = time.monotonic()
    answer = _ask(place)
    return answer if answer.level is not None or counting is None else counting.answer(begun)


def _count(places: Sequence[_Place], counting: Counting) -> Answer:
    begun = time.monotonic()
    for place in places:
        # a name that hangs does so here, in a thread that nobody waits for; asyncio would wait for its own
        with suppress(OSError):
            socket.getaddrinfo(place.host, place.port)
    return counting.answer(begun)


def _ask(place: _Place) -> Answer:
    with _connected(place) as connection:
        stream = cast(IO[bytes], connection.makefile("rwb"))
        user, password = _login(place)
        # the URL's login is the store's; a Sentinel has one of its own, or none
        if password and not _is_sentinel(place):
            refusal = _call(stream, "AUTH", *([user] if user else []), password)
            if refusal != "+OK":
                remedy = f"correct user and password in {VARIABLE}, special characters percent-encoded"
                return Answer(True, f"refuses user or password ({_word(refusal)})", "error", remedy)
        answer = _call(stream, "PING")
    if answer == "+PONG":
        return Answer(True, "answers PING")
    if answer.startswith("-NOPERM"):
        # a user with the limiter's few commands, as it should be; `PING` is none of them
        return Answer(True, "answers; its user may do no more than it has to")
    if answer.startswith("-NOAUTH") and _is_sentinel(place):
        return Answer(True, "answers, and wants a password of its own")
    if answer.startswith("-NOAUTH"):
        remedy = f"set it in {VARIABLE}: redis://user:password@host:6379/0"
        return Answer(True, "wants a password", "error", remedy)
    return Answer(True, f"answers PING with {_word(answer)}", "error", "see what is wrong there")


def _connected(place: _Place) -> socket.socket:
    if not place.port:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(LONGEST_SECONDS)
        prepare = partial(_join_path, connection, unquote(place.url.path))
    else:
        connection = socket.create_connection((place.host, place.port), LONGEST_SECONDS)
        prepare = partial(_join_tls, connection, place)
    try:
        return prepare()
    except (OSError, ValueError):
        connection.close()
        raise


def _join_path(connection: socket.socket, path: str) -> socket.socket:
    connection.connect(path)
    return connection


def _join_tls(connection: socket.socket, place: _Place) -> socket.socket:
    if not _is_secure(place):
        return connection
    return _context(place.options).wrap_socket(connection, server_hostname=place.host)


def _context(options: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if options.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif options.get("ssl_check_hostname", "true").lower() in ("false", "0", "no"):
        context.check_hostname = False
    if "ssl_certfile" in options:
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    return context


def _call(stream: IO[bytes], *words: str) -> str:
    parts = (word.encode() for word in words)
    stream.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
    stream.flush()
    line = stream.readline(LONGEST_LINE)
    if not line:
        raise ConnectionResetError
    return line.decode("utf-8", "replace").strip()


def _login(place: _Place) -> tuple[str, str]:
    user = place.options.get("username") or unquote(place.url.username or "")
    return user, place.options.get("password") or unquote(place.url.password or "")


def _word(answer: str) -> str:
    """
    The kind of an error, which is its first word; the rest could repeat what was sent.
    """
    word = answer.lstrip("-").partition(" ")[0]
    return word if word.isupper() and word.isalpha() and len(word) <= 20 else "something that is not Redis"


def _is_secure(place: _Place) -> bool:
    return place.url.scheme == "rediss" or place.options.get("ssl", "").lower() == "true"


def _is_sentinel(place: _Place) -> bool:
    return place.url.scheme == "redis+sentinel"


def _is_local(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"
