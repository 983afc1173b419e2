"""
Which names make their value a secret.
"""

from __future__ import annotations

import pytest

from otel_kit.redaction.keys import CACHED_KEYS, PHONE, KeyNames

SECRET = (
    "password", "db_password", "DB_PASSWORD", "dbPassword", "user.password", "passwd", "pwd", "passphrase",
    "client_secret", "clientSecret", "secretKey", "api_key", "apiKey", "APIKey", "x-api-key", "X-API-Key",
    "apikey", "private_key",
    "aws_secret_access_key", "aws_access_key_id", "AWSAccessKeyId", "AccountKey", "SharedAccessKey", "access_token",
    "id_token", "csrftoken", "authorization", "Proxy-Authorization", "http.request.header.authorization",
    "http.request.header.x-api-key", "http.request.header.cookie", "http.response.header.set-cookie", "session",
    "session_id", "JSESSIONID", "connect.sid", "auth", "oauth2", "X-Amz-Signature", "stripe.signature", "dsn",
    "SENTRY_DSN", "cvv", "cvv2", "otp", "pin", "ssn", "card_number", "cardNumber", "connectionString", "password1",
    "user_session_id", "sessionId", "aws.access_key.id",
    "credentials", "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44", "pass%77ord", "userpassword",
)  # fmt: skip
PLAIN = (
    "gen_ai.usage.input_tokens", "max_tokens", "token_type", "token_count", "tokens", "author", "authors", "passenger",
    "compass", "session.duration", "cookie_policy", "primary_key", "public_key", "foreign_key", "cache_key", "key",
    "code", "secret_name", "has_password", "password_length", "token_expires_in", "monkey", "keyboard", "tokenizer",
    "signature_algorithm", "authentication", "auth_method", "spin", "side", "sigma", "user_id", "http.route", "",
    "idempotency_key", "card_type", "account_id", "номер",
    "token_id", "tokenId", "api_key_id", "apiKeyId", "key_id", "signing_key_id", "chat_session_id", "chatSessionId",
    "phone", "mobile",
)  # fmt: skip


@pytest.mark.parametrize("key", SECRET)
def test_knows_secret_names(key: str) -> None:
    """
    The name makes its value a secret.
    """
    assert KeyNames().is_secret(key)


@pytest.mark.parametrize("key", PLAIN)
def test_lets_plain_names_pass(key: str) -> None:
    """
    The name says nothing about its value.
    """
    assert not KeyNames().is_secret(key)


@pytest.mark.parametrize("key", ["internal_ref", "internalRef", "Internal-Ref", "http.request.header.internal-ref"])
def test_takes_the_users_names_in_every_spelling(key: str) -> None:
    """
    A name of the user's own is found however it is written.
    """
    assert KeyNames(["internal_ref"]).is_secret(key)


def test_a_users_name_wins_over_a_neutral_ending() -> None:
    """
    A name that the user gives is secret even where its last word is a neutral one.
    """
    names = KeyNames(["token_count"])

    assert names.is_secret("llm.token_count")
    assert not names.is_secret("token_type")


def test_takes_names_that_are_not_latin() -> None:
    """
    A name without any Latin letter is compared as a whole.
    """
    assert KeyNames(["пароль"]).is_secret("Пароль")


@pytest.mark.parametrize(
    "key",
    ["phone", "phone_number", "phoneNumber", "customer.phone", "home_phone2", "mobile", "mobile_number", "mobileNumber",
     "telephone", "tel", "fax", "FAX", "msisdn", "phones", "phone_no"],
)  # fmt: skip
def test_knows_names_of_numbers_to_call(key: str) -> None:
    """
    What a number to call is usually called.
    """
    assert KeyNames().kind(key) & PHONE


@pytest.mark.parametrize(
    "key",
    ["phone_type", "phone_count", "phoneVerified", "mobile_app", "telemetry", "otel", "hotel", "number", "no",
     "is_mobile_device", "automobile", "faxes_sent", "headphone", "phone_model", "telescope"],
)  # fmt: skip
def test_other_names_are_none_of_numbers_to_call(key: str) -> None:
    """
    What tells about a phone, or only looks like one, is left alone.
    """
    assert not KeyNames().kind(key) & PHONE


@pytest.mark.parametrize("key", ["user_id", "userId", "tenantId", "tenant_id", "owner_id", "request_id", "session_id"])
def test_knows_names_of_ids(key: str) -> None:
    """
    A name of two words that ends in `id`.
    """
    assert KeyNames().is_identifier(key)


@pytest.mark.parametrize(
    "key", ["id", "paid", "grid", "user_ids", "card_id", "national_id", "taxId", "http.request.header.x-user-id"]
)
def test_other_names_are_none_of_ids(key: str) -> None:
    """
    Nor is the number of a person's card or file, which only is called an id.
    """
    assert not KeyNames().is_identifier(key)


def test_a_users_name_is_none_of_an_id() -> None:
    """
    What the user calls secret stays so.
    """
    assert not KeyNames(["session_id"]).is_identifier("session_id")


def test_remembers_a_bounded_number_of_names() -> None:
    """
    However many names come by, only some are kept, and no very long ones.
    """
    names = KeyNames()
    for number in range(3 * CACHED_KEYS):
        names.kind(f"name_{number}")
    names.kind("x" * 129)

    assert len(names.known) <= CACHED_KEYS
    assert max(map(len, names.known)) <= 128
