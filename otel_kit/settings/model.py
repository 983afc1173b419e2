"""
The kit's settings: documented names and `OTEL_KIT_*`, parsed here and nowhere else.

Owns names, defaults and meanings of all of them. Knows nothing of the specification's
`OTEL_*`, where a bad value is a warning: here it stops the start with one line.

The docstrings under the fields are read by `settings_reference`, when somebody asks:
pydantic's `use_attribute_docstrings` would take 26 ms of every start for them.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from otel_kit.environment import ENV_FILE
from otel_kit.settings import formats, jwt
from otel_kit.settings.failure import configuration_error, unreadable_env_file
from otel_kit.settings.source import VariablesSource, field_of_variable

__all__ = ["LOG_LEVEL_NUMBERS", "LogLevel", "Settings"]

LogLevel = Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LOG_LEVEL_NUMBERS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}

SHORT_TEXT = "one line of at most 200 characters"
OneLine = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


def _variable(name: str, default: object, form: str, secret: bool = False, shown_default: str | None = None) -> Any:
    # the name stands beside the field instead of being its alias, so that Python callers use the field's own name
    details: dict[str, Any] = {"variable": name, "form": form, "secret": secret, "shown_default": shown_default}
    return Field(default, json_schema_extra=details)


def _secret(parse: Any) -> AfterValidator:
    return AfterValidator(lambda value: SecretStr(parse(value.get_secret_value().strip())))


class Settings(BaseSettings):
    """
    Every documented and `OTEL_KIT_*` setting.

    `Settings()` reads the process environment, then `.env` in the current directory for what is
    not set there; `Settings(log_level="DEBUG")` sets a field whatever they say. Empty and blank
    values count as unset.

    Raises:
        ConfigurationError: A value can't be used, or a field has no such name. One line, secrets masked.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        case_sensitive=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    log_level: Annotated[LogLevel, BeforeValidator(formats.parse_level)] = _variable(
        "LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING, ERROR or CRITICAL; also trace, warn and fatal"
    )
    """Least severe level that is logged."""

    cors_origins: Annotated[tuple[str, ...], BeforeValidator(formats.parse_origins)] = _variable(
        "CORS_ORIGINS", (), "origins like https://example.com, comma-separated"
    )
    """Origins whose browsers may read answers; none when empty."""

    ratelimit_enabled: bool = _variable("RATELIMIT_ENABLED", True, "true or false")
    """Whether requests beyond a limit are refused."""

    enable_json_logging: bool | None = _variable(
        "ENABLE_JSON_LOGGING", None, "true or false", shown_default="true, but false on a terminal"
    )
    """JSON lines, or the layout for people. None decides by whether the output is a terminal."""

    environment: OneLine = _variable("ENVIRONMENT", "development", SHORT_TEXT)
    """Where the service runs: a resource attribute and a log field."""

    app_version: OneLine = _variable("APP_VERSION", "0.0.0", SHORT_TEXT)
    """The service's version: a resource attribute and a log field."""

    hostname: OneLine = _variable("HOSTNAME", "unknown", SHORT_TEXT)
    """The machine's or container's name: a resource attribute and a log field."""

    sentry_dsn: Annotated[SecretStr, _secret(formats.parse_dsn)] | None = _variable(
        "SENTRY_DSN", None, "https://key@host/number", secret=True
    )
    """Sentry's address of a project; off when empty."""

    profile: Annotated[str, AfterValidator(formats.parse_profile)] = _variable(
        "OTEL_KIT_PROFILE", formats.PROFILE_NAMES[0], f"{', '.join(formats.PROFILE_NAMES)}, or module:attribute"
    )
    """The documented system to be: a name, or where to import a profile of the user's own."""

    health_degraded_status: Annotated[Literal[200, 503], BeforeValidator(formats.parse_status)] = _variable(
        "OTEL_KIT_HEALTH_DEGRADED_STATUS", 503, "200 or 503"
    )
    """HTTP status of a degraded service, where the profile documents both."""

    ratelimit_storage_url: Annotated[SecretStr, _secret(formats.parse_storage_url)] = _variable(
        "OTEL_KIT_RATELIMIT_STORAGE_URL",
        SecretStr("memory://"),
        "memory:// or redis://user:password@host:6379/0",
        secret=True,
        shown_default="memory://",
    )
    """Where limits are counted: in each process alone, or in one Redis for all."""

    trusted_proxies: Annotated[tuple[formats.Network, ...], BeforeValidator(formats.parse_networks)] = _variable(
        "OTEL_KIT_TRUSTED_PROXIES", (), "addresses or networks like 10.0.0.0/8, comma-separated"
    )
    """Direct peers whose `X-Forwarded-For` and `Forwarded` count."""

    metrics_token: Annotated[SecretStr, _secret(formats.parse_token)] | None = _variable(
        "OTEL_KIT_METRICS_TOKEN", None, "visible ASCII characters", secret=True
    )
    """Bearer token that opens `/metrics` to anyone; private and loopback peers need none."""

    api_keys: Annotated[tuple[formats.ApiKey, ...], BeforeValidator(formats.parse_api_keys)] = _variable(
        "OTEL_KIT_API_KEYS", (), "name:tier:sha256-hex-of-key, comma-separated", secret=True
    )
    """Accepted API keys, by digest."""

    jwt_key: Annotated[SecretStr, _secret(jwt.parse_jwt_key)] | None = _variable(
        "OTEL_KIT_JWT_KEY", None, "a secret, a PEM, or the path of a PEM or JWKS file", secret=True
    )
    """Checks bearer tokens. Holds the key's content: a file named here has been read."""

    jwt_algorithms: tuple[str, ...] = _variable(
        "OTEL_KIT_JWT_ALGORITHMS",
        (),
        "algorithms like RS256, comma-separated",
        shown_default="HS256 for a secret; RS256,ES256,EdDSA for a PEM or JWKS",
    )
    """Accepted signatures; empty means those of `accepted_jwt_algorithms`."""

    max_body_bytes: Annotated[int, Field(ge=1)] = _variable(
        "OTEL_KIT_MAX_BODY_BYTES", 10 * 1024 * 1024, "a whole number of bytes, 1 or more"
    )
    """Largest request body, in bytes."""

    max_in_flight: Annotated[int, Field(ge=1)] | None = _variable(
        "OTEL_KIT_MAX_IN_FLIGHT", None, "a whole number of requests, 1 or more"
    )
    """Requests that may be answered at once in one process; further ones get 503. None: no such cap."""

    drain_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = _variable(
        "OTEL_KIT_DRAIN_SECONDS", 0.0, "seconds from 0 to 3600"
    )
    """How long readiness is refused after SIGTERM before the server is told to stop accepting, in seconds."""

    check_timeout_seconds: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = _variable(
        "OTEL_KIT_CHECK_TIMEOUT", 2.0, "seconds above 0, at most 60"
    )
    """Time that a health check may take where it names none of its own, in seconds."""

    check_interval_seconds: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)] = _variable(
        "OTEL_KIT_CHECK_INTERVAL", 15.0, "seconds from 1 to 3600"
    )
    """How often health checks run while nobody asks, in seconds."""

    trust_traceparent: Annotated[
        Literal["private", "all", "none"] | tuple[formats.Network, ...], BeforeValidator(formats.parse_trust)
    ] = _variable("OTEL_KIT_TRUST_TRACEPARENT", "private", "private, all, none, or networks, comma-separated")
    """
    Direct peers whose trace is joined; others' is linked. `private` takes in loopback, and wants the same of the
    client of a listed proxy.
    """

    engine: Annotated[Literal["kit", "contrib"], BeforeValidator(formats.lower)] = _variable(
        "OTEL_KIT_ENGINE", "kit", "kit or contrib"
    )
    """Who makes the server span: the kit, or `opentelemetry-instrumentation-fastapi`."""

    shutdown_timeout_seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = _variable(
        "OTEL_KIT_SHUTDOWN_TIMEOUT", 5.0, "seconds above 0, at most 3600"
    )
    """Time to flush and stop, in seconds, for everything together."""

    gc_freeze: bool = _variable("OTEL_KIT_GC_FREEZE", True, "true or false")
    """Whether what is alive once the application has started is left alone by the garbage collector."""

    def __init__(self, **values: Any) -> None:
        cls = type(self)
        try:
            super().__init__(**{field_of_variable(cls, name): value for name, value in values.items()})
        except ValidationError as error:
            # its own text is many lines and knows fields, not variables
            raise configuration_error(cls, error) from None
        except (OSError, UnicodeError) as error:
            raise unreadable_env_file(values.get("_env_file", ENV_FILE), error) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """
        Python arguments, then the process environment, then `.env`, without pydantic's reading of JSON.
        """
        file = dotenv_settings.env_vars if isinstance(dotenv_settings, DotEnvSettingsSource) else {}
        return init_settings, VariablesSource(settings_cls, os.environ), VariablesSource(settings_cls, file)

    @field_validator("*", mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        return value.strip() or cls.model_fields[info.field_name or ""].default

    @field_validator("jwt_algorithms", mode="before")
    @classmethod
    def _fit_algorithms_to_key(cls, value: object, info: ValidationInfo) -> tuple[str, ...]:
        key = info.data.get("jwt_key")
        return jwt.parse_algorithms(value, jwt.jwt_key_kind(key.get_secret_value()) if key else None)

    @property
    def log_level_number(self) -> int:
        """
        `log_level` as `logging` counts; TRACE is 5.
        """
        return LOG_LEVEL_NUMBERS[self.log_level]

    @property
    def jwt_key_kind(self) -> jwt.JwtKeyKind | None:
        """
        What `jwt_key` is; None without one.
        """
        return None if self.jwt_key is None else jwt.jwt_key_kind(self.jwt_key.get_secret_value())

    @property
    def accepted_jwt_algorithms(self) -> tuple[str, ...]:
        """
        `jwt_algorithms`, or those that go with the kind of key; empty without a key.
        """
        kind = self.jwt_key_kind
        return () if kind is None else self.jwt_algorithms or jwt.DEFAULT_ALGORITHMS[kind]
