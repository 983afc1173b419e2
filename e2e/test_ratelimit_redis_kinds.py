"""
Every kind of Redis that a URL may name: users, TLS, Unix sockets, Sentinel, Cluster; and URLs that name none.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from e2e.certificates import Authority
from e2e.redis_hits import ask, window
from e2e.redis_server import cluster, redis_server, sentinels
from otel_kit.ratelimit.redis_storage import RedisWindows


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisWindows]:
    """
    A storage as it is once it has reached Redis.
    """
    storage = RedisWindows(url)
    await storage.start()
    try:
        deadline = time.monotonic() + 5
        while "away" == await ask(storage, [window("warm", amount=1000)]):
            assert time.monotonic() < deadline, "never reached Redis"
        yield storage
    finally:
        await storage.close()


async def burst(url: str, client: str = "somebody", count: int = 300) -> dict[str, int]:
    """
    What becomes of so many requests at once under a limit of 30.
    """
    windows = [window(client, amount=30), window(client, amount=1000, strategy="moving-window")]
    async with opened(url) as storage:
        return dict(Counter(await asyncio.gather(*(ask(storage, windows) for _ in range(count)))))


EXACT = {"passed": 30, "refused": 270}


async def test_a_password_of_the_default_user(tmp_path: Path) -> None:
    """
    A password alone, with characters that a URL must encode.
    """
    with redis_server(tmp_path, password="p/ä:s@s") as server:
        assert EXACT == await burst(f"redis://:p%2F%C3%A4%3As%40s@127.0.0.1:{server.port}/3")


async def test_a_user_with_the_rights_that_are_documented(tmp_path: Path) -> None:
    """
    What the script needs and nothing else, on our keys alone.
    """
    words = ("evalsha", "eval", "select", "time", "get", "set", "del", "lindex", "lpush", "ltrim", "pexpire")
    with redis_server(tmp_path) as server:
        server.ask(
            "ACL", "SETUSER", "limits", "on", ">secret", "~otel-kit:1:*", "-@all", *(f"+{word}" for word in words)
        )

        assert EXACT == await burst(server.url.replace("redis://", "redis://limits:secret@") + "/1")


async def test_tls_by_an_authority_of_our_own(tmp_path: Path) -> None:
    """
    The authority is named in the URL; the certificate is checked against it and the address.
    """
    authority = Authority(tmp_path / "ca")
    with redis_server(tmp_path, authority=authority) as server:
        assert EXACT == await burst(f"{server.url}?ssl_ca_certs={authority.root}")


async def test_a_certificate_of_a_stranger_is_a_redis_that_is_away(tmp_path: Path) -> None:
    """
    Without the authority nothing is sent to it.
    """
    with redis_server(tmp_path, authority=Authority(tmp_path / "ca")) as server:
        storage = RedisWindows(server.url)
        answers = {await ask(storage, [window()]) for _ in range(4)}
        await storage.close()

    assert ({"away"}, "local") == (answers, storage.state())


async def test_a_unix_socket(tmp_path: Path) -> None:
    """
    A path in place of host and port.
    """
    path = tmp_path / "redis.sock"
    with redis_server(tmp_path, "--unixsocket", path):
        assert EXACT == await burst(f"redis+unix://{path}?db=2")


async def test_sentinel_and_its_failover(tmp_path: Path) -> None:
    """
    The primary is found by name; when it dies, limits are local until the replica has taken over, and exact on it.
    """
    with sentinels(tmp_path) as group:
        assert EXACT == await burst(group.url)
        async with opened(group.url) as storage:
            group.primary.kill()
            began = time.monotonic()
            while "passed" != await ask(storage, [window("probe", amount=1000)]):
                assert time.monotonic() - began < 20, "no new primary"
                await asyncio.sleep(0.05)
            answers = Counter(await asyncio.gather(*(ask(storage, [window("new", amount=30)]) for _ in range(300))))

        assert EXACT == dict(answers)
        assert "master" == group.replica.ask("ROLE")[0]


async def test_sentinels_may_have_no_password_where_redis_has_one(tmp_path: Path) -> None:
    """
    The URL's credentials are for both, as `limits` has it, unless an option says otherwise.
    """
    with sentinels(tmp_path) as group:
        for node in (group.primary, group.replica):
            node.ask("CONFIG", "SET", "requirepass", "secret", "masterauth", "secret")
            node.connection["password"] = "secret"
        group.sentinel.ask("SENTINEL", "SET", "limits", "auth-pass", "secret")
        url = group.url.replace("redis+sentinel://", "redis+sentinel://:secret@")

        assert EXACT == await burst(f"{url}?sentinel_password=")


async def test_a_cluster_serves_each_client_from_one_slot(tmp_path: Path) -> None:
    """
    All windows of a client are on one node, clients on all of them.
    """
    with cluster(tmp_path) as group:
        assert EXACT == await burst(group.url)
        many = [[window(f"client-{n}"), window(f"client-{n}", rate="other")] for n in range(500)]
        async with opened(group.url) as storage:
            answers = Counter(await asyncio.gather(*(ask(storage, windows) for windows in many)))

        assert {"passed": 500} == dict(answers)
        assert all(200 < node.ask("DBSIZE") for node in group.nodes)


async def test_a_node_that_forgot_the_script_is_told_again(tmp_path: Path) -> None:
    """
    Each node of a Cluster knows the script by itself.
    """
    with cluster(tmp_path) as group:
        async with opened(group.url) as storage:
            group.nodes[1].ask("SCRIPT", "FLUSH")
            answers = Counter(await asyncio.gather(*(ask(storage, [window(f"client-{n}")]) for n in range(100))))

    assert {"passed": 100} == dict(answers)


async def test_a_node_that_was_away_is_found_again(tmp_path: Path) -> None:
    """
    A Cluster without one of its nodes is a Redis that is away, until that node is back.
    """
    with cluster(tmp_path) as group:
        async with opened(group.url) as storage:
            group.nodes[1].kill()
            for n in range(50):
                await ask(storage, [window(f"client-{n}")])
            group.nodes[1].start()
            deadline = time.monotonic() + 10
            answers: Counter[str] = Counter()
            while {"passed": 100} != dict(answers):
                assert time.monotonic() < deadline, f"not whole again: {answers}"
                await asyncio.sleep(0.2)
                asked = [ask(storage, [window(f"next-{n}", amount=10_000)]) for n in range(100)]
                answers = Counter(await asyncio.gather(*asked))

            assert "shared" == storage.state()
