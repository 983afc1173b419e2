"""
Label values, the cap, and what is remembered of refused ones.
"""

from __future__ import annotations

from enum import Enum

import pytest

from otel_kit.ledger import Counter, Ledger, Registry


class Status(str, Enum):
    """
    Text that is also a name.
    """

    PAID = "paid"


def test_labels_by_name_and_by_position_are_one_series(registry: Registry) -> None:
    """
    Order by name does not matter.
    """
    counter = Counter("c", "C.", ["a", "b"], registry=registry)

    assert counter.labels("1", "2") is counter.labels(b="2", a="1")


@pytest.mark.parametrize("value", [200, "200"])
def test_values_become_text(registry: Registry, value: object) -> None:
    """
    A number and its text are the same series.
    """
    counter = Counter("c", "C.", ["status"], registry=registry)

    assert counter.labels("200") is counter.labels(value)


def test_equal_values_of_different_text_are_different_series(registry: Registry) -> None:
    """
    1, 1.0 and True are equal, but not as text.
    """
    counter = Counter("c", "C.", ["x"], registry=registry)

    assert 3 == len({id(counter.labels(value)) for value in (1, 1.0, True)})


def test_text_that_is_an_enum_member_is_its_text(registry: Registry) -> None:
    """
    Whether the plain text was seen before makes no difference.
    """
    counter = Counter("c", "C.", ["status"], registry=registry)
    by_member = counter.labels(Status.PAID)

    assert by_member is counter.labels("paid")


def test_unhashable_values_become_text(registry: Registry) -> None:
    """
    A list is no key, but has a text.
    """
    counter = Counter("c", "C.", ["x"], registry=registry)

    assert counter.labels("[1]") is counter.labels([1])


@pytest.mark.parametrize(
    ("values", "names"),
    [((), {}), (("1",), {}), (("1", "2", "3"), {}), (("1",), {"b": "2"}), ((), {"a": "1", "c": "2"})],
)
def test_wrong_labels_are_refused(registry: Registry, values: tuple[str, ...], names: dict[str, str]) -> None:
    """
    Missing, left over, unknown and doubled labels are errors.
    """
    with pytest.raises(ValueError, match=r"\('a', 'b'\)"):
        Counter("c", "C.", ["a", "b"], registry=registry).labels(*values, **names)


def test_values_beyond_the_cap_share_one_series(registry: Registry) -> None:
    """
    Refused series are counted by metric, and nothing is lost.
    """
    ledger, counter = Ledger(registry), Counter("c", "C.", ["x"], registry=registry, max_series=3)

    for number in range(10):
        counter.labels(str(number)).inc()

    families = {family.declaration.name: family.series for family in ledger.snapshot()}
    assert ["0", "1", "2", "true"] == [series.labels[0][1] for series in families["c_total"]]
    assert (("otel_metric_overflow", "true"),) == families["c_total"][-1].labels
    assert (7.0,) == families["c_total"][-1].values
    assert [((("metric", "c_total"),), (7.0,))] == [s[:2] for s in families["otel_kit_series_refused_total"]]


def test_refused_values_are_not_remembered(registry: Registry) -> None:
    """
    An attacker who sends ever new values gains no memory.
    """
    counter = Counter("c", "C.", ["x"], registry=registry, max_series=3)

    for number in range(100):
        counter.labels(str(number))

    assert 3 == len(counter.children)
    assert 4 == len(counter.series)


def test_known_series_go_on_beyond_the_cap(registry: Registry) -> None:
    """
    The cap refuses new label sets only.
    """
    counter = Counter("c", "C.", ["x"], registry=registry, max_series=1)
    first = counter.labels("a")
    counter.labels("b")

    assert first is counter.labels("a")


def test_values_are_cleaned_once(registry: Registry) -> None:
    """
    The policy sees a value when its series is made, not at each lookup.
    """
    seen: list[str] = []
    ledger, counter = Ledger(registry), Counter("c", "C.", ["x"], registry=registry)
    ledger.clean_label = lambda label, value: seen.append(value) or value.upper()  # type: ignore[func-returns-value]

    counter.labels("a").inc()
    counter.labels("a").inc()

    assert ["a"] == seen
    assert {("A",): (2.0,)} == {s.key: s.values for s in ledger.snapshot()[-1].series}


def test_values_that_clean_alike_are_one_series_and_bounded(registry: Registry) -> None:
    """
    Many secrets become one mask; they are remembered up to a bound, and crowd out nobody.
    """
    ledger, counter = Ledger(registry), Counter("c", "C.", ["x"], registry=registry, max_series=5)
    ledger.clean_label = lambda label, value: "MASK" if value.startswith("secret") else value

    for number in range(100):
        counter.labels(f"secret{number}").inc()
    counter.labels("other").inc()

    assert {("MASK",): (100.0,), ("other",): (1.0,)} == {s.key: s.values for s in ledger.snapshot()[-1].series}
    assert 10 == len(counter.children)


@pytest.mark.parametrize(("value", "shown"), [("\ud800x", "?x"), ("x" * 300, "x" * 256), ("ä", "ä")])
def test_values_are_short_valid_text(registry: Registry, value: str, shown: str) -> None:
    """
    Lone surrogates and long values are mended, whatever the policy returns.
    """
    counter = Counter("c", "C.", ["x"], registry=registry)

    assert (("x", shown),) == counter.labels(value).labels


def test_value_that_the_policy_fails_on_is_hidden(registry: Registry) -> None:
    """
    A failing policy hides the value and does not reach the caller.
    """
    ledger, counter = Ledger(registry), Counter("c", "C.", ["x"], registry=registry)
    ledger.clean_label = lambda label, value: str(1 / 0)

    assert (("x", "REDACTED"),) == counter.labels("secret").labels


def test_the_policy_knows_the_name_of_the_label(registry: Registry) -> None:
    """
    A value may be secret by its name alone.
    """
    ledger, counter = Ledger(registry), Counter("c", "C.", ["user", "password"], registry=registry)
    ledger.clean_label = lambda label, value: "MASK" if label == "password" else value

    assert (("user", "jo"), ("password", "MASK")) == counter.labels(user="jo", password="x").labels


def test_early_series_are_cleaned_when_the_policy_comes(registry: Registry) -> None:
    """
    What a module counted before set-up goes under the policy too, added up where it becomes one series.
    """
    ledger, counter = Ledger(registry), Counter("c", "C.", ["x"], registry=registry)
    first, second = counter.labels("secret1"), counter.labels("secret2")
    first.inc()
    second.inc(2)
    counter.labels("other").inc(4)

    ledger.clean_label = lambda label, value: "MASK" if value.startswith("secret") else value
    first.inc(8)
    second.inc(16)
    counter.labels("secret1").inc(32)

    assert {("MASK",): (59.0,), ("other",): (4.0,)} == {s.key: s.values for s in ledger.snapshot()[-1].series}
    assert [("MASK",)] == [s.key for s in ledger.snapshot()[-1].series if ("x", "MASK") in s.labels]


def test_the_ledgers_own_labels_need_no_policy(registry: Registry) -> None:
    """
    Where the policy fails, the count of its faults still says so.
    """
    ledger = Ledger(registry)
    ledger.clean_label = lambda label, value: "MASK"

    assert (("metric", "orders_total"),) == registry.refused.labels("orders_total").labels  # type: ignore[union-attr]
