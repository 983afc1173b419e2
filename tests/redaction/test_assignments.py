"""
Secrets by the name beside them.
"""

from __future__ import annotations

import json

import pytest

from otel_kit.redaction import MASK, Policy
from tests.redaction.samples import NAMED, PASSWORD, plain

policy = Policy()


@pytest.mark.parametrize("form", NAMED)
def test_masks_a_password_in_each_form(form: str) -> None:
    """
    A plain password is masked wherever a name gives it away.
    """
    cleaned = policy.text(NAMED[form])

    assert MASK in cleaned
    assert PASSWORD not in plain(cleaned)


@pytest.mark.parametrize("form", NAMED)
def test_masking_twice_changes_nothing(form: str) -> None:
    """
    A text that was masked once comes back unchanged.
    """
    once = policy.text(NAMED[form])

    assert once == policy.text(once)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=a user=bob", "password=REDACTED user=bob"),
        ("/x?token=abc&page=2#top", "/x?token=REDACTED&page=2#top"),
        ('{"token": "a b", "n": 1}', '{"token": "REDACTED", "n": 1}'),
        ('{"pin": 1234, "n": 1}', '{"pin": "REDACTED", "n": 1}'),
        ('{"tokens": 12, "secrets": ["a"]}', '{"tokens": 12, "secrets": "REDACTED"}'),
        ("Cookie: a=b; c=d\nHost: shop", "Cookie: REDACTED\nHost: shop"),
        ("cookie=a=b; c=d method=GET", "cookie=REDACTED method=GET"),
        ("<Password>a b</Password>", "<Password>REDACTED</Password>"),
        ("login(password='it', user='bob')", "login(password='REDACTED', user='bob')"),
        ("Server=db;Pwd=x;Encrypt=1", "Server=db;Pwd=REDACTED;Encrypt=1"),
        ("token = (\nnext line", "token = REDACTED\nnext line"),
        ("password: hunter. Next", "password: REDACTED Next"),
        ("next token: EOF", "next token: EOF"),
        (
            'Authorization: Digest username="a b", uri="/x", response="6f"\nHost: shop',
            "Authorization: REDACTED\nHost: shop",
        ),
        (
            "{'line': 'Authorization: Digest nc=1, response=\"6f\"', 'n': 1}",
            "{'line': 'Authorization: REDACTED', 'n': 1}",
        ),
        ('"Authorization: Digest nc=1, response=\\"6f\\"", next', '"Authorization: REDACTED", next'),
        ('Authorization:+Digest+username="a+b",+response="6f"', "Authorization:REDACTED"),
        ("{&quot;password&quot;: &quot;x&quot;, &quot;n&quot;: 1}", '{"password": "REDACTED", "n": 1}'),
    ],
)
def test_masks_the_value_and_nothing_else(text: str, expected: str) -> None:
    """
    Only the value goes; quotes, separators and neighbours stay.
    """
    assert expected == policy.text(text)


def test_json_stays_json() -> None:
    """
    A document that was JSON can still be parsed when numbers and lists were masked.
    """
    cleaned = policy.text(json.dumps({"pin": 1234, "secrets": ["a", {"b": "c"}], "n": 1}))

    assert {"pin": MASK, "secrets": MASK, "n": 1} == json.loads(cleaned)


def test_nested_json_stays_json() -> None:
    """
    The same holds inside a string of a document.
    """
    cleaned = policy.text(json.dumps({"body": json.dumps({"pin": 1234, "token": 'a"b'})}))

    assert {"pin": MASK, "token": MASK} == json.loads(json.loads(cleaned)["body"])


@pytest.mark.parametrize("name", ["code", "key", "sig", "pass", "pw", "policy", "ticket"])
def test_query_names_count_in_a_query(name: str) -> None:
    """
    Names that are harmless elsewhere are secret behind a question mark, an ampersand, or in a query.
    """
    assert f"/x?{name}=REDACTED" == policy.text(f"/x?{name}=abcdef")
    assert f"/x?a=1&{name}=REDACTED" == policy.text(f"/x?a=1&{name}=abcdef")
    assert f"{name}=REDACTED&a=1" == policy.query(f"{name}=abcdef&a=1")


@pytest.mark.parametrize("name", ["code", "key", "policy"])
def test_query_names_do_not_count_elsewhere(name: str) -> None:
    """
    The same names in a sentence, or with a short value, are left alone.
    """
    for text in (f"{name}=abcdef", f"/x?{name}=404"):
        assert text is policy.text(text)


def test_covers_the_parameters_of_signed_urls() -> None:
    """
    Of the twelve names that carry secrets in URLs no value is left, and other parameters stay.
    """
    names = (
        *("token", "access_token", "api_key", "code", "password", "sig", "Signature", "AWSAccessKeyId"),
        *("X-Goog-Signature", "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token"),
    )
    query = "&".join(f"{name}=s3cr3tvalue" for name in names)

    cleaned = policy.query(f"page=2&{query}&X-Amz-Date=20250101")

    assert "s3cr3tvalue" not in cleaned
    assert cleaned.startswith("page=2&")
    assert cleaned.endswith("&X-Amz-Date=20250101")


def test_an_element_needs_its_bracket() -> None:
    """
    A name before `>` counts as an element's only behind `<`, with or without a namespace.
    """
    assert "<a:token>REDACTED</a:token>" == policy.text("<a:token>x</a:token>")
    assert "digest:token>,<b>" == policy.text("digest:token>,<b>")
