"""
`otel-kit verify`: its lines, its arguments, what it sends, and who does not answer.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import util
from pathlib import Path

import httpx
import pytest

from otel_kit.cli import main
from otel_kit.cli.verify.caller import BudgetSpent, Caller
from otel_kit.cli.verify.reasons import reason_of
from tests.cli.verify.conftest import Verify
from tests.cli.verify.fakes import ORIGIN, Fake
from tests.otlp_receiver import free_port

DOCUMENTED = [
    "✅ Backend health check",
    "✅ Prometheus metrics endpoint",
    "✅ Rate limiting (triggers after 10 auth requests)",
    "✅ CORS headers present",
    "ℹ️  JSON logs in backend output",  # noqa: RUF001
    "✅ Performance test (< 1s for 10 concurrent requests)",
]


def test_a_good_service_has_the_documented_lines(verify: Verify) -> None:
    """
    To the letter, in their order, then those of the kit's own; the status is 0.
    """
    run = verify(Fake(), "--origin", ORIGIN)

    assert (0, DOCUMENTED, 11) == (run.status, run.marked[:6], len(run.marked))


def test_it_sends_no_more_than_it_says(verify: Verify) -> None:
    """
    What a server counts is what was announced before the first request, 11 of them to the login path.
    """
    fake = Fake()
    run = verify(fake, "--origin", ORIGIN)
    said = re.match(r"otel-kit verify sends at most (\d+) requests to \S+: (\d+) .* and (\d+) × POST", run.lines[0])  # noqa: RUF001

    assert ["32", "21", "11"] == list(said.groups())
    assert (32, 11) == (len(fake.asked), fake.count("POST", "/auth/login"))
    assert {"GET", "POST", "OPTIONS"} == {method for method, _ in fake.asked}


def test_requests_below_health_stay_far_from_their_limit(verify: Verify) -> None:
    """
    Three verifications within a minute are not refused: goblin lets 60 a minute through there.
    """
    fake = Fake()
    verify(fake, "--origin", ORIGIN)

    assert 3 * sum(path == "/health" for _, path in fake.asked) <= 60


def test_the_login_path_is_asked_last(verify: Verify) -> None:
    """
    A limit that is used up disturbs no other check.
    """
    fake = Fake()
    verify(fake)

    assert [("POST", "/auth/login")] * 11 == fake.asked[-11:]


def test_the_limit_may_be_left_out(verify: Verify) -> None:
    """
    No request goes to the login path, and the line says so.
    """
    fake = Fake()
    run = verify(fake, "--skip-limits", "--json")

    assert (0, "skipped", 0) == (run.status, run.check("Rate limiting")["status"], fake.count("POST", "/auth/login"))


def test_the_document_has_every_check(verify: Verify) -> None:
    """
    `--json` prints one document alone; the announcement goes beside it.
    """
    run = verify(Fake(health=503), "--json")
    document = run.document

    assert (1, False, {"at_most": 30, "sent": 30}) == (run.status, document["passed"], document["requests"])
    assert {"name", "status", "detail"} == set().union(*document["checks"])
    assert {"passed", "failed", "info"} == {check["status"] for check in document["checks"]}
    assert "sends at most 30 requests" in run.err


def test_nothing_but_the_document_is_written(verify: Verify, tmp_path: Path) -> None:
    """
    A profile's module may print and set logging up, and httpx logs each request: none of it is in the output.
    """
    (tmp_path / "chatty.py").write_text(
        "from otel_kit.profiles.goblin import PROFILE\nprint('imported')\n", encoding="utf-8"
    )
    handler = Lines()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        run = verify(Fake(), "--json", "--skip-limits", "--profile", "chatty:PROFILE")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

    assert (0, True) == (run.status, run.document["passed"])
    assert "imported" in run.err
    assert [] == [record for record in handler.records if record.startswith("httpx")]
    assert logging.NOTSET == logging.root.manager.disable


class Lines(logging.Handler):
    """
    Keeps who has logged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """
        Take one.
        """
        self.records.append(record.name)


def test_a_base_path_is_kept(verify: Verify) -> None:
    """
    Every request goes below the path of the address.
    """
    fake = Fake(base="/api")
    run = verify(fake, "--origin", ORIGIN)

    assert 0 == run.status
    assert all(path.startswith("/api/") for _, path in fake.asked)


def test_a_redirected_login_is_asked_once(verify: Verify) -> None:
    """
    What answers stands in front of the service, so ten more requests would show nothing.
    """
    fake = Fake(rate=None, login=(307, b"", {"location": "https://elsewhere.example/auth/login"}))
    run = verify(fake, "--json")

    assert "failed" == run.check("Rate limiting")["status"]
    assert "https://elsewhere.example/auth/login" in run.check("Rate limiting")["detail"]
    assert 1 == fake.count("POST", "/auth/login")


def test_no_redirect_is_followed(verify: Verify) -> None:
    """
    The other host is asked nothing; where the redirect leads is said.
    """
    fake = Fake(health=307)
    run = verify(fake)

    assert 1 == run.status
    assert (
        "   GET /health answers 307, to nowhere: redirects are not followed; give the address they lead to" in run.lines
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ftp://example.com"], "URL='ftp://example.com'"),
        (["example.com"], "write http://host:port"),
        (["http://"], "write http://host:port"),
        (["http://localhost:99999"], "write http://host:port"),
        (["http://localhost/?a=b"], "write http://host:port"),
        (["http://someone:hidden@localhost"], "without user and password"),
        (["http://localhost", "--profile", "gremlin"], "--profile='gremlin'"),
        (["http://localhost", "--profile", "nowhere_at_all:PROFILE"], "--profile='nowhere_at_all:PROFILE'"),
        (["http://localhost", "--origin", "shop"], "--origin='shop'"),
        (["http://localhost", "--origin", "*"], "name one origin"),
        (["http://localhost", "--token", "two words"], "visible ASCII"),
        (["http://localhost", "--timeout", "0"], "--timeout='0.0'"),
        (["http://localhost", "--timeout", "nan"], "--timeout='nan'"),
        (["http://localhost", "--login-path", "auth"], "--login-path='auth'"),
        (["http://localhost", "--log-file", "absent.log"], "--log-file='absent.log'"),
    ],
)
def test_what_can_not_be_used_is_refused(arguments: list[str], said: str, verify: Verify) -> None:
    """
    With status 2 and one line on standard error, before anything is sent; secrets are not repeated.
    """
    run = verify(*arguments)

    assert (2, [], 1) == (run.status, run.lines, run.err.count("\n"))
    assert said in run.err
    assert "hidden" not in run.err
    assert "two words" not in run.err


def test_a_profile_that_ends_the_process_is_refused(verify: Verify, tmp_path: Path) -> None:
    """
    Status 0 would say that all is well, and nothing was looked at.
    """
    (tmp_path / "ending.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    run = verify("http://127.0.0.1:9", "--profile", "ending:PROFILE")

    assert 2 == run.status
    assert "its module can't be imported (SystemExit" in run.err


@pytest.mark.parametrize("arguments", [[], ["http://localhost", "--log-file", "a", "--log-command", "b"]])
def test_half_a_command_shows_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """
    With status 2, as every command does.
    """
    with pytest.raises(SystemExit) as ended:
        main(["verify", *arguments])

    assert 2 == ended.value.code
    assert "usage: otel-kit verify" in capsys.readouterr().err


def test_a_missing_library_is_named(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without the extra `cli` the command says how to get it.
    """
    find = util.find_spec
    monkeypatch.setattr("otel_kit.cli.verify.find_spec", lambda name: None if name == "httpx" else find(name))
    run = verify("http://localhost")

    assert (2, "error: otel-kit verify: httpx is not installed: pip install 'otel-kit[cli]'\n") == (run.status, run.err)


def test_a_refused_connection_is_one_line(verify: Verify) -> None:
    """
    Nobody listens: one line after the announcement, and status 1.
    """
    url = f"http://127.0.0.1:{free_port()}"
    run = verify(url)

    assert 1 == run.status
    assert [f"❌ Nobody answers at {url}: connection refused; is the service running there?"] == run.lines[1:]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_that_refuses_is_named(verify: Verify, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """
    With its variable and without its password: the service was not even asked.
    """
    without_proxies(monkeypatch)
    dead, url = free_port(), f"http://127.0.0.1:{free_port()}"
    # what counts for another scheme is not to blame
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{dead}")
    monkeypatch.setenv(variable, f"http://someone:hidden@127.0.0.1:{dead}")
    run = verify(url)

    assert 1 == run.status
    assert [
        f"❌ Nobody answers at {url}: the proxy 127.0.0.1:{dead} of {variable} refuses the connection; "
        "correct it, or name 127.0.0.1 in NO_PROXY"
    ] == run.lines[1:]


def test_a_proxy_that_refuses_to_connect_is_named(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It answers, but does not lead to the service.
    """
    without_proxies(monkeypatch)
    with answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as place:
        monkeypatch.setenv("https_proxy", place)
        run = verify("https://shop.invalid")

    assert f"the proxy {place} of https_proxy does not lead there (403 Forbidden)" in run.lines[-1]


def test_a_proxy_that_says_nothing_is_named(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The time-out is not the service's.
    """
    without_proxies(monkeypatch)
    with answering(None) as place:
        monkeypatch.setenv("http_proxy", f"http://{place}")
        run = verify("http://shop.invalid", "--timeout", "0.3")

    assert run.lines[-1].endswith(f"no answer to GET /health within 0.3 s, by the proxy {place} of http_proxy")


def test_a_host_in_no_proxy_is_asked_itself(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A proxy that is not used is not blamed.
    """
    without_proxies(monkeypatch)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    run = verify(f"http://127.0.0.1:{free_port()}")

    assert run.lines[-1].endswith("connection refused; is the service running there?")


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Those of the machine don't count.
    """
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_nobody_there_is_a_document_too(verify: Verify) -> None:
    """
    One failed check, and what was sent.
    """
    run = verify(f"http://127.0.0.1:{free_port()}", "--json")

    assert (1, False, 1) == (run.status, run.document["passed"], run.document["requests"]["sent"])
    assert ["failed"] == [check["status"] for check in run.document["checks"]]


def test_an_unknown_name_is_said(verify: Verify) -> None:
    """
    A host that can't be resolved is told apart from one that refuses.
    """
    run = verify("http://otel-kit-verify.invalid")

    assert 1 == run.status
    assert "its name can't be resolved" in run.lines[-1]


@contextmanager
def answering(reply: bytes | None, drip_seconds: float = 0.0) -> Iterator[str]:
    """
    A socket that takes one connection, and says this, at once or byte by byte; None says nothing.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60.0)
        open_until_the_end: list[socket.socket] = []

        def accept() -> None:
            connection, _ = listener.accept()
            open_until_the_end.append(connection)
            if reply is not None:
                connection.recv(65536)
                with suppress(OSError):
                    _say(connection, reply, drip_seconds)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.join(5.0)
            for connection in open_until_the_end:
                connection.close()


def _say(connection: socket.socket, reply: bytes, drip_seconds: float) -> None:
    for number in range(0, len(reply), 1 if drip_seconds else len(reply)):
        connection.sendall(reply[number : number + 1] if drip_seconds else reply)
        time.sleep(drip_seconds)
    connection.shutdown(socket.SHUT_WR)


def test_a_silent_server_costs_the_time_out(verify: Verify) -> None:
    """
    A server that accepts and says nothing is given up after `--timeout`.
    """
    begun = time.monotonic()
    with answering(None) as place:
        run = verify(f"http://{place}", "--timeout", "0.3")

    assert 1 == run.status
    assert run.lines[-1].endswith("no answer to GET /health within 0.3 s")
    assert time.monotonic() - begun < 20


def test_a_dripping_server_costs_the_time_out(verify: Verify) -> None:
    """
    The time counts from the request to the last byte, however often a byte comes.
    """
    begun = time.monotonic()
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 900, drip_seconds=0.1) as place:
        run = verify(f"http://{place}", "--timeout", "0.5")

    assert run.lines[-1].endswith("no answer to GET /health within 0.5 s")
    assert time.monotonic() - begun < 20


async def test_no_request_goes_beyond_the_budget() -> None:
    """
    One that was not announced is a fault of ours, and is not sent.
    """
    async with Caller("http://127.0.0.1:9", 1.0, budget=0) as caller:
        with pytest.raises(BudgetSpent):
            await caller.ask("GET", "/health")

    assert 0 == caller.sent


def test_what_is_no_http_is_said(verify: Verify) -> None:
    """
    Another protocol on that port.
    """
    with answering(b"220 mail.example.com ESMTP\r\n") as place:
        run = verify(f"http://{place}")

    assert 1 == run.status
    assert "does not speak HTTP" in run.lines[-1]


def test_plain_http_behind_https_is_said(verify: Verify) -> None:
    """
    The wrong scheme is a failure of TLS.
    """
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as place:
        run = verify(f"https://{place}")

    assert 1 == run.status
    assert "TLS failed" in run.lines[-1]


def test_a_certificate_nobody_vouches_for_is_told_apart() -> None:
    """
    The line has the verifier's reason, and names the variable that adds a certificate authority.
    """
    below = ssl.SSLCertVerificationError(1, "certificate verify failed")
    below.verify_message = "self-signed certificate"
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.__cause__ = below

    assert "can't be verified (self-signed certificate); SSL_CERT_FILE" in reason_of(error)


def test_the_rest_is_imported_when_it_is_asked_for() -> None:
    """
    Other commands, and `--help`, do without httpx.
    """
    program = "import sys, otel_kit.cli; sys.exit('httpx' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=60).returncode
