r"""
Secrets that a name gives away, in the form that the Collector can apply (see export).

Owns the patterns for names of attributes and for names within texts. A rule for texts begins with a part of a name
that has a capital letter in no spelling but the upper-case one, `assword` for `Password` and `dbPassword`.
What only the SDK knows: names that no suspect below would find, such as `verification_code` or `tax_id`.
"""

from __future__ import annotations

from collections.abc import Iterable

from otel_kit.redaction.export_model import Group, Rule
from otel_kit.redaction.rules import MASK
from otel_kit.redaction.vocabulary import NEUTRAL_FIRST, NEUTRAL_LAST

__all__ = ["KNOWN_NAMES", "NAMED", "PLAIN_NAMES", "SECRET_NAMES"]

_GAP = "(?: |%20)?"
_BLANK = r"(?: |\+|%20)"
_END = r"""[\\"'=:%]"""
_QUOTE = r"""\\*["']?"""
# After a name; after a short one, which may be a word, only what can't stand in a sentence.
_EQUALS = rf"""(?:{_QUOTE}\]?{_GAP}(?:=>|:=|==|=|%3[Dd]|:){_GAP}|\\*["'], ?)"""
_CLOSELY = r"""(?:=|%3[Dd]|\\*["'](?::|,) ?)"""
# A list, or to the closing quote, escaped or not; without a quote to the next separator.
_VALUE = r"""(?:b?(\\+["'])[^"'\\]*|b?(")(?:[^"\\]|\\.)*|b?(')(?:[^'\\]|\\.)*|\[[^\]]*|[^\s&;,"'<>()\[\]{}\\]+)"""
_FIRST = "${1}" + MASK
_KEPT = "${1}${2}${3}${4}" + MASK

_ANY_NAME = (
    "passwords?|passwd|pwd|passphrase|passcode|secrets?|credentials?|token|authorization|signature|"
    "(?:api|access|account|private|secret|session|shared|signing|encryption)[ ._-]?key(?:[ ._-]?id)?|session[ ._-]?id"
)
_QUERY_NAMES = "code|key|sig|pass|pw|policy|ticket"
_KEY = "[ ._-]?[Kk](?:ey|EY)(?:[ ._-]?[Ii]d)?"
_STEMS = (
    *("assw(?:or)?ds?", "assphrase", "asscode", "pwd", f"ecrets?(?:{_KEY})?", "redentials?", "oken", "ignature"),
    *("uthorization", "pi[ ._-]?[Kk](?:ey|EY)", f"ccess{_KEY}", "rivate[ ._-]?[Kk](?:ey|EY)", f"ccount{_KEY}"),
)
_MORE_STEMS = (
    f"PI{_KEY}",
    *(f"{stem}{_KEY}" for stem in ("ession", "hared", "igning", "ncryption")),
    *("ession[ ._-]?[Ii]d", "onnection[ ._-]?[Ss]tring", "ard[ ._-]?[Nn]umber"),
)
_SHORT_STEMS = ("uth", "ession", "ESSION[ ._-]?ID", "dsn", "DSN", "cv[vc]", "otp", "ssn", "jwt")
# Ends of words as well (`spin`), so these are the ones that need a border, which costs Go its fast search.
_BORDERED_STEMS = "sig|pin|sid"


def _text_rules() -> Iterable[Rule]:
    for scheme in ("earer", "EARER"):
        yield Rule(rf"({scheme}{_BLANK}+)[A-Za-z0-9._~+/=-]*[0-9][A-Za-z0-9._~+/=-]*", _FIRST)
    for scheme in ("asic", "ASIC"):
        yield Rule(rf"({scheme}{_BLANK}+)[A-Za-z0-9+/]{{8}}[A-Za-z0-9+/]*(?:=|%3[Dd])+", _FIRST)
    yield Rule(r"sk_(?:live|test)_[A-Za-z0-9]{10}[A-Za-z0-9]*", MASK)
    yield Rule(r"rk_(?:live|test)_[A-Za-z0-9]{10}[A-Za-z0-9]*", MASK)
    yield Rule(r"hooks\.slack\.com/[a-z]{8}[a-z]?/[A-Za-z0-9/]*[A-Za-z0-9]{16}[A-Za-z0-9]*", MASK)
    # To the end of the line: these hold blanks and semicolons.
    for header in ("ookie", "OOKIE", "uthorization", "UTHORIZATION"):
        yield Rule(rf"({header}{_QUOTE}{_GAP}(?:=|:){_GAP}{_QUOTE})[^\r\n\"']+", _FIRST)
    for before in (r"\?", "&"):
        yield Rule(rf"({before}(?i:[a-z0-9._-]*(?:{_ANY_NAME})=))[^\s&\"'<>\\]+", _FIRST)
        yield Rule(rf"({before}(?i:(?:{_QUERY_NAMES})=))[^\s&\"'<>\\]{{6}}[^\s&\"'<>\\]*", _FIRST)
    yield Rule(r"(\A(?:code|sig|pass|pw|ticket)=)[^\s&\"'<>\\]{6}[^\s&\"'<>\\]*", _FIRST)
    for stem in (*_STEMS, *(stem.upper() for stem in _STEMS), *_MORE_STEMS):
        yield Rule(rf"({stem}[0-9]*{_EQUALS}){_VALUE}", _KEPT)
    for stem in _SHORT_STEMS:
        yield Rule(rf"({stem}[0-9]*{_CLOSELY}){_VALUE}", _KEPT)
    yield Rule(rf"((?:^|[^A-Za-z])(?:{_BORDERED_STEMS})[0-9]*{_CLOSELY}){_VALUE}", _KEPT)
    yield Rule(rf"(--(?i:[a-z-]*(?:{_ANY_NAME})[ =])){_VALUE}", _KEPT)
    yield Rule(rf"(<(?i:[a-z0-9:_-]*(?:{_ANY_NAME})>))[^<]+", _FIRST)


NAMED = Group(
    "name",
    (
        # password, passwd, pwd; then token, cookie, every kind of key, and tokens that go on after a k
        rf"w(?:or)?ds?[0-9]*(?:{_END}|[._> -])",
        rf"k(?:en(?:[^s]|s\.[0-9])|ie|eys?(?:[ ._-]?id)?(?:{_END}|[._> ,-])|_(?:live|test)_|\.com/)",
        rf"ss(?:phrase|code|ion(?:[ ._-]?id)?(?:{_END}|\.[0-9])|n[0-9]*{_END})",
        *("cre(?:t|dential)", rf"uth(?:[0-9]|oriz|{_END})", r"b(?:earer|asic)[ +%]"),
        *(rf"{name}[0-9]*{_END}" for name in ("si(?:g(?:nature)?|d)", "pin", "dsn", "cv[vc]", "otp", "jwt")),
        *("connection[ ._-]?string", "card[ ._-]?number"),
        *(rf"{before}(?:{_QUERY_NAMES})=" for before in (r"\?", "&", "y=")),
    ),
    (),
    tuple(_text_rules()),
)

# Under five hundred steps of a program, beyond which Go searches by another, slower method.
_LONG_NAMES = (
    "passw(?:or)?ds?|pwd|passphrase|passcode|secrets?|credentials?|token|authorization|cookies?|sess(?:ion)?[^a-z]*id|"
    "(?:api|access|account|private|session|shared|secret|sign[a-z]*|encrypt[a-z]*)[^a-z]*keys?(?:[^a-z]*id)?|"
    "connection[^a-z]*string|card[^a-z]*number"
)
_WORDS = "cv[vc]|otp|ssn|jwt"
_LAST_WORDS = "o?auth|session|sig(?:nature)?|pin|sid|dsn"
_BORDER = "(?:^|[^A-Za-z])"


def _secret_names() -> str:
    # `dbPassword` needs no border before the word, `userPin` one that is a capital letter.
    camel = "|".join(
        word.title() for word in ("otp", "ssn", "jwt", "pin", "sid", "dsn", "cvv", "sig", "auth", "session")
    )
    return (
        rf"(?i:{_LONG_NAMES})(?:[^a-z]|\z)"
        rf"|{_BORDER}(?i:(?:{_WORDS})(?:[^a-z]|\z)|(?:{_LAST_WORDS})[^a-z]*\z)|[a-z](?:{camel})[^A-Za-z]*\z"
    )


def _plain_names() -> str:
    first = "|".join(sorted(NEUTRAL_FIRST))
    last = "|".join(sorted(NEUTRAL_LAST))
    camel = "|".join(word.title() for word in sorted(NEUTRAL_LAST))
    return (
        rf"(?i:token|(?:api|private|signing|encryption)[^a-z]*key|chat[^a-z]*session)(?i:[^a-z]*id[^a-z]*)\z"
        rf"|{_BORDER}(?i:{last})[^A-Za-z]*\z|[A-Za-z0-9](?:{camel})[^A-Za-z]*\z"
        rf"|\A[^A-Za-z]*(?:(?i:{first})[^A-Za-z]|(?:{first})[A-Z])"
    )


SECRET_NAMES = _secret_names()
PLAIN_NAMES = _plain_names()
KNOWN_NAMES = (
    *("client.address", "client.port", "correlation_id", "db.collection.name", "db.namespace", "db.operation.name"),
    *("db.query.summary", "db.query.text", "db.system", "db.system.name", "error.type", "exception.message"),
    *("exception.stacktrace", "exception.type", "http.method", "http.request.method", "http.response.status_code"),
    *("http.route", "http.status_code", "http.target", "http.url", "log.class", "network.peer.address"),
    *("network.peer.port", "network.protocol.name", "network.protocol.version", "server.address", "server.port"),
    *("service.name", "service.version", "thread.id", "thread.name", "url.full", "url.path", "url.query"),
    *("url.scheme", "url.template", "user_agent.original"),
)
