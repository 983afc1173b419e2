"""
E-mail addresses and phone numbers in the fields of events.
"""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_kit.redaction import MASK, Policy
from otel_kit.redaction.personal import mask_email, mask_of, mask_personal, mask_phone

POLICY = Policy()

names = st.text(string.ascii_letters + string.digits + "._%+-", min_size=2, max_size=40).filter(
    lambda name: name not in ("git", MASK)
)
hosts = st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,10}){0,2}\.(com|de|example)", fullmatch=True)
words = st.text(string.ascii_letters + string.digits + " ,;:()<>\"'", max_size=30)
phones = st.from_regex(r"\+[1-9][0-9]{1,2}[ -]?[0-9]{3}[ -]?[0-9]{4,6}", fullmatch=True)
ids = st.one_of(
    st.uuids().map(str),
    st.integers(0, 10**12).map(str),
    st.from_regex(r"(user|usr|auth0\||tenant)[-_]?[A-Za-z0-9]{1,16}", fullmatch=True),
)


@pytest.mark.parametrize(
    ("field", "text", "masked"),
    [
        ("email", "alice@example.com", "a***@example.com"),
        ("email", "a@example.com", "a***@example.com"),
        ("user_email", "alice@localhost", "a***@localhost"),
        ("e_mail", "Alice.Smith+tag@mail.example.co.uk", "A***@mail.example.co.uk"),
        ("emailAddress", "not an address", "n***"),
        ("email", "Alice <alice@example.com>", "A***"),
        ("email", "jürgen@müller.de", "j***@müller.de"),
        ("email", "", ""),
        ("email", "@", "***"),
        ("email", "x@y z=secret", "x***"),
        ("email", "alice%40example.com", "a***"),
        ("userId", "alice@example.com", "a***@example.com"),
        ("user_id", "müller@exämple.de", "m***@exämple.de"),
        ("reason", "no such user: bob@example.com, try again", "no such user: b***@example.com, try again"),
        ("reason", "a@x.com,b@y.com;c@z.org", "a***@x.com,b***@y.com;c***@z.org"),
        ("phone", "0151 2345678", "***78"),
        ("phone_number", "112", "***"),
        ("mobile", "ask the porter", "***"),
        ("userId", "+49 151 2345678", "***78"),
        ("userId", "+1-555-123-4567", "***67"),
        ("userId", "555-123-4567", "***67"),
        ("userId", "(555) 123-4567", "***67"),
        ("userId", "1.555.123.4567", "***67"),
        ("reason", "called from +4915123456789 twice", "called from ***89 twice"),
        ("reason", "called+from+200-200-0000+twice", "called+from+***00+twice"),
        ("userId", "user123", "user123"),
        ("userId", "auth0|5f7c8ec7c33c6c004bbafe82", "auth0|5f7c8ec7c33c6c004bbafe82"),
        ("userId", "4915112345678", "4915112345678"),
        ("tenantId", "550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
        ("address", "203.0.113.7", "203.0.113.7"),
        ("address", "192.168.100.200", "192.168.100.200"),
        ("before", "2025-12-02", "2025-12-02"),
        ("address", "2001:db8::1", "2001:db8::1"),
        ("email_provider", "google", "google"),
        ("table", "public.users", "public.users"),
    ],
)
def test_what_a_field_becomes(field: str, text: str, masked: str) -> None:
    """
    By its name, and by what stands in it.
    """
    assert masked == mask_of(field)(text)


@given(name=names, host=hosts, before=words, after=words)
def test_no_address_is_left_in_a_text(name: str, host: str, before: str, after: str) -> None:
    """
    The policy finds nothing more behind the mask, and leaves the mask as it is.
    """
    masked = mask_personal(f"{before} {name}@{host} {after}")

    assert f"***@{host}" in masked
    assert f"{name}@" not in masked
    assert MASK not in POLICY.text(f"{name[0]}***@{host}")


@given(text=st.one_of(st.text(max_size=256), words.map(lambda one: f"{one}@{one}.com")))
def test_masking_twice_changes_nothing(text: str) -> None:
    """
    A masked text holds no address and no number.
    """
    once = mask_personal(text)

    assert once == mask_personal(once)


@given(name=st.text(min_size=2, max_size=60), host=st.text(max_size=60))
def test_a_field_of_that_name_never_shows_more_than_one_letter(name: str, host: str) -> None:
    """
    Whatever stands before the last @.
    """
    masked = mask_email(f"{name}@{host}")

    assert masked.partition("***")[0] in ("", name[0])


@given(number=phones)
def test_a_number_keeps_two_digits(number: str) -> None:
    """
    Enough to tell two callers apart, too little to call either. The plus stays where the rest is a number without
    it (`+200-200-0000`): in a form it is a blank.
    """
    assert f"***{number[-2:]}" == mask_personal(number).removeprefix("+") == mask_phone(number)


@given(value=ids)
def test_an_id_passes_as_given(value: str) -> None:
    """
    As long as it is neither an address nor a number to call.
    """
    assert value == mask_personal(value)


@given(text=st.text(string.ascii_lowercase + "@.+-0123456789 ", max_size=256))
def test_what_is_left_holds_no_address(text: str) -> None:
    """
    By a plain pattern of what an address is.
    """
    masked = mask_personal(text)

    assert [] == re.findall(r"[a-z0-9.+-]@(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]+", masked)
