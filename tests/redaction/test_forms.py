"""
Texts as a form writes them: a plus for each blank, percent for the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote_plus, unquote_plus

import pytest

from otel_kit.redaction import Policy
from tests.redaction.samples import BENIGN, NAMED, PASSWORD, SECRETS
from tests.redaction.test_export import masked

policy = Policy()

FORMS: dict[str, Callable[[str], str]] = {
    "query": lambda text: f"q={quote_plus(text)}&page=2",
    "sentence": lambda text: "/find?q=" + quote_plus(f"user said {text} and left"),
    "json": lambda text: "q=" + quote_plus(json.dumps({"text": text, "n": 1})),
    "address in an address": lambda text: "/go?to=" + quote_plus("/find?q=" + quote_plus(text)),
    "log line": lambda text: f"called http://shop/find?q={quote_plus(text)} in 3 ms",
}
# Where blanks are pluses the words around these become part of a name or a value.
SWALLOWED = {"password=null", "git@github.com:org/repo.git"}
ORDINARY = (
    "q=a+b", "q=1+1", "q=1%2B1", "q=red+shoes+size+42&page=2", "q=c%2B%2B+17+or+c%2B%2B+20",
    "name=Jane+Doe&city=New+York", "/find?q=how+to+reset+a+password&lang=en", "q=2+%2B+2+%3D+4",
    "from=2025-11-21T11%3A45%3A40%2B01%3A00", "at=2025-11-21+11:45:40+0100", "near=%2B52.520008%2B13.404954",
    "near=+27.5916+086.5640+8850CRSWGS_84/", "q=private+key+rotation", "q=BEGIN+PRIVATE+KEY",
    "q=bearer+authentication+required+for+this+page", "q=api+keys+and+tokens", "q=token%3A+expired",
    "q=%7B%22page%22%3A+1%2C+%22sort%22%3A+%22price%22%7D", "a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s",
    "GET /find?q=summer+2024+sale&min=10&max=200 200 in 3 ms", "v1.2.3+415.5",
)  # fmt: skip


def read(text: str) -> str:
    """
    `text` with every layer of a form taken off.
    """
    for _ in range(3):
        text = unquote_plus(text)
    return text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", SECRETS)
def test_finds_every_secret_in_a_form(kind: str, form: str) -> None:
    """
    A blank that became a plus hides no secret.
    """
    planted, part = SECRETS[kind]
    cleaned = policy.text(FORMS[form](planted))

    assert read(part) not in read(cleaned)
    assert "REDACTED" in cleaned


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMED)
def test_finds_every_named_value_in_a_form(name: str, form: str) -> None:
    """
    Nor does it hide where the value of a secret name begins.
    """
    text = FORMS[form](NAMED[name])

    assert PASSWORD not in read(policy.text(text))
    assert PASSWORD not in read(policy.query(text))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", [text for text in BENIGN if text not in SWALLOWED])
def test_harmless_values_stay_in_a_form(text: str, form: str) -> None:
    """
    Written as a form they come back as they are.
    """
    written = FORMS[form](text)

    assert written == policy.text(written)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_queries_stay(text: str) -> None:
    """
    Words, sums and dates with a plus between are no secrets.
    """
    assert text == policy.text(text)
    assert text == policy.query(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("q=%2B49+170+1234567&n=1", "q=REDACTED&n=1"),
        ("q=%2B1+%28415%29+555-0132", "q=REDACTED"),
        ("q=call+(415)+555-0132+now", "q=call+REDACTED+now"),
        ('q={"password":+"a+b",+"n":+1}', 'q={"password":+"REDACTED",+"n":+1}'),
        ('q={"passwords":+["a",+"b"],+"n":+1}', 'q={"passwords":+"REDACTED",+"n":+1}'),
        ('q={"phone":+"0170+123456"}', 'q={"phone":+"REDACTED"}'),
        ("q=--password+hunter2", "q=--password+REDACTED"),
        ("q=api+key:+hunter2&n=1", "q=api+key:REDACTED&n=1"),
        ("token=+a+b&n=1", "token=REDACTED&n=1"),
        ("/x?client+secret=a,b&n=1", "/x?client+secret=REDACTED&n=1"),
        ("/x?zip+code=123456&n=1", "/x?zip+code=123456&n=1"),
        ("near=%2B52.5+13.4", "near=%2B52.5+13.4"),
    ],
)
def test_masks_the_value_and_leaves_the_rest(text: str, expected: str) -> None:
    """
    What stands around the secret keeps its pluses.
    """
    assert expected == policy.text(text)


def test_the_first_parameter_of_a_query_may_have_two_words() -> None:
    """
    A comma is part of its value there, which it is not in a sentence.
    """
    assert "client+secret=REDACTED&n=1" == policy.query("client+secret=a,b&n=1")
    assert "client+secret=REDACTED,b" == policy.text("client+secret=a,b")


def test_users_pattern_with_a_blank_finds_a_plus() -> None:
    """
    Whoever writes a pattern thinks of blanks, not of forms.
    """
    own = Policy(patterns=[r"member no [0-9]{4}"])

    assert "q=my+REDACTED+a+b" == own.text("q=my+member+no+1234+a+b")
    assert not own.clean_joined(["q=my+member+no+1234"])
    assert own.clean_joined(["q=my+member+no+one"])


@pytest.mark.parametrize(
    "kind", ["private key", "pgp key", "phone", "phone with brackets", "card with blanks", "iban with blanks", "bearer"]
)
def test_the_collector_finds_it_in_a_form(kind: str) -> None:
    """
    The second net knows the plus where its syntax can say it.
    """
    planted, part = SECRETS[kind]
    written = "q=" + planted.replace(" ", "+")

    assert part not in read(masked(written)).replace("+", " ")
