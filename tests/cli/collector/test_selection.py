"""
Which files variables pick, and what is said against them.
"""

from __future__ import annotations

import json
import socket

import pytest

from otel_kit.cli.collector.rows import BACKENDS, OVERLAYS
from otel_kit.cli.collector.selection import Selection, select

STORE = "http://store.example:4318"


def files(selection: Selection) -> list[str]:
    """
    The picked files, in their order.
    """
    return [choice.file for choice in selection.picked]


def why_not(selection: Selection, name: str) -> str:
    """
    The reason against a file.
    """
    return next(choice.why for choice in selection.left_out if choice.name == name)


def only_problem(variables: dict[str, str]) -> str:
    """
    The one line that is said about these variables.
    """
    (problem,) = select(variables).problems
    return str(problem)


def test_nothing_set_picks_the_base() -> None:
    """
    Without a backend all is taken and discarded.
    """
    selection = select({})

    assert ["base.yaml", "redaction.yaml"] == files(selection)
    assert [] == selection.problems


def test_files_come_in_the_documented_order() -> None:
    """
    Backends in the order of their table, then overlays, whatever the order of the variables.
    """
    selection = select(
        {
            "OTEL_KIT_COLLECTOR_HOST": "true",
            "OTEL_KIT_COLLECTOR_TOKEN": "sesame",
            "OTEL_KIT_FILE_DIR": "/data",
            "TEMPO_OTLP_ENDPOINT": STORE,
            "LOKI_ENDPOINT": STORE,
        }
    )

    backends = ["backends/loki.yaml", "backends/tempo.yaml", "backends/file.yaml"]
    assert ["base.yaml", "redaction.yaml", *backends, "overlays/token.yaml", "overlays/host.yaml"] == files(selection)


@pytest.mark.parametrize(
    ("row", "folder"), [(row, "backends") for row in BACKENDS] + [(row, "overlays") for row in OVERLAYS]
)
def test_the_first_variable_picks_the_file(row: tuple[str, str, tuple[str, ...]], folder: str) -> None:
    """
    Each row's file is there when its first variable is, and gone when only the others are.
    """
    name, variable, more = row
    others = dict.fromkeys(more, "x")

    assert f"{folder}/{name}.yaml" in files(select({variable: "true", **others}))
    assert f"{folder}/{name}.yaml" not in files(select(others))


def test_what_was_left_out_says_why() -> None:
    """
    A variable that means nothing alone is named with the one that is missing.
    """
    selection = select({"DD_SITE": "datadoghq.eu", "OTEL_KIT_COLLECTOR_HOST": "false"})

    assert "DD_SITE is set, but DD_API_KEY is not" == why_not(selection, "datadog")
    assert "LOKI_ENDPOINT is not set" == why_not(selection, "loki")
    assert "OTEL_KIT_COLLECTOR_HOST is off" == why_not(selection, "host")


def test_the_reason_shows_no_secret() -> None:
    """
    A secret's variable is named without its value, an address without its password.
    """
    whys = [
        choice.why
        for choice in select({"DD_API_KEY": "hush", "LOKI_ENDPOINT": "http://me:hush@loki.example:3100"}).picked
    ]

    assert "DD_API_KEY is set" in whys
    assert "LOKI_ENDPOINT=http://REDACTED@loki.example:3100" in whys


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://localhost:4318",
        "http://LOCALHOST.:4318/",
        "http://127.0.0.1:4317",
        "http://127.1:4318",
        "http://127.9.8.7:4318",
        "http://0x7f000001:4318",
        "http://2130706433:4318",
        "http://0.0.0.0:4318",
        "https://[::1]:4318/v9",
        "http://[::]:4318",
        "http://[0:0:0:0:0:0:0:1]:4318",
        "http://[::ffff:127.0.0.1]:4318",
        "http://me:hush@localhost:4318",
        "http://127.0.0.1:13133",
    ],
)
def test_the_collector_is_no_store_of_its_own(endpoint: str) -> None:
    """
    Any spelling of loopback with a port of the Collector would send data in a circle.
    """
    said = only_problem({"TEMPO_OTLP_ENDPOINT": endpoint})

    assert "is the Collector itself" in said
    assert "hush" not in said


@pytest.mark.parametrize("name", [socket.gethostname(), f"{socket.gethostname().upper()}."])
def test_the_machine_by_its_name_is_no_store_either(name: str) -> None:
    """
    Whatever the name resolves to; nobody is asked.
    """
    assert "is the Collector itself" in only_problem({"TEMPO_OTLP_ENDPOINT": f"http://{name}:4318"})
    assert "is the Collector itself" in only_problem({"OTEL_KIT_COLLECTOR_GATEWAYS": f"{name}:4317"})
    assert [] == select({"TEMPO_OTLP_ENDPOINT": f"http://{name}:4319"}).problems


@pytest.mark.parametrize("endpoint", ["http://localhost:3100", "http://tempo.example:4318", "http://10.0.0.1:4318"])
def test_other_addresses_are_stores(endpoint: str) -> None:
    """
    Another port of loopback, or the same port of another machine.
    """
    assert [] == select({"TEMPO_OTLP_ENDPOINT": endpoint}).problems


def test_the_circle_is_found_on_moved_ports() -> None:
    """
    What counts is where the Collector really listens.
    """
    variables = {"TEMPO_OTLP_ENDPOINT": "http://localhost:5318", "OTEL_KIT_HTTP_PORT": "5318"}

    assert "OTEL_KIT_HTTP_PORT=5318" in only_problem(variables)
    assert [] == select({**variables, "OTEL_KIT_HTTP_PORT": "6318"}).problems


@pytest.mark.parametrize(
    ("endpoint", "remedy"),
    [
        ("loki.example:3100", "write it as http://loki.example:3100"),
        ("me:hush@loki.example:3100", "write it as http://loki.example:3100"),
        ("ftp://loki.example", "write it as http://loki.example"),
        ("http://", "write it as http://host:port"),
        ("http://loki.example:99999", "name the port on which the store listens"),
        ("http://loki.example:0", "name the port on which the store listens"),
        ("http://loki.example:port", "name the port on which the store listens"),
        ("http://loki.example:31\\x", "name the port on which the store listens"),
        ("//loki.example:3100", "write it as http://loki.example:3100"),
        ("http//loki.example:3100", "write it as http://loki.example:3100"),
        ("https:/loki.example:3100", "write it as https://loki.example:3100"),
        ("loki.example:99999", "write it as http://host:port"),
        ("http://:3100", "write it before the port"),
        ("http://lo ki.example:3100", "leave that out"),
        ("http://loki\x07.example:3100", "leave that out"),
        ("http://h%zz:1", "write letters, digits, dots and dashes, or an IP address"),
        ("http://[::1", "write an IPv6 address as in http://[2001:db8::1]:3100"),
        ("http://[::1]]:3100", "write an IPv6 address as in http://[2001:db8::1]:3100"),
        ("http://[loki]:3100", "write an IPv6 address as in http://[2001:db8::1]:3100"),
        ("http://me:hush@[::1", "write an IPv6 address as in http://[2001:db8::1]:3100"),
        ("http://me:hush%zz@loki.example", "write each as % and two hexadecimal digits"),
        ("http://me:hush/more@loki.example", "name the port on which the store listens"),
        ("http://h:1/%zz", "write %25 for the sign itself"),
        ("http://loki.example:3100?", "leave out what follows ? or #"),
        ("http://loki.example:3100/otlp", "leave out /otlp"),
        ("http://loki.example:3100/otlp/v1/logs/", "leave out /otlp/v1/logs"),
        ("http://loki.example:3100?tenant=a", "leave out what follows ? or #"),
    ],
)
def test_an_endpoint_is_a_base_url(endpoint: str, remedy: str) -> None:
    """
    What else it is, is refused with what to write; a password in it is not said.
    """
    said = only_problem({"LOKI_ENDPOINT": endpoint})

    assert said.startswith("LOKI_ENDPOINT=")
    assert said.endswith(remedy)
    assert "hush" not in said


def test_an_endpoint_loses_its_last_slash() -> None:
    """
    A path is appended to it, and two slashes are another path.
    """
    assert STORE == select({"LOKI_ENDPOINT": f"{STORE}//"}).environment["LOKI_ENDPOINT"]


def test_cloudwatch_takes_whole_urls() -> None:
    """
    Its endpoints have the signal's path in them.
    """
    variables = {
        "CLOUDWATCH_LOG_GROUP": "shop",
        "AWS_REGION": "eu-west-1",
        "CLOUDWATCH_LOGS_ENDPOINT": f"{STORE}/v1/logs",
    }

    assert [] == select(variables).problems


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CLOUDWATCH_LOG_GROUP": "shop"}, "AWS_REGION: is not set, but CLOUDWATCH_LOG_GROUP is"),
        (
            {"ELASTICSEARCH_OTLP_ENDPOINT": STORE},
            "ELASTICSEARCH_API_KEY: is not set, but ELASTICSEARCH_OTLP_ENDPOINT is",
        ),
        ({"DD_API_KEY": "a b"}, "DD_API_KEY=REDACTED: can't stand in a header"),
        ({"DD_API_KEY": "a", "DD_SITE": "https://datadoghq.eu"}, "DD_SITE=https://datadoghq.eu: is no site"),
        ({"OTEL_KIT_HTTP_PORT": "http"}, "OTEL_KIT_HTTP_PORT=http: is no port"),
        ({"OTEL_KIT_HTTP_PORT": "70000"}, "OTEL_KIT_HTTP_PORT=70000: is no port"),
        ({"OTEL_KIT_HTTP_PORT": "4317"}, "OTEL_KIT_HTTP_PORT=4317: is the port of OTEL_KIT_GRPC_PORT too"),
        ({"OTEL_KIT_COLLECTOR_HOST": "maybe"}, "OTEL_KIT_COLLECTOR_HOST=maybe: is neither true nor false"),
        ({"OTEL_KIT_COLLECTOR_SAMPLING": "10%"}, "OTEL_KIT_COLLECTOR_SAMPLING=10%: is no share"),
        ({"OTEL_KIT_COLLECTOR_SAMPLING": "1.5"}, "OTEL_KIT_COLLECTOR_SAMPLING=1.5: is no share"),
        ({"OTEL_KIT_COLLECTOR_BROWSER_ORIGINS": "*"}, "OTEL_KIT_COLLECTOR_BROWSER_ORIGINS=*: is no list of origins"),
        (
            {"OTEL_KIT_COLLECTOR_BROWSER_ORIGINS": "https://*.shop.example"},
            "OTEL_KIT_COLLECTOR_BROWSER_ORIGINS=https://*.shop.example: is no list of origins",
        ),
        ({"OTEL_KIT_COLLECTOR_BROWSER_PORT": "4320"}, "OTEL_KIT_COLLECTOR_BROWSER_PORT=4320: lets no origin in"),
        (
            {"OTEL_KIT_COLLECTOR_GATEWAYS": "10.0.0.1"},
            "OTEL_KIT_COLLECTOR_GATEWAYS=10.0.0.1: '10.0.0.1' is not host:port",
        ),
        (
            {"OTEL_KIT_COLLECTOR_GATEWAYS": "10.0.0.1:0"},
            "OTEL_KIT_COLLECTOR_GATEWAYS=10.0.0.1:0: '10.0.0.1:0' has a port that is no number from 1 to 65535: write",
        ),
        (
            {"OTEL_KIT_COLLECTOR_GATEWAYS": "[::1:4"},
            "OTEL_KIT_COLLECTOR_GATEWAYS=[::1:4: '[::1:4' has brackets that hold no IPv6 address: write host:port",
        ),
        ({"OTEL_KIT_COLLECTOR_GATEWAYS": ","}, "OTEL_KIT_COLLECTOR_GATEWAYS=,: names no gateway"),
        ({"OTEL_KIT_COLLECTOR_FILES": ","}, "OTEL_KIT_COLLECTOR_FILES=,: names no file"),
        ({"OTEL_KIT_COLLECTOR_FILES": "/a/[x"}, "OTEL_KIT_COLLECTOR_FILES=/a/[x: names no file, or has a bracket"),
        ({"OTEL_KIT_COLLECTOR_FILES": "/a/{b,c}"}, "OTEL_KIT_COLLECTOR_FILES=/a/{b,c}: names no file, or has a"),
        ({"OTEL_KIT_SELF_PORT": "08888"}, "OTEL_KIT_SELF_PORT=08888: is no port"),
        ({"OTEL_KIT_FILE_DIR": "~nobody-of-this-name/x"}, "OTEL_KIT_FILE_DIR=~nobody-of-this-name/x: is below a home"),
        (
            {"OTEL_KIT_COLLECTOR_BROWSER_ORIGINS": "https://shop.example:99999"},
            "OTEL_KIT_COLLECTOR_BROWSER_ORIGINS=https://shop.example:99999: is no list of origins",
        ),
        (
            {"CLOUDWATCH_LOG_GROUP": "shop", "AWS_REGION": "eu west"},
            "AWS_REGION=eu west: is no region",
        ),
        ({"CLOUDWATCH_LOG_GROUP": "a b", "AWS_REGION": "eu"}, "CLOUDWATCH_LOG_GROUP=a b: is no name of a log group"),
        (
            {"CLOUDWATCH_LOG_GROUP": "a", "AWS_REGION": "eu", "CLOUDWATCH_LOG_STREAM": "a*"},
            "CLOUDWATCH_LOG_STREAM=a*: is no name of a log stream",
        ),
        (
            {"OTEL_KIT_COLLECTOR_GATEWAYS": "localhost:4317"},
            "OTEL_KIT_COLLECTOR_GATEWAYS=localhost:4317: is the Collector",
        ),
        ({"OTEL_KIT_COLLECTOR_TOKEN": "a\nb"}, "OTEL_KIT_COLLECTOR_TOKEN=REDACTED: can't stand in a header"),
        (
            {"OTEL_KIT_COLLECTOR_TLS_KEY": "k.pem"},
            "OTEL_KIT_COLLECTOR_TLS_KEY=k.pem: OTEL_KIT_COLLECTOR_TLS_CERT is not",
        ),
        (
            {"OTEL_KIT_COLLECTOR_TLS_CLIENT_CA": "c"},
            "OTEL_KIT_COLLECTOR_TLS_CLIENT_CA=c: OTEL_KIT_COLLECTOR_TLS_CERT is",
        ),
        ({"OTEL_KIT_COLLECTOR_OPTIONAL": "loki,lokki"}, "OTEL_KIT_COLLECTOR_OPTIONAL=loki,lokki: lokki is no backend"),
        ({"OTEL_KIT_COLLECTOR_MEMORY_MIB": "1G"}, "OTEL_KIT_COLLECTOR_MEMORY_MIB=1G: is no whole number"),
        ({"OTEL_KIT_QUEUE_BYTES": "1024"}, "OTEL_KIT_QUEUE_BYTES=1024: is no whole number from 262144 to"),
        (
            {"OTLP_FORWARD_ENDPOINT": STORE, "OTLP_FORWARD_HEADERS": "hush"},
            "OTLP_FORWARD_HEADERS=REDACTED: holds no headers that can be sent",
        ),
        (
            {"OTEL_KIT_COLLECTOR_SAMPLING": "0.1", "OTEL_KIT_COLLECTOR_GATEWAYS": "10.0.0.1:4317"},
            "OTEL_KIT_COLLECTOR_SAMPLING=0.1: an agent sees only parts of a trace",
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else None,
)
def test_a_bad_value_is_one_line(variables: dict[str, str], said: str) -> None:
    """
    Variable, value, problem, remedy; a secret's value is not shown.
    """
    line = only_problem(variables)

    assert line.startswith(said)
    assert 2 <= line.count(": ")
    assert "\n" not in line


def test_a_port_of_a_kubernetes_service_is_explained() -> None:
    """
    A service called otel-kit-http makes a variable of that name, with a URL in it.
    """
    assert "enableServiceLinks" in only_problem({"OTEL_KIT_HTTP_PORT": "tcp://10.0.0.1:80"})


def test_all_faults_are_told_at_once() -> None:
    """
    Nobody has to correct one to hear of the next.
    """
    selection = select({"LOKI_ENDPOINT": "loki", "TEMPO_OTLP_ENDPOINT": "tempo", "OTEL_KIT_GRPC_PORT": "0"})

    assert 3 == len(selection.problems)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        ("a=b, Authorization=Basic eA==", {"a": "b", "authorization": "Basic eA=="}),
        ('{"X-Scope-OrgID": "007"}', {"X-Scope-OrgID": "007"}),
        ("{Authorization: Bearer x, n: 007}", {"Authorization": "Bearer x", "n": "007"}),
        ("Authorization: Bearer x", {"Authorization": "Bearer x"}),
    ],
)
def test_headers_are_a_map_or_pairs(value: str, headers: dict[str, str]) -> None:
    """
    Either form reaches the file as a map of texts.
    """
    selection = select({"OTLP_FORWARD_ENDPOINT": STORE, "OTLP_FORWARD_HEADERS": value})

    assert headers == json.loads(selection.environment["OTLP_FORWARD_HEADERS"])


def test_lists_reach_the_files_as_lists() -> None:
    """
    What is written with commas is a list there; paths are absolute.
    """
    environment = select(
        {
            "OTEL_KIT_COLLECTOR_BROWSER_ORIGINS": "https://a.example, https://b.example:8443",
            "OTEL_KIT_COLLECTOR_FILES": "/var/log/a*.log,/srv/b.log",
            "OTEL_KIT_COLLECTOR_GATEWAYS": '["10.0.0.1:4317", "gate.example:4317"]',
        }
    ).environment

    assert ["https://a.example", "https://b.example:8443"] == json.loads(
        environment["OTEL_KIT_COLLECTOR_BROWSER_ORIGINS"]
    )
    assert ["/var/log/a*.log", "/srv/b.log"] == json.loads(environment["OTEL_KIT_COLLECTOR_FILES"])
    assert ["10.0.0.1:4317", "gate.example:4317"] == json.loads(environment["OTEL_KIT_COLLECTOR_GATEWAYS"])


@pytest.mark.parametrize(
    ("value", "optional"),
    [(None, {"jaeger"}), ("loki", {"loki"}), ("none", set()), ("Loki, jaeger,tempo", {"loki", "jaeger"})],
)
def test_optional_backends_are_those_that_are_named(value: str | None, optional: set[str]) -> None:
    """
    Jaeger and files by default; of the list, those that are picked; `none` empties it.
    """
    variables = {"LOKI_ENDPOINT": STORE, "JAEGER_OTLP_ENDPOINT": STORE}
    chosen = {} if value is None else {"OTEL_KIT_COLLECTOR_OPTIONAL": value}

    assert optional == select({**variables, **chosen}).optional


@pytest.mark.parametrize(
    ("given", "made"),
    [(STORE, f"{STORE}/v1/logs"), (f"{STORE}/", f"{STORE}/v1/logs"), (f"{STORE}/mine", f"{STORE}/mine")],
)
def test_a_base_url_of_cloudwatch_gets_the_path_of_its_signal(given: str, made: str) -> None:
    """
    CloudWatch's file takes whole URLs; one without a path is taken for the base.
    """
    variables = {"CLOUDWATCH_LOG_GROUP": "shop", "AWS_REGION": "eu-central-1", "CLOUDWATCH_LOGS_ENDPOINT": given}

    assert made == select(variables).environment["CLOUDWATCH_LOGS_ENDPOINT"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://[2001:db8::1]:3100",
        "http://[fe80::1%25eth0]:3100",
        "https://me:p%40ss@loki.example/a%20b",
        "http://loki_1.example:3100",
        "HTTP://loki.example",
        "http://l\u00f6ki.example:3100",
    ],
)
def test_what_go_takes_is_taken(endpoint: str) -> None:
    """
    The judgement is no stricter than it need be.
    """
    assert endpoint == select({"LOKI_ENDPOINT": endpoint}).environment["LOKI_ENDPOINT"]


def test_texts_between_quotes_are_escaped() -> None:
    """
    A quote would end the text of a statement, a backslash would take its closing quote; nobody else's is touched.
    """
    value = 'a"b\\'
    variables = dict.fromkeys(("ENVIRONMENT", "APP_VERSION", "OTEL_SERVICE_NAME", "HOSTNAME"), value)
    overlays = {"OTEL_KIT_COLLECTOR_FILES": "/a", "OTEL_KIT_COLLECTOR_HOST": "true"}
    environment = select({**variables, **overlays}).environment

    assert {'a\\"b\\\\'} == {environment[name] for name in variables}
    assert {} == select(variables).environment
