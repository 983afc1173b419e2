"""
A few lines in a process of their own, in which an application is set up with one profile.

Metrics of two profiles can't be declared in one process, so no test here sets one up in its own.
"""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

from tests.servers.serving import ROOT, environment_of

__all__ = ["Written", "run_script"]

SET_UP = """
import asyncio, logging, os, sys
from fastapi import FastAPI
from otel_kit import setup_observability

app = FastAPI()
kit = setup_observability(app, profile={profile!r})
"""


class Written(NamedTuple):
    """
    What a script has written. On standard output are log lines too.
    """

    output: str
    errors: str


def run_script(profile: str, script: str, *arguments: str, **variables: str) -> Written:
    """
    Run a script for which `app` is set up, and `kit` is the handle.
    """
    done = subprocess.run(
        [sys.executable, "-c", SET_UP.format(profile=profile) + script, *arguments],
        cwd=ROOT,
        env=environment_of(None, variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Written(done.stdout, done.stderr)
