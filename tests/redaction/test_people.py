"""
Ids that pass as given, numbers to call by the name of their field, addresses of any alphabet.
"""

from __future__ import annotations

import pytest

from otel_kit.redaction import MASK, Policy

CARD_LIKE = "4111111111111111"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

policy = Policy()


@pytest.mark.parametrize("key", ["user_id", "userId", "tenantId", "tenant_id", "owner_id", "request_id"])
@pytest.mark.parametrize("value", [CARD_LIKE, int(CARD_LIKE), "6200000000000000005", f"auth0|{CARD_LIKE}"])
def test_an_id_may_look_like_a_card(key: str, value: object) -> None:
    """
    As text and as a number.
    """
    attributes = {key: value}

    assert attributes is policy.mapping(attributes)


def test_a_number_is_a_card_again_under_another_name() -> None:
    """
    What passed as an id is not remembered as clean.
    """
    own = Policy()
    own.mapping({"user_id": CARD_LIKE, "other": "x@example.com"})

    assert {"note": MASK} == own.mapping({"note": CARD_LIKE})


@pytest.mark.parametrize("value", ["4111 1111 1111 1111", "jo@example.com", "+49 151 2345678", JWT])
def test_an_id_that_is_something_else_is_masked(value: str) -> None:
    """
    A written card, an address, a number to call, a token.
    """
    assert {"user_id": MASK} == policy.mapping({"user_id": value})


def test_ids_of_an_event_pass_whatever_they_are_ids_of() -> None:
    """
    Where the caller of the policy says so.
    """
    fields = {"session_id": "sess-1", "token_id": "t9", "api_key_id": "ak_5", "tenantId": CARD_LIKE}

    assert fields is policy.mapping(fields, ids=True)


@pytest.mark.parametrize("value", [JWT, "sk-abcdefghijklmnop1234567890", "AKIAIOSFODNN7EXAMPLE"])
def test_a_token_is_no_id_of_an_event(value: str) -> None:
    """
    A known format of credentials goes, whatever its name.
    """
    assert {"session_id": MASK} == policy.mapping({"session_id": value}, ids=True)


def test_the_users_names_hold_for_events_too() -> None:
    """
    An id that the user calls secret.
    """
    assert {"session_id": MASK} == Policy(["session_id"]).mapping({"session_id": "sess-1"}, ids=True)


@pytest.mark.parametrize("key", ["phone", "phone_number", "mobileNumber", "tel", "fax", "msisdn"])
@pytest.mark.parametrize("value", ["0170 1234567", "01701234567", 1701234567, "+49 (0)170 123 45 67"])
def test_a_number_to_call_keeps_two_digits(key: str, value: object) -> None:
    """
    As in security events; once masked it stays as it is.
    """
    masked = policy.mapping({key: value})

    assert {key: "***67"} == masked
    assert masked is policy.mapping(masked)


def test_lists_of_numbers_to_call_are_masked() -> None:
    """
    Each of them, also deeper down.
    """
    assert {"user": {"phones": ["***67", "***89"]}} == policy.mapping(
        {"user": {"phones": ["0170 1234567", "030 123456789"]}}
    )


def test_a_text_that_was_clean_elsewhere_is_masked_as_a_number_to_call() -> None:
    """
    Bare digits are no secret without that name.
    """
    own = Policy()
    own.mapping({"order": "0170 1234567"})

    assert {"phone": "***67"} == own.mapping({"phone": "0170 1234567"})


@pytest.mark.parametrize(
    "attributes",
    [{"mobile": True}, {"mobile": "?0"}, {"phone": "iPhone 12"}, {"tel": "112"}, {"phones": 1500}, {"phone": None}],
)
def test_what_is_no_number_to_call_stays(attributes: dict[str, object]) -> None:
    """
    A model, a flag, a count, an emergency number.
    """
    assert attributes is policy.mapping(attributes)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("phone=0170 1234567 ok", "phone=REDACTED ok"),
        ("/users?phone=01701234567&page=2", "/users?phone=REDACTED&page=2"),
        ('{"phone": "0170 1234567", "a": 1}', '{"phone": "REDACTED", "a": 1}'),
        ('{"phone": 1701234567}', '{"phone": "REDACTED"}'),
        ("mobile=true", "mobile=true"),
        ("tel: 112", "tel: 112"),
        ("phone: required", "phone: required"),
        ("hotel=1234567", "hotel=1234567"),
    ],
)
def test_numbers_to_call_in_a_text(text: str, masked: str) -> None:
    """
    Where the text names them.
    """
    assert masked == policy.text(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("an müller@exämple.de, bitte", "an REDACTED, bitte"),
        ("müller@example.de", "REDACTED"),
        ("jo@exämple.de", "REDACTED"),
        ("mu\u0308ller@exa\u0308mple.de", "REDACTED"),
        ("иван@почта.рф", "REDACTED"),
        ("用户@例子.公司", "REDACTED"),
        ("请联系jo@example.com谢谢", "请联系REDACTED谢谢"),
        ("“jo@example.com”", "“REDACTED”"),
        ("größe@2x.png", "größe@2x.png"),
        ("@müller grüßt", "@müller grüßt"),
        ("Zürich @ 12.30 Uhr", "Zürich @ 12.30 Uhr"),
    ],
)
def test_addresses_of_any_alphabet(text: str, masked: str) -> None:
    """
    Letters beyond ASCII before and behind the @; masking twice changes nothing.
    """
    assert masked == policy.text(text)
    assert masked == policy.text(masked)
