"""
What the Collector is given.
"""

from __future__ import annotations

import re

import pytest

from otel_kit.redaction.export import collector_patterns
from tests.redaction.samples import BENIGN, FORMS, NAMED, SECRETS

patterns = collector_patterns()
ALL = (*patterns.blocked_key_patterns, *patterns.blocked_values)
FORMS_OF_COLLECTOR = ("sentence", "path", "json", "json in json")
# What can't be said in the Collector's syntax, or only at the price of harmless values.
MISSED = {("aws secret", form) for form in FORMS_OF_COLLECTOR} | {
    (kind, "path") for kind in ("phone with brackets", "slack web hook", "telegram")
}


def python_form(pattern: str) -> re.Pattern[str]:
    r"""
    The pattern for Python's `re`, which knows `\z` since 3.14 only.
    """
    return re.compile(pattern.replace(r"\z", r"\Z"))


def masked(text: str) -> str:
    """
    `text` after the processor.
    """
    for pattern in map(python_form, patterns.blocked_values):
        text = pattern.sub("****", text)
    return text


@pytest.mark.parametrize("pattern", ALL)
def test_keeps_to_the_syntax_of_re2(pattern: str) -> None:
    """
    No look-around, no back-reference, no atomic group or possessive repeat, no count above a thousand, no dollar.
    """
    assert not re.search(r"\(\?(?:[=!>]|<[=!])", pattern)
    assert not re.search(r"\\[1-9]|\(\?P=", pattern)
    assert not re.search(r"[*+?}]\+", re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "x", pattern))
    assert not [count for count in re.findall(r"\{(\d+)", pattern) if int(count) > 1000]
    assert not re.search(r"\$|\\Z", pattern)


@pytest.mark.parametrize("pattern", ALL)
def test_matches_no_empty_text(pattern: str) -> None:
    """
    No pattern matches where nothing is.
    """
    assert not python_form(pattern).search("")


@pytest.mark.parametrize("form", FORMS_OF_COLLECTOR)
@pytest.mark.parametrize("kind", SECRETS)
def test_second_net_catches_what_its_syntax_can_say(kind: str, form: str) -> None:
    """
    Kind by kind the patterns mask the secret, except where it is written down here that they can't.
    """
    planted, _ = SECRETS[kind]
    text = FORMS[form](planted)

    assert ((kind, form) in MISSED) is (text == masked(text))


@pytest.mark.parametrize(
    "form", ["assigned", "json", "json in json", "repr", "query", "code", "cookie line", "account key"]
)
def test_second_net_catches_named_values(form: str) -> None:
    """
    The common ways to write a name and its value are masked.
    """
    assert NAMED[form] != masked(NAMED[form])


def test_few_harmless_values_are_lost() -> None:
    """
    Without stop words, file endings and Luhn a few harmless texts are masked, and no more than these.
    """
    lost = {text for text in BENIGN if text != masked(text)}

    assert {
        "password: must be at least 8 characters",
        "getty@tty1.service",
        "logo@2x.png",
        "has_password=true",
        "password=null",
        "git@github.com:org/repo.git",
        "def login(user: str, password: str) -> None:",
    } == lost


@pytest.mark.parametrize(
    "key", ["password", "http.request.header.authorization", "apiKey", "session", "AWSAccessKeyId", "sig"]
)
def test_blocks_secret_keys(key: str) -> None:
    """
    Names that the policy calls secret are blocked.
    """
    assert any(python_form(pattern).search(key) for pattern in patterns.blocked_key_patterns)


@pytest.mark.parametrize(
    "key", ["http.route", "max_tokens", "token_type", "author", "session.duration", "primary_key", "laptop"]
)
def test_lets_plain_keys_pass(key: str) -> None:
    """
    Names that the policy lets pass are not blocked.
    """
    assert not any(python_form(pattern).search(key) for pattern in patterns.blocked_key_patterns)
