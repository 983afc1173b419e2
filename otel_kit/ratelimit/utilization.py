"""
How much of its limit the client has in use who has most of it in use, by policy.

Owns the metric, and what is shared by all applications of a process. Windows in memory keep their
peaks themselves; what a shared storage says of its own is noted here.

A policy with several rates has the share of the fullest, also where they are rates of tiers.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from otel_kit.ledger import Gauge, ledger
from otel_kit.ledger.children import GaugeChild
from otel_kit.ratelimit.groups import Group
from otel_kit.ratelimit.peak import Peak
from otel_kit.ratelimit.rules import Policy, Quota

if TYPE_CHECKING:
    from otel_kit.ratelimit.windows import Windows

__all__ = ["Utilization", "utilization_ratio"]

utilization_ratio = Gauge(
    "otel_kit_ratelimit_utilization_ratio",
    "Largest share of its limit that one client had in use within the last minute; 1 also where one was refused.",
    labelnames=("policy",),
    multiprocess_mode="max",
)


class Utilization:
    """
    That of one application's policies, which stand with 0 from now on.
    """

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.windows: Windows | None = None
        """Those of this process, once there are any."""
        self._quotas: dict[str, dict[Quota, bool]] = {}
        self._shared: dict[str, Peak] = {}
        for policy in policies:
            self.add(policy)

    def add(self, policy: Policy) -> None:
        """
        Show this policy too, if it has a rate; no change if it is shown.
        """
        quotas = {
            quota: policy.strategy == "moving-window"
            for several in (policy.quotas, *policy.by_tier.values())
            for quota in several
        }
        if quotas:
            # replaced, never changed, since a refresh may look at it in another thread
            self._quotas = {**self._quotas, policy.name: {**self._quotas.get(policy.name, {}), **quotas}}
            utilization_ratio.labels(policy.name)

    def note(self, group: Group, used: Sequence[float]) -> None:
        """
        Take into account what a shared storage says is in use of each window of the group.
        """
        now = monotonic()
        quotas = (quota for _, quotas in group.parts for quota in quotas)
        for (_, suffix), number in zip(quotas, used, strict=True):
            peak = self._shared.get(suffix)
            if peak is None:
                peak = self._shared[suffix] = Peak(now)
            peak.see(number, now)

    def shares(self) -> Iterator[tuple[str, float]]:
        """
        The share in use by the policy's name, from 0 to 1.
        """
        for name, quotas in self._quotas.items():
            yield name, min(1.0, max(self._peak(quota, exact) / quota.rate.amount for quota, exact in quotas.items()))

    def _peak(self, quota: Quota, exact: bool) -> float:
        (_, _, _, seconds), suffix = quota
        local = 0.0 if self.windows is None else self.windows.peak(suffix, seconds, exact=exact)
        shared = self._shared.get(suffix)
        return local if shared is None else max(local, shared.within_minute(monotonic()))

    def zero(self) -> None:
        """
        A forked child has decided nothing.
        """
        self._shared = {}
        if self.windows is not None:
            self.windows.forget_peaks()

    def start(self) -> None:
        """
        Keep the metric up to date; no change the second time.
        """
        _members.join(self)

    def stop(self) -> None:
        """
        Leave the metric to the other applications of the process, where there are any. May be started again.
        """
        _members.leave(self)


class _Members:
    """
    Whose policies are shown: one hook for all, since policies of two applications may have one name.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: tuple[Utilization, ...] = ()

    def join(self, member: Utilization) -> None:
        with self._lock:
            if not self._members:
                ledger.on_refresh(self.refresh)
            if member not in self._members:
                self._members = (*self._members, member)

    def leave(self, member: Utilization) -> None:
        with self._lock:
            if member not in self._members:
                return
            self._members = tuple(known for known in self._members if known is not member)
            if not self._members:
                ledger.off_refresh(self.refresh)
        self._show({name: 0.0 for name, _ in member.shares()})

    def refresh(self) -> None:
        self._show({})

    def _show(self, least: dict[str, float]) -> None:
        # by series rather than by name: those that found no room have one in common
        shown: dict[GaugeChild, float] = {utilization_ratio.labels(name): share for name, share in least.items()}
        for member in self._members:
            for name, share in member.shares():
                series = utilization_ratio.labels(name)
                shown[series] = max(share, shown.get(series, 0.0))
        for series, share in shown.items():
            series.set(share)

    def begin_in_child(self) -> None:
        """
        A forked child serves the same applications, or none.
        """
        self._lock = threading.Lock()
        for member in self._members:
            member.zero()


_members = _Members()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_members.begin_in_child)
