"""
The cheap questions never say "clean" where a rule would change something.
"""

from __future__ import annotations

import random
import string

import pytest

from otel_kit.redaction import Policy, triggers
from tests.redaction.samples import BENIGN, FORMS, NAMED, SECRETS

ALL_RULES = 127
CASES = 4000
_ALPHABET = string.ascii_letters + string.digits
_FRAGMENTS = (
    [text for text, _ in SECRETS.values()] + list(NAMED.values()) + list(BENIGN)
    + ["password", "token", "api ", "key", "code", "Bearer ", "://", "--", "%20", "\\u0040", "é", "\n"]
    + [*"=:@+/<>()[]{}\"'&?,-_."]
)  # fmt: skip


@pytest.fixture
def thorough(monkeypatch: pytest.MonkeyPatch) -> Policy:
    """
    A policy that runs each rule on each text.
    """
    scan = triggers.scan
    monkeypatch.setattr(triggers, "scan", lambda text, keys: scan(text, keys) | ALL_RULES)
    return Policy()


def random_text(source: random.Random) -> str:
    """
    A few whole, cut or broken fragments, and random letters and digits.
    """
    parts = []
    for _ in range(source.randint(1, 6)):
        part = source.choice(_FRAGMENTS)
        way = source.random()
        if way < 0.25:
            first, last = sorted((source.randrange(len(part)), source.randrange(len(part))))
            part = part[first : last + 1]
        elif way < 0.35:
            place = source.randrange(len(part))
            part = part[:place] + source.choice(_FRAGMENTS)[:5] + part[place:]
        elif way < 0.45:
            part = "".join(source.choice(_ALPHABET + "-_") for _ in range(source.choice((8, 15, 16, 20, 27, 40))))
        elif way < 0.5:
            part = "".join(source.choice("0123456789 -.()+") for _ in range(source.randint(8, 24)))
        parts += part, source.choice(("", "", " ", ",", "\n"))
    return "".join(parts)


def test_random_texts_come_out_the_same_with_and_without_triggers(
    thorough: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    For thousands of random mixes the rules alone change nothing that the triggers had called clean, a second
    run changes nothing, and one look at several texts calls only clean ones clean.
    """
    source = random.Random(20251121)
    texts = [random_text(source) for _ in range(CASES)]
    complete = [thorough.text(text) for text in texts]
    monkeypatch.undo()
    policy = Policy()

    for text, expected in zip(texts, complete, strict=True):
        cleaned = policy.text(text)
        assert expected == cleaned
        assert cleaned == policy.text(cleaned)
        assert cleaned is text or not policy.clean_joined(("GET /", text))


@pytest.mark.parametrize("form", FORMS)
def test_each_planted_secret_is_masked_the_same(thorough: Policy, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    In each form the triggers open all rules that change something.
    """
    texts = [FORMS[form](text) for text, _ in SECRETS.values()] + list(NAMED.values()) + list(BENIGN)
    complete = [thorough.text(text) for text in texts]
    monkeypatch.undo()

    assert complete == [Policy().text(text) for text in texts]


def test_ordinary_texts_open_no_rule() -> None:
    """
    Path, query, message and user agent of an ordinary request pass without any rule.
    """
    keys = Policy().names

    for text in ("/api/v1/items/12345", "q=shoes&page=2&limit=20", "GET /items/{id} 200 in 12.3 ms", "curl/8.5.0"):
        assert 0 == triggers.scan(text, keys)
