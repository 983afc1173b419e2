"""
Who answers where telemetry goes, where limits are counted, and for the Collector; all within a second.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_kit.cli.doctor.collector import collector_probes
from otel_kit.cli.doctor.counting import RIGHTS
from otel_kit.cli.doctor.otlp import grpc_remarks, otlp_probes
from otel_kit.cli.doctor.probes import Answer, ask, judge_answers
from otel_kit.cli.doctor.redis import redis_probes, redis_remarks
from otel_kit.cli.doctor.sources import Sources
from otel_kit.environment import read_otel_environment
from otel_kit.settings import judge_settings
from tests.cli.doctor.asking import ROOT, RedisDouble, document, lines, serving
from tests.otlp_receiver import OtlpReceiver, free_port


@pytest.fixture
def silent() -> Iterator[int]:
    """
    A port that takes connections and never answers.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield listener.getsockname()[1]


def otlp(**variables: str) -> list[Answer]:
    """
    What came of asking where telemetry goes.
    """
    return ask(list(otlp_probes(read_otel_environment(dict(variables)))))


def redis(url: str) -> Answer:
    """
    What came of asking one Redis.
    """
    settings, _ = judge_settings({"OTEL_KIT_RATELIMIT_STORAGE_URL": url})
    (answer,) = ask(list(redis_probes(settings)))
    return answer


def test_a_collector_gets_one_empty_request_for_each_signal() -> None:
    """
    Without items, with the headers that the service would send.
    """
    with OtlpReceiver() as receiver:
        answers = otlp(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_EXPORTER_OTLP_HEADERS="x-tenant=goblins")

        assert [None] * 3 == [answer.level for answer in answers]
        assert ["/v1/logs", "/v1/metrics", "/v1/traces"] == sorted(path for path, _ in receiver.attempts)
        assert {0} == {size for _, size in receiver.attempts}
        assert "goblins" == receiver.headers_of("/v1/traces")["x-tenant"]
    assert all(answer.reachable and 0 < answer.milliseconds < 1000 for answer in answers)


def test_json_is_asked_in_json() -> None:
    """
    An empty object, by its own content type.
    """
    with OtlpReceiver() as receiver:
        answers = otlp(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL="http/json")

        assert "application/json" == receiver.headers_of("/v1/logs")["content-type"]
    assert [None] * 3 == [answer.level for answer in answers]


def test_nobody_there_is_an_error() -> None:
    """
    Where an address was named; said once for the three signals that go there.
    """
    answers = otlp(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    (found,) = judge_answers(answers)

    assert [False] * 3 == [answer.reachable for answer in answers]
    assert "error" == found.level
    assert found.what.startswith("traces, metrics, logs: http://127.0.0.1:")
    assert found.what.endswith("refuses the connection")
    assert found.remedy


def test_nobody_at_the_default_address_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nobody has asked for a Collector to be there.
    """
    probes = list(otlp_probes(read_otel_environment({})))

    assert ["info"] * 3 == [probe.level for probe in probes]


@pytest.mark.parametrize(
    ("status", "level", "remedy"),
    [
        (401, "error", "correct the credentials"),
        (404, "error", "correct the path"),
        (301, "error", "correct the path"),
        (503, "warning", "see what is wrong there"),
        (500, "error", "see what is wrong there"),
        (400, "info", "nothing, if telemetry arrives"),
    ],
)
def test_an_answer_that_is_no_success_is_judged(status: int, level: str, remedy: str) -> None:
    """
    By what it means for an export.
    """
    with OtlpReceiver() as receiver:
        receiver.mode, receiver.status = "status", status
        answer = otlp(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)[0]

    assert (True, level) == (answer.reachable, answer.level)
    assert f"with {status}" in answer.detail
    assert answer.remedy.startswith(remedy)


def test_a_host_that_is_not_known_is_said() -> None:
    """
    A name that no resolver has; or none that answers in time.
    """
    answer = otlp(OTEL_EXPORTER_OTLP_ENDPOINT="http://nobody.invalid:4318")[0]

    assert "error" == answer.level
    assert answer.detail in ("has a host name that is not known here", "gives no answer within 1 s")


def test_https_to_a_server_without_tls_is_said() -> None:
    """
    The handshake fails, in words.
    """
    with OtlpReceiver() as receiver:
        answer = otlp(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url.replace("http:", "https:"))[0]

    assert ("error", False) == (answer.level, answer.reachable)
    assert "TLS handshake" in answer.detail


def test_everything_together_takes_a_second(silent: int) -> None:
    """
    Three signals and Redis that hang are asked at once.
    """
    settings, _ = judge_settings({"OTEL_KIT_RATELIMIT_STORAGE_URL": f"redis://127.0.0.1:{silent}"})
    otel = read_otel_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent}"})
    begun = time.monotonic()

    answers = ask([*otlp_probes(otel), *redis_probes(settings)])

    assert time.monotonic() - begun < 3
    assert ["gives no answer within 1 s"] * 4 == [answer.detail for answer in answers]


def test_signals_that_do_not_leave_are_not_asked() -> None:
    """
    Neither those without an exporter, nor any with the SDK off.
    """
    assert [] == otlp(OTEL_SDK_DISABLED="true")
    assert ["logs"] == [
        answer.target
        for answer in otlp(
            OTEL_TRACES_EXPORTER="none",
            OTEL_METRICS_EXPORTER="none",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}",
        )
    ]


def test_grpc_is_a_connection(silent: int) -> None:
    """
    Nothing is sent, so a port that only listens is enough.
    """
    answer = otlp(OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent}")[0]

    assert (True, None, "takes connections (nothing was sent)") == (answer.reachable, answer.level, answer.detail)


def test_grpc_without_its_exporter_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With what to install.
    """
    monkeypatch.setattr("otel_kit.cli.doctor.otlp.find_spec", lambda name: None)
    (found,) = grpc_remarks(read_otel_environment({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}))

    assert ("warning", "pip install 'otel-kit[grpc]'") == (found.level, found.remedy)


@pytest.mark.parametrize(
    ("login", "url"),
    [
        ((), "redis://127.0.0.1:{port}/0"),
        (("p@ss",), "redis://:p%40ss@127.0.0.1:{port}"),
        (("ann", "p@ss"), "redis://ann:p%40ss@127.0.0.1:{port}/1"),
        (("ann", "word"), "redis://127.0.0.1:{port}?username=ann&password=word"),
    ],
)
def test_a_redis_that_answers_is_well(login: tuple[str, ...], url: str) -> None:
    """
    With the login of the URL, special characters decoded.
    """
    with serving(RedisDouble(login)) as double:
        answer = redis(url.format(port=double.port))

    assert (True, None, "counts") == (answer.reachable, answer.level, answer.detail)
    assert "EVALSHA" == double.commands[-1][0]


def test_the_try_is_one_key_of_the_limits() -> None:
    """
    One run of the script, in the database of the URL, on a key that no client's hash is like.
    """
    with serving(RedisDouble()) as double:
        redis(f"redis://127.0.0.1:{double.port}/3")
    (tried,) = [words for words in double.commands if words[0] == "EVALSHA"]

    assert ["SELECT", "3"] in double.commands
    assert 1 == len(set(tried[3:5]))
    assert re.fullmatch(r"otel-kit:1:\{[0-9a-f]{32}\}:doctor", tried[3])
    # amount, seconds and cost of the two windows: each ends within a second
    assert "1 0 1000 1 1 1 1 1000 1 1" == tried[5]


def test_a_redis_that_does_not_know_the_script_is_told() -> None:
    """
    As a service tells it.
    """
    with serving(RedisDouble(EVALSHA=b"-NOSCRIPT No matching script.", EVAL=b"+-1 0 1 -1 0 1")) as double:
        answer = redis(f"redis://127.0.0.1:{double.port}")

    assert (None, "counts", "EVAL") == (answer.level, answer.detail, double.commands[-1][0])


DENIED = b"-NOPERM User limits has no permissions to run the 'evalsha' command"


@pytest.mark.parametrize(
    ("replies", "told", "remedy"),
    [
        ({"SELECT": b"-ERR DB index is out of range"}, "has no database of that number", "name one"),
        ({"SELECT": b"-ERR SELECT is not allowed in cluster mode"}, "is a node of a Cluster", "write redis+cluster://"),
        ({"EVALSHA": b"-MOVED 1 127.0.0.1:2"}, "is a node of a Cluster", "write redis+cluster://"),
        ({"EVALSHA": DENIED}, "does not let its user run EVALSHA", f"ACL SETUSER name on >password {RIGHTS}"),
        ({"PING": DENIED, "EVALSHA": DENIED}, "does not let its user run EVALSHA", "ACL SETUSER"),
        (
            {"EVALSHA": b"-NOPERM this user has no permissions to access one of the keys used as arguments"},
            "does not let its user touch the limits' keys",
            "ACL SETUSER",
        ),
        (
            {"EVALSHA": b"-ERR The user executing the script can't run this command or subcommand script: 1, on 2."},
            "does not let its user run all that the limits' script calls",
            "ACL SETUSER",
        ),
        ({"EVALSHA": b"-READONLY You can't write."}, "is a replica and takes no writes", "name its primary"),
        ({"EVALSHA": b"-OOM command not allowed"}, "is out of memory", "raise its maxmemory"),
        ({"EVALSHA": b"-MISCONF planted text"}, "refuses to write because it can't save to disk", "mend"),
        ({"EVALSHA": b"-ERR unknown command 'EVALSHA'"}, "runs no scripts, as a Sentinel", "write redis+sentinel://"),
        ({"EVALSHA": b"-NOREPLICAS planted text"}, "can't count (NOREPLICAS)", "see what is wrong there"),
        ({"EVALSHA": b"-ERR planted text"}, "can't count (ResponseError)", "see what is wrong there"),
    ],
)
def test_a_redis_that_can_not_count_is_an_error(replies: dict[str, bytes], told: str, remedy: str) -> None:
    """
    Though it answers: what the service would meet, with the remedy, and none of the planted text.
    """
    with serving(RedisDouble(("limits", "word"), **replies)) as double:
        answer = redis(f"redis://limits:word@127.0.0.1:{double.port}/3")

    assert (True, "error") == (answer.reachable, answer.level)
    assert answer.detail.startswith(told)
    assert answer.remedy.startswith(remedy)
    assert "planted" not in answer.detail + answer.remedy


def test_a_redis_that_hangs_at_the_script_has_a_second() -> None:
    """
    The try is within the same deadline.
    """
    begun = time.monotonic()
    # it announces an answer that does not come
    with serving(RedisDouble(EVALSHA=b"$5")) as double:
        answer = redis(f"redis://127.0.0.1:{double.port}")

    assert ("error", "gives no answer within 1 s") == (answer.level, answer.detail)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("scheme", "path", "replies", "told"),
    [
        ("redis+sentinel", "/main", {"SENTINEL": b"-ERR unknown command 'SENTINEL', with args"}, "is no Sentinel"),
        ("redis+sentinel", "/main", {"SENTINEL": b"*0"}, "knows no primary of that name"),
        ("redis+sentinel", "/main", {"SENTINEL": b"-NOAUTH Authentication required."}, "has Sentinels that refuse"),
        ("redis+cluster", "", {"CLUSTER": b"-ERR This instance has cluster support disabled"}, "is no Cluster"),
        ("redis+cluster", "", {"CLUSTER": b"*0"}, "is a Cluster with slots that no node serves"),
    ],
)
def test_a_group_that_is_none_is_an_error(scheme: str, path: str, replies: dict[str, bytes], told: str) -> None:
    """
    The server itself answers; what it is asked for is not there.
    """
    with serving(RedisDouble(**replies)) as double:
        settings, _ = judge_settings({"OTEL_KIT_RATELIMIT_STORAGE_URL": f"{scheme}://127.0.0.1:{double.port}{path}"})
        server, group = ask(list(redis_probes(settings)))

    assert (None, "answers PING") == (server.level, server.detail)
    assert ("error", f"{scheme}://127.0.0.1:{double.port}{path}") == (group.level, group.address)
    assert group.detail.startswith(told)
    assert group.remedy


def test_a_cluster_with_another_password_is_said() -> None:
    """
    What its client has met on its way, not the client's name for it.
    """
    with serving(RedisDouble(("right",))) as double:
        settings, _ = judge_settings(
            {"OTEL_KIT_RATELIMIT_STORAGE_URL": f"redis+cluster://:wrong-word@127.0.0.1:{double.port}"}
        )
        answers = ask(list(redis_probes(settings)))

    assert ["refuses user or password (WRONGPASS)", "refuses user or password"] == [one.detail for one in answers]


def test_the_rights_are_those_of_the_page() -> None:
    """
    A user is told the same in both places.
    """
    page = (ROOT / "docs/how-to/count-limits-in-redis.md").read_text(encoding="utf-8")

    assert f"ACL SETUSER limits on >a-password {RIGHTS}\n" in page


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://:wrong-word@127.0.0.1:{port}", "refuses user or password (WRONGPASS)"),
        ("redis://127.0.0.1:{port}", "wants a password"),
    ],
)
def test_a_redis_that_refuses_is_an_error(url: str, told: str) -> None:
    """
    A wrong password and a missing one, neither shown.
    """
    with serving(RedisDouble(("right",))) as double:
        answer = redis(url.format(port=double.port))

    assert ("error", told) == (answer.level, answer.detail)
    assert "OTEL_KIT_RATELIMIT_STORAGE_URL" in answer.remedy
    assert "wrong-word" not in answer.address + answer.detail + answer.remedy


def test_a_user_who_may_do_little_is_well() -> None:
    """
    The one of the documented `ACL SETUSER` may not even `PING`.
    """
    with serving(RedisDouble(("limits", "word"), PING=b"-NOPERM User limits has no permissions")) as double:
        answer = redis(f"redis://limits:word@127.0.0.1:{double.port}")

    assert (True, None, "counts") == (answer.reachable, answer.level, answer.detail)


def test_a_redis_that_can_not_serve_is_an_error() -> None:
    """
    The kind of its error is told, and nothing of the rest.
    """
    with serving(RedisDouble(PING=b"-LOADING planted text")) as double:
        answer = redis(f"redis://127.0.0.1:{double.port}")

    assert ("error", "answers PING with LOADING") == (answer.level, answer.detail)


def test_something_else_than_redis_is_an_error() -> None:
    """
    A web server, for one.
    """
    with OtlpReceiver() as receiver:
        answer = redis(f"redis://127.0.0.1:{receiver.port}")

    assert "error" == answer.level


def test_no_redis_there_is_an_error() -> None:
    """
    With what holds meanwhile.
    """
    answer = redis(f"redis://127.0.0.1:{free_port()}")

    assert ("error", "refuses the connection") == (answer.level, answer.detail)
    assert "each process counts by itself" in answer.remedy


def test_a_redis_behind_a_socket_is_asked(tmp_path: Path) -> None:
    """
    One that is not there is an error like any other.
    """
    answer = redis(f"redis+unix://{tmp_path}/redis.sock")

    assert ("error", False) == (answer.level, answer.reachable)
    assert answer.address.endswith("redis.sock")


def test_each_sentinel_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without the login of the URL, which is the store's; by itself where the library is missing.
    """
    monkeypatch.setattr("otel_kit.ratelimit.redis_url.importlib.util.find_spec", lambda name: None)
    with serving(RedisDouble()) as one, serving(RedisDouble()) as two:
        url = f"redis+sentinel://ann:word@127.0.0.1:{one.port},127.0.0.1:{two.port}/main"
        settings, _ = judge_settings({"OTEL_KIT_RATELIMIT_STORAGE_URL": url})
        answers = ask(list(redis_probes(settings)))

    assert [None, None] == [answer.level for answer in answers]
    assert ([["PING"]], [["PING"]]) == (one.commands, two.commands)


def test_counting_in_memory_asks_nobody() -> None:
    """
    Neither does a service whose limits are off.
    """
    off, _ = judge_settings({"RATELIMIT_ENABLED": "false", "OTEL_KIT_RATELIMIT_STORAGE_URL": "redis://127.0.0.1"})

    assert [] == [*redis_probes(judge_settings({})[0]), *redis_probes(off)]


def test_a_library_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With what to install.
    """
    settings, _ = judge_settings({"OTEL_KIT_RATELIMIT_STORAGE_URL": "redis://127.0.0.1"})
    monkeypatch.setattr("otel_kit.cli.doctor.redis.find_spec", lambda name: None)

    (found,) = lines(redis_remarks(settings))

    assert "pip install 'otel-kit[redis]'" in found
    assert found.startswith("error: ")


def test_an_option_that_the_library_does_not_know_is_an_error() -> None:
    """
    The line of set-up.
    """
    settings, _ = judge_settings({"OTEL_KIT_RATELIMIT_STORAGE_URL": "redis://127.0.0.1?speed=planted"})

    (found,) = lines(redis_remarks(settings))

    assert found.startswith("error: OTEL_KIT_RATELIMIT_STORAGE_URL='REDACTED' can't be used: redis-py does not know")
    assert "planted" not in found


@pytest.mark.parametrize("url", ["redis+sentinel://one:port/main", "redis+cluster://[one:7000"])
def test_servers_that_can_not_be_read_are_an_error(url: str) -> None:
    """
    The one of set-up; nobody is asked then.
    """
    settings, _ = judge_settings({"OTEL_KIT_RATELIMIT_STORAGE_URL": url})

    assert [] == list(redis_probes(settings))
    assert ["error"] == [one.level for one in redis_remarks(settings)]


def test_a_password_over_a_network_without_tls_is_a_warning() -> None:
    """
    Not on this machine, and not with TLS.
    """
    warned = [
        len(redis_remarks(judge_settings({"OTEL_KIT_RATELIMIT_STORAGE_URL": url})[0]))
        for url in ("redis://:w@cache", "rediss://:w@cache", "redis://:w@127.0.0.1", "redis://cache")
    ]

    assert [1, 0, 0, 0] == warned


@pytest.mark.parametrize(("variables", "level"), [({}, "info"), ({"LOKI_ENDPOINT": "http://127.0.0.1:1"}, "warning")])
def test_a_collector_that_is_not_up(variables: dict[str, str], level: str) -> None:
    """
    Matters where this environment has settings of one.
    """
    (probe,) = collector_probes(Sources(variables, {}))

    assert (level, "http://127.0.0.1:13133/") == (probe.level, probe.address)


def test_a_collectors_health_port_is_asked() -> None:
    """
    Anything else than 200 is said.
    """
    with OtlpReceiver() as receiver:
        (answer,) = ask(list(collector_probes(Sources({"OTEL_KIT_HEALTH_PORT": str(receiver.port)}, {}))))

    assert (True, "warning", "is not healthy (501)") == (answer.reachable, answer.level, answer.detail)


def test_the_document_has_the_times(tmp_path: Path) -> None:
    """
    Milliseconds for what has answered, in the command's own output.
    """
    with OtlpReceiver() as receiver, serving(RedisDouble()) as double:
        found = document(
            tmp_path,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_KIT_RATELIMIT_STORAGE_URL=f"redis://127.0.0.1:{double.port}",
        )

    answered = {one["target"]: one["milliseconds"] for one in found["reachability"] if one["level"] is None}
    assert {"traces", "metrics", "logs", "rate limits"} == set(answered)
    assert all(0 < time < 1000 for time in answered.values())
    assert 0 == found["counts"]["error"]
