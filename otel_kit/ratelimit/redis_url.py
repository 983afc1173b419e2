"""
From the URL of a Redis to the storage by which `limits` reaches it.

Owns what is wrong with a URL, said at set-up. Opens no connection: a Redis that can't be reached is no
mistake of a setting. `limits` is imported here, when a setting asks for it.

To connect may take longer than anybody waits for an answer: TLS from afar, one of several Sentinels that
hangs. It goes on in the background then, and the connection is there for the next call.
"""

from __future__ import annotations

import importlib.util
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from otel_kit.environment import MASK
from otel_kit.errors import ConfigurationError
from otel_kit.ratelimit.urls import scheme_of

__all__ = ["VARIABLE", "is_cluster", "open_storage"]

VARIABLE = "OTEL_KIT_RATELIMIT_STORAGE_URL"
FORMS = (
    "write redis://user:password@host:6379/0, rediss://host:6379?ssl_ca_certs=file, "
    "redis+sentinel://host:26379,host:26379/name or redis+cluster://host:6379,host:6379"
)

CONNECT_SECONDS = 0.8
SENTINEL_SECONDS = 0.2
"""Of one Sentinel; then the next one is asked."""

Options = dict[str, Any]


def is_cluster(url: str) -> bool:
    """
    Whether keys are spread over nodes.
    """
    return scheme_of(url) == "redis+cluster"


def open_storage(url: str, connections: int) -> Any:
    """
    A storage of `limits` whose client is ready to connect.

    Args:
        url: As `limits` spells it. Behind a `?` stand options of redis-py; Sentinels that want another
            password than Redis, or none, take `sentinel_username` and `sentinel_password`.
        connections: At most so many, on a Cluster to each of its nodes.

    Raises:
        ConfigurationError: The URL can't be used, or the redis package is not there.
    """
    if importlib.util.find_spec("redis") is None:
        raise ConfigurationError(VARIABLE, MASK, "it needs the redis package: pip install otel-kit[redis]")
    names = _check_files(url)
    try:
        storage = _storage(url, connections)
        if not is_cluster(url):
            _try_connection(storage.bridge.get_connection().connection_pool)
    except TypeError:
        raise ConfigurationError(VARIABLE, MASK, f"redis-py does not know all of its options: {names}") from None
    except Exception:
        # whatever the libraries say may quote the URL, password and all
        raise ConfigurationError(VARIABLE, MASK, FORMS) from None
    return storage


def _try_connection(pool: Any) -> None:
    """
    Make one connection without opening it: it meets an unknown option, and reads the authorities once for all.

    Each connection would read them anew, which holds the loop up for 20 ms.
    """
    made = pool.make_connection()
    context = getattr(made, "ssl_context", None)
    if context is None:
        return
    context.get()
    plain = pool.connection_class

    class Encrypted(plain):  # type: ignore[misc,valid-type]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.ssl_context = context

    pool.connection_class = Encrypted


def _storage(url: str, connections: int) -> Any:
    from limits.storage import storage_from_string
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    scheme, parts = scheme_of(url), urlsplit(url)
    if scheme in ("redis", "rediss") and parts.port is None:
        # the library wants it to be written
        parts = parts._replace(netloc=f"{parts.netloc}:6379")
    bounds: Options = {
        # who waits for an answer has a bound of his own; this one would cost a task for each command
        "socket_timeout": None,
        "socket_connect_timeout": CONNECT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        # the newer one begins with a greeting, which older servers and narrow rights don't allow
        "protocol": 2,
    }
    options = {**bounds, "max_connections": connections}
    if scheme == "redis+sentinel":
        options |= _options_of(url)
        own = {
            name: options.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in options
        }
        quick = {"socket_timeout": SENTINEL_SECONDS, "socket_connect_timeout": SENTINEL_SECONDS}
        options["sentinel_kwargs"] = {**_encryption(options), **bounds, **quick, **_credentials(url), **own}
        options |= _credentials(url)
    elif scheme == "redis+cluster":
        # one more attempt, by the cluster's map as it is then
        options |= {"retry": Retry(NoBackoff(), 1), **_options_of(url), **_credentials(url)}
    written = parts._replace(scheme="").geturl().removeprefix("//")
    return storage_from_string(f"async+{scheme}://{written}", implementation="redispy", **options)


def _options_of(url: str) -> Options:
    """
    The options of a URL, which redis-py reads itself for a single Redis only.
    """
    from redis.asyncio.connection import URL_QUERY_ARGUMENT_PARSERS as PARSERS
    from redis.utils import str_if_bytes

    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    options: Options = {name: PARSERS.get(name, str_if_bytes)(values[0]) for name, values in query.items()}
    if "ssl" in options:
        options["ssl"] = str(options["ssl"]).lower() in ("true", "1", "yes")
    return options


def _credentials(url: str) -> Options:
    parts = urlsplit(url)
    found = {"username": parts.username, "password": parts.password}
    return {name: unquote(value) for name, value in found.items() if value}


def _encryption(options: Mapping[str, Any]) -> Options:
    return {name: value for name, value in options.items() if name == "ssl" or name.startswith("ssl_")}


def _check_files(url: str) -> str:
    """
    The names of the URL's options, once the files among them have been read.
    """
    try:
        options = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    except ValueError:
        raise ConfigurationError(VARIABLE, MASK, FORMS) from None
    authorities, certificate = options.get("ssl_ca_certs"), options.get("ssl_certfile")
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if authorities is not None:
            context.load_verify_locations(cafile=authorities)
        if certificate is not None:
            context.load_cert_chain(certificate, options.get("ssl_keyfile"), options.get("ssl_password", ""))
    except (OSError, ValueError) as error:
        reason = "is not what it should be" if isinstance(error, ssl.SSLError) else "can't be read"
        files = ", ".join(f"{name}={value}" for name, value in options.items() if name.endswith(("certs", "file")))
        raise ConfigurationError(VARIABLE, MASK, f"one of its files {reason}: {files}") from None
    return ", ".join(sorted(options))
