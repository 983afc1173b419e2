"""
`otel-kit verify URL`: is a running service set up as documented?

Owns the command: its arguments, the environment they default to, and what is said before the first
request. httpx, which the extra `cli` brings, is imported when the command is called. The service's
code is not needed, only its profile.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from otel_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from otel_kit.cli.verify.target import Target

__all__ = ["add_verify", "run_verify"]

USAGE_STATUS = 2


def add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """
    Add the command to a parser's.
    """
    told = "check a running service against its documents, a mark a line"
    parser = commands.add_parser(
        "verify",
        help=told,
        description=f"{told[0].upper()}{told[1:]}. Says what it will send before it sends it; safe against production.",
        epilog="Status: 0 all passed, 1 a check failed or nobody answers, 2 what was asked for can't be understood.",
    )
    parser.add_argument("url", metavar="URL", help="where the service is, with its base path if it has one")
    parser.add_argument("--profile", metavar="NAME", help="or module:attribute; default OTEL_KIT_PROFILE, else goblin")
    parser.add_argument("--origin", help="one that CORS allows; default the first of CORS_ORIGINS")
    parser.add_argument("--token", help="bearer token of the metrics page; default OTEL_KIT_METRICS_TOKEN")
    parser.add_argument("--login-path", metavar="PATH", help="where the limit is tried; default the documented one")
    parser.add_argument("--skip-limits", action="store_true", help="send no request to the login path")
    logs = parser.add_mutually_exclusive_group()
    logs.add_argument("--log-file", metavar="FILE", help="where the service's standard output goes")
    logs.add_argument("--log-command", metavar="CMD", help="a shell command that prints it, such as docker logs NAME")
    parser.add_argument("--strict", action="store_true", help="a documented metric without a sample fails")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="for one request; default 10")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run_verify(options: argparse.Namespace) -> int:
    """
    Verify one service.

    Returns:
        0 when no check failed; 1 when one did, or nobody answers; 2 when the arguments can't be used.
    """
    if find_spec("httpx") is None:
        return _refuse("httpx is not installed: pip install 'otel-kit[cli]'")
    from otel_kit.environment import read_env_file

    with _nothing_logged():
        try:
            # a profile is found where uvicorn would find the service
            sys.path[:0] = [] if os.getcwd() in sys.path else [os.getcwd()]
            # its module may print, and standard output is the document's
            with redirect_stdout(sys.stderr):
                target = _target(options, {**read_env_file(), **os.environ})
            return asyncio.run(_verify(target, as_json=options.json))
        except ConfigurationError as error:
            return _refuse(str(error))
        except KeyboardInterrupt:
            return 130


@contextmanager
def _nothing_logged() -> Iterator[None]:
    """
    Keep log records off the screen.

    The module of a profile may set logging up, and the kit does so in a test run; httpx would then write a line
    for each request into the output.
    """
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


async def _verify(target: Target, *, as_json: bool) -> int:
    from otel_kit.cli.screen import Screen
    from otel_kit.cli.verify.caller import Caller, NoAnswer
    from otel_kit.cli.verify.run import announcement, requests_at_most, verify
    from otel_kit.cli.verify.verdict import Check, show, status_of, to_json

    screen, most = Screen(sys.stdout), requests_at_most(target)
    print(f"otel-kit verify {announcement(target)}", file=sys.stderr if as_json else sys.stdout, flush=True)
    async with Caller(target.base_url, target.timeout, most) as caller:
        try:
            checks = await verify(target, caller)
        except NoAnswer as silence:
            checks = [Check(f"Nobody answers at {target.base_url}: {silence}", "failed", "")]
    if as_json:
        facts = {"url": target.base_url, "profile": target.profile.name}
        screen.line(to_json(checks, **facts, requests={"at_most": most, "sent": caller.sent}))
    else:
        show(checks, screen)
    return status_of(checks)


def _target(options: argparse.Namespace, variables: Mapping[str, str]) -> Target:
    """
    Judge the arguments, and fill in what the environment says.

    Raises:
        ConfigurationError: One can't be used.
    """
    from otel_kit.cli.verify import arguments
    from otel_kit.cli.verify.target import Target

    profile = arguments.profile(options.profile or variables.get("OTEL_KIT_PROFILE", "").strip() or "goblin")
    if options.log_file is not None and not Path(options.log_file).is_file():
        raise ConfigurationError("--log-file", options.log_file, "name a file that is there")
    login_path = arguments.path("--login-path", options.login_path or profile.verification.login_path)
    return Target(
        base_url=arguments.base_url(options.url),
        profile=profile,
        login_path=login_path,
        rate=arguments.rate(profile.name, profile.limits, login_path),
        origin=arguments.origin(options.origin, variables.get("CORS_ORIGINS", "")),
        token=arguments.token(options.token, variables.get("OTEL_KIT_METRICS_TOKEN", "")),
        log_file=options.log_file,
        log_command=options.log_command,
        skip_limits=options.skip_limits,
        strict=options.strict,
        timeout=arguments.seconds(options.timeout),
    )


def _refuse(why: str) -> int:
    print(f"error: otel-kit verify: {why}", file=sys.stderr)
    return USAGE_STATUS
