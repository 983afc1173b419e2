"""
Settings: documented names and `OTEL_KIT_*`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from otel_kit.errors import ConfigurationError
from otel_kit.settings import ApiKey, Settings, settings_reference, unknown_variables
from otel_kit.settings.source import metadata

DIGEST = hashlib.sha256(b"correct horse").hexdigest()
PUBLIC_KEY = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----"
PRIVATE_KEY = PUBLIC_KEY.replace("PUBLIC", "PRIVATE")
KEY_SET = '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qY"}]}'

DEFAULTS = {
    "LOG_LEVEL": ("log_level", "INFO"),
    "CORS_ORIGINS": ("cors_origins", ()),
    "RATELIMIT_ENABLED": ("ratelimit_enabled", True),
    "ENABLE_JSON_LOGGING": ("enable_json_logging", None),
    "ENVIRONMENT": ("environment", "development"),
    "APP_VERSION": ("app_version", "0.0.0"),
    "HOSTNAME": ("hostname", "unknown"),
    "SENTRY_DSN": ("sentry_dsn", None),
    "OTEL_KIT_PROFILE": ("profile", "goblin"),
    "OTEL_KIT_HEALTH_DEGRADED_STATUS": ("health_degraded_status", 503),
    "OTEL_KIT_RATELIMIT_STORAGE_URL": ("ratelimit_storage_url", "memory://"),
    "OTEL_KIT_TRUSTED_PROXIES": ("trusted_proxies", ()),
    "OTEL_KIT_METRICS_TOKEN": ("metrics_token", None),
    "OTEL_KIT_API_KEYS": ("api_keys", ()),
    "OTEL_KIT_JWT_KEY": ("jwt_key", None),
    "OTEL_KIT_JWT_ALGORITHMS": ("jwt_algorithms", ()),
    "OTEL_KIT_MAX_BODY_BYTES": ("max_body_bytes", 10485760),
    "OTEL_KIT_MAX_IN_FLIGHT": ("max_in_flight", None),
    "OTEL_KIT_DRAIN_SECONDS": ("drain_seconds", 0.0),
    "OTEL_KIT_CHECK_TIMEOUT": ("check_timeout_seconds", 2.0),
    "OTEL_KIT_CHECK_INTERVAL": ("check_interval_seconds", 15.0),
    "OTEL_KIT_TRUST_TRACEPARENT": ("trust_traceparent", "private"),
    "OTEL_KIT_ENGINE": ("engine", "kit"),
    "OTEL_KIT_SHUTDOWN_TIMEOUT": ("shutdown_timeout_seconds", 5.0),
    "OTEL_KIT_GC_FREEZE": ("gc_freeze", True),
}

GOOD_VALUES = [
    ("LOG_LEVEL", "debug", "DEBUG"),
    ("LOG_LEVEL", "Warn", "WARNING"),
    ("LOG_LEVEL", "trace", "TRACE"),
    ("LOG_LEVEL", "fatal", "CRITICAL"),
    ("LOG_LEVEL", "40", "ERROR"),
    (
        "CORS_ORIGINS",
        "http://localhost:3000, https://yourdomain.com/",
        ("http://localhost:3000", "https://yourdomain.com"),
    ),
    ("CORS_ORIGINS", "*", ("*",)),
    ("CORS_ORIGINS", "https://*.Example.com", ("https://*.example.com",)),
    ("CORS_ORIGINS", "https://a.example:443,http://b.example:443", ("https://a.example", "http://b.example:443")),
    ("CORS_ORIGINS", "http://[::1]:3000", ("http://[::1]:3000",)),
    ("CORS_ORIGINS", "https://a.example:65535", ("https://a.example:65535",)),
    (
        "CORS_ORIGINS",
        "chrome-extension://abcdefgh,capacitor://localhost,tauri://localhost",
        ("chrome-extension://abcdefgh", "capacitor://localhost", "tauri://localhost"),
    ),
    ("RATELIMIT_ENABLED", "False", False),
    ("RATELIMIT_ENABLED", "0", False),
    ("ENABLE_JSON_LOGGING", "true", True),
    ("ENVIRONMENT", " production ", "production"),
    ("SENTRY_DSN", "https://abc@o1.ingest.sentry.io/42", "https://abc@o1.ingest.sentry.io/42"),
    ("OTEL_KIT_PROFILE", "Goblin", "goblin"),
    ("OTEL_KIT_PROFILE", "shop.profile:PROFILE", "shop.profile:PROFILE"),
    ("OTEL_KIT_HEALTH_DEGRADED_STATUS", "200", 200),
    ("OTEL_KIT_RATELIMIT_STORAGE_URL", "rediss://u:p%40@r:6380/1", "rediss://u:p%40@r:6380/1"),
    ("OTEL_KIT_RATELIMIT_STORAGE_URL", "redis+sentinel://a:26379,b:26379/m", "redis+sentinel://a:26379,b:26379/m"),
    ("OTEL_KIT_RATELIMIT_STORAGE_URL", "async+redis://localhost", "async+redis://localhost"),
    (
        "OTEL_KIT_TRUSTED_PROXIES",
        "10.0.0.1, fd00::/8",
        (IPv4Network("10.0.0.1/32"), IPv6Network("fd00::/8")),
    ),
    ("OTEL_KIT_METRICS_TOKEN", "abc.DEF-123", "abc.DEF-123"),
    ("OTEL_KIT_API_KEYS", f"ci:free:{DIGEST.upper()}", (ApiKey("ci", "free", DIGEST),)),
    ("OTEL_KIT_JWT_KEY", "a shared secret", "a shared secret"),
    ("OTEL_KIT_JWT_KEY", PUBLIC_KEY.replace("\n", "\\n"), PUBLIC_KEY),
    ("OTEL_KIT_JWT_KEY", KEY_SET, KEY_SET),
    ("OTEL_KIT_JWT_ALGORITHMS", "rs256, eddsa", ("RS256", "EdDSA")),
    ("OTEL_KIT_MAX_BODY_BYTES", "1", 1),
    ("OTEL_KIT_TRUST_TRACEPARENT", "NONE", "none"),
    ("OTEL_KIT_TRUST_TRACEPARENT", "all", "all"),
    ("OTEL_KIT_TRUST_TRACEPARENT", "10.1.2.3/8", (IPv4Network("10.0.0.0/8"),)),
    ("OTEL_KIT_ENGINE", "Contrib", "contrib"),
    ("OTEL_KIT_SHUTDOWN_TIMEOUT", "2.5", 2.5),
    ("OTEL_KIT_MAX_IN_FLIGHT", "200", 200),
    ("OTEL_KIT_DRAIN_SECONDS", "5", 5.0),
    ("OTEL_KIT_CHECK_TIMEOUT", "0.5", 0.5),
    ("OTEL_KIT_CHECK_INTERVAL", "30", 30.0),
]

BAD_VALUES = [
    ("LOG_LEVEL", "loud"),
    ("LOG_LEVEL", "17"),
    ("CORS_ORIGINS", "example.com"),
    ("CORS_ORIGINS", "https://example.com/path"),
    ("CORS_ORIGINS", "https://*.com"),
    ("CORS_ORIGINS", "https://a.*.com"),
    ("CORS_ORIGINS", "*, https://example.com"),
    ("CORS_ORIGINS", "null"),
    ("CORS_ORIGINS", "https://example.com:99999"),
    ("CORS_ORIGINS", "https://example.com:0"),
    ("CORS_ORIGINS", "ftp://example.com"),
    ("CORS_ORIGINS", "wss://example.com"),
    ("RATELIMIT_ENABLED", "maybe"),
    ("ENABLE_JSON_LOGGING", "json"),
    ("ENVIRONMENT", "pro\x00d"),
    ("APP_VERSION", "1" * 300),
    ("HOSTNAME", "\udcff"),
    ("SENTRY_DSN", "sentry.io/42"),
    ("SENTRY_DSN", "https://o1.ingest.sentry.io/42"),
    ("SENTRY_DSN", "https://abc@[sentry/42"),
    ("OTEL_KIT_PROFILE", "goblins"),
    ("OTEL_KIT_PROFILE", "a:b:c"),
    ("OTEL_KIT_HEALTH_DEGRADED_STATUS", "404"),
    ("OTEL_KIT_HEALTH_DEGRADED_STATUS", "five"),
    ("OTEL_KIT_RATELIMIT_STORAGE_URL", "postgres://u:hunter2@db"),
    ("OTEL_KIT_RATELIMIT_STORAGE_URL", "redis://host:port"),
    ("OTEL_KIT_RATELIMIT_STORAGE_URL", "redis://"),
    ("OTEL_KIT_RATELIMIT_STORAGE_URL", "redis"),
    ("OTEL_KIT_RATELIMIT_STORAGE_URL", "redis+sentinel://host:26379/"),
    ("OTEL_KIT_RATELIMIT_STORAGE_URL", "redis+sentinel://host:26379"),
    ("OTEL_KIT_TRUSTED_PROXIES", "proxy.internal"),
    ("OTEL_KIT_TRUSTED_PROXIES", "10.0.0.0/33"),
    ("OTEL_KIT_METRICS_TOKEN", "two words"),
    ("OTEL_KIT_METRICS_TOKEN", "schlüssel"),
    ("OTEL_KIT_API_KEYS", "ci:free:hunter2"),
    ("OTEL_KIT_API_KEYS", f"ci:{DIGEST}"),
    ("OTEL_KIT_API_KEYS", f"a:free:{DIGEST},b:paid:{DIGEST}"),
    ("OTEL_KIT_JWT_KEY", "/no/such/key.pem"),
    ("OTEL_KIT_JWT_KEY", "keys/missing.jwks"),
    ("OTEL_KIT_JWT_KEY", "-----BEGIN PUBLIC KEY-----"),
    ("OTEL_KIT_JWT_KEY", PRIVATE_KEY),
    ("OTEL_KIT_JWT_KEY", '{"kty": "OKP"}'),
    ("OTEL_KIT_JWT_ALGORITHMS", "none"),
    ("OTEL_KIT_JWT_ALGORITHMS", "RS256,ROT13"),
    ("OTEL_KIT_MAX_BODY_BYTES", "10MB"),
    ("OTEL_KIT_MAX_BODY_BYTES", "0"),
    ("OTEL_KIT_MAX_BODY_BYTES", "-1"),
    ("OTEL_KIT_TRUST_TRACEPARENT", "friends"),
    ("OTEL_KIT_ENGINE", "native"),
    ("OTEL_KIT_MAX_IN_FLIGHT", "0"),
    ("OTEL_KIT_MAX_IN_FLIGHT", "many"),
    ("OTEL_KIT_DRAIN_SECONDS", "-1"),
    ("OTEL_KIT_CHECK_TIMEOUT", "0"),
    ("OTEL_KIT_CHECK_INTERVAL", "0.1"),
    ("OTEL_KIT_SHUTDOWN_TIMEOUT", "-1"),
    ("OTEL_KIT_SHUTDOWN_TIMEOUT", "0"),
    ("OTEL_KIT_SHUTDOWN_TIMEOUT", "nan"),
    ("OTEL_KIT_SHUTDOWN_TIMEOUT", "soon"),
]

SECRETS = {
    "SENTRY_DSN",
    "OTEL_KIT_RATELIMIT_STORAGE_URL",
    "OTEL_KIT_METRICS_TOKEN",
    "OTEL_KIT_API_KEYS",
    "OTEL_KIT_JWT_KEY",
}

MakeSettings = Callable[..., Settings]


@pytest.fixture
def with_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeSettings:
    """
    Makes settings in an environment that has these variables and no others, in a directory without `.env`.
    """
    monkeypatch.chdir(tmp_path)

    def make(**variables: str) -> Settings:
        for name in DEFAULTS:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            # a NUL can't be in a real environment, so the mapping itself is replaced
            monkeypatch.setattr(os, "environ", dict(os.environ) | {name: value})
        return Settings()

    return make


def plain(value: object) -> object:
    """
    What a secret holds; anything else as it is.
    """
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


@pytest.mark.parametrize(("variable", "field", "expected"), [(name, *rest) for name, rest in DEFAULTS.items()])
@pytest.mark.parametrize("blank", [None, "", "  \t"])
def test_unset_and_blank_mean_the_default(
    variable: str, field: str, expected: object, blank: str | None, with_variables: MakeSettings
) -> None:
    """
    A variable that is there without a value is no mistake.
    """
    settings = with_variables() if blank is None else with_variables(**{variable: blank})

    assert expected == plain(getattr(settings, field))


def test_every_field_has_a_default_here() -> None:
    """
    The table above is complete.
    """
    assert list(Settings.model_fields) == [field for field, _ in DEFAULTS.values()]


@pytest.mark.parametrize(("variable", "value", "expected"), GOOD_VALUES)
def test_a_good_value_is_parsed(variable: str, value: str, expected: object, with_variables: MakeSettings) -> None:
    """
    From the environment, under the documented name.
    """
    assert expected == plain(getattr(with_variables(**{variable: value}), DEFAULTS[variable][0]))


@pytest.mark.parametrize(("variable", "value", "expected"), GOOD_VALUES)
def test_a_python_caller_uses_the_fields_name(
    variable: str, value: str, expected: object, with_variables: MakeSettings
) -> None:
    """
    With the same forms, and the environment does not matter then.
    """
    with_variables()

    settings = Settings(**{DEFAULTS[variable][0]: value})

    assert expected == plain(getattr(settings, DEFAULTS[variable][0]))


def bounds_of(rules: Iterable[object], annotation: object = None) -> set[float]:
    """
    The numbers behind which a value is refused, wherever in an annotation they stand.
    """
    found = {getattr(rule, name, None) for rule in rules for name in ("gt", "ge", "lt", "le", "max_length")}
    within = [part for part in rules if isinstance(part, FieldInfo)]
    inner = [bounds_of(part.metadata) for part in within]
    inner += [bounds_of(getattr(part, "__metadata__", ()), part) for part in get_args(annotation)]
    return set().union({bound for bound in found if bound is not None}, *inner)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_bound_is_told(name: str) -> None:
    """
    The form, which the error and the reference repeat, has each number behind which a value is refused.
    """
    field = Settings.model_fields[name]
    told = {float(number) for number in re.findall(r"\d+", str(metadata(field)["form"]))}

    assert set() == bounds_of(field.metadata, field.annotation) - told


@pytest.mark.parametrize(
    ("name", "bounds"),
    [("check_timeout_seconds", {0, 60}), ("environment", {200}), ("max_in_flight", {1}), ("drain_seconds", {0, 3600})],
)
def test_bounds_are_found(name: str, bounds: set[float]) -> None:
    """
    Those that the test above looks for.
    """
    field = Settings.model_fields[name]

    assert bounds == bounds_of(field.metadata, field.annotation)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("OTEL_KIT_CHECK_TIMEOUT", "3600", "use seconds above 0, at most 60"),
        ("OTEL_KIT_CHECK_INTERVAL", "9999", "use seconds from 1 to 3600"),
        ("OTEL_KIT_SHUTDOWN_TIMEOUT", "9999", "use seconds above 0, at most 3600"),
        ("ENVIRONMENT", "x" * 201, "use one line of at most 200 characters"),
        ("CORS_ORIGINS", "https://x.example:99999", "a port is a number from 1 to 65535"),
        ("CORS_ORIGINS", "ftp://x.example", "no page has an origin of ftp://"),
        ("OTEL_KIT_RATELIMIT_STORAGE_URL", "redis+sentinel://h:26379/", "name the service that the Sentinels watch"),
    ],
)
def test_the_error_says_what_was_wrong(variable: str, value: str, told: str, with_variables: MakeSettings) -> None:
    """
    The bound that was passed, or the part that can't be.
    """
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        with_variables(**{variable: value})


@pytest.mark.parametrize(("variable", "value"), BAD_VALUES)
def test_a_bad_value_is_one_line(variable: str, value: str, with_variables: MakeSettings) -> None:
    """
    It names the variable, shows the value unless that may be a secret, and says what to do.
    """
    with pytest.raises(ConfigurationError) as caught:
        with_variables(**{variable: value})

    line = str(caught.value)
    assert line.startswith(f"{variable}='")
    assert line.isprintable()
    assert 20 < len(line) < 500
    assert (variable in SECRETS) == line.startswith(f"{variable}='REDACTED' can't be used: ")
    assert "hunter2" not in line


def test_several_bad_values_are_still_one_line(with_variables: MakeSettings) -> None:
    """
    The first in full, the others by name.
    """
    with pytest.raises(ConfigurationError, match=r"^LOG_LEVEL='loud' .* \(and 2 more: .*_MAX_BODY_BYTES, .*_ENGINE\)$"):
        with_variables(LOG_LEVEL="loud", OTEL_KIT_ENGINE="native", OTEL_KIT_MAX_BODY_BYTES="much")


def test_an_unknown_name_is_an_error_in_python(with_variables: MakeSettings) -> None:
    """
    With the nearest known one, and without the value, which may be a secret.
    """
    with_variables()

    with pytest.raises(ConfigurationError, match="did you mean metrics_token") as caught:
        Settings(metric_token="hunter2")

    assert "hunter2" not in str(caught.value)


def test_python_callers_may_give_values_of_their_own_kind(with_variables: MakeSettings) -> None:
    """
    Collections and numbers instead of text.
    """
    with_variables()

    settings = Settings(
        cors_origins=["https://a.example"], trusted_proxies=[IPv4Network("10.0.0.0/8")], log_level=10, max_body_bytes=5
    )

    assert ("DEBUG", ("https://a.example",), (IPv4Network("10.0.0.0/8"),), 5) == (
        settings.log_level,
        settings.cors_origins,
        settings.trusted_proxies,
        settings.max_body_bytes,
    )


def test_a_variables_name_works_in_python_too(with_variables: MakeSettings) -> None:
    """
    For settings that come from elsewhere under their documented names.
    """
    with_variables()

    assert "contrib" == Settings(OTEL_KIT_ENGINE="contrib").engine


def test_settings_cannot_be_changed(with_variables: MakeSettings) -> None:
    """
    What was judged stays what it was.
    """
    settings = with_variables()

    with pytest.raises(ValidationError):
        settings.engine = "contrib"


def test_settings_show_no_secret(with_variables: MakeSettings) -> None:
    """
    Neither in their text nor in a dump to JSON.
    """
    with_variables()
    settings = Settings(metrics_token="hunter2", jwt_key="hunter2", ratelimit_storage_url="redis://:hunter2@r")

    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_env_file_fills_what_the_process_lacks(with_variables: MakeSettings) -> None:
    """
    The process wins, a blank there does not, and foreign names in the file are nobody's mistake.
    """
    Path(".env").write_text("LOG_LEVEL=debug\nENVIRONMENT=staging\nAPP_VERSION=1.2.3\nDATABASE_URL=x\n")

    settings = with_variables(ENVIRONMENT="production", APP_VERSION="  ")

    assert ("DEBUG", "production", "1.2.3") == (settings.log_level, settings.environment, settings.app_version)


def test_a_bad_value_in_the_env_file_is_one_line(with_variables: MakeSettings) -> None:
    """
    As from the process.
    """
    Path(".env").write_text("OTEL_KIT_ENGINE=native\n")

    with pytest.raises(ConfigurationError, match=r"^OTEL_KIT_ENGINE='native'"):
        with_variables()


def test_an_env_file_that_is_no_text_is_one_line(with_variables: MakeSettings) -> None:
    """
    The file is named.
    """
    Path(".env").write_bytes(b"A=\xff\xfe")

    with pytest.raises(ConfigurationError, match=r"^\.env=.*UTF-8"):
        with_variables()


def test_names_are_matched_to_the_letter(with_variables: MakeSettings) -> None:
    """
    A lower-case variable is somebody else's.
    """
    assert "development" == with_variables(environment="production").environment


@pytest.mark.parametrize(("content", "kind"), [(PUBLIC_KEY, "pem"), (KEY_SET, "jwks")])
def test_a_key_file_is_read(content: str, kind: str, tmp_path: Path, with_variables: MakeSettings) -> None:
    """
    Settings hold its content.
    """
    file = tmp_path / "key"
    file.write_text(content + "\n")

    settings = with_variables(OTEL_KIT_JWT_KEY=str(file))

    assert (content, kind) == (plain(settings.jwt_key), settings.jwt_key_kind)


def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, with_variables: MakeSettings) -> None:
    """
    Its content is never taken for a shared secret.
    """
    file = tmp_path / "key"
    file.write_text("hunter2")

    with pytest.raises(ConfigurationError, match="neither PEM nor a JWKS"):
        with_variables(OTEL_KIT_JWT_KEY=str(file))


def test_a_file_that_is_too_large_is_said_to_be(tmp_path: Path, with_variables: MakeSettings) -> None:
    """
    And not read in part, which would be no key.
    """
    file = tmp_path / "key"
    file.write_text(f"{PUBLIC_KEY}\n{' ' * 1024 * 1024}")

    with pytest.raises(ConfigurationError, match="the file is larger than 1 MiB"):
        with_variables(OTEL_KIT_JWT_KEY=str(file))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, ()),
        ("secret", ("HS256",)),
        (PUBLIC_KEY, ("RS256", "ES256", "EdDSA")),
        (KEY_SET, ("RS256", "ES256", "EdDSA")),
    ],
)
def test_algorithms_go_with_the_kind_of_key(
    key: str | None, expected: tuple[str, ...], with_variables: MakeSettings
) -> None:
    """
    Unless they are given.
    """
    with_variables()

    assert expected == Settings(jwt_key=key).accepted_jwt_algorithms


@pytest.mark.parametrize(("key", "algorithm"), [(PUBLIC_KEY, "HS256"), (KEY_SET, "HS512"), ("secret", "RS256")])
def test_algorithms_of_the_other_kind_are_refused(key: str, algorithm: str, with_variables: MakeSettings) -> None:
    """
    A public key used as a shared secret would let anybody sign.
    """
    with_variables()

    with pytest.raises(ConfigurationError, match=r"^OTEL_KIT_JWT_ALGORITHMS"):
        Settings(jwt_key=key, jwt_algorithms=algorithm)


@pytest.mark.parametrize(
    ("level", "number"),
    [("TRACE", 5), ("DEBUG", 10), ("INFO", 20), ("WARNING", 30), ("ERROR", 40), ("CRITICAL", 50)],
)
def test_level_numbers(level: str, number: int, with_variables: MakeSettings) -> None:
    """
    As `logging` counts.
    """
    with_variables()

    assert number == Settings(log_level=level).log_level_number


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("OTEL_KIT_MAX_BODY_BITES", "OTEL_KIT_MAX_BODY_BYTES"),
        ("OTEL_KIT_METRIC_TOKEN", "OTEL_KIT_METRICS_TOKEN"),
        ("OTEL_KIT_COLECTOR_FILES", "OTEL_KIT_COLLECTOR_FILES"),
        ("OTEL_KIT_TRUST_PROXIES", "OTEL_KIT_TRUSTED_PROXIES"),
        ("OTEL_KIT_LOG_LEVEL", "LOG_LEVEL"),
    ],
)
def test_an_unknown_variable_is_named_with_the_nearest(name: str, nearest: str) -> None:
    """
    Its value is not shown: it may be a misspelled secret.
    """
    findings = unknown_variables({name: "hunter2"}, env_file=None)

    assert [(name, f"the nearest known name is {nearest}")] == [(found.variable, found.remedy) for found in findings]
    assert "hunter2" not in str(findings[0])


@pytest.mark.parametrize("name", ["OTEL_KIT_", "OTEL_KIT_QQQ", "OTEL_KIT_XYZZY", "OTEL_KIT_FOO"])
def test_a_name_like_no_other_is_unknown_all_the_same(name: str) -> None:
    """
    Even the bare prefix; where no known name is near none is suggested.
    """
    (finding,) = unknown_variables({name: "1"}, env_file=None)

    assert (name, "unset it; `otel-kit doctor --all` lists the names that are read") == (
        finding.variable,
        finding.remedy,
    )


def test_an_unknown_variable_in_the_env_file_is_found_too(tmp_path: Path) -> None:
    """
    Wherever it was written.
    """
    file = tmp_path / ".env"
    file.write_text("OTEL_KIT_ENGIN=kit\nOTEL_KIT_ENGINE=kit\n")

    assert ["OTEL_KIT_ENGIN"] == [finding.variable for finding in unknown_variables({}, env_file=file)]


@pytest.mark.parametrize(
    "name",
    [
        *DEFAULTS,
        "OTEL_KIT_COLLECTOR_BINARY",
        "OTEL_KIT_COLLECTOR_TLS_CLIENT_CA",
        "OTEL_KIT_FILE_DIR",
        "OTEL_KIT_GRPC_PORT",
        "OTEL_KIT_QUEUE_DIR",
        "OTEL_SERVICE_NAME",
        "OTEL_KITCHEN",
    ],
)
def test_known_and_foreign_names_are_no_findings(name: str) -> None:
    """
    The kit's, the Collector's, and whatever only looks alike.
    """
    assert [] == unknown_variables({name: "1"}, env_file=None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_KIT_SERVICE_HOST", "10.0.0.1"),
        ("OTEL_KIT_COLLECTOR_SERVICE_PORT_OTLP", "4318"),
        ("OTEL_KIT_COLLECTOR_PORT", "tcp://10.0.0.1:4318"),
        ("OTEL_KIT_PORT_4318_TCP_ADDR", "10.0.0.1"),
    ],
)
def test_variables_that_kubernetes_makes_are_no_findings(name: str, value: str) -> None:
    """
    For each service of the namespace, whatever its name.
    """
    assert [] == unknown_variables({name: value}, env_file=None)


def test_the_reference_has_a_complete_row_for_each_variable() -> None:
    """
    Documented and `OTEL_KIT_*` first, each with a meaning and a form.
    """
    rows = settings_reference()

    assert list(DEFAULTS) == [row.variable for row in rows[: len(DEFAULTS)]]
    assert len(rows) == len({row.variable for row in rows})
    assert [] == [row for row in rows if not row.meaning.endswith(".") or not row.type]


@pytest.mark.parametrize(
    ("variable", "default"),
    [
        ("LOG_LEVEL", "INFO"),
        ("CORS_ORIGINS", ""),
        ("RATELIMIT_ENABLED", "true"),
        ("ENABLE_JSON_LOGGING", "true, but false on a terminal"),
        ("OTEL_KIT_RATELIMIT_STORAGE_URL", "memory://"),
        ("OTEL_KIT_SHUTDOWN_TIMEOUT", "5"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1000"),
    ],
)
def test_the_reference_shows_defaults_as_they_are_written(variable: str, default: str) -> None:
    """
    The way a user would type them.
    """
    assert {variable: default} == {
        row.variable: row.default for row in settings_reference() if row.variable == variable
    }


def test_every_profile_that_is_named_can_be_loaded() -> None:
    """
    The names that the settings accept, and show in their remedy, are those that exist.
    """
    from otel_kit.profiles import load_profile
    from otel_kit.settings.formats import PROFILE_NAMES

    assert list(PROFILE_NAMES) == [load_profile(name).name for name in PROFILE_NAMES]
