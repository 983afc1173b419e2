"""
curl for documented commands: the machine's own, or as much of it as they use where there is none.

Owns nothing of what is asked. The suite runs with Python alone; where curl is there it is curl that runs.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys

__all__ = ["STAND_IN", "run_curl"]

STAND_IN = """
import argparse, http.client, sys, urllib.parse

parser = argparse.ArgumentParser()
for flag in ("-s", "-i", "-f"):
    parser.add_argument(flag, action="store_true")
parser.add_argument("-X", default="GET")
parser.add_argument("-H", action="append", default=[])
parser.add_argument("-d")
parser.add_argument("url")
given = parser.parse_args()
url = urllib.parse.urlsplit(given.url)
connection = http.client.HTTPConnection(url.netloc, timeout=10)
target = urllib.parse.urlunsplit(("", "", url.path, url.query, ""))
connection.request(given.X, target, given.d, headers=dict(line.split(": ", 1) for line in given.H))
answer = connection.getresponse()
if given.f and answer.status >= 400:
    sys.exit(22)
if given.i:
    print(f"HTTP/1.1 {answer.status} {answer.reason}")
    print("".join(f"{name}: {value}\\n" for name, value in answer.getheaders()))
print(answer.read().decode(), end="")
"""
"""A program."""


def run_curl(command: str) -> subprocess.CompletedProcess[str]:
    """
    Run a documented command as it is written.
    """
    name, *arguments = shlex.split(command)
    assert "curl" == name
    found = shutil.which("curl")
    program = [sys.executable, "-c", STAND_IN] if found is None else [found]
    return subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=20, check=False)
