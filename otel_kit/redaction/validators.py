"""
Checks that a pattern can't make: checksums, lengths by issuer, and how random a text looks.

Each takes the text as it was found and says whether it is what its shape promises. Knows
nothing of where the text came from.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import string

__all__ = [
    "iban_length",
    "is_basic_credential",
    "is_bearer_token",
    "is_card",
    "is_cloud_secret",
    "is_iban",
    "is_mail_host",
    "is_social_security_number",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# First digits from-to (both included, compared at their own length) and the lengths issued. Thirteen-digit
# Visa numbers are left out: none has been issued for decades, and one article number (EAN) in ten would pass.
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset({16, 19})),
    (51, 55, frozenset({16})),
    (2221, 2720, frozenset({16})),
    (34, 34, frozenset({15})),
    (37, 37, frozenset({15})),
    (300, 305, frozenset({14, 16, 19})),
    (36, 36, frozenset({14, 16, 19})),
    (38, 39, frozenset({14, 16, 19})),
    (6011, 6011, frozenset({16, 19})),
    (644, 659, frozenset({16, 19})),
    (3528, 3589, frozenset({16, 19})),
    (62, 62, frozenset({16, 17, 18, 19})),
    (5018, 5018, frozenset({16, 17, 18, 19})),
    (5020, 5020, frozenset({16, 17, 18, 19})),
    (5038, 5038, frozenset({16, 17, 18, 19})),
    (6304, 6304, frozenset({16, 17, 18, 19})),
    (6759, 6763, frozenset({16, 17, 18, 19})),
    (2200, 2204, frozenset({16, 17, 18, 19})),
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

# Source: SWIFT IBAN registry, release 99: country and whole length.
_IBAN_LENGTHS = {
    country: int(length)
    for country, length in (
        entry.split(":")
        for entry in _words(
            "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 "
            "DE:22 DJ:27 DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 "
            "GT:28 HN:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 "
            "LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 "
            "PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 "
            "SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30"
        )
    )
}

# What follows an `@` and looks like a host, but is a file or a systemd unit. Endings that are countries too
# (.md, .py, .rs, .sh, .pl) are hosts here.
_NOT_HOSTS = _words(
    "png jpg jpeg gif svg webp avif ico css js mjs jsx ts tsx json html htm xml yaml yml toml txt log csv pdf map "
    "woff woff2 gz tgz whl jar java class service socket target timer mount device slice scope path swap"
)


def is_card(text: str) -> bool:
    """
    Whether the digits in `text` have an issuer's range and length, and the right check digit.

    Source: ISO/IEC 7812-1, annex B (Luhn).
    """
    digits = "".join(character for character in text if character.isdigit())
    length = len(digits)
    if not any(low <= int(digits[: len(str(low))]) <= high and length in lengths for low, high, lengths in _ISSUERS):
        return False
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


def iban_length(country: str) -> int:
    """
    Letters and digits of an IBAN of `country`, two capitals; 0 where none are issued.
    """
    return _IBAN_LENGTHS.get(country, 0)


def is_iban(text: str) -> bool:
    """
    Whether `text` has its country's length and the right check digits; blanks and plus signs don't count.

    At least nine of its digits must stand together, which every registered form has: the cheap
    search for long numbers relies on it.
    """
    compact = text.replace(" ", "").replace("+", "")
    if _IBAN_LENGTHS.get(compact[:2]) != len(compact):
        return False
    if "0" * 9 not in compact.translate(_DIGITS_TO_ZERO):
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def is_social_security_number(text: str) -> bool:
    """
    Whether `text`, of the shape 000-00-0000, is in a range that is or was issued.

    Source: Social Security Administration, RM 10201.035.
    """
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def is_mail_host(host: str) -> bool:
    """
    Whether the part after an `@` is a host rather than a file (`logo@2x.png`) or a unit (`getty@tty1.service`).
    """
    return host.rpartition(".")[2].lower() not in _NOT_HOSTS


def is_basic_credential(encoded: str) -> bool:
    """
    Whether Base64 `encoded` holds printable text with a colon: `name:password`.
    """
    bare = encoded.rstrip("=")
    # A text cut off in the middle of a group is still somebody's password.
    whole = bare[:-1] if len(bare) % 4 == 1 else bare
    try:
        raw = base64.b64decode(whole + "=" * (-len(whole) % 4))
    except (binascii.Error, ValueError):
        return False
    return b":" in raw and not any(byte < 32 or byte == 127 for byte in raw)


def is_bearer_token(token: str) -> bool:
    """
    Whether what follows `Bearer` is a token rather than a word, as in "bearer authentication".
    """
    if len(token) >= 24 or any(character.isdigit() for character in token):
        return True
    return len(token) >= 16 and not token.islower() and not token.isupper()


def is_cloud_secret(text: str) -> bool:
    """
    Whether 40 characters look like an AWS secret access key rather than a path, a digest or a name.
    """
    if len(set(text)) < 18:
        return False
    classes = text.translate(_CLASSES)
    if classes.count("U") < 4 or classes.count("l") < 4 or "0" not in classes:
        return False
    return sum(left != right for left, right in itertools.pairwise(classes)) >= 14


_DIGITS_TO_ZERO = str.maketrans(string.digits, "0" * 10)
_CLASSES = str.maketrans(
    string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/", "U" * 26 + "l" * 26 + "0" * 10 + "//"
)
