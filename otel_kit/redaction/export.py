r"""
The part of the policy that the Collector's `redaction` processor can apply: a second net, as data.

Owns patterns in RE2's syntax (Go's `regexp`): no look-around, no back-references. Knows nothing of YAML.

What can't be said in that syntax stays behind: checksums (Luhn, mod 97), what `Basic` decodes to, the
grammar of names, words after "password:" that are no value, other spellings beyond one `%40`, `%20` and
`%3D`, an AWS secret without its name. The processor replaces the whole match with `****`, so a
name goes with its value. Patterns are few because each costs microseconds a value: give the keys in
`ignored_keys` to the processor, and never use its `allowed_values`, where one hit lets a whole attribute through.
The end of a text is `\z`, since a `$` would have to be doubled in YAML.
"""

from __future__ import annotations

from typing import NamedTuple

from otel_kit.redaction.prefixes import PREFIXES
from otel_kit.redaction.vocabulary import PAIRS

__all__ = ["CollectorPatterns", "collector_patterns"]


class CollectorPatterns(NamedTuple):
    """
    What the processor's options of the same names take.
    """

    blocked_key_patterns: tuple[str, ...]
    blocked_values: tuple[str, ...]
    ignored_keys: tuple[str, ...]


# Those that the services of a web application meet most; a value is compared with each of them. One pattern for
# each: Go finds a literal start ten times as fast as one of many alternatives.
_ISSUED = (
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "GOCSPX-", "ya29.", "AIza", "AKIA", "ASIA",
    "npm_", "pypi-AgE", "hf_", "SG.", "hvs.", "shpat_", "dop_v1_", "lin_api_", "glsa_", "dckr_pat_", "whsec_",
    "sk_live_", "sk_test_", "rk_live_", "rk_test_", "xox", "hooks.slack.com/", "AGE-SECRET-KEY-1", ":AA",
)  # fmt: skip
_TOKEN = "[A-Za-z0-9_-]"
_AT = "(?:@|%40)"
_BLANK = r"(?: |\+|%20)"
_GAP = "(?: |%20)?"
_EQUALS = "(?:=|%3[Dd]|:)"
_QUOTE = r"""\\*["']?"""
_NAMES = (
    "password|passwd|pwd|passphrase|secret|credentials?|token|authorization|api[_-]?key|access[_-]?key|"
    "account[_-]?key|private[_-]?key|signature|sessionid|session[_-]id"
)
# Where a pattern of Python's has a look-behind, this consumes the character before; it is masked with the rest.
_BEFORE = "(?:^|[^A-Za-z0-9._-])"

_KEYS = (
    r"(?i)(?:password|passwords|passwd|passphrase|passcode|secret|secrets|credentials?|token|authorization|cookies?|"
    r"apikey|sessionid|accesskeyid)\z",
    r"(?i)(?:^|[^a-z])(?:auth|oauth|session|sig|pin|sid|dsn|pwd|cvv|cvc|otp|totp|ssn|jwt)\z",
    r"\A(?:sig|[Ss]ignature|[Xx]-[A-Za-z]+-[Ss]ignature)\z",
)

_VALUES = (
    r"-----BEGIN[ %A-Z0-9]*PRIVATE(?: |%20)KEY[ %A-Z0-9]*-----(?s:.*?)(?:-----END[ %A-Z0-9]*KEY[ %A-Z0-9]*-----|\z)",
    rf"eyJ{_TOKEN}{{8}}{_TOKEN}*\.{_TOKEN}+(?:\.{_TOKEN}*)*",
    rf"://[^\s/?#\"'<>@:]*:[^\s/?#\"'<>@]+{_AT}",
    r"Q~[A-Za-z0-9_~.-]{31}[A-Za-z0-9_~.-]*",
    rf"[Bb]earer{_BLANK}+[A-Za-z0-9._~+/=-]*[0-9][A-Za-z0-9._~+/=-]*",
    rf"[Bb]asic{_BLANK}+[A-Za-z0-9+/]{{8}}[A-Za-z0-9+/]*(?:=|%3[Dd])+",
    rf"(?i)(?:cookie|authorization){_QUOTE}(?: |%20)?:(?: |%20)?{_QUOTE}[^\r\n\"']+",
    rf"(?i)(?:{_NAMES}){_QUOTE}(?: |%20)?{_EQUALS}(?: |%20)?{_QUOTE}[^\s&;,\"'<>()\[\]{{}}\\]+",
    r"[?&](?:code|key|sig|pass|pw|policy|ticket)=[^\s&\"'<>\\]{6}[^\s&\"'<>\\]*",
    rf"\b[A-Za-z0-9._+-]+{_AT}[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{{2}}[A-Za-z]*\b",
    rf"{_BEFORE}(?:4[0-9]{{15}}|5[1-5][0-9]{{14}}|2[2-7][0-9]{{14}}|3[47][0-9]{{13}}|6(?:011|5[0-9]{{2}})[0-9]{{12}}"
    rf"|[2-6][0-9]{{3}}(?:{_BLANK}[0-9]{{4}}{_BLANK}[0-9]{{4}}{_BLANK}[0-9]{{4}}|-[0-9]{{4}}-[0-9]{{4}}-[0-9]{{4}}"
    r"|[ -][0-9]{6}[ -][0-9]{5}))\b",
    rf"{_BEFORE}[0-8][0-9]{{2}}-[0-9]{{2}}-[0-9]{{4}}\b",
    r"(?:^|[^A-Za-z0-9])(?:\+|%2B)[1-9](?:(?:%20|[ ()-]){0,2}[0-9]){7}(?:[ -]?[0-9])*",
    rf"{_BEFORE}(?:1[ .-])?(?:\([2-9][0-9]{{2}}\) ?|[2-9][0-9]{{2}}[.-])[2-9][0-9]{{2}}[.-][0-9]{{4}}\b",
    rf"\b[A-Z]{{2}}[0-9]{{2}}{_GAP}(?:[A-Z]{{4}}{_GAP})?[0-9]{{4}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{{2}}(?:{_GAP}[0-9A-Z])*",
)

_IGNORED_KEYS = (
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "network.protocol.name",
    "network.protocol.version",
    "server.port",
    "service.name",
    "service.version",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "url.scheme",
)


def collector_patterns() -> CollectorPatterns:
    """
    Key patterns, value patterns and keys to pass over, for the Collector's `redaction` processor.
    """
    return CollectorPatterns((*_KEYS, _pairs()), (*_VALUES, *_tokens()), _IGNORED_KEYS)


def _pairs() -> str:
    seconds: dict[str, list[str]] = {}
    for first, second in sorted(PAIRS):
        seconds.setdefault(second, []).append(first)
    pairs = "|".join(f"(?:{'|'.join(firsts)})[._-]?{second}" for second, firsts in sorted(seconds.items()))
    return rf"(?i)(?:{pairs})(?:[._-]?id)?\z"


def _tokens() -> tuple[str, ...]:
    rows = {prefix.literal: prefix for prefix in PREFIXES}
    # A word may end in "sk", and a name in kebab case go on from there.
    return (
        rf"\bsk-{_TOKEN}*[0-9]{_TOKEN}{{16}}{_TOKEN}*",
        *(rows[literal].literal.replace(".", r"\.") + rows[literal].body for literal in _ISSUED),
    )
