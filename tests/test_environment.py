"""
`OTEL_*` judged before the SDK is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import certifi
import pytest

from otel_kit.environment import (
    Finding,
    OtelEnvironment,
    fallback_service_name,
    read_from,
    read_otel_environment,
)
from otel_kit.environment.reader import EnvironmentReader
from otel_kit.environment.reference import otel_reference
from otel_kit.errors import ConfigurationError

# of a throw-away pair made for this file; the marker is in two parts, as scanners look for it
CLIENT_KEY = """\
-----BEGIN PRIVATE {}-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggsX1Qg72ChaoQGkL
KWFNXfaYXychY/aPJ1wg4jHMd4yhRANCAASEQiHXVLNrzPRtsXJejJPDBTjCSvF0
rUK8LkjOkRe4BE7IZH/AB86f6kC95Bk+fRal+iiH8+VbChiiMyzg2SXR
-----END PRIVATE {}-----
""".format("KEY", "KEY")

CLIENT_CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBhDCCASmgAwIBAgIUGRwM2rQrEY7gZ3lmTdF1E6qKcwAwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLY2xpZW50LnRlc3QwIBcNMjYxMTIxMTIwNzQ2WhgPMjEyNjEw
MjgxMjA3NDZaMBYxFDASBgNVBAMMC2NsaWVudC50ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEhEIh11Sza8z0bbFyXoyTwwU4wkrxdK1CvC5IzpEXuAROyGR/
wAfOn+pAveQZPn0Wpfooh/PlWwoYojMs4Nkl0aNTMFEwHQYDVR0OBBYEFBBUjRj5
euAJrW6fnDmkFLfpv0yTMB8GA1UdIwQYMBaAFBBUjRj5euAJrW6fnDmkFLfpv0yT
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAJ5n9jFGJAK/YB45
rAY2ItwDPrivNROpRSfaHaNRCEpJAiEAyKYrt5xSupyRF9iy/QAKDksWg4SAY8gr
Go+mBZi9JGw=
-----END CERTIFICATE-----
"""

BAD_VALUES = {
    "endpoint that is garbage": ("OTEL_EXPORTER_OTLP_ENDPOINT", "::not a url::"),
    "endpoint without scheme": ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
    "endpoint without host": ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://:4318"),
    "endpoint with a port that is no number": ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:otlp"),
    "endpoint with a port beyond the last": ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:70000"),
    "endpoint with port 0": ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:0"),
    "endpoint with an open bracket": ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1:4318"),
    "endpoint with a blank in it": ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://local host:4318"),
    "endpoint with an empty label": ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector..example:4318"),
    "endpoint of another scheme": ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "ftp://localhost/logs"),
    "queue below zero": ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
    "queue of zero": ("OTEL_BLRP_MAX_QUEUE_SIZE", "0"),
    "queue that is no number": ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
    "queue beyond any memory": ("OTEL_BSP_MAX_QUEUE_SIZE", "9" * 5000),
    "batch above the default queue": ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
    "delay of zero": ("OTEL_BSP_SCHEDULE_DELAY", "0"),
    "batch time that is garbage": ("OTEL_BLRP_EXPORT_TIMEOUT", "30s"),
    "unknown sampler": ("OTEL_TRACES_SAMPLER", "sometimes"),
    "ratio above one": ("OTEL_TRACES_SAMPLER_ARG", "7"),
    "ratio below zero": ("OTEL_TRACES_SAMPLER_ARG", "-0.5"),
    "ratio that is no number": ("OTEL_TRACES_SAMPLER_ARG", "half"),
    "ratio that is NaN": ("OTEL_TRACES_SAMPLER_ARG", "nan"),
    "missing certificate": ("OTEL_EXPORTER_OTLP_CERTIFICATE", "no/such/file.pem"),
    "certificate file that holds none": ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", os.__file__),
    "missing client certificate": ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "no/such/file.pem"),
    "client key alone": ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "no/such/file.pem"),
    "unknown compression": ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
    "unknown protocol": ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/xml"),
    "headers without a name": ("OTEL_EXPORTER_OTLP_HEADERS", "=value"),
    "headers without a value": ("OTEL_EXPORTER_OTLP_HEADERS", "api-key"),
    "headers with an encoded line break": ("OTEL_EXPORTER_OTLP_HEADERS", "a=b%0d%0aEvil: yes"),
    "headers with a control character": ("OTEL_EXPORTER_OTLP_HEADERS", "a=b\x01c"),
    "headers outside ASCII": ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=grüße"),
    "headers with bytes that are not UTF-8": ("OTEL_EXPORTER_OTLP_HEADERS", "a=\udcff"),
    "resource attributes without `=`": ("OTEL_RESOURCE_ATTRIBUTES", "team=shop,garbage"),
    "resource attributes without a key": ("OTEL_RESOURCE_ATTRIBUTES", "=shop"),
    "resource attributes that decode to garbage": ("OTEL_RESOURCE_ATTRIBUTES", "team=%ff"),
    "service name with a line break": ("OTEL_SERVICE_NAME", "shop\nevil"),
    "attribute limit below zero": ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-5"),
    "value length limit below zero": ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-1"),
    "event limit that is garbage": ("OTEL_SPAN_EVENT_COUNT_LIMIT", "few"),
    "limit that is a word": ("OTEL_ATTRIBUTE_COUNT_LIMIT", "unset"),
    "log record limit below zero": ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "-1"),
    "unknown exporter": ("OTEL_TRACES_EXPORTER", "zipkin"),
    "exporter beside none": ("OTEL_LOGS_EXPORTER", "otlp,none"),
    "exporter of another signal": ("OTEL_TRACES_EXPORTER", "prometheus"),
    "unknown exemplar filter": ("OTEL_METRICS_EXEMPLAR_FILTER", "some"),
    "metric interval of zero": ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
    "metric interval below zero": ("OTEL_METRIC_EXPORT_INTERVAL", "-60000"),
    "metric time that is garbage": ("OTEL_METRIC_EXPORT_TIMEOUT", "soon"),
    "export time below zero": ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
    "export time that is garbage": ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "ten"),
    "unknown temporality": ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "eternal"),
    "unknown aggregation": ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "pie"),
    "unknown log level": ("OTEL_LOG_LEVEL", "loud"),
    "switch that is neither on nor off": ("OTEL_SDK_DISABLED", "perhaps"),
    "TLS switch that is neither on nor off": ("OTEL_EXPORTER_OTLP_INSECURE", "1"),
    "unknown convention": ("OTEL_SEMCONV_STABILITY_OPT_IN", "htttp"),
    "excluded URLs that are no pattern": ("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", "health,(unclosed"),
    "a client's excluded URLs that are no pattern": ("OTEL_PYTHON_HTTPX_EXCLUDED_URLS", "*"),
    "captured headers that are no pattern": ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", "["),
    "unknown id generator": ("OTEL_PYTHON_ID_GENERATOR", "dice"),
    "unknown tracer provider": ("OTEL_PYTHON_TRACER_PROVIDER", "mine"),
    "unknown resource detector": ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "mars"),
}


def defaults_with(findings: tuple[Finding, ...]) -> OtelEnvironment:
    """
    What an environment without variables gives, beside these findings.
    """
    return OtelEnvironment(findings=findings)


@pytest.mark.parametrize(("variable", "value"), BAD_VALUES.values(), ids=BAD_VALUES.keys())
def test_a_bad_value_counts_as_unset(variable: str, value: str) -> None:
    """
    It gives one finding, leaves the environment, and everything else is as without it.
    """
    environ = {variable: value}

    judged = read_otel_environment(environ)

    assert [variable] == [finding.variable for finding in judged.findings]
    assert {} == environ
    assert defaults_with(judged.findings) == judged


@pytest.mark.parametrize(("variable", "value"), BAD_VALUES.values(), ids=BAD_VALUES.keys())
def test_a_finding_is_one_readable_line(variable: str, value: str) -> None:
    """
    It names the variable and a remedy, and whatever the value held, it is printable and short.
    """
    finding = read_otel_environment({variable: value}).findings[0]

    assert str(finding).startswith(f"ignored: {variable}=")
    assert str(finding).isprintable()
    assert finding.remedy in str(finding)
    assert len(str(finding)) < 500


@pytest.mark.parametrize("variable", [row.variable for row in otel_reference()])
def test_a_blank_value_is_unset(variable: str) -> None:
    """
    Blanks are no mistake, and leave the environment, where the SDK would stumble over them.
    """
    environ = {variable: "  \t"}

    assert OtelEnvironment() == read_otel_environment(environ)
    assert {} == environ


def test_a_second_look_finds_nothing() -> None:
    """
    A bad value is said once a process.
    """
    environ = {"OTEL_TRACES_SAMPLER": "sometimes"}
    read_otel_environment(environ)

    assert () == read_otel_environment(environ).findings


def test_a_bad_general_value_is_said_once() -> None:
    """
    It concerns three signals and is still one finding.
    """
    judged = read_otel_environment({"OTEL_EXPORTER_OTLP_TIMEOUT": "ten"})

    assert 1 == len(judged.findings)


@pytest.mark.parametrize("queue", ["OTEL_BSP", "OTEL_BLRP"])
def test_a_batch_above_the_queue_unsets_both(queue: str) -> None:
    """
    Nobody can tell which of the two was meant.
    """
    environ = {f"{queue}_MAX_QUEUE_SIZE": "100", f"{queue}_MAX_EXPORT_BATCH_SIZE": "200"}

    judged = read_otel_environment(environ)

    assert {} == environ
    assert [f"{queue}_MAX_EXPORT_BATCH_SIZE"] == [finding.variable for finding in judged.findings]
    assert defaults_with(judged.findings) == judged


def test_a_small_queue_lowers_the_default_batch() -> None:
    """
    Only the queue was set, so nothing is wrong.
    """
    judged = read_otel_environment({"OTEL_BSP_MAX_QUEUE_SIZE": "100"})

    assert (100, 100, ()) == (judged.span_queue.max_items, judged.span_queue.batch_items, judged.findings)


IMPORT_BREAKERS = {
    "negative limit": {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "-5"},
    "garbage limit": {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "few"},
}

PROVIDER_BREAKERS = {
    "event limit": {"OTEL_SPAN_EVENT_COUNT_LIMIT": "-5"},
    "log record limit": {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "-5"},
    "negative queue": {"OTEL_BSP_MAX_QUEUE_SIZE": "-1"},
    "batch above queue": {"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "20"},
    "unknown exemplar filter": {"OTEL_METRICS_EXEMPLAR_FILTER": "some"},
    "exemplar filter in capitals": {"OTEL_METRICS_EXEMPLAR_FILTER": "ALWAYS_ON"},
    "ratio out of range": {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "7"},
    "negative interval": {"OTEL_METRIC_EXPORT_INTERVAL": "-1"},
    "missing tracer provider": {"OTEL_PYTHON_TRACER_PROVIDER": "mine"},
}

USE_SDK = """
import sys
if "judged" in sys.argv:
    from otel_kit.environment import read_otel_environment
    read_otel_environment()
    assert not [name for name in sys.modules if name.startswith("opentelemetry.sdk")]
from opentelemetry.sdk.trace import TracerProvider
if "imported" not in sys.argv:
    from opentelemetry import trace
    from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
    trace.get_tracer_provider()
    TracerProvider().add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
    LoggerProvider(), LogRecordLimits()
    MeterProvider([PeriodicExportingMetricReader(ConsoleMetricExporter())])
"""


def use_sdk(variables: dict[str, str], *words: str) -> int:
    """
    Exit code of a process that uses the SDK with these variables.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    command = [sys.executable, "-c", USE_SDK, *words]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, env=inherited | variables, capture_output=True, timeout=60, check=False)
    return done.returncode


@pytest.mark.parametrize("variables", IMPORT_BREAKERS.values(), ids=IMPORT_BREAKERS.keys())
def test_the_sdk_can_be_imported_after_judging(variables: dict[str, str]) -> None:
    """
    `import opentelemetry.sdk.trace` raises for these values, and no longer does once they were judged.
    """
    assert 0 != use_sdk(variables, "imported")
    assert 0 == use_sdk(variables, "imported", "judged")


def test_the_sdk_can_be_used_after_judging() -> None:
    """
    Its providers, processors and readers are made with all the bad values at once.
    """
    together = {name: value for variables in PROVIDER_BREAKERS.values() for name, value in variables.items()}

    assert 0 != use_sdk(together)
    assert 0 == use_sdk(together, "judged")


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_the_default_endpoint_is_the_sidecar(signal: str) -> None:
    """
    Each signal has its own path there.
    """
    judged = getattr(read_otel_environment({}), signal)

    assert (f"http://localhost:4318/v1/{signal}", True) == (judged.endpoint, judged.endpoint_is_default)


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://collector.example/otlp", "https://collector.example/otlp/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ("https://collector.example?tenant=7", "https://collector.example/v1/traces?tenant=7"),
    ],
)
def test_a_general_endpoint_gets_the_signals_path(base: str, expected: str) -> None:
    """
    It is a base URL, with or without a path of its own.
    """
    judged = read_otel_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": base}).traces

    assert (expected, False) == (judged.endpoint, judged.endpoint_is_default)


def test_a_signals_own_endpoint_is_used_as_it_is() -> None:
    """
    It wins over the general one and gets no path.
    """
    judged = read_otel_environment(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:1", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://b:2/in"}
    )

    assert ("http://a:1/v1/traces", "http://b:2/in") == (judged.traces.endpoint, judged.logs.endpoint)


def test_a_bad_own_endpoint_leaves_the_general_one() -> None:
    """
    It counts as unset, and nothing more.
    """
    judged = read_otel_environment(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "nonsense"}
    )

    assert "http://a:1/v1/traces" == judged.traces.endpoint


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "http://localhost:4317"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4317"}, "https://collector:4317"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}, "https://collector:4317"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317", "OTEL_EXPORTER_OTLP_INSECURE": "true"},
            "http://collector:4317",
        ),
    ],
)
def test_a_grpc_endpoint_has_no_path(variables: dict[str, str], expected: str) -> None:
    """
    It may do without a scheme, and then `INSECURE` chooses.
    """
    judged = read_otel_environment({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"} | variables)

    assert (expected, ()) == (judged.traces.endpoint, judged.findings)


def test_headers_are_decoded() -> None:
    """
    Names are lower case; blanks around and inside a value, and `=` in it, are accepted.
    """
    value = "Authorization=Basic%20YTpi, x-tenant = team a,signature=a=b,"

    judged = read_otel_environment({"OTEL_EXPORTER_OTLP_HEADERS": value})

    assert {"authorization": "Basic YTpi", "x-tenant": "team a", "signature": "a=b"} == judged.traces.headers


def test_a_signals_own_headers_replace_the_general_ones() -> None:
    """
    Nothing is mixed.
    """
    judged = read_otel_environment({"OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "b=2"})

    assert ({"a": "1"}, {"b": "2"}) == (judged.traces.headers, judged.metrics.headers)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2,garbage"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@collector:port"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "user:hunter2@collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector/?token=hunter2"),
        ("OTEL_RESOURCE_ATTRIBUTES", "db.password=hunter2,garbage"),
        ("OTEL_SDK_DISABLED", "https://user:hunter2@host"),
        ("OTEL_SDK_DISABLED", "authorization=Bearer hunter2"),
    ],
)
def test_a_finding_masks_secrets(variable: str, value: str) -> None:
    """
    A password in the wrong place is not repeated.
    """
    finding = read_otel_environment({variable: value}).findings[0]

    assert "hunter2" not in str(finding)
    assert "REDACTED" in finding.value


@pytest.mark.parametrize("host", ["collector.example", "10.0.0.7", "[2001:db8::1]"])
def test_keys_in_clear_are_warned_about(host: str) -> None:
    """
    The header is sent all the same, and the warning comes once for the three signals.
    """
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{host}:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=hunter2",
    }

    judged = read_otel_environment(environ)

    assert [("OTEL_EXPORTER_OTLP_HEADERS", False)] == [(found.variable, found.ignored) for found in judged.findings]
    assert "hunter2" not in str(judged.findings[0])
    assert {"api-key": "hunter2"} == judged.traces.headers


@pytest.mark.parametrize(
    ("endpoint", "headers"),
    [
        ("http://localhost:4318", "api-key=hunter2"),
        ("http://127.0.0.1:4318", "api-key=hunter2"),
        ("http://[::1]:4318", "api-key=hunter2"),
        ("https://collector.example", "api-key=hunter2"),
        ("http://collector.example", "x-scope-orgid=7"),
    ],
)
def test_keys_that_stay_here_or_travel_encrypted_are_fine(endpoint: str, headers: str) -> None:
    """
    Loopback, https, and headers that hold no key.
    """
    judged = read_otel_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_HEADERS": headers})

    assert () == judged.findings


def test_a_password_in_a_clear_url_is_warned_about() -> None:
    """
    It travels like a header with a key.
    """
    judged = read_otel_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:hunter2@collector.example"})

    assert ["sends a password unencrypted"] == [finding.problem for finding in judged.findings]
    assert "hunter2" not in str(judged.findings[0])


def test_time_outs_are_milliseconds() -> None:
    """
    As the specification says, whatever the Python exporters do; a signal's own wins.
    """
    judged = read_otel_environment({"OTEL_EXPORTER_OTLP_TIMEOUT": "2500", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "4000"})

    assert (2.5, 2.5, 4.0) == tuple(signal.timeout_seconds for signal in (judged.traces, judged.metrics, judged.logs))


def test_a_time_out_that_looks_like_seconds_is_warned_about() -> None:
    """
    It is used: ten milliseconds may be meant.
    """
    judged = read_otel_environment({"OTEL_EXPORTER_OTLP_TIMEOUT": "10"})

    assert [("OTEL_EXPORTER_OTLP_TIMEOUT", False)] == [(found.variable, found.ignored) for found in judged.findings]
    assert 0.01 == judged.traces.timeout_seconds


def test_certificates_that_can_be_loaded_are_kept(tmp_path: Path) -> None:
    """
    Authorities, and a client's certificate with its key.
    """
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    certificate.write_text(CLIENT_CERTIFICATE)
    key.write_text(CLIENT_KEY)
    environ = {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": certifi.where(),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(certificate),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(key),
    }

    judged = read_otel_environment(environ).traces

    assert (certifi.where(), str(certificate), str(key)) == (
        judged.certificate,
        judged.client_certificate,
        judged.client_key,
    )


def test_a_missing_client_key_unsets_the_pair(tmp_path: Path) -> None:
    """
    A certificate without its key can't be shown to anybody.
    """
    certificate = tmp_path / "client.pem"
    certificate.write_text(CLIENT_CERTIFICATE)
    environ = {
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(certificate),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(tmp_path / "missing.key"),
    }

    judged = read_otel_environment(environ)

    assert {} == environ
    assert {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY"} == {
        finding.variable for finding in judged.findings
    }
    assert defaults_with(judged.findings) == judged


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("otlp", ("otlp",)),
        ("console", ("console",)),
        ("none", ("none",)),
        ("OTLP, console", ("otlp", "console")),
        ("otlp,otlp_proto_http", ("otlp",)),
        ("prometheus", ("none",)),
        ("otlp,prometheus", ("otlp",)),
    ],
)
def test_metrics_exporters(value: str, expected: tuple[str, ...]) -> None:
    """
    `prometheus` pushes nothing, since `/metrics` is served anyway.
    """
    judged = read_otel_environment({"OTEL_METRICS_EXPORTER": value})

    assert (expected, ()) == (judged.metrics.exporter, judged.findings)


def test_an_exporters_name_may_settle_the_protocol() -> None:
    """
    Python's own names of exporters are understood.
    """
    judged = read_otel_environment({"OTEL_TRACES_EXPORTER": "otlp_proto_grpc"})

    assert ("grpc", "http/protobuf") == (judged.traces.protocol, judged.logs.protocol)


def test_a_word_in_other_case_is_accepted_and_normalised() -> None:
    """
    The SDK compares this one to the letter and would raise.
    """
    environ = {"OTEL_METRICS_EXEMPLAR_FILTER": " ALWAYS_OFF "}

    judged = read_otel_environment(environ)

    assert ("always_off", ()) == (judged.exemplar_filter, judged.findings)
    assert {"OTEL_METRICS_EXEMPLAR_FILTER": "always_off"} == environ


@pytest.mark.parametrize(
    ("sampler", "argument", "expected"),
    [
        ("traceidratio", "0.25", ("traceidratio", 0.25)),
        ("parentbased_traceidratio", "1", ("parentbased_traceidratio", 1.0)),
        ("ALWAYS_OFF", "", ("always_off", None)),
        ("always_on", "0.5", ("always_on", None)),
        ("traceidratio", "", ("traceidratio", None)),
    ],
)
def test_samplers(sampler: str, argument: str, expected: tuple[str, float | None]) -> None:
    """
    A ratio is given to ratio samplers only.
    """
    judged = read_otel_environment({"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument})

    assert expected == (judged.sampler, judged.sampler_argument)
    assert () == judged.findings


def test_a_specific_limit_wins_over_the_general_one() -> None:
    """
    Counts and lengths alike.
    """
    judged = read_otel_environment(
        {
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "10",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "20",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4096",
        }
    )

    assert (20, 10) == (judged.span_attribute_count_limit, judged.log_attribute_count_limit)
    assert (4096, 4096) == (judged.span_attribute_value_length_limit, judged.log_attribute_value_length_limit)


def test_an_export_of_metrics_never_takes_longer_than_the_interval_by_default() -> None:
    """
    A short interval shortens the time for one export.
    """
    judged = read_otel_environment({"OTEL_METRIC_EXPORT_INTERVAL": "5000"})

    assert (5.0, 5.0) == (judged.metric_interval_seconds, judged.metric_timeout_seconds)


def test_unknown_conventions_leave_the_known_ones() -> None:
    """
    What else was opted into stays.
    """
    environ = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http, databse/dup"}

    judged = read_otel_environment(environ)

    assert ("http",) == judged.instrumentation.semconv_opt_in
    assert {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"} == environ
    assert ["OTEL_SEMCONV_STABILITY_OPT_IN"] == [finding.variable for finding in judged.findings]


@pytest.mark.parametrize("variable", ["OTEL_PROPAGATORS", "OTEL_PYTHON_CONTEXT"])
def test_what_stops_fastapi_is_only_reported(variable: str) -> None:
    """
    `import fastapi` has failed before anybody could help, so the value stays for `doctor` to show.
    """
    environ = {variable: "nonsense"}

    judged = read_otel_environment(environ)

    assert [variable] == [finding.variable for finding in judged.findings]
    assert {variable: "nonsense"} == environ
    assert defaults_with(judged.findings) == judged


@pytest.mark.parametrize(
    ("value", "expected"), [("", ("tracecontext", "baggage")), ("tracecontext", ("tracecontext",)), ("none", ())]
)
def test_propagators(value: str, expected: tuple[str, ...]) -> None:
    """
    In the order given; `none` is none.
    """
    assert expected == read_otel_environment({"OTEL_PROPAGATORS": value}).propagators


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other"}, "shop"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=other%20shop"}, "other shop"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "team=a"}, None),
    ],
)
def test_service_name(variables: dict[str, str], expected: str | None) -> None:
    """
    The variable, then the resource attribute.
    """
    assert expected == read_otel_environment(variables).service_name


def test_a_configuration_file_is_said_to_be_unread() -> None:
    """
    Whoever sets it expects it to count.
    """
    judged = read_otel_environment({"OTEL_CONFIG_FILE": "otel.yaml"})

    assert ["OTEL_CONFIG_FILE"] == [finding.variable for finding in judged.findings]


def test_env_file_is_below_the_process(tmp_path: Path) -> None:
    """
    Its `OTEL_*` reach the environment, where the SDK looks, unless the process has them; nothing else does.
    """
    file = tmp_path / ".env"
    file.write_text("OTEL_SERVICE_NAME=file\nOTEL_LOG_LEVEL=debug\nOTEL_KIT_ENGINE=kit\nPASSWORD=x\n")
    environ = {"OTEL_SERVICE_NAME": "process"}

    judged = read_otel_environment(environ, env_file=file)

    assert ("process", "DEBUG") == (judged.service_name, judged.log_level)
    assert {"OTEL_SERVICE_NAME": "process", "OTEL_LOG_LEVEL": "debug"} == environ


def test_an_env_file_that_is_no_text_is_one_error(tmp_path: Path) -> None:
    """
    It is named, with what to do.
    """
    file = tmp_path / ".env"
    file.write_bytes(b"A=\xff\xfe")

    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_otel_environment({}, env_file=file)


def test_the_reference_lists_exactly_what_is_read() -> None:
    """
    No variable is read in secret, none is documented in vain.
    """
    reader = EnvironmentReader({})
    read_from(reader)

    assert reader.variables_read == {row.variable for row in otel_reference()}


def test_a_service_without_a_name_is_called_like_its_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `[project] name` of the current directory's `pyproject.toml`, not the name of another table.
    """
    text = '[tool.other]\nname = "wrong"\n\n[project] # main\nversion = "1"\nname = "shop" # here\n'
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)

    assert "shop" == fallback_service_name("api.main")


@pytest.mark.parametrize(
    ("module", "expected"),
    [("shop.main", "shop"), ("shop.api.app", "shop.api"), ("main", "main"), ("hello", "hello")],
)
@pytest.mark.parametrize("project", [None, b"[project]\nversion = '1'\n", b"\xff\xfe"])
def test_a_service_without_a_project_is_called_like_its_module(
    module: str, expected: str, project: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without the last part where that says nothing.
    """
    if project is not None:
        (tmp_path / "pyproject.toml").write_bytes(project)
    monkeypatch.chdir(tmp_path)

    assert expected == fallback_service_name(module)


@pytest.mark.parametrize("module", [None, "__main__"])
def test_a_script_is_called_like_its_file(module: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As is whatever has no module of its own.
    """
    main = type(sys)("__main__")
    main.__file__ = str(tmp_path / "hello.py")
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.chdir(tmp_path)

    assert "hello" == fallback_service_name(module)


@pytest.mark.parametrize("value", ["0", "2147483648"])
def test_a_number_beyond_its_bounds_is_told_both(value: str) -> None:
    """
    The remedy has the least and the most.
    """
    (finding,) = read_otel_environment({"OTEL_BSP_MAX_QUEUE_SIZE": value}).findings

    assert "use a whole number from 1 to 2147483647" == finding.remedy
