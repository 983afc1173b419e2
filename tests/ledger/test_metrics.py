"""
Counter, Gauge, Histogram and Summary in prometheus_client's shape.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from otel_kit.catalogue import DEFAULT_BUCKETS, DeclarationError
from otel_kit.ledger import Counter, Gauge, Histogram, Ledger, Registry, Summary


def test_counter_gets_its_total(registry: Registry) -> None:
    """
    `_total` is added when absent, and not twice.
    """
    assert "orders_total" == Counter("orders", "Orders.", registry=registry).name
    assert "sales_total" == Counter("sales_total", "Sales.", registry=registry).name


def test_name_is_made_of_its_parts(registry: Registry) -> None:
    """
    Namespace, subsystem and unit are joined as prometheus_client does.
    """
    assert "shop_web_wait_seconds" == Gauge("wait", "Wait.", [], "shop", "web", "seconds", registry).name
    assert "shop_orders_total" == Counter("orders_total", "Orders.", namespace="shop", registry=registry).name


def test_same_declaration_is_the_same_object(registry: Registry) -> None:
    """
    A module may be loaded twice; the text may have been reworded.
    """
    first = Counter("orders", "Orders.", ["status"], registry=registry)

    assert first is Counter("orders_total", "Orders taken.", ("status",), registry=registry)


@pytest.mark.parametrize("labels", [["status", "more"], []])
def test_other_declaration_of_a_name_is_refused(registry: Registry, labels: list[str]) -> None:
    """
    Two metrics under one name could not be told apart.
    """
    Counter("orders", "Orders.", ["status"], registry=registry)

    with pytest.raises(DeclarationError, match="orders_total"):
        Counter("orders", "Orders.", labels, registry=registry)


def test_names_derived_from_another_metric_are_refused(registry: Registry) -> None:
    """
    A counter `x_count` would stand among the lines of histogram `x`.
    """
    Histogram("wait_seconds", "Wait.", registry=registry)

    for make in (
        lambda: Gauge("wait_seconds_count", "Waits.", registry=registry),
        lambda: Gauge("wait_seconds_bucket", "Waits.", registry=registry),
        lambda: Counter("wait_seconds", "Waits.", registry=registry),
        lambda: Summary("wait_seconds", "Waits.", registry=registry),
    ):
        with pytest.raises(DeclarationError, match="wait_seconds"):
            make()


def test_default_buckets_are_prometheus_clients(registry: Registry) -> None:
    """
    Dashboards made for them keep working.
    """
    assert DEFAULT_BUCKETS == Histogram("wait", "Wait.", registry=registry).declaration.buckets


def test_handle_without_registry_is_not_shown_until_listed() -> None:
    """
    A profile that is not in use must not stand on the page, nor hold names.
    """
    ledger = Ledger()
    handle = Counter("unlisted_things", "Things.", registry=None)
    handle.inc(2)
    before = [family.declaration.name for family in ledger.snapshot()]

    ledger.register(handle)
    after = {family.declaration.name: family.series for family in ledger.snapshot()}
    ledger.unregister(handle)

    assert "unlisted_things_total" not in before
    assert (2.0,) == after["unlisted_things_total"][0].values
    assert "unlisted_things_total" not in [family.declaration.name for family in ledger.snapshot()]


def test_handle_and_declaration_are_one_object() -> None:
    """
    A user who declares what a profile has declared counts in the same cells.
    """
    handle = Counter("shared_things", "Things.", registry=None)

    try:
        assert handle is Counter("shared_things", "Things.")
    finally:
        Ledger().unregister(handle)


def test_unlabelled_metrics_have_the_methods_themselves(registry: Registry) -> None:
    """
    All methods of a series work on a metric without labels.
    """
    counter, gauge = Counter("c", "C.", registry=registry), Gauge("g", "G.", registry=registry)
    histogram, summary = Histogram("h", "H.", registry=registry), Summary("s", "S.", registry=registry)

    counter.inc()
    counter.inc(2)
    gauge.set(5)
    gauge.inc(2)
    gauge.dec()
    histogram.observe(0.3)
    summary.observe(4)

    assert (3.0,) == counter.unlabelled.values()
    assert (6.0,) == gauge.unlabelled.values()
    assert (0.3, 1.0) == (histogram.unlabelled.values()[0], sum(histogram.unlabelled.values()[1:]))
    assert (4.0, 1.0) == summary.unlabelled.values()


def test_labelled_metric_refuses_to_count_without_labels(registry: Registry) -> None:
    """
    The error names the labels.
    """
    with pytest.raises(ValueError, match="status"):
        Counter("c", "C.", ["status"], registry=registry).inc()


@pytest.mark.parametrize(("mode", "merge"), [("livesum", "sum"), ("all", "sum"), ("max", "max"), ("livemin", "min")])
def test_modes_of_prometheus_client_are_understood(registry: Registry, mode: str, merge: str) -> None:
    """
    A gauge says how several workers' values become one.
    """
    assert merge == Gauge("g", "G.", registry=registry, multiprocess_mode=mode).declaration.merge


def test_unknown_mode_is_refused(registry: Registry) -> None:
    """
    A mode that the ledger does not have is an error, not a sum.
    """
    with pytest.raises(DeclarationError, match="mostrecent"):
        Gauge("g", "G.", registry=registry, multiprocess_mode="mostrecent")


def test_decorators_of_unlabelled_metrics(registry: Registry) -> None:
    """
    Time, exceptions and progress are watched without a series at hand.
    """
    counter, gauge = Counter("c", "C.", registry=registry), Gauge("g", "G.", registry=registry)
    histogram, summary = Histogram("h", "H.", registry=registry), Summary("s", "S.", registry=registry)

    with histogram.time(), summary.time(), gauge.track_inprogress():
        inside = gauge.unlabelled.values()
    with pytest.raises(KeyError), counter.count_exceptions(KeyError):
        raise KeyError

    assert (1.0,) == inside
    assert (0.0,) == gauge.unlabelled.values()
    assert 1.0 == sum(histogram.unlabelled.values()[1:]) == summary.unlabelled.values()[1]
    assert (1.0,) == counter.unlabelled.values()


def test_gauge_follows_a_function(registry: Registry) -> None:
    """
    The function is asked at each snapshot; one that fails leaves the last value.
    """
    ledger, gauge, answers = Ledger(registry), Gauge("g", "G.", registry=registry), [1.0, 2.0]
    gauge.set_function(lambda: answers.pop(0))

    seen = [ledger.snapshot()[-1].series[0].values for _ in range(3)]

    assert [(1.0,), (2.0,), (2.0,)] == seen


def test_gauge_takes_the_time(registry: Registry) -> None:
    """
    `set_to_current_time` and `time` set seconds.
    """
    now, took = Gauge("now", "Now.", registry=registry), Gauge("took", "Took.", registry=registry)
    now.set_to_current_time()
    with took.time():
        pass

    assert now.unlabelled.values()[0] > 1e9
    assert 0.0 <= took.unlabelled.values()[0] < 10.0


def test_a_gauge_without_a_series_that_was_removed() -> None:
    """
    It is gone until it is set again; to remove what is not there changes nothing.
    """
    ledger = Ledger(Registry())
    gauge = Gauge("berths", "Berths.", ["pier"], registry=ledger.registry)
    gauge.labels("north").set(3)
    gauge.labels("south").set(4)

    gauge.remove("north")
    gauge.remove("west")
    without = {series.labels: series.values for series in ledger.snapshot()[-1].series}
    gauge.labels("north").set(5)

    assert {(("pier", "south"),): (4.0,)} == without
    assert (5.0,) == gauge.labels("north").values()


def test_a_gauge_without_labels_can_have_no_value() -> None:
    """
    Like one with labels that nobody has set.
    """
    gauge = Gauge("tide_metres", "Tide.", registry=Registry())

    gauge.remove()

    assert {} == gauge.series


@pytest.mark.parametrize(("name", "least"), [("wait_ms", 20.0), ("wait_milliseconds", 20.0), ("wait_seconds", 0.02)])
def test_a_block_is_timed_in_the_unit_of_the_name(registry: Registry, name: str, least: float) -> None:
    """
    Milliseconds under a name that says so, with labels and without.
    """
    bare = Histogram(name, "Wait.", registry=registry)
    labelled = Histogram(f"labelled_{name}", "Wait.", ["what"], registry=registry)
    with bare.time(), labelled.labels(what="a").time():
        time.sleep(0.02)
    sums = [bare.unlabelled.values()[0], labelled.labels(what="a").values()[0]]

    assert [True, True] == [least <= taken < 100 * least for taken in sums]


@pytest.mark.parametrize("kind", [Counter, Gauge, Histogram, Summary])
@pytest.mark.parametrize(
    "odd",
    [
        {"name": None},
        {"name": 5},
        {"name": b"k"},
        {"name": ""},
        {"name": "", "namespace": "shop", "unit": "seconds"},
        {"documentation": None},
        {"documentation": 5},
        {"labelnames": None},
        {"labelnames": [5]},
        {"namespace": 5},
        {"subsystem": ["web"]},
        {"unit": 5},
        {"unit": "a b"},
        {"max_series": 0},
        {"max_series": "5"},
        {"max_series": True},
        {"registry": object()},
    ],
)
def test_an_odd_declaration_is_refused(registry: Registry, kind: Any, odd: dict[str, Any]) -> None:
    """
    What no page could show, or no count could use, is an error where it is declared.
    """
    with pytest.raises(DeclarationError):
        kind(**{"name": "k", "documentation": "Help.", "registry": registry, **odd})

    assert {} == registry.listed


@pytest.mark.parametrize("parts", [{"name": "_total"}, {"name": "_total", "namespace": "shop"}])
def test_a_counter_of_nothing_but_its_ending_is_refused(registry: Registry, parts: dict[str, str]) -> None:
    """
    Without `_total` there would be no name.
    """
    with pytest.raises(DeclarationError, match="empty"):
        Counter(documentation="Help.", registry=registry, **parts)


@pytest.mark.parametrize("mode", [None, 5, [], "mostrecent"])
def test_an_unknown_way_to_merge_is_refused(registry: Registry, mode: Any) -> None:
    """
    A gauge is merged by sum, max or min.
    """
    with pytest.raises(DeclarationError, match="merged"):
        Gauge("depth", "Depth.", registry=registry, multiprocess_mode=mode)
