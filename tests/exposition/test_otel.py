"""
Instruments of other libraries, as families.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from otel_kit.exposition import otel
from otel_kit.exposition.families import Family, FamilyKind
from otel_kit.exposition.otel import InstrumentReader
from otel_kit.exposition.samples import encodable
from otel_kit.redaction import Policy
from tests.exposition.build import Samples, counter, faults, page, samples, series

RESOURCE = Resource({"service.name": "shop", "service.version": "1.0"})


class Setting:
    """
    A provider of its own with our reader and the official one.
    """

    def __init__(
        self,
        clean: Callable[[str, str], str] | None = None,
        views: tuple[View, ...] = (),
        clean_text: Callable[[str], str] = encodable,
    ) -> None:
        self.reader = InstrumentReader(clean_text=clean_text) if clean is None else InstrumentReader(clean, clean_text)
        self.registry = CollectorRegistry()
        official = PrometheusMetricReader(scope_info_enabled=False, registry=self.registry)
        self.provider = MeterProvider([self.reader, official], resource=RESOURCE, views=views, shutdown_on_exit=False)

    def meter(self, name: str = "library") -> Meter:
        return self.provider.get_meter(name)

    def ours(self, openmetrics: bool = False) -> Samples:
        """
        All samples but those of the resource.
        """
        found = samples(page(self.reader.families(), openmetrics), openmetrics)
        return {key: value for key, value in found.items() if key[0] != "target_info"}


@pytest.fixture
def setting() -> Iterator[Setting]:
    """
    Provider and readers, shut down at the end.
    """
    made = Setting()
    yield made
    made.provider.shutdown()


def measure(meter: Meter) -> None:
    """
    Some of each kind of instrument, with names and units that need translation.
    """
    paid, lost = {"http.method": "GET", "ok": True, "size": 3}, {"http.method": 'P"\\\n', "list": ["a", "b"]}
    sent = meter.create_counter("messages.sent", "{message}", "Messages\nsent.")
    sent.add(3, paid)
    sent.add(4.5, lost)
    meter.create_counter("network.io", "By", "Bytes.").add(7, paid)
    meter.create_counter("cache.hits_total", "1").add(1)
    meter.create_up_down_counter("pool.size", "{connection}", "Pool.").add(-2, paid)
    meter.create_gauge("cpu.share", "1", "Share.").set(0.25, {"core": 0})
    meter.create_gauge("fan-1/speed", "m/s").set(9.75)
    meter.create_gauge("room.temperature", "Cel").set(-3.5)
    took = meter.create_histogram("request.duration", "s", "Took.", explicit_bucket_boundaries_advisory=[0.1, 1.0, 2.5])
    for value in (0.05, 0.1, 0.7, 9):
        took.record(value, paid)
    meter.create_observable_gauge("queue.depth", [lambda options: [Observation(5, {"q": "a"})]], "{item}")
    meter.create_observable_counter("cpu.time", [lambda options: [Observation(1.5)]], "ms")


@pytest.mark.parametrize("openmetrics", [False, True])
def test_translation_is_that_of_the_official_exporter(setting: Setting, openmetrics: bool) -> None:
    """
    Names, units, kinds, labels, values and heads are those of opentelemetry-exporter-prometheus.

    It fills up labels that a series lacks with empty ones, which to Prometheus is the same as none.
    """
    measure(setting.meter())
    theirs = (generate_openmetrics if openmetrics else generate_latest)(setting.registry).decode()
    ours = page(setting.reader.families(), openmetrics)
    expected = {
        (name, tuple(label for label in labels if label[1])): value
        for (name, labels), value in samples(theirs, openmetrics).items()
    }

    assert expected == samples(ours, openmetrics)
    assert {line for line in theirs.splitlines() if line.startswith("# TYPE")} == {
        line for line in ours.splitlines() if line.startswith("# TYPE")
    }


def test_the_resource_is_target_info(setting: Setting) -> None:
    """
    The resource's attributes are the labels of `target_info`.
    """
    setting.meter().create_counter("a").add(1)
    found = samples(page(setting.reader.families()))

    assert 1.0 == found["target_info", (("service_name", "shop"), ("service_version", "1.0"))]


def test_two_scopes_with_one_name_keep_their_own_labels(setting: Setting) -> None:
    """
    Series of two libraries stand under one head, and no value stands under another's label.
    """
    setting.meter("one").create_counter("requests", description="First.").add(1, {"method": "GET"})
    setting.meter("two").create_counter("requests", description="Second.").add(2, {"host": "h", "zone": "z"})
    text = page(setting.reader.families())

    assert 1 == text.count("# TYPE requests_total counter")
    assert {
        ("requests_total", (("method", "GET"),)): 1.0,
        ("requests_total", (("host", "h"), ("zone", "z"))): 2.0,
    } == setting.ours()


def test_equal_series_of_two_scopes_are_added_up(setting: Setting) -> None:
    """
    Sums and histograms that two libraries count under one name and label set become one series.
    """
    for scope in ("one", "two"):
        setting.meter(scope).create_counter("requests").add(2, {"method": "GET"})
        setting.meter(scope).create_up_down_counter("pool").add(-1)
        took = setting.meter(scope).create_histogram("took", explicit_bucket_boundaries_advisory=[1.0])
        took.record(0.5)
    found = setting.ours()

    assert 4.0 == found["requests_total", (("method", "GET"),)]
    assert -2.0 == found["pool", ()]
    assert (2.0, 1.0) == (found["took_bucket", (("le", "1.0"),)], found["took_sum", ()])


def test_equal_gauges_of_two_scopes_are_not_added_up(setting: Setting) -> None:
    """
    Of two temperatures the first is shown, and the other is counted as left out.
    """
    before = faults()
    for scope, value in (("one", 20.0), ("two", 30.0)):
        setting.meter(scope).create_gauge("temperature").set(value)

    assert {("temperature", ()): 20.0} == setting.ours()
    assert before + 1 == faults()


def test_histograms_with_different_bounds_stand_side_by_side(setting: Setting) -> None:
    """
    Each series of a shared name keeps the bounds it was counted with.
    """
    for scope, bound in (("one", 1.0), ("two", 5.0)):
        took = setting.meter(scope).create_histogram("took", explicit_bucket_boundaries_advisory=[bound])
        took.record(0.5, {"scope": scope})
    text = page(setting.reader.families())

    assert 1 == text.count("# TYPE took histogram")
    assert 'took_bucket{scope="one",le="1.0"} 1\n' in text
    assert 'took_bucket{scope="two",le="5.0"} 1\n' in text


def test_one_name_of_two_kinds_is_shown_as_the_first(setting: Setting) -> None:
    """
    The second kind is left out and counted, and the rest of the page stands.
    """
    before = faults()
    setting.meter("one").create_gauge("pool").set(1)
    setting.meter("two").create_histogram("pool").record(1)

    assert {("pool", ()): 1.0} == setting.ours()
    assert {("pool", ()): 1.0} == setting.ours()
    assert before + 1 == faults()


def test_the_ledgers_name_wins(setting: Setting) -> None:
    """
    A documented metric is shown from the ledger, not from an instrument of the same name.
    """
    setting.meter().create_counter("orders").add(100)
    own = counter("orders_total", series(3.0))

    assert 3.0 == samples(page([own, *setting.reader.families()]))["orders_total", ()]


def test_the_kits_own_scope_is_passed_over(setting: Setting) -> None:
    """
    What the kit counts comes from the ledger, not a second time from here.
    """
    setting.meter("otel_kit").create_counter("orders").add(100)
    setting.meter().create_counter("others").add(1)

    assert {("others_total", ()): 1.0} == setting.ours()


def test_keys_that_become_one_name_are_joined(setting: Setting) -> None:
    """
    `a.b` and `a_b` are one label in Prometheus: their values stand together in the order of the keys.
    """
    setting.meter().create_counter("c").add(1, {"a_b": "second", "a.b": "first"})

    assert {("c_total", (("a_b", "first;second"),)): 1.0} == setting.ours()


def test_equal_numbers_of_other_types_stay_apart(setting: Setting) -> None:
    """
    1 and True are equal to Python, but not the same label value.
    """
    setting.meter().create_counter("a").add(1, {"flag": 1})
    setting.meter().create_counter("b").add(1, {"flag": True})

    assert {("a_total", (("flag", "1"),)): 1.0, ("b_total", (("flag", "true"),)): 1.0} == setting.ours()


def test_label_values_go_through_the_policy() -> None:
    """
    What a library puts in an attribute is cleaned like any label, the resource too.
    """
    setting = Setting(clean=lambda name, text: text.replace("shop", "REDACTED"))
    setting.meter().create_counter("c").add(1, {"user": "of shop"})
    found = samples(page(setting.reader.families()))
    setting.provider.shutdown()

    assert ("c_total", (("user", "of REDACTED"),)) in found
    assert ("target_info", (("service_name", "REDACTED"), ("service_version", "1.0"))) in found


@pytest.fixture
def judged() -> Iterator[Setting]:
    """
    Names and descriptions go through the policy.
    """
    made = Setting(clean_text=Policy().text)
    yield made
    made.provider.shutdown()


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("by alice@example.com", "by_REDACTED"),
        ("sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc", "REDACTED"),
        ("at postgres://shop:S3cretPw@db/x", "at_postgres_REDACTED_REDACTED_db_x"),
        ("http.method", "http_method"),
    ],
)
def test_names_of_attributes_go_through_the_policy(judged: Setting, key: str, label: str) -> None:
    """
    A secret in a name is known by letters that a label's name can't have, so it goes before these do.
    """
    judged.meter().create_counter("c").add(1, {key: "v"})

    assert {("c_total", ((label, "v"),)): 1.0} == judged.ours()


@pytest.mark.parametrize("openmetrics", [False, True])
def test_names_that_are_masked_alike_break_no_page(judged: Setting, openmetrics: bool) -> None:
    """
    In one series their values are joined; series that become equal are added up, of gauges the first is shown.
    """
    alice, bob = {"alice@example.com": "a"}, {"bob@example.com": "a"}
    counted = judged.meter().create_counter("c")
    counted.add(1, alice)
    counted.add(2, bob)
    counted.add(4, {"alice@example.com": "a", "bob@example.com": "b"})
    gauge = judged.meter().create_gauge("g")
    gauge.set(1, alice)
    gauge.set(2, bob)

    assert {
        ("c_total", (("REDACTED", "a"),)): 3.0,
        ("c_total", (("REDACTED", "a;b"),)): 4.0,
        ("g", (("REDACTED", "a"),)): 1.0,
    } == judged.ours(openmetrics)


def test_descriptions_go_through_the_policy_once() -> None:
    """
    A page shows them clean, and the next one does not have them looked at again.
    """
    asked: list[str] = []

    def clean(text: str) -> str:
        asked.append(text)
        return Policy().text(text)

    setting = Setting(clean_text=clean)
    setting.meter().create_counter("c", description="Ask alice@example.com").add(1, {"k": "v"})
    pages = [page(setting.reader.families()) for _ in range(3)]
    setting.provider.shutdown()

    assert 3 == sum("# HELP c_total Ask REDACTED\n" in text for text in pages)
    assert 1 == asked.count("Ask alice@example.com")
    assert 1 == asked.count("k")


@pytest.mark.parametrize(
    "aggregation", [ExponentialBucketHistogramAggregation(), ExplicitBucketHistogramAggregation([])]
)
def test_a_histogram_without_lasting_bounds_is_a_summary(
    aggregation: ExponentialBucketHistogramAggregation | ExplicitBucketHistogramAggregation,
) -> None:
    """
    Sum and count of an exponential histogram are shown; buckets that move could not be added up.
    """
    setting = Setting(views=(View(instrument_name="took", aggregation=aggregation),))
    took = setting.meter().create_histogram("took", "s")
    took.record(0.5)
    took.record(2)
    found = setting.ours()
    setting.provider.shutdown()

    assert {("took_seconds_sum", ()): 2.5, ("took_seconds_count", ()): 2.0} == found


def test_exemplars_lead_to_the_trace(setting: Setting) -> None:
    """
    A measurement inside a sampled span leaves its trace on the bucket and the counter.
    """
    took = setting.meter().create_histogram("took", explicit_bucket_boundaries_advisory=[1.0])
    sent = setting.meter().create_counter("sent")
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        took.record(0.5)
        sent.add(1)
    text = page(setting.reader.families(), openmetrics=True)
    context = span.get_span_context()
    ids = f'# {{trace_id="{context.trace_id:032x}",span_id="{context.span_id:016x}"}}'

    assert f'took_bucket{{le="1.0"}} 1 {ids} 0.5 ' in text
    assert f"sent_total 1 {ids} 1 " in text
    assert setting.ours(openmetrics=True) is not None


def test_a_callback_that_raises_costs_its_own_instrument(setting: Setting, caplog: pytest.LogCaptureFixture) -> None:
    """
    Other instruments are read all the same.
    """

    def broken(options: CallbackOptions) -> list[Observation]:
        raise RuntimeError("broken")

    setting.meter().create_observable_gauge("broken", [broken])
    setting.meter().create_counter("c").add(1)
    with caplog.at_level(logging.CRITICAL, "opentelemetry"):
        assert {("c_total", ()): 1.0} == setting.ours()


def test_an_instrument_that_cannot_be_translated_costs_only_itself(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whatever one instrument raises is counted, and the others are shown.
    """
    before, known = faults(), otel.family_name

    def name_of(name: str, unit: str, kind: FamilyKind) -> str:
        if name == "odd":
            raise ValueError(name)
        return known(name, unit, kind)

    monkeypatch.setattr(otel, "family_name", name_of)
    setting.meter().create_counter("odd").add(1)
    setting.meter().create_counter("c").add(1)

    assert {("c_total", ()): 1.0} == setting.ours()
    assert before + 1 == faults()


@pytest.mark.parametrize("text", ["\udcff\ud800", '\xff\n"\\', "a\0b", "\u2028"])
def test_odd_attribute_values_never_break_the_page(setting: Setting, text: str) -> None:
    """
    Bytes that a client sent reach the page as something that parses, again and again.
    """
    setting.meter().create_counter("c").add(1, {"host": text, "list": (text,)})

    for openmetrics in (False, True, False):
        (found,) = setting.ours(openmetrics).values()
        assert 1.0 == found


def test_a_negative_counter_is_left_out(setting: Setting) -> None:
    """
    A callback of a counter that goes below zero is no counter to Prometheus.
    """
    setting.meter().create_observable_counter("odd", [lambda options: [Observation(-1)]])
    setting.meter().create_counter("c").add(1)

    assert {("c_total", ()): 1.0} == setting.ours()


def test_series_beyond_the_sdks_limit_are_one_of_overflow(setting: Setting) -> None:
    """
    The SDK bounds the series of an instrument, and the page shows that it did.
    """
    many = setting.meter().create_counter("many")
    for number in range(2100):
        many.add(1, {"of": str(number)})
    found = setting.ours()

    assert 2001 >= len(found)
    assert 2100.0 == math.fsum(found.values())
    assert found["many_total", (("otel_metric_overflow", "true"),)] >= 100.0


def test_a_reader_that_is_not_registered_has_nothing() -> None:
    """
    Before set-up has handed it to a provider the reader is silently empty.
    """
    assert [] == InstrumentReader().families()


def test_reading_goes_on_after_the_providers_end(setting: Setting) -> None:
    """
    A scrape during shutdown is answered.
    """
    setting.meter().create_counter("c").add(1)
    setting.provider.shutdown()
    families: list[Family] = setting.reader.families()

    assert isinstance(families, list)


def test_a_reading_that_raises_is_counted(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What the SDK raises leaves the instruments out of one page.
    """
    before = faults()

    def collect(*arguments: object, **named: object) -> None:
        raise RuntimeError("collect")

    monkeypatch.setattr(setting.reader, "_collect", collect)

    assert [] == setting.reader.families()
    assert before + 1 == faults()


def test_readings_are_cumulative(setting: Setting) -> None:
    """
    Reading twice does not start from zero.
    """
    setting.meter().create_counter("c").add(2)
    setting.ours()

    assert {("c_total", ()): 2.0} == setting.ours()
