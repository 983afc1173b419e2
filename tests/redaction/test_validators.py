"""
Checksums and other judgements.
"""

from __future__ import annotations

import pytest

from otel_kit.redaction import validators


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111", "4012 8888 8888 1881", "5555555555554444", "2223003122003222", "378282246310005",
        "6011111111111117", "3530111333300000", "30569309025904", "6200000000000005", "4000056655665556",
    ],
)  # fmt: skip
def test_knows_cards(number: str) -> None:
    """
    Issuers' published test numbers are cards.
    """
    assert validators.is_card(number)


@pytest.mark.parametrize(
    "number", ["4111111111111112", "1234567812345670", "411111111111111", "0000000000000000", "9111111111111111"]
)
def test_knows_what_is_no_card(number: str) -> None:
    """
    A wrong check digit, an unknown issuer or a wrong length makes a number.
    """
    assert not validators.is_card(number)


@pytest.mark.parametrize(
    "number",
    ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "NO9386011117947", "FR14+2004+1010+0505+0001+3M02+606"],
)
def test_knows_ibans(number: str) -> None:
    """
    The registry's examples pass, with blanks or without.
    """
    assert validators.is_iban(number)


@pytest.mark.parametrize("number", ["DE89370400440532013001", "DE8937040044053201300", "XX89370400440532013000"])
def test_knows_what_is_no_iban(number: str) -> None:
    """
    Wrong check digits, a wrong length and an unknown country fail.
    """
    assert not validators.is_iban(number)


@pytest.mark.parametrize("number", ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000"])
def test_knows_ranges_that_were_never_issued(number: str) -> None:
    """
    Numbers outside the issued ranges are none.
    """
    assert not validators.is_social_security_number(number)


@pytest.mark.parametrize(
    ("encoded", "expected"), [("YWxpY2U6cHc=", True), ("YWxpY2U6cHc", True), ("authentication", False)]
)
def test_opens_basic_credentials(encoded: str, expected: bool) -> None:
    """
    Name and password with a colon between them are a credential, also when cut; a word is none.
    """
    assert expected is validators.is_basic_credential(encoded)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("authentication", False),
        ("abc123", True),
        ("abcdefghIJKLmnop", True),
        ("a" * 24, True),
        ("AUTHENTICATIONISNEEDED", False),
    ],
)
def test_tells_bearer_tokens_from_words(token: str, expected: bool) -> None:
    """
    A digit, mixed case or length makes a token.
    """
    assert expected is validators.is_bearer_token(token)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", True),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", False),
        ("ComExamplePaymentsInternalProcessorFact0", False),
        ("a1" * 20, False),
    ],
)
def test_tells_cloud_secrets_from_digests_and_names(text: str, expected: bool) -> None:
    """
    Only what changes between kinds of characters often enough is random.
    """
    assert expected is validators.is_cloud_secret(text)


def test_tells_hosts_from_files() -> None:
    """
    A file or a unit behind an `@` is no host.
    """
    assert validators.is_mail_host("example.co.uk")
    assert not validators.is_mail_host("2x.png")
    assert not validators.is_mail_host("tty1.service")
