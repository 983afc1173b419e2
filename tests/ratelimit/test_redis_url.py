"""
URLs of a Redis that can't be used: said at set-up, with a remedy and without the password.
"""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from otel_kit.errors import ConfigurationError
from otel_kit.ratelimit.redis_storage import RedisWindows
from otel_kit.ratelimit.redis_url import VARIABLE


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("redis://:hidden@host:99999", "redis://user:password@host:6379/0"),
        ("redis://:hidden@host:no-port", "redis://user:password@host:6379/0"),
        ("redis://:hidden@[::1", "redis://user:password@host:6379/0"),
        ("memcached://hidden:11211", "redis://user:password@host:6379/0"),
        ("redis+sentinel://:hidden@host:26379", "redis+sentinel://host:26379,host:26379/name"),
        ("redis+sentinel://:hidden@host/name", "redis+sentinel://host:26379,host:26379/name"),
        ("redis+cluster://:hidden@", "redis+cluster://host:6379,host:6379"),
        ("redis+cluster://:hidden@host", "redis+cluster://host:6379,host:6379"),
        ("redis://:hidden@host?socket_timeout=soon", "redis://user:password@host:6379/0"),
        ("redis://:hidden@host?speed=hidden", "does not know all of its options: speed"),
        ("redis+cluster://:hidden@host:1?speed=hidden", "does not know all of its options: speed"),
        ("redis+sentinel://:hidden@host:1/name?speed=hidden", "does not know all of its options: speed"),
        ("rediss://:hidden@host?ssl_ca_certs=/no/such/file", "can't be read: ssl_ca_certs=/no/such/file"),
        (f"rediss://:hidden@host?ssl_ca_certs={__file__}", f"is not what it should be: ssl_ca_certs={__file__}"),
        ("rediss://:hidden@host?ssl_certfile=/no/such/file", "can't be read: ssl_certfile=/no/such/file"),
        ("rediss://:hidden@host?ssl_cert_reqs=hidden", "rediss://host:6379?ssl_ca_certs=file"),
    ],
)
def test_a_url_that_cannot_be_used(url: str, remedy: str) -> None:
    """
    One line names the variable and the remedy; the URL itself is not repeated.
    """
    with pytest.raises(ConfigurationError) as caught:
        RedisWindows(url)

    text = str(caught.value)
    assert text.startswith(f"{VARIABLE}='REDACTED' can't be used: ")
    assert remedy in text
    assert "hidden" not in text


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://user:p%40ss@host:6380/2",
        "async+redis://host",
        "rediss://host:6380",
        "redis+unix:///run/redis.sock?db=1",
        "redis+sentinel://:secret@one:26379,two:26379/name?ssl=true&sentinel_password=",
        "redis+cluster://user:secret@127.0.0.1:6379,127.0.0.2:6379?ssl=true",
    ],
)
def test_a_url_that_can_be_used_opens_nothing(url: str) -> None:
    """
    A Redis that nobody can reach is none of set-up's affairs.
    """
    assert "shared" == RedisWindows(url).state()


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The remedy is the command that installs it.
    """

    def missing(name: str, package: str | None = None) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", missing)

    with pytest.raises(ConfigurationError, match=r"pip install otel-kit\[redis\]"):
        RedisWindows("redis://host")


def test_only_the_path_of_a_file_is_shown(tmp_path: Path) -> None:
    """
    The password of a key is an option like others, and stays hidden.
    """
    with pytest.raises(ConfigurationError) as caught:
        RedisWindows(f"rediss://host?ssl_certfile={tmp_path}/a.pem&ssl_keyfile={tmp_path}/b.pem&ssl_password=hidden")

    assert f"ssl_certfile={tmp_path}/a.pem, ssl_keyfile={tmp_path}/b.pem" in str(caught.value)
    assert "hidden" not in str(caught.value)
