"""
`otel-kit doctor` on real Redis servers: it says what the service would meet, of each kind of Redis.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.process import wait_for
from e2e.redis_server import RedisServer, cluster, redis_server, sentinels
from otel_kit.cli.doctor.counting import RIGHTS
from otel_kit.cli.doctor.probes import Answer, ask
from otel_kit.cli.doctor.redis import redis_probes
from otel_kit.settings import judge_settings


def told(url: str) -> Answer:
    """
    What came of the last question, which is the one that counts.
    """
    settings, problems = judge_settings({"OTEL_KIT_RATELIMIT_STORAGE_URL": url})
    assert [] == problems
    return ask(list(redis_probes(settings)))[-1]


def error(url: str) -> str:
    """
    What is wrong, by what it says.
    """
    answer = told(url)
    assert ("error", True) == (answer.level, bool(answer.remedy))
    return answer.detail


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """
    One Redis.
    """
    with redis_server(tmp_path) as running:
        yield running


def login(server: RedisServer, *rights: str) -> str:
    """
    The address for a user with these rights alone.
    """
    server.ask("ACL", "SETUSER", "limits", "reset", "on", ">secret", *rights)
    return server.url.replace("redis://", "redis://limits:secret@")


@pytest.mark.parametrize("database", ["", "/0", "/15"])
def test_a_redis_that_counts_is_well(server: RedisServer, database: str) -> None:
    """
    What the try has written ends within a second.
    """
    answer = told(f"{server.url}{database}")
    lives = server.lives()

    assert (None, "counts") == (answer.level, answer.detail)
    assert all(0 < life <= 1000 for life in lives.values())
    wait_for(lambda: {} == server.lives(), "nothing is left", 5)


def test_the_documented_user_may_count(server: RedisServer) -> None:
    """
    The try takes no more rights than the service does.
    """
    assert (None, "counts") == (told(f"{login(server, *RIGHTS.split())}/1").level, told(f"{server.url}/1").detail)


@pytest.mark.parametrize("missing", ["evalsha", "eval", "time", "get", "set", "del", "lindex", "lpush", "pexpire"])
def test_a_right_that_is_missing_is_an_error(server: RedisServer, missing: str) -> None:
    """
    Each of those that are documented, of a Redis that does not know the script yet.
    """
    assert "does not let its user run" in error(login(server, *RIGHTS.split(), f"-{missing}"))


@pytest.mark.parametrize(("database", "command"), [("/0", "EVALSHA"), ("/1", "SELECT")])
def test_a_user_without_rights_is_an_error(server: RedisServer, database: str, command: str) -> None:
    """
    It was praised for answering.
    """
    assert f"does not let its user run {command}" == error(f"{login(server)}{database}")


def test_a_user_of_other_keys_is_an_error(server: RedisServer) -> None:
    """
    All commands, and none of the limits' keys.
    """
    assert "does not let its user touch the limits' keys" == error(login(server, "+@all", "~sessions:*"))


def test_a_database_that_is_not_there_is_an_error(server: RedisServer) -> None:
    """
    Sixteen are the default.
    """
    assert "has no database of that number" == error(f"{server.url}/99")


def test_a_replica_is_an_error(server: RedisServer) -> None:
    """
    It can be read.
    """
    server.ask("REPLICAOF", "127.0.0.1", 1)

    assert "is a replica and takes no writes" == error(server.url)


def test_a_redis_without_memory_is_an_error(server: RedisServer) -> None:
    """
    It answers all that does not write.
    """
    server.ask("CONFIG", "SET", "maxmemory", 1)

    assert "is out of memory" == error(server.url)


def test_a_redis_that_is_no_group_is_an_error(server: RedisServer) -> None:
    """
    Neither a Sentinel nor a Cluster.
    """
    sentinel = error(f"{server.url.replace('redis:', 'redis+sentinel:')}/main")

    assert "is no Sentinel" == sentinel
    assert error(server.url.replace("redis:", "redis+cluster:")).startswith("is no Cluster")


def test_sentinels_lead_to_one_that_counts(tmp_path: Path) -> None:
    """
    By its name, and by no other; a Sentinel counts nothing itself.
    """
    with sentinels(tmp_path) as group:
        place, _, _ = group.url.rpartition("/")

        assert "counts" == told(group.url).detail
        assert "knows no primary of that name that is up" == error(f"{place}/another")
        assert "runs no scripts, as a Sentinel or a proxy does not" == error(f"redis://127.0.0.1:{group.sentinel.port}")


def test_a_cluster_counts(tmp_path: Path) -> None:
    """
    As a Cluster; a user of it needs two rights more.
    """
    with cluster(tmp_path) as group:
        for node in group.nodes:
            node.ask("ACL", "SETUSER", "limits", "on", ">secret", *RIGHTS.split(), "+cluster|slots", "+command")
        known = group.url.replace("://", "://limits:secret@")

        assert ["counts", "counts"] == [told(group.url).detail, told(known).detail]
        assert "is a node of a Cluster" == error(f"{group.nodes[0].url}/1")
