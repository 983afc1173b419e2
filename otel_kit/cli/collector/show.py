"""
`otel-kit collector config`: what is picked and why, the command line, the merged result. No secrets.

Owns how a plan looks. The whole output is YAML: what is not configuration is a comment.
"""

from __future__ import annotations

import shlex
import subprocess
from typing import TextIO

import yaml

from otel_kit.cli.collector.files import Tree, parsed
from otel_kit.cli.collector.masks import masked, trial_environment, without_secrets
from otel_kit.cli.collector.plan import Draft, Plan
from otel_kit.cli.collector.problems import Problem, ProblemsFound
from otel_kit.cli.collector.selection import Choice

__all__ = ["merged_by", "show_briefly", "show_choices", "show_command", "show_result"]

ANSWER_SECONDS = 20.0


def show_choices(draft: Draft, out: TextIO) -> None:
    """
    Each file with the reason for or against it.
    """
    for title, choices in (("picked", draft.selection.picked), ("left out", draft.selection.left_out)):
        print(f"# {title}:", file=out)
        width = max((len(choice.file) for choice in choices), default=0)
        for choice in choices:
            kind = _kind(draft, choice) if title == "picked" else ""
            print(f"#   {choice.file:{width}}  {choice.why}{kind}", file=out)


def show_briefly(plan: Plan, out: TextIO) -> None:
    """
    The same for a start: what was picked, and what looks as if it had been meant to be.
    """
    names = ", ".join(f"{choice.name}{_kind(plan, choice)}" for choice in plan.selection.picked)
    print(f"otel-kit collector: {names}", file=out)
    for choice in plan.selection.left_out:
        if not choice.why.endswith("is not set"):
            print(f"otel-kit collector: without {choice.name}: {choice.why}", file=out)
    print(f"otel-kit collector: starting {plan.binary.path} {plan.binary.version}", file=out, flush=True)


def _kind(draft: Draft, choice: Choice) -> str:
    if not choice.file.startswith("backends/"):
        return ""
    return " (optional)" if choice.name in draft.selection.optional else " (of record)"


def show_command(draft: Draft, program: str, out: TextIO) -> None:
    """
    The command line and what it needs beside the caller's variables; it only refers to those, secrets among them.
    """
    print("# variables:", file=out)
    for name, value in sorted(without_secrets(draft.environment).items()):
        if value != draft.variables.get(name) and draft.environment[name] != draft.variables.get(name):
            print(f"#   {name}={shlex.quote(value)}", file=out)
    print("# command:", file=out)
    print(f"#   {shlex.join([program, *draft.composition.arguments()])}", file=out)


def show_result(tree: Tree, out: TextIO) -> None:
    """
    A configuration, masked.
    """
    print(yaml.safe_dump(masked(tree), sort_keys=False, width=120, allow_unicode=True), end="", file=out)


def merged_by(plan: Plan) -> Tree:
    """
    The configuration as the Collector itself understands it.

    Raises:
        ProblemsFound: It refuses it.
    """
    command = [str(plan.binary.path), "print-config", *plan.composition.arguments()]
    environment = trial_environment(plan.environment)
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_SECONDS,
            encoding="utf-8",
            errors="replace",
        )
        found = parsed(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, RecursionError, subprocess.SubprocessError, yaml.YAMLError) as error:
        text = f"doesn't answer as a Collector does ({type(error).__name__})"
        raise ProblemsFound(Problem(str(plan.binary.path), text, "name another program")) from error
    if not isinstance(found, dict):
        raise ProblemsFound(Problem("configuration", refusal(done.stderr), "correct what it names"))
    return found


def refusal(text: str) -> str:
    """
    Why a Collector would not go on, from what it wrote, on one line.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = next((number for number, line in enumerate(lines) if line.startswith("Error:")), None)
    said = lines[-1:] if first is None else [line for line in lines[first:] if "server run finished" not in line]
    return " ".join(said).removeprefix("Error:").strip() or "is refused without a word"
