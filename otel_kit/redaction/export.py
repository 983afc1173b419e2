r"""
The part of the policy that the Collector can apply: a second net, as data.

Owns patterns in RE2's syntax (Go's `regexp`): no look-around, no back-references. Knows nothing of YAML.

What can't be said in that syntax stays behind: checksums (Luhn, mod 97), what `Basic` decodes to, words
after "password:" that are no value, other spellings beyond one `%40`, `%20` and `%3D`, an AWS secret without
its name.

Go takes up to 60 ns a character to search for a pattern, but only 40 to 700 ns for all texts of a record
when the pattern begins with a letter that is seldom there. So there are two kinds. *Suspects* begin with a literal,
best a rare one, and are searched for in all texts of a record at once. *Rules* replace, and run only where
a suspect of their group was found, so each must find whatever a rule of its group does (of IBANs the suspects know
their digits and a few countries). The end of a text is `\z`, since a `$` would have to be doubled in YAML.
"""

from __future__ import annotations

import re

from otel_kit.redaction.export_model import CollectorPolicy, Group, Rule
from otel_kit.redaction.export_names import KNOWN_NAMES, NAMED, PLAIN_NAMES, SECRET_NAMES
from otel_kit.redaction.prefixes import PREFIXES, Prefix
from otel_kit.redaction.rules import MASK

__all__ = ["CollectorPolicy", "Group", "Rule", "collector_policy"]

_TOKEN = "[A-Za-z0-9_-]"
_AT = "(?:@|%40)"
_BLANK = r"(?: |\+|%20)"
_GAP = r"(?:[ +]|%20)?"
_SEPARATOR = "(?:[ +-]|%20)?"
# Where a pattern of Python's has a look-behind, this takes the character before, which is put back.
_BEFORE = "(^|[^A-Za-z0-9._-])"
_FIRST = "${1}" + MASK

_ADDRESSES = Group(
    "address",
    (),
    ("@", "%40"),
    (
        Rule(rf"://[^\s/?#\"'<>@:]*:[^\s/?#\"'<>@]+{_AT}", f"://{MASK}:{MASK}@"),
        Rule(rf"[A-Za-z0-9._+-]+{_AT}[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{{2}}[A-Za-z]*\b", MASK),
    ),
)


def collector_policy() -> CollectorPolicy:
    """
    What the Collector looks for, and what it replaces.
    """
    groups = (NAMED, _tokens(), _ADDRESSES, _numbers())
    return CollectorPolicy(groups, SECRET_NAMES, PLAIN_NAMES, KNOWN_NAMES)


def _tokens() -> Group:
    # After an underscore sixteen letters and digits in a row are rare, and most prefixes end in one.
    short = sorted({row.literal[:-1] for row in PREFIXES if row.run and row.literal.endswith("_")} | {"ghs"})
    gitlab = sorted(row.literal[2:-1] for row in PREFIXES if re.fullmatch("gl[a-z]+-", row.literal))
    bodies = {row.literal: _pattern_of(row) for row in PREFIXES}
    others = ("GOCSPX-", "ya29.", "AIza", "AKIA", "ASIA", "AGE-SECRET-KEY-1", "pypi-AgE", "SG.", "hvs.", "hvb.", "hvr.")
    more = ("xox", ":AA", "whsec_", "github_pat_", "dckr_pat_", "dckr_oat_")
    issued = (
        rf"\b(?:{'|'.join(short)})_[A-Za-z0-9]{{16}}[A-Za-z0-9_]*",
        rf"\bgl(?:{'|'.join(gitlab)})-{_TOKEN}{{16}}[A-Za-z0-9._-]*",
        # A word may end in "sk", and a name in kebab case go on from there.
        rf"\bsk-{_TOKEN}*[0-9]{_TOKEN}{{16}}{_TOKEN}*",
        r"Q~[A-Za-z0-9_~.-]{31}[A-Za-z0-9_~.-]*",
        "|".join(bodies[literal] for literal in (*others, *more)),
    )
    return Group(
        "token",
        (),
        (
            *("-----BEGIN", rf"J{_TOKEN}{{8}}{_TOKEN}*\.", r"_(?:[A-Za-z0-9]{16}|[po]at_)", "gl[a-z]{2,7}-"),
            *("xox", "GOCSPX-", r"ya29\.", r"SG\.", rf"v[sbr]\.{_TOKEN}{{16}}", "A(?:KIA|SIA|Iza|GE-S|gE)"),
            *(":AA", "Q~", "whsec_", rf"sk-{_TOKEN}{{17}}"),
        ),
        (
            Rule(
                rf"-----BEGIN[ +%A-Z0-9]*PRIVATE{_BLANK}KEY[ +%A-Z0-9]*-----(?s:.*?)"
                r"(?:-----END[ +%A-Z0-9]*KEY[ +%A-Z0-9]*-----|\z)",
                MASK,
            ),
            Rule(rf"eyJ{_TOKEN}{{8}}{_TOKEN}*\.{_TOKEN}+(?:\.{_TOKEN}*)*", MASK),
            *(Rule(pattern, MASK) for pattern in issued),
        ),
    )


def _pattern_of(row: Prefix) -> str:
    before = f"(?:{row.before})?" if row.before else ""
    return before + re.escape(row.literal).replace(r"\-", "-") + row.body


def _numbers() -> Group:
    four = "[0-9]{4}"
    plain = "4[0-9]{15}|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}|6(?:011|5[0-9]{2})[0-9]{12}"
    card = rf"[0-9](?:{_SEPARATOR}{four}{_SEPARATOR}{four}|[ -][0-9]{{6}}[ -])"
    phone = rf"\.[0-9]{{3}}\.{four}"
    by_digit = (f"{digit}[0-9]{{2}}(?:{card}|{phone})" for digit in "23456")
    return Group(
        "number",
        (),
        (
            *by_digit,
            *("-[0-9]{2,3}-[0-9]{4}", r"\([2-9][0-9]{2}\)", r"\+[1-9][0-9 ()+.-]{7}", "%2B[1-9]"),
            # Account numbers of these may be too short to be seen by their digits.
            *("GB[0-9]{2}", "IE[0-9]{2}", "NL[0-9]{2}"),
        ),
        (
            Rule(
                rf"{_BEFORE}(?:{plain}|[2-6][0-9]{{3}}(?:{_BLANK}{four}{_BLANK}{four}{_BLANK}{four}"
                rf"|-{four}-{four}-{four}|[ -][0-9]{{6}}[ -][0-9]{{5}}))\b",
                _FIRST,
            ),
            Rule(rf"{_BEFORE}[0-8][0-9]{{2}}-[0-9]{{2}}-{four}\b", _FIRST),
            Rule(r"(^|[^A-Za-z0-9])(?:\+|%2B)[1-9](?:(?:%20|[ ()+-]){0,2}[0-9]){7}(?:[ +-]?[0-9])*", _FIRST),
            # With dots only where one of the suspects by digit sees it.
            Rule(
                rf"{_BEFORE}(?:1[ +.-])?(?:(?:\([2-9][0-9]{{2}}\)[ +]?|[2-9][0-9]{{2}}-)[2-9][0-9]{{2}}-"
                rf"|[2-6][0-9]{{2}}\.[2-9][0-9]{{2}}\.){four}\b",
                _FIRST,
            ),
            Rule(
                rf"\b[A-Z]{{2}}[0-9]{{2}}{_GAP}(?:[A-Z]{{4}}{_GAP})?{four}{_GAP}{four}{_GAP}[0-9]{{2}}(?:{_GAP}[0-9A-Z])*",
                MASK,
            ),
        ),
        rf"=(?:{plain})(?:\n|\z)",
    )
