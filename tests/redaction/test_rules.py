"""
Secrets by shape, each in every spelling.
"""

from __future__ import annotations

import pytest

from otel_kit.redaction import MASK, Policy
from tests.redaction.samples import BENIGN, FORMS, SECRETS, plain

policy = Policy()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", SECRETS)
def test_masks_each_kind_in_each_form(kind: str, form: str) -> None:
    """
    A secret is masked however it is spelled, and nothing readable of it is left.
    """
    planted, secret = SECRETS[kind]

    cleaned = policy.text(FORMS[form](planted))

    assert MASK in cleaned
    assert secret not in plain(cleaned)


@pytest.mark.parametrize("kind", SECRETS)
def test_keeps_the_text_around(kind: str) -> None:
    """
    What stands before and behind a secret stays readable.
    """
    cleaned = policy.text(FORMS["sentence"](SECRETS[kind][0]))

    assert cleaned.startswith("user said ")
    assert cleaned.endswith(" and left")


@pytest.mark.parametrize("text", BENIGN)
def test_leaves_harmless_text_alone(text: str) -> None:
    """
    A harmless value comes back as the same object.
    """
    assert policy.text(text) is text


def test_masks_user_and_password_of_a_url_but_not_its_host() -> None:
    """
    Of a URL with credentials, host and path stay.
    """
    assert f"amqp://{MASK}:{MASK}@queue.example.com:5672/jobs" == policy.text("amqp://a:b@queue.example.com:5672/jobs")


def test_masks_half_a_private_key_to_the_end() -> None:
    """
    A private key whose end was cut off is masked to the end of the text.
    """
    assert f"key {MASK}" == policy.text("key -----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg")


@pytest.mark.parametrize("number", ["4111 1111 1111 1112", "4111-1111 1111-1111", "666-05-1120", "078-00-1120"])
def test_wants_check_digits_and_issued_ranges(number: str) -> None:
    """
    A number of the right shape that nobody can have issued is kept.
    """
    assert number is policy.text(number)


def test_stops_an_iban_where_its_country_does() -> None:
    """
    Capitals behind an IBAN are kept.
    """
    assert f"paid {MASK} EUR 3000" == policy.text("paid ES91 2100 0418 4502 0005 1332 EUR 3000")


def test_finds_an_iban_behind_something_that_only_looks_like_one() -> None:
    """
    A false start doesn't hide the IBAN that follows it.
    """
    assert f"XX12 {MASK}" == policy.text("XX12 DE89 3704 0044 0532 0130 00")


def test_masks_an_aws_secret_between_slashes() -> None:
    """
    In a path, forty characters between two slashes are judged on their own.
    """
    assert f"/items/{MASK}/edit" == policy.text("/items/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY/edit")


def test_keeps_a_user_name_in_a_url() -> None:
    """
    A short name without a password is no secret.
    """
    url = "ssh://deploy@build.example.com/srv"

    assert url is policy.text(url)


def test_overlapping_candidates_go_together() -> None:
    """
    Forty characters that end inside of a secret and look like one leave nothing of it behind.
    """
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

    assert "EXAMPLEKEY" not in policy.text(f"http://127.0.0.1:37601/items//items/{secret}?page=2")
