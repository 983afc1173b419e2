"""
The order of events: limits, failure, caches, one look for many texts.
"""

from __future__ import annotations

import re

import pytest

from otel_kit import faults
from otel_kit.redaction import MASK, Policy, policy_from, rules
from otel_kit.redaction.policy import CACHED_TEXT_LENGTH, CACHED_TEXTS, MARGIN, MAX_LENGTH
from tests.redaction.samples import BENIGN, FORMS, NAMED, SECRETS

policy = Policy()

LIMIT = 300
CUT_KINDS = {kind: texts for kind, texts in SECRETS.items() if kind not in ("private key", "pgp key")}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", SECRETS)
def test_masking_twice_changes_nothing(kind: str, form: str) -> None:
    """
    A text that was masked once comes back unchanged.
    """
    once = policy.text(FORMS[form](SECRETS[kind][0]))

    assert once == policy.text(once)


@pytest.mark.parametrize("kind", CUT_KINDS)
def test_no_cut_leaves_a_piece_of_a_secret(kind: str) -> None:
    """
    Wherever the limit or the end of what is read falls, no four characters of a secret come out.
    """
    planted, secret = CUT_KINDS[kind]
    pieces = {secret[start : start + 4] for start in range(len(secret) - 3)}
    for edge in (LIMIT, LIMIT + MARGIN):
        for offset in range(max(0, edge - len(planted) - 1), edge + 2):
            text = "." * (offset - 1) + " " + planted + " " + "." * 600

            cleaned = policy.text(text, LIMIT)

            assert len(cleaned) <= LIMIT
            left = {piece for piece in pieces if piece in cleaned} - {piece for piece in pieces if piece in MASK}
            assert not {piece for piece in left if not piece.startswith((" ", "https", "://"))}, offset


def test_masks_that_shorten_the_text_pull_nothing_in() -> None:
    """
    Where many masks shorten a text, what moves up to the limit was read whole or is dropped.
    """
    secret = SECRETS["aws secret"][0]
    for offset in range(200):
        long_mask = "eyJ" + "a" * 200 + ".b.c "
        text = long_mask + "x" * offset + " " + secret + " " + "y" * 900

        cleaned = policy.text(text, LIMIT)

        assert not any(secret[start : start + 6] in cleaned for start in range(len(secret) - 5))


@pytest.mark.parametrize("planted", ["eyJ" + "a" * 2000, "postgres://shop:" + "p" * 2000, 'password="' + "p" * 2000])
def test_secrets_longer_than_the_margin_are_known_by_their_start(planted: str) -> None:
    """
    A secret whose end is never read is masked from its start.
    """
    cleaned = policy.text("x " + planted + " y" * 500, LIMIT)

    assert "aaaa" not in cleaned
    assert "pppp" not in cleaned


def test_cuts_at_the_limit() -> None:
    """
    A clean text is cut to the limit exactly, and one that fits is left alone.
    """
    text = "word " * 200

    assert text[:100] == policy.text(text, 100)
    assert text is policy.text(text, 1000)
    assert "" == policy.text(text, 0)


def test_without_a_limit_text_ends_at_64_kilobytes() -> None:
    """
    Where no limit is given, 65536 characters are the longest that leaves.
    """
    assert MAX_LENGTH == len(policy.text("word " * 30000))


def test_result_can_always_be_encoded() -> None:
    """
    Lone surrogates are replaced, pairs of them joined, everything else kept.
    """
    cleaned = policy.text("a\ud800b \ud83d\ude00 ü")

    assert "a\ufffdb \U0001f600 ü" == cleaned
    assert cleaned.encode()


def test_keeps_accents_beside_a_mask() -> None:
    """
    Masking one word doesn't simplify the spelling of the others.
    """
    assert "Grüße … password=REDACTED" == policy.text("Grüße … password=geheim")


def test_masks_what_goes_on_behind_an_escape() -> None:
    """
    A token whose tail begins with an escaped character of its own is masked whole.
    """
    assert f"/x/{MASK}" == policy.text("/x/fm2_" + "a1B2" * 16 + "%2BaaaaBBBBcccc")


def test_failure_hides_the_value_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A rule that raises gives the mask, never the text, and one fault.
    """

    def fail(_: str) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(rules, "mask_addresses", fail)
    before = faults.counts().get("redaction", 0)

    assert MASK == Policy().text("mail to alice@example.com")
    assert {"note": MASK, "n": 1} == Policy().mapping({"note": "alice@example.com", "n": 1})
    assert before + 2 == faults.counts()["redaction"]


def test_failure_keeps_to_the_limit() -> None:
    """
    Something that is no text at all is masked too, within the limit.
    """
    assert "REDA" == policy.text(b"x" * 10, 4)  # type: ignore[arg-type]


def test_cached_gives_clean_texts_back_and_masks_others() -> None:
    """
    Asking by way of the cache gives the same answers.
    """
    own = Policy()
    agent = "python-httpx/0.27.0"

    assert agent is own.cached(agent)
    assert agent is own.cached(agent)
    assert f"bot {MASK}" == own.cached("bot alice@example.com")


def test_cache_is_bounded_and_holds_only_clean_texts() -> None:
    """
    Many different texts don't grow the cache, and no secret stays in it.
    """
    own = Policy()
    for number in range(2 * CACHED_TEXTS + 10):
        own.cached(f"agent/{number}")
        own.cached(f"user{number}@example.com")
    own.cached("x " * CACHED_TEXT_LENGTH)

    assert len(own._clean) <= CACHED_TEXTS
    assert max(map(len, own._clean)) <= CACHED_TEXT_LENGTH
    assert not any("@" in text for text in own._clean)


def test_one_look_finds_a_clean_request_clean() -> None:
    """
    Path, query and message of an ordinary request need no second look.
    """
    assert policy.clean_joined(("/api/v1/items/12345", "q=shoes&page=2", "GET /api/v1/items/{item_id} 200 in 12.3 ms"))


@pytest.mark.parametrize("planted", [text for text, _ in SECRETS.values()] + list(NAMED.values()))
def test_one_look_misses_no_secret(planted: str) -> None:
    """
    Among clean texts a secret is seen.
    """
    assert not policy.clean_joined(("/api/v1/items", planted, "GET /api/v1/items 200"))


def test_one_look_heeds_the_limit_and_the_users_patterns() -> None:
    """
    A text over its limit and one that a pattern of the user's matches from its start are not clean.
    """
    own = Policy(patterns=[r"^EMP-[0-9]{3}$"])

    assert not policy.clean_joined(("abc", "abcdefgh"), limit=5)
    assert policy.clean_joined(("abc", "abcde"), limit=5)
    assert not own.clean_joined(("abc", "EMP-123"))


def test_mapping_gives_clean_attributes_back() -> None:
    """
    Clean attributes come back as the same object, also when asked again.
    """
    attributes = {"http.request.method": "GET", "url.path": "/a", "server.port": 80, "ratio": 0.5, "x": ["a", "b"]}

    assert attributes is policy.mapping(attributes)
    assert attributes is policy.mapping(attributes)


def test_mapping_masks_by_key_and_by_value() -> None:
    """
    Names, texts and names of headers are judged together.
    """
    cleaned = Policy().mapping(
        {
            "http.request.header.authorization": ["Basic abc"],
            "http.request.header.x-api-key": ("k",),
            "password": 12345,
            "has_password": True,
            "note": "alice@example.com",
            "plain": "abc",
        }
    )

    assert {
        "http.request.header.authorization": [MASK],
        "http.request.header.x-api-key": (MASK,),
        "password": MASK,
        "has_password": True,
        "note": MASK,
        "plain": "abc",
    } == cleaned


def test_mapping_does_not_look_at_skipped_keys() -> None:
    """
    What the caller has cleaned already is passed through.
    """
    attributes = {"url.path": "alice@example.com"}

    assert attributes is policy.mapping(attributes, skip=frozenset({"url.path"}))


def test_mapping_masks_secrets_in_keys() -> None:
    """
    A key that is itself a secret is masked.
    """
    assert {MASK: 1} == policy.mapping({"alice@example.com": 1})


def test_mapping_knows_a_query_by_its_key() -> None:
    """
    In `url.query` names count that don't elsewhere, whatever was seen before.
    """
    own = Policy()
    own.cached("code=abcdef")
    own.mapping({"note": "code=abcdef"})

    assert {"url.query": "code=REDACTED"} == own.mapping({"url.query": "code=abcdef"})


def test_mapping_heeds_the_limit_for_texts_it_knows() -> None:
    """
    A text that is known to be clean is still cut.
    """
    own = Policy()
    own.cached("abcdefgh")

    assert {"a": "abcd", "b": ["abcd"]} == own.mapping({"a": "abcdefgh", "b": ["abcdefgh"]}, limit=4)


@pytest.mark.parametrize("text", BENIGN)
def test_values_of_plain_keys_stay(text: str) -> None:
    """
    Harmless values are kept in attributes too.
    """
    attributes = {"note": text, "again": [text]}

    assert attributes is policy.mapping(attributes)


def test_user_patterns_and_names_join_the_policy() -> None:
    """
    What the user adds is masked in texts and values.
    """
    own = policy_from(["internal_ref", re.compile(r"EMP-\d+"), r"case \d+"])

    assert "by REDACTED in REDACTED" == own.text("by EMP-77 in case 12")
    assert "internalRef=REDACTED" == own.text("internalRef=abc")
    assert MASK == own.value("internal-ref", "abc")


def test_a_policy_is_taken_as_it_is() -> None:
    """
    Who has built a policy may hand it over.
    """
    assert policy is policy_from(policy)


def test_a_text_that_was_cut_at_the_margin_is_taken_for_cut() -> None:
    """
    The SDK leaves exactly the margin; with masks before it the halved secret must not move under the limit.
    """
    secret = SECRETS["aws secret"][0]
    before = f"{SECRETS['github'][0]} " * 3
    for shown in range(8, 40):
        text = (before + "x" * (LIMIT + MARGIN - len(before) - shown - 1) + " " + secret)[: LIMIT + MARGIN]

        assert secret[:8] not in policy.text(text, LIMIT)
