"""
What the Collector is given.
"""

from __future__ import annotations

import re

import pytest

from otel_kit.redaction.export import collector_policy
from otel_kit.redaction.keys import KeyNames
from otel_kit.redaction.prefixes import PREFIXES
from tests.redaction.samples import BENIGN, FORMS, NAMED, PASSWORD, SECRETS, plain
from tests.redaction.test_keys import PLAIN, SECRET

POLICY = collector_policy()
SUSPECTS = [suspect for group in POLICY.groups for suspect in (*group.folded, *group.exact)]
PATTERNS = [rule.pattern for group in POLICY.groups for rule in group.rules]
NUMBERS = [group.whole_numbers for group in POLICY.groups if group.whole_numbers]

FORMS_OF_COLLECTOR = ("alone", "sentence", "path", "json", "json in json", "repr")
# What can't be said in the Collector's syntax, or only at the price of harmless values.
MISSED = {("aws secret", form) for form in FORMS_OF_COLLECTOR} | {
    (kind, "path") for kind in ("phone with brackets", "slack web hook", "telegram")
}
NOT_NAMED = {"json in json in json", "full width"}
# Without stop words and file endings.
LOST = {
    "password: must be at least 8 characters",
    "getty@tty1.service",
    "logo@2x.png",
    "has_password=true",
    "password=null",
    "git@github.com:org/repo.git",
    "def login(user: str, password: str) -> None:",
}
# Names that are spelled in a way the Collector does not undo.
SPELLED_OTHERWISE = {name for name in SECRET if not name.isascii() or "%" in name}


def python_form(pattern: str) -> re.Pattern[str]:
    r"""
    The pattern for Python's `re`, which knows `\z` since 3.14 only.
    """
    return re.compile(pattern.replace(r"\z", r"\Z"))


def masked(text: str, *, searched: bool = True) -> str:
    """
    `text`, as the value of an attribute, after the Collector; with `searched` false as if each group were suspected.
    """
    shown = f"app.note={text}"
    for group in POLICY.groups:
        suspects = [(one, shown.lower()) for one in group.folded] + [(one, shown) for one in group.exact]
        if not searched or any(python_form(one).search(where) for one, where in suspects):
            for rule in group.rules:
                text = python_form(rule.pattern).sub(re.sub(r"\$\{(\d)\}", r"\\g<\1>", rule.replacement), text)
    return text


def is_secret(name: str) -> bool:
    """
    Whether the Collector masks what this name holds.
    """
    found = python_form(POLICY.secret_names).search(name)
    suspected = any(python_form(one).search(f"{name}=x".lower()) for one in POLICY.groups[0].folded)
    return bool(found) and suspected and not python_form(POLICY.plain_names).search(name)


@pytest.mark.parametrize("pattern", [*SUSPECTS, *PATTERNS, *NUMBERS, POLICY.secret_names, POLICY.plain_names])
def test_keeps_to_the_syntax_of_re2(pattern: str) -> None:
    """
    No look-around, no back-reference, no atomic group or possessive repeat, no count above a thousand, no dollar.
    """
    assert not re.search(r"\(\?(?:[=!>]|<[=!])", pattern)
    assert not re.search(r"\\[1-9]|\(\?P=", pattern)
    assert not re.search(r"[*+?}]\+", re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "x", pattern))
    assert not [count for count in re.findall(r"\{(\d+)", pattern) if int(count) > 1000]
    assert not re.search(r"\$|\\Z", pattern)


@pytest.mark.parametrize("pattern", [*SUSPECTS, *PATTERNS, *NUMBERS, POLICY.secret_names, POLICY.plain_names])
def test_matches_no_empty_text(pattern: str) -> None:
    """
    No pattern matches where nothing is.
    """
    assert not python_form(pattern).search("")


@pytest.mark.parametrize("suspect", SUSPECTS)
def test_a_suspect_begins_with_a_literal(suspect: str) -> None:
    """
    Go finds those ten times as fast as any other.
    """
    bare = re.sub(r"\[(?:\\.|[^\]])*\]", "c", re.sub(r"(?<=.)\\.", "e", suspect))
    while "(?:" in bare:
        bare = re.sub(r"\(\?:[^()]*\)", "g", bare)

    assert re.match(r"(?:\\.|[^\\\[(.^])(?![?*{])", suspect)
    assert "|" not in bare


@pytest.mark.parametrize("form", FORMS_OF_COLLECTOR)
@pytest.mark.parametrize("kind", SECRETS)
def test_second_net_catches_what_its_syntax_can_say(kind: str, form: str) -> None:
    """
    Kind by kind the rules mask the secret, except where it is written down here that they can't.
    """
    planted, part = SECRETS[kind]

    assert ((kind, form) in MISSED) is (part in plain(masked(FORMS[form](planted))))


@pytest.mark.parametrize("form", NAMED)
def test_second_net_catches_named_values(form: str) -> None:
    """
    So are the ways to write a name and its value.
    """
    assert (form in NOT_NAMED) is (PASSWORD in plain(masked(NAMED[form])))


@pytest.mark.parametrize(
    "text",
    [
        *(FORMS[form](planted) for planted, _ in SECRETS.values() for form in FORMS_OF_COLLECTOR),
        *NAMED.values(),
        *BENIGN,
    ],
)
def test_the_search_overlooks_nothing_that_a_rule_finds(text: str) -> None:
    """
    With the search and without it the text becomes the same, and stays so the second time.
    """
    assert masked(text, searched=False) == masked(text)
    assert masked(text) == masked(masked(text))


def test_few_harmless_values_are_lost() -> None:
    """
    A few harmless texts are masked, and no more than these.
    """
    assert LOST == {text for text in BENIGN if text != masked(text)}


@pytest.mark.parametrize("name", [*SECRET, *PLAIN])
def test_judges_names_as_the_sdk_does(name: str) -> None:
    """
    Names that the policy calls secret are, others are not.
    """
    assert (KeyNames().is_secret(name) and name not in SPELLED_OTHERWISE) is is_secret(name)


@pytest.mark.parametrize("row", [row for row in PREFIXES if row.run and row.literal.endswith("_")])
def test_knows_every_prefix_with_an_underscore(row: object) -> None:
    """
    A row that is added to the table reaches the Collector.
    """
    literal = row.literal

    assert "REDACTED" == masked(literal + "0123456789abcdef" * 4)
