"""
Checks of `/metrics`: it is Prometheus text, and it has what the profile documents.

Owns the strict reading of a page. Names, kinds and labels are the profile's declarations.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from otel_kit.cli.verify.caller import Answer, Caller
from otel_kit.cli.verify.target import Target
from otel_kit.cli.verify.verdict import Verdict, clean, failed, info, passed
from otel_kit.profiles import Profile

__all__ = ["METRICS_REQUESTS", "MetricsChecks", "Page", "check_metrics"]

METRICS_REQUESTS = 1
PAGE_BYTES = 10 * 1024 * 1024
SHOWN = 8
OVERFLOW = "otel_metric_overflow"

_TYPE = re.compile(r"# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary|untyped)")
_LABEL = r'[a-zA-Z_]\w*="(?:[^"\\]|\\.)*"'
_SAMPLE = re.compile(rf"([a-zA-Z_:][\w:]*)(?:\{{((?:{_LABEL},)*(?:{_LABEL})?)\}})? (\S+)(?: -?\d+)?", re.ASCII)
_LABEL_NAME = re.compile(r'([a-zA-Z_]\w*)="(?:[^"\\]|\\.)*"')
_BOUND = re.compile(r'(?:^|,)le="([^"]*)"')
_SET_UP = "see that the service is set up with this profile, or name its own with --profile"


@dataclass
class Page:
    """
    Kinds of families, labels of samples and bounds of buckets, by name.

    `unreadable` is the number of the first bad line.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    labels: dict[str, set[frozenset[str]]] = field(default_factory=dict)
    bounds: dict[str, set[float]] = field(default_factory=dict)
    unreadable: int | None = None

    @classmethod
    def read(cls, text: str) -> Page:
        """
        Prometheus text 0.0.4.
        """
        page = cls()
        for number, line in enumerate(text.split("\n"), 1):
            if not page._take(line.rstrip("\r")) and page.unreadable is None:
                page.unreadable = number
        return page

    def _take(self, line: str) -> bool:
        if line.startswith("#") or not line.strip():
            kind = _TYPE.fullmatch(line)
            if kind:
                self.kinds[kind[1]] = kind[2]
            return kind is not None or not line.startswith("# TYPE ")
        sample = _SAMPLE.fullmatch(line)
        if sample is None or not _is_number(sample[3]):
            return False
        names = frozenset(_LABEL_NAME.findall(sample[2] or ""))
        self.labels.setdefault(sample[1], set()).add(names)
        bound = _BOUND.search(sample[2] or "")
        if bound and _is_number(bound[1]):
            self.bounds.setdefault(sample[1], set()).add(float(bound[1]))
        return True


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


@dataclass(frozen=True)
class MetricsChecks:
    """
    What one look at the page says.
    """

    endpoint: Verdict
    names: Verdict
    samples: Verdict


async def check_metrics(target: Target, caller: Caller) -> MetricsChecks:
    """
    Ask for the page once, and judge it three times: as a page, by its names, by its samples.
    """
    headers = {"Accept": "text/plain; version=0.0.4"}
    if target.token is not None:
        headers["Authorization"] = f"Bearer {target.token}"
    answer = await caller.ask("GET", target.profile.metrics_path, headers=headers, longest=PAGE_BYTES)
    page = Page.read(answer.body.decode("utf-8", "replace") if answer.whole else "")
    fault = _page_fault(target, answer, page)
    if fault:
        unseen = info("not looked at, since the page can't be read")
        return MetricsChecks(fault, unseen, unseen)
    faults = list(_faults(target.profile, page))
    endpoint, names = passed(), passed()
    if faults:
        endpoint = failed(f"{len(faults)} of its documented metrics are missing or different", "see their names below")
        names = failed("; ".join(faults), _SET_UP)
    return MetricsChecks(endpoint, names, _samples(target, page))


def _page_fault(target: Target, answer: Answer, page: Page) -> Verdict | None:
    where = clean(answer.path)
    if answer.status in (401, 403):
        remedy = "give its token with --token or OTEL_KIT_METRICS_TOKEN, or ask from its private network"
        return answer.unwanted(remedy if target.token is None else "the token is not the service's; see --token")
    if answer.status != 200:
        return answer.unwanted("see that the service is set up by setup_observability")
    kind = answer.header("content-type")
    if not kind.lower().startswith("text/plain"):
        return failed(f"{where} is {clean(kind) or 'of no type'}, not text/plain", "see which page is served there")
    if not answer.whole:
        return failed(f"{where} is longer than {PAGE_BYTES} bytes", "look for a label with too many values")
    if page.unreadable is not None:
        return failed(f"line {page.unreadable} of {where} is no Prometheus text", "see which page is served there")
    return None if page.kinds else failed(f"{where} has no metrics", _SET_UP)


def _faults(profile: Profile, page: Page) -> Iterator[str]:
    for metric in profile.metrics:
        name, kind = metric.name, metric.declaration.kind
        found = page.kinds.get(name)
        if found is None:
            yield f"{name} is missing"
        elif found != kind:
            yield f"{name} is a {found}, not a {kind}"
        else:
            yield from _label_faults(name, frozenset(metric.labelnames), page)
            yield from _bucket_faults(name, frozenset(metric.declaration.buckets), page)


def _label_faults(name: str, labels: frozenset[str], page: Page) -> Iterator[str]:
    for found in _sampled(name, page):
        # series beyond the cap are counted together, under a label of their own
        if found - {"le", "quantile"} != labels and OVERFLOW not in found:
            yield f"{name} has the labels {_listed(found)}, not {_listed(labels)}"
            return


def _bucket_faults(name: str, bounds: frozenset[float], page: Page) -> Iterator[str]:
    found = page.bounds.get(f"{name}_bucket", set()) - {math.inf}
    if found and found != bounds:
        yield f"{name} has other buckets: {_listed(f'{bound:g}' for bound in found ^ bounds)} on one side only"


def _sampled(name: str, page: Page) -> Iterable[frozenset[str]]:
    return page.labels.get(name) or page.labels.get(f"{name}_count") or ()


def _samples(target: Target, page: Page) -> Verdict:
    # this one has a series only where a request was in progress at the moment of a scrape
    passing = {item.metric.name for item in target.profile.requests if item.role == "in_progress"}
    wanted = [metric.name for metric in target.profile.metrics if metric.name in page.kinds.keys() - passing]
    empty = [name for name in wanted if not _sampled(name, page)]
    if not empty:
        return passed()
    why = f"none so far of {_listed(empty)}"
    return failed(why, "use what they count, then verify again (--strict)") if target.strict else info(why)


def _listed(names: Iterable[str]) -> str:
    several = sorted(names)
    more = f" and {len(several) - SHOWN} more" if len(several) > SHOWN else ""
    return clean((", ".join(several[:SHOWN]) or "(none)") + more, 400)
