"""
What is generated for the Collector, without a Collector.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_kit.assets.collector import collector_files
from otel_kit.assets.export import export, generated_files
from otel_kit.redaction.export import collector_policy
from otel_kit.redaction.mark import MARK_HEADER

ROOT = Path(__file__).parent.parent
TEXT = collector_files()["redaction.yaml"]
PROCESSOR = yaml.safe_load(TEXT)["processors"]["transform/redaction"]
LISTS = [each for signal in ("trace", "metric", "log") for each in PROCESSOR[f"{signal}_statements"]]
STATEMENTS = [statement for each in LISTS for statement in each["statements"]]


@pytest.mark.parametrize("name", generated_files())
def test_what_is_committed_is_what_the_code_says(name: str) -> None:
    """
    No generated file was changed by hand, or forgotten when the code changed.
    """
    assert generated_files()[name] == (ROOT / name).read_text(encoding="utf-8")


def test_replaces_the_processor_that_the_base_has() -> None:
    """
    All pipelines of the base get the policy, before anything else reads from the bus.
    """
    pipelines = yaml.safe_load((ROOT / "collector" / "base.yaml").read_text(encoding="utf-8"))["service"]["pipelines"]

    assert ["processors"] == list(yaml.safe_load(TEXT))
    assert {"traces", "metrics", "logs"} == {
        name for name, pipeline in pipelines.items() if "transform/redaction" in pipeline.get("processors", ())
    }


@pytest.mark.parametrize(
    "path",
    [
        *("resource.attributes", "scope.attributes", "span.attributes", "spanevent.attributes", "datapoint.attributes"),
        *("exemplar.filtered_attributes", "log.attributes"),
    ],
)
def test_every_rule_is_applied_to_every_kind_of_record(path: str) -> None:
    """
    There is a statement for each rule, with backslashes, quotes and dollars as the Collector reads them.
    """
    applied = {parsed(statement) for statement in STATEMENTS if statement.startswith(f"replace_all_patterns({path}, ")}
    rules = {(rule.pattern, rule.replacement) for group in collector_policy().groups for rule in group.rules}

    assert set() == rules - applied


def parsed(statement: str) -> tuple[str, str]:
    """
    Pattern and replacement of a statement.
    """
    pattern, replacement = re.findall(r'"((?:\\.|[^"\\])*)"', statement.partition('"value", ')[2])[:2]
    return unquoted(pattern), unquoted(replacement)


def unquoted(text: str) -> str:
    """
    What stands in a text of OTTL in a configuration.
    """
    return re.sub(r"\\(.)", r"\1", text.replace("$$", "$"))


@pytest.mark.parametrize(
    "text",
    [
        *("span.name", "span.status.message", "span.trace_state", "spanevent.name", "scope.name", "log.event_name"),
        *("log.body", "log.severity_text", "metric.description", "metric.unit", "scope.version"),
    ],
)
def test_texts_outside_of_attributes_are_searched_and_put_back(text: str) -> None:
    """
    A text stands in the search, among the attributes while rules are applied, and is set at the end.
    """
    using = [statement for statement in STATEMENTS if text in statement]
    own = text.partition(".")[2]

    assert [True] * 3 == [
        any("cache[" in statement for statement in using),
        any(f'"otel_kit.text.{own}"], {text})' in statement for statement in using),
        any(statement.startswith(f"set({text}, ") for statement in using),
    ]


def test_every_dollar_is_one_for_the_collector() -> None:
    """
    A single one would be read as a variable, and unset ones are empty.
    """
    assert "" == re.sub(r"[^$]", "", TEXT.replace("$$", ""))


def test_no_statement_needs_what_upstream_has_off() -> None:
    """
    Lambdas and lists that fail where a value is no map are left out, so the plain binary runs it.
    """
    assert [] == [statement for statement in STATEMENTS if "=>" in statement.replace("(?:=>", "")]
    assert "propagate" == PROCESSOR["error_mode"]


def test_only_a_mark_in_the_request_spares_the_search() -> None:
    """
    Each search asks for the header; nothing in the data can stand for it.
    """
    searches = [each for each in LISTS if any("ToLowerCase" in statement for statement in each["statements"])]

    assert {f'otelcol.client.metadata["{MARK_HEADER}"] == nil'} == {
        condition for each in searches for condition in each["conditions"]
    }
    assert len(LISTS) == 2 * len(searches)


@pytest.mark.parametrize("receiver", ["base.yaml", "overlays/browser.yaml", "overlays/tls.yaml"])
def test_the_mark_reaches_nobody_without_a_token(receiver: str) -> None:
    """
    A receiver that hands on headers lets its senders vouch for themselves.
    """
    assert "include_metadata" not in (ROOT / "collector" / receiver).read_text(encoding="utf-8")


def test_the_mark_counts_where_senders_show_a_token() -> None:
    """
    Both protocols hand headers on, and ask for the token.
    """
    protocols: dict[str, Any] = yaml.safe_load(
        (ROOT / "collector" / "overlays" / "token.yaml").read_text(encoding="utf-8")
    )["receivers"]["otlp"]["protocols"]

    assert {"grpc", "http"} == set(protocols)
    assert {(True, "bearertokenauth")} == {
        (each["include_metadata"], each["auth"]["authenticator"]) for each in protocols.values()
    }


def test_writes_everything_and_finds_it_fresh(tmp_path: Path) -> None:
    """
    What has just been written differs in nothing.
    """
    assert 0 == export(tmp_path, check=False, out=io.StringIO())
    assert 0 == export(tmp_path, check=True, out=io.StringIO())
    assert set(generated_files()) == {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}


def test_finds_a_stale_file(tmp_path: Path) -> None:
    """
    A file that was changed by hand fails the check, which names it and leaves it alone.
    """
    export(tmp_path, check=False, out=io.StringIO())
    changed = tmp_path / "collector" / "redaction.yaml"
    changed.write_text("by hand", encoding="utf-8")
    said = io.StringIO()

    assert 1 == export(tmp_path, check=True, out=said)
    assert str(changed) in said.getvalue()
    assert "by hand" == changed.read_text(encoding="utf-8")
