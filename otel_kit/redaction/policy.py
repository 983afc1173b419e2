"""
The policy: one answer to "may this leave the process?", asked at every exit.

Owns the order of events: triggers, rules, other spellings, length limits, failure. Knows nothing of
spans, log records or metrics, only names, texts and values.

A text over its limit is cut 256 characters behind the limit, redacted, and loses the last 256
characters of the result before it is cut at the limit: a secret that the first cut has halved, and that
no rule knows any more, lies in those. Cutting first leaves up to 39 of 40 characters of a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from otel_kit.faults import fault
from otel_kit.redaction import assignments, rules, triggers
from otel_kit.redaction.decoding import decode_once, fold, is_plain, valid_unicode
from otel_kit.redaction.keys import PHONE, SECRET, KeyNames
from otel_kit.redaction.rules import MASK
from otel_kit.redaction.structures import QUERY_KEYS, clean_value
from otel_kit.redaction.user_rules import checked_patterns, keys_and_patterns, mask_patterns

__all__ = ["MASK", "MAX_LENGTH", "Policy", "policy_from"]

MAX_LENGTH = 65536
"""Longest text that leaves where no limit is given, in characters."""

MARGIN = 256
"""How far behind the limit a text is read; longer than any secret that is known only by its whole shape."""

CACHED_TEXTS = 2048
CACHED_TEXT_LENGTH = 256
# Percent twice inside JSON is three; one more for what that uncovers.
_SPELLINGS = 4
_PASSES = 4
# A token that went on behind an escaped character of its own, which ended the match.
_CONTINUED = re.compile(
    r"REDACTED(?:(?:%(?:2[BbDdEeFf]|3[0-9Dd]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])"
    r"|\\{1,4}(?:u00|x)(?:2[BbDdEeFf]|3[0-9Dd]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])|\\/)[A-Za-z0-9+/=_.~-]*)+"
)
_HARMLESS = frozenset({bool, float, type(None)})
# Shorter numbers are no card.
_LONG_NUMBER = 10**13
_NAMED = SECRET | PHONE


class Policy:
    """
    The built-in rules with the user's own names and patterns.

    Args:
        keys: Further names whose values are secret.
        patterns: Further patterns; what they match is masked.

    Raises:
        ConfigurationError: A pattern can't be used: see `checked_patterns`.
    """

    def __init__(self, keys: Iterable[str] = (), patterns: Iterable[str | re.Pattern[str]] = ()) -> None:
        self.names = KeyNames(keys)
        self._patterns = checked_patterns(patterns)
        self._clean: dict[str, None] = {}

    def text(self, text: str, limit: int | None = None) -> str:
        """
        `text` without secrets, the same object when it has none; always encodable.

        Args:
            limit: Longest result, in characters; None stands for 64 KB.
        """
        return self._bounded(text, limit, query=False)

    def query(self, query: str, limit: int | None = None) -> str:
        """
        As `text`, for the query of a URL without its question mark: `code=`, `key=` and their like count too.
        """
        return self._bounded(query, limit, query=True)

    def cached(self, text: str) -> str:
        """
        As `text`, for values that repeat: a user agent, a host, a logger's name.

        Only clean texts are remembered, at most 2048 of at most 256 characters.
        """
        if text in self._clean:
            return text
        cleaned = self.text(text)
        if cleaned is text:
            self._remember((text,))
        return cleaned

    def clean_joined(self, texts: Sequence[str], limit: int | None = None) -> bool:
        """
        Whether all of `texts` are surely clean, in one look; False means: ask for each of them.

        For the request path: path, query and message of a clean request in one check.
        """
        try:
            joined = "\n".join(texts)
            if len(joined) > MAX_LENGTH or not is_plain(joined):
                return False
            if limit is not None and len(joined) > limit and max(map(len, texts)) > limit:
                return False
            if triggers.scan(joined, self.names):
                return False
            return not self._patterns or all(mask_patterns(text, self._patterns) is text for text in texts)
        except Exception as error:
            fault("redaction", error)
            return False

    def key_is_secret(self, key: str) -> bool:
        """
        Whether the name alone makes a value secret.
        """
        return self.names.is_secret(key)

    def value(self, key: str, value: object, limit: int | None = None) -> object:
        """
        `value` as it may leave under `key`: the same object when clean, else a copy of its kind.

        Text, bytes, numbers and containers are looked at; an object of another type becomes its clean text.
        """
        try:
            return clean_value(self, key, value, limit)
        except Exception as error:
            fault("redaction", error)
            return MASK

    def mapping(
        self,
        attributes: Mapping[str, object],
        limit: int | None = None,
        skip: frozenset[str] = frozenset(),
        ids: bool = False,
    ) -> Mapping[str, object]:
        """
        The attributes as they may leave: the same object when clean.

        Args:
            limit: Longest text in it, in characters.
            skip: Keys whose values are known to be clean and are not looked at.
            ids: Whether a name that ends in `id` is no secret, whatever it is the id of.
        """
        try:
            return self._mapping(attributes, limit, skip, ids)
        except Exception as error:
            fault("redaction", error)
            return {"redaction": MASK}

    def _mapping(
        self, attributes: Mapping[str, object], limit: int | None, skip: frozenset[str], ids: bool
    ) -> Mapping[str, object]:
        suspects = self._suspects(attributes, limit, skip)
        if not suspects:
            return attributes
        cleaned: dict[str, object] = {}
        changed = False
        for key, value in attributes.items():
            new_key = self.cached(key) if isinstance(key, str) else key
            new = value
            if key in suspects:
                identifies = self.names.is_identifier(key)
                new = self.value("some_id" if ids and identifies else key, value, limit)
                # what is an id here may be a card's number elsewhere
                if new is value and type(new) is str and not identifies:
                    self._remember((new,))
            changed = changed or new is not value or new_key is not key
            cleaned[new_key] = new
        return cleaned if changed else attributes

    def _suspects(self, attributes: Mapping[str, object], limit: int | None, skip: frozenset[str]) -> set[str]:
        """
        Keys whose values need a closer look than the one that all short texts together get here.
        """
        suspects: set[str] = set()
        waiting: list[str] = []
        texts: list[str] = []
        known, kind = self._clean, self.names.kind
        for key, value in attributes.items():
            if key in skip:
                continue
            if key not in known:
                self.cached(key)
                if key not in known:
                    suspects.add(key)
            if kind(key) & _NAMED:
                suspects.add(key)
            elif type(value) is str:
                if value not in known or key in QUERY_KEYS:
                    waiting.append(key)
                    texts.append(value)
                elif limit is not None and len(value) > limit:
                    suspects.add(key)
            elif type(value) not in _HARMLESS and not (type(value) is int and value < _LONG_NUMBER):
                suspects.add(key)
        if texts:
            if self.clean_joined(texts, limit):
                self._remember(texts)
            else:
                suspects.update(waiting)
        return suspects

    def _remember(self, texts: Iterable[str]) -> None:
        """
        Keep texts that are known to be clean.
        """
        for text in texts:
            if len(text) <= CACHED_TEXT_LENGTH:
                if len(self._clean) >= CACHED_TEXTS:
                    self._clean.clear()
                self._clean[text] = None

    def _bounded(self, text: str, limit: int | None, query: bool) -> str:
        cap = MAX_LENGTH if limit is None else max(limit, 0)
        try:
            if len(text) <= cap:
                return self._redacted(text, query, cut=False)
            if len(text) < cap + MARGIN:
                return self._redacted(text, query, cut=False)[:cap]
            # exactly so long is what somebody has cut already who leaves the margin to the policy, as the SDK does
            redacted = self._redacted(text[: cap + MARGIN], query, cut=True)
            return redacted[: max(0, len(redacted) - MARGIN)][:cap]
        except Exception as error:
            fault("redaction", error)
            return MASK[:cap]

    def _redacted(self, text: str, query: bool, cut: bool) -> str:
        if is_plain(text):
            return self._masked(text, query, cut)
        result = original = valid_unicode(text)
        current = fold(original)
        for spelling in range(_SPELLINGS):
            masked = self._masked(current, query, cut)
            if masked is not current:
                masked = _CONTINUED.sub(MASK, masked)
                result = masked if spelling else self._unfolded(original, masked, query, cut)
            current = decode_once(masked)
            if current == masked:
                break
        return result

    def _unfolded(self, original: str, masked: str, query: bool, cut: bool) -> str:
        """
        The masked text with its accents and dashes as they were, where masking it so finds the same.
        """
        kept = _CONTINUED.sub(MASK, self._masked(original, query, cut))
        return kept if fold(kept) == masked else masked

    def _masked(self, text: str, query: bool, cut: bool) -> str:
        """
        One spelling of a text after all rules whose trigger it has; the same object when nothing changed.

        A mask may join what stood before and behind a secret into something a rule knows, so the result
        is looked at again: redacting twice must change nothing.
        """
        result = text
        for _ in range(_PASSES):
            found = triggers.scan(result, self.names)
            masked = self._apply(result, found, query, cut) if found else result
            masked = mask_patterns(masked, self._patterns)
            if masked == result:
                break
            result = masked
        return result

    def _apply(self, text: str, found: int, query: bool, cut: bool) -> str:
        # Private keys and URLs go first: a name before them would take only their first line or part.
        if found & triggers.PEM:
            text = rules.mask_private_keys(text)
        if found & triggers.AT_SIGNS or cut:
            text = rules.mask_user_info(text, cut)
        if found & triggers.TOKENS:
            text = rules.mask_tokens(text, cut)
        if found & triggers.AUTHORIZATION:
            text = rules.mask_authorization(text)
        if found & triggers.ASSIGNMENTS:
            text = assignments.mask_assignments(text, self.names, query)
        if found & triggers.AT_SIGNS:
            text = rules.mask_addresses(text)
        if found & triggers.NUMBERS:
            text = rules.mask_numbers(text)
        if found & triggers.CLOUD_SECRETS:
            text = rules.mask_cloud_secrets(text)
        return text


def policy_from(redact: object) -> Policy:
    """
    The policy for `setup_observability(redact=...)`; a `Policy` is taken as it is.

    Raises:
        ConfigurationError: A rule can't be used.
    """
    if isinstance(redact, Policy):
        return redact
    return Policy(*keys_and_patterns(redact))
