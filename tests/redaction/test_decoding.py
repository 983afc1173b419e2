"""
Other spellings of a text.
"""

from __future__ import annotations

import pytest

from otel_kit.redaction.decoding import decode_once, fold, is_plain, valid_unicode


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a%40b", "a@b"),
        ("a%2540b", "a%40b"),
        ("gr%C3%BCn", "grün"),
        ("100%", "100%"),
        ("%zz%4", "%zz%4"),
        ("a\\u0040b", "a@b"),
        ("a\\\\u0040b", "a@b"),
        ("a\\x40b", "a@b"),
        ("a\\nb\\/c", "a\nb/c"),
        ("\\ud800", "\ufffd"),
        ("\uff41\uff42\uff43\uff20", "abc@"),
        ("a\u200bb\u00adc", "abc"),
        ("a\u00a0b", "a b"),
        ("٤١١١", "4111"),
        ("&quot;a&#39; &#0034;b&#x27; &apos;&#X22;", "\"a' \"b' '\""),
        ("&amp;quot; &lt;", "&amp;quot; &lt;"),
    ],
)
def test_takes_one_layer_off(text: str, expected: str) -> None:
    """
    One call undoes one layer of each encoding.
    """
    assert expected == decode_once(text)


@pytest.mark.parametrize("text", ["plain", "50 % of it", "C:\\Users", "日本語", "grün"])
def test_text_without_encodings_stays(text: str) -> None:
    """
    Where there is nothing to decode, the text is as it was.
    """
    assert text == decode_once(text)


def test_says_what_is_plain() -> None:
    """
    Only ASCII without percent signs, backslashes and entities can have no other spelling.
    """
    assert is_plain("a=b&c")
    assert not any(map(is_plain, ("a%b", "a\\b", "ä", "&quot;", "a&#39;", "&apos;")))


def test_keeps_letters_that_stand_for_no_ascii() -> None:
    """
    Accents and other scripts are no disguise.
    """
    assert "grün 日本" == fold("grün 日本")


def test_joins_pairs_and_replaces_lone_surrogates() -> None:
    """
    What no encoder takes becomes the replacement character.
    """
    assert "\U0001f600 \ufffd" == valid_unicode("\ud83d\ude00 \udc00")


def test_valid_text_stays_the_same_object() -> None:
    """
    Text that can be encoded is not copied.
    """
    text = "grün \U0001f600"

    assert text is valid_unicode(text)
