"""
Words that make a name secret, and words that don't: data for the key names and the rule for assignments.

Knows nothing of how names are split or where they are found.
"""

from __future__ import annotations

__all__ = [
    "HEADERS",
    "NEUTRAL_FIRST",
    "NEUTRAL_LAST",
    "NO_RECORDS_IDS",
    "NO_VALUES",
    "NUMBERED_IDS",
    "OPEN_SESSIONS",
    "PAIRS",
    "PAIR_ENDS",
    "PHONES",
    "PHONE_ENDS",
    "QUERY_ONLY_NAMES",
    "STEMS",
    "STOP_WORDS",
    "STRONG",
    "STRONG_ENDINGS",
    "STRONG_LAST",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STRONG = _words(
    "password passwords passwd pwd passphrase passcode secret secrets credential credentials token authorization "
    "cookie cookies apikey apikeys cvv cvc ccv csc otp totp ssn jwt bearer mnemonic privatekey secretkey accesskey "
    "accesskeyid accountkey sharedkey sessionkey sessionid masterkey signingkey encryptionkey subscriptionkey "
    "cardnumber creditcard connectionstring samlresponse samlrequest samlassertion"
)
"""Secret wherever they stand in a name."""

STRONG_ENDINGS = tuple(sorted(_words("password passwd passphrase secret apikey token credentials sessionid sessid")))
"""A word that ends in one of these is as strong."""

STRONG_LAST = _words("auth oauth session sig signature pin sid dsn csrf xsrf hmac nino cpf curp")
"""Secret as the last word only: `session.duration` is none."""

PAIRS = frozenset(
    (first, second)
    for second, firsts in {
        "key": "api private access account session encryption signing master shared storage subscription auth ssh "
        "license webhook hmac",
        "keys": "api",
        "number": "card account routing passport licence",
        "card": "credit",
        "string": "connection",
        "id": "session national tax",
        "identifier": "national",
        "security": "social",
        "code": "security verification recovery backup auth pass",
        "verifier": "code",
        "assertion": "client",
        "phrase": "seed pass recovery",
        "word": "pass",
    }.items()
    for first in _words(firsts)
)
"""Secret as two words in a row."""

PAIR_ENDS = _words("key keys number string phrase code")
"""Words before which one more word of the text is looked at: "api key: x", "Card Number: x"."""

NEUTRAL_LAST = _words(
    "count counts counter length len size type types kind name names method methods expires expire expiry expired "
    "expiration in at on ttl policy policies status state version limit limits usage file files filename path dir url "
    "uri endpoint port enabled disabled required valid invalid present created updated issued age algorithm alg format "
    "scope scopes provider source location attempts retries failures errors error strength score rules field fields "
    "header headers class handler timeout duration latency seconds ms total tokens budget ratio rate details prefix "
    "hint reset"
)
"""A name that ends in one of these tells about a secret and doesn't hold it."""

NUMBERED_IDS = _words("key token")
"""With `id` behind, a name for a secret and not the secret; an access key's id is taken for one half of a pair."""

OPEN_SESSIONS = _words("chat conversation")
"""Sessions that nobody enters by knowing their id."""

NO_RECORDS_IDS = _words("card pan national tax social ssn nino cpf curp passport licence license header headers")
"""An id with one of these is a person's or a card's number, or what a client claims, and no id of a record."""

PHONES = _words("phone phones mobile mobiles telephone telefon tel fax telefax cellphone msisdn")
"""Last words of names whose values are numbers to call."""

PHONE_ENDS = _words("number numbers no nr")
"""What may stand behind them: `phone_number`."""

NEUTRAL_FIRST = _words("has is needs no missing without")
"""So does one that begins with one of these."""

QUERY_ONLY_NAMES = _words("code key sig pass pw policy ticket")
"""Secret as names of a URL's query parameters only."""

HEADERS = _words("cookie authorization")
"""Last words of headers whose values hold blanks and semicolons."""

STEMS = tuple(
    sorted(
        _words(
            "key token pass auth secret sig cookie code pw sess cred number pin sid string phrase policy ticket dsn "
            "otp ssn jwt cvv cvc ccv csc bearer mnemonic srf hmac saml nino cpf curp national tax social "
            "assertion licence phone mobile tel fax msisdn"
        )
    )
)
"""Every name that counts contains one of these."""

STOP_WORDS = _words(
    "must should may might can can't cannot is isn't are was were has have had not no required missing invalid "
    "incorrect wrong expired empty too and or the a an to for from in of with field value please enter changed "
    "updated reset created deleted accepted rejected denied failed ok str int bytes bool float optional string "
    "header eof"
)
"""What stands after "password:" in a sentence: no value, where a blank is between."""

NO_VALUES = _words("true false null none undefined")
"""Values that hide nothing."""
