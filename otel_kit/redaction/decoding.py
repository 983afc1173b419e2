r"""
Other spellings of the same text: percent, `\u00XX`, `&quot;`, full width, characters without width.

Owns one step of decoding; how often it is taken is the policy's affair. Every step is
linear: normalising a whole text with `unicodedata.normalize` is not (a run of combining
marks is sorted in quadratic time), so characters are folded one by one.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["decode_once", "fold", "is_plain", "valid_unicode"]

# Up to four backslashes: JSON in JSON doubles them.
_ESCAPE = re.compile(r"\\{1,4}(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([nrt/]))")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
# Of a page's entities only quotes: without them JSON in HTML has no names, and no other character hides a secret's.
_ENTITIES = {
    '"': re.compile(r"&(?:quot|#0{0,4}34|#[xX]0{0,4}22);"),
    "'": re.compile(r"&(?:apos|#0{0,4}39|#[xX]0{0,4}27);"),
}
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "/": "/"}
_FOLDS_KEPT = 8192


class _Folds(dict[int, str]):
    """
    Code point to the ASCII it stands for, filled as characters are met.

    Only what becomes ASCII is folded, since no rule knows other letters; format characters
    and combining marks vanish, so that none can hide inside a token.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = character
        if code > 127:
            plain = unicodedata.normalize("NFKC", character)
            if unicodedata.category(character) in ("Cf", "Mn", "Me"):
                folded = ""
            elif plain.isascii():
                folded = plain
            elif (digit := unicodedata.decimal(character, None)) is not None:
                folded = str(digit)
        if len(self) >= _FOLDS_KEPT:
            self.clear()
        self[code] = folded
        return folded


_folds = _Folds()


def is_plain(text: str) -> bool:
    """
    Whether `text` can have no other spelling, so that decoding would give the same.
    """
    return text.isascii() and "%" not in text and "\\" not in text and not ("&" in text and _may_hold_entity(text))


def fold(text: str) -> str:
    """
    `text` with all characters that stand for ASCII replaced by it, and those without width gone.
    """
    return text if text.isascii() else text.translate(_folds)


def decode_once(text: str) -> str:
    """
    `text` with one layer of each encoding taken off; the text itself where there is none.
    """
    text = fold(text)
    if "\\" in text:
        text = _ESCAPE.sub(_unescape, text)
    if "%" in text:
        text = _PERCENT.sub(_unquote, text)
    if "&" in text and _may_hold_entity(text):
        for quote, entity in _ENTITIES.items():
            text = entity.sub(quote, text)
    return text


def valid_unicode(text: str) -> str:
    """
    `text`, or where it has lone surrogates, which no encoder takes, the same with replacement characters.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _may_hold_entity(text: str) -> bool:
    return "&#" in text or "&quot;" in text or "&apos;" in text


def _unescape(match: re.Match[str]) -> str:
    four, two, short = match.groups()
    if short:
        return _ESCAPED[short]
    # An escaped half of a pair would be a lone surrogate.
    code = int(four or two, 16)
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


def _unquote(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")
