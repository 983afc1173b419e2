"""
The account of lost lines.
"""

from __future__ import annotations

from collections import Counter

from otel_kit.logs.losses import Losses


def test_tells_of_each_loss_at_once() -> None:
    """
    The counter behind it is exact at any moment.
    """
    told: Counter[str] = Counter()
    losses = Losses(lambda reason, lines: told.update({reason: lines}))
    losses.add("closed", 2)
    losses.add("closed", 1)
    losses.add("disk_full", 0)

    assert Counter({"closed": 3}) == told


def test_says_them_once_and_not_too_often() -> None:
    """
    One record sums up what was lost; the next one waits.
    """
    losses = Losses(lambda reason, lines: None)
    assert losses.to_say() is None
    losses.add("queue_full", 3)
    losses.add("closed", 1)
    item = losses.to_say()
    losses.add("closed", 1)

    assert item is not None
    assert {"lines": 4, "reasons": {"queue_full": 3, "closed": 1}} == item.extra
    assert losses.to_say() is None
