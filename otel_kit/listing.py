"""
Which profiles the applications of this process have, and what stands on the page of metrics for them.

Owns that a profile is listed whole or not at all, and for as long as an application has it. Metrics that somebody had
listed before are left alone. Knows nothing of what writes them.
"""

from __future__ import annotations

from collections.abc import Iterator

from otel_kit.catalogue import DeclarationError
from otel_kit.derived import Derived
from otel_kit.errors import ProfileError
from otel_kit.ledger import ledger
from otel_kit.profiles import Metric, Profile

__all__ = ["Listing"]

REMEDY = (
    "one process serves applications of one profile, or of profiles whose metrics don't clash: "
    "start the other in a process of its own"
)


class Listing:
    """
    The metrics and derived gauges of one application's profile, from now on until `leave`.

    Raises:
        ProfileError: The profile clashes with one that another application has. Nothing is listed then.
        DeclarationError: It clashes with a metric that is no profile's. Nothing is listed then.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._derived: Derived | None = None
        self.join()

    def join(self) -> None:
        """
        List them again after `leave`; no change where they are.
        """
        with ledger.registry.lock:
            if self._derived is not None:
                return
            new = [metric for metric in self.profile.metrics if ledger.registry.listed.get(metric.name) is not metric]
            try:
                ledger.register(*self.profile.metrics)
                _listed_here.update(new)
                self._derived = Derived(self.profile.derived, ledger)
            except DeclarationError as error:
                _unlist(new)
                raise _with_both_names(self.profile, error) from error
            _in_use.append(self)

    def leave(self) -> None:
        """
        Take off the page what no other application has; the values are kept. No change the second time.
        """
        with ledger.registry.lock:
            derived, self._derived = self._derived, None
            if derived is None:
                return
            _in_use.remove(self)
            still = {metric for other in _in_use for metric in other.profile.metrics}
            _unlist([metric for metric in self.profile.metrics if metric not in still])
        # without the lock, which the ledger's thread may be waiting for
        derived.leave()


_in_use: list[Listing] = []
_listed_here: set[Metric] = set()
"""What stands on the page for a profile's sake alone."""


def _unlist(metrics: list[Metric]) -> None:
    for metric in metrics:
        if metric in _listed_here:
            _listed_here.discard(metric)
            ledger.unregister(metric)


def _with_both_names(profile: Profile, error: DeclarationError) -> Exception:
    """
    The error for a clash of two profiles; for any other the error as it is.
    """
    for other in _in_use:
        for metric in _rivals(profile, other.profile):
            fault = f"the profile {other.profile.name} of another application declares or derives it otherwise"
            return ProfileError(f"profile {profile.name}, metric {metric.name}", fault, REMEDY)
    return error


def _rivals(profile: Profile, other: Profile) -> Iterator[Metric]:
    for metric in profile.metrics:
        for held in other.metrics:
            if held is not metric and not held.declaration.claimed_names.isdisjoint(metric.declaration.claimed_names):
                yield metric
    derived = {share.gauge: share for share in other.derived}
    yield from (share.gauge for share in profile.derived if derived.get(share.gauge, share) != share)
