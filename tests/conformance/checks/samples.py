"""
Goblin's documented samples and calls: recorded as they are shown, they stand on the page as they are shown.
"""

from __future__ import annotations

import re
from functools import cache

from tests.conformance.claims import check, words
from tests.conformance.lines import Node
from tests.conformance.page import Page, read_sample
from tests.conformance.system import System


@check("goblin.metric_lines[*]")
def a_documented_sample_is_served(node: Node, system: System) -> None:
    """
    To the letter, once it was recorded; a histogram's plain sample stands for its sum.
    """
    name = read_sample(node.value).name
    if system.documented.types.get(name) == "histogram":
        assert node.value.replace(name, f"{name}_sum") in system.documented.lines
    else:
        assert node.value in system.documented.lines


@check("goblin.metric_handles[*]")
def a_documented_call_is_recorded(node: Node, system: System) -> None:
    """
    With the labels and the amount that stand in the call.
    """
    name, labels, call, amount = words(node.value, r"(\w+)\.labels\((.+)\)\.(\w+)\(([\d.]*)\)")
    change = {"inc": name, "observe": f"{name}_sum"}[call]
    given = dict(re.findall(r'(\w+)="([^"]*)"', labels))
    before, after = (page.sum(change, **given) for page in calls(system))
    assert float(amount or 1) == round(after - before, 6)


@cache
def calls(system: System) -> tuple[Page, Page]:
    """
    The metrics before and after the documented calls.
    """
    before = system.scrape()
    system.tell("calls", system.contract["metric_handles"])
    return before, system.scrape()
