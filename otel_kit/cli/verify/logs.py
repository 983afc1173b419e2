"""
The check of the log: JSON lines only, and the one request that is known is among them.

Owns the reading of a log file or of what a command prints, both bounded, and the judgement of
lines. Quotes no line: a log is its owner's.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from otel_kit.cli.verify.target import Target
from otel_kit.cli.verify.verdict import Verdict, failed, info, passed
from otel_kit.layout import LogLayout

__all__ = ["LOG_BYTES", "check_logs"]

LOG_BYTES = 10 * 1024 * 1024
AGAIN_SECONDS = 0.2
IDLE_SECONDS = 0.3

_ABSENT_AT_TIMES = ("client", "error", "route", "user")
"""Sources of fields that a request line may lack."""


class Log(NamedTuple):
    """
    What was read: the last part of it, and whether something before that was left out.
    """

    text: bytes
    cut: bool = False


async def check_logs(target: Target) -> Verdict:
    """
    Every line is a JSON object, and the line of the request with the known id is there and complete.
    """
    read = _reader(target)
    if read is None:
        return info("not looked at: give --log-file FILE or --log-command CMD")
    deadline = time.monotonic() + target.timeout
    while True:
        try:
            log = await asyncio.to_thread(read)
        except (OSError, subprocess.SubprocessError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            return failed(f"the log can't be read ({why})", "see --log-file and --log-command")
        # lines are written after the answer, and a platform may take its time to show them
        if _has_line(log.text, target.run_id) or time.monotonic() >= deadline:
            return _judge(log, target)
        await asyncio.sleep(AGAIN_SECONDS)


def _reader(target: Target) -> Callable[[], Log] | None:
    if target.log_file is not None:
        path = Path(target.log_file)
        return lambda: _read_file(path)
    if target.log_command is not None:
        command, wanted = target.log_command, target.run_id
        return lambda: _read_command(command, wanted, target.timeout)
    return None


def _read_file(path: Path) -> Log:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOG_BYTES))
        return Log(file.read(LOG_BYTES), size > LOG_BYTES)


def _read_command(command: str, wanted: str, seconds: float) -> Log:
    """
    What a shell command prints, until it ends, the time is over, or it follows the log and has shown enough.

    Raises:
        subprocess.CalledProcessError: It failed and printed nothing.
    """
    process = subprocess.Popen(
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        log, ended = _drain(process.stdout.fileno(), wanted, time.monotonic() + seconds)
        status = process.wait(IDLE_SECONDS) if ended else 0
    except subprocess.TimeoutExpired:
        status = 0
    finally:
        # what it has started in turn goes too
        _kill_group(process)
        process.stdout.close()
    if status and not log.text:
        raise subprocess.CalledProcessError(status, "--log-command")
    return log


def _drain(descriptor: int, wanted: str, deadline: float) -> tuple[Log, bool]:
    """
    The last of what comes, and whether the end was reached.
    """
    text, cut = bytearray(), False
    while (left := deadline - time.monotonic()) > 0:
        has_line = _has_line(text, wanted)
        if not select.select([descriptor], [], [], min(left, IDLE_SECONDS))[0]:
            if has_line:
                break
            continue
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return Log(bytes(text), cut), True
        text += chunk
        if len(text) > LOG_BYTES:
            del text[: len(text) - LOG_BYTES]
            cut = True
    return Log(bytes(text), cut), False


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def _has_line(text: bytes | bytearray, wanted: str) -> bool:
    """
    Whether a whole line has the id.
    """
    where = text.rfind(wanted.encode())
    return where >= 0 and text.find(b"\n", where) >= 0


def _judge(log: Log, target: Target) -> Verdict:
    layout = target.profile.layout
    message, identity = _key(layout, "message"), _key(layout, "correlation_id")
    not_json, without_id, others, found = [], [], [], None
    for number, line in _lines(log):
        if line is None:
            not_json.append(number)
        elif line.get(identity) == target.run_id and line.get(message) == layout.request_message:
            found = line
        elif line.get(identity) == target.run_id:
            others.append(number)
        elif line.get(message) == layout.request_message and not line.get(identity):
            without_id.append(number)
    if not_json:
        remedy = "see what else writes there, and that ENABLE_JSON_LOGGING is not off; the log has stdout alone"
        return failed(f"{_count(not_json, log)} no JSON object", remedy)
    if without_id:
        return failed(f"{_count(without_id, log)} a request's without {identity}", "see who writes them")
    if found is None and others:
        why = f"{_count(others, log)} of a request that was sent, but none has the {message} {layout.request_message!r}"
        return failed(why, "see that this is the service's profile: its log layout has the request_message")
    if found is None:
        why = f"no {layout.request_message} line has {identity} {target.run_id}, which was sent"
        return failed(why, "see that this is the log of that service, and that its LOG_LEVEL is INFO or below")
    missing = [name for name in _expected(layout) if name not in found]
    if missing:
        return failed(f"the line of a request lacks {', '.join(missing)}", "see that this is the service's profile")
    return passed()


def _lines(log: Log) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """
    Whole lines by number; None for one that is no JSON object. The last may still be on its way.
    """
    lines = log.text.split(b"\n")[:-1]
    for number, line in enumerate(lines, 1):
        if not line.strip() or (log.cut and number == 1):
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        yield number, value if isinstance(value, dict) else None


def _count(numbers: list[int], log: Log) -> str:
    where = "of its last 10 MB " if log.cut else ""
    if len(numbers) == 1:
        return f"line {numbers[0]} {where}is"
    return f"{len(numbers)} lines {where}(the first is {numbers[0]}) are"


def _key(layout: LogLayout, source: str) -> str:
    return next((field.name for field in layout.fields if field.source == source), source)


def _expected(layout: LogLayout) -> list[str]:
    return [field.name for field in layout.fields if field.source and field.source not in _ABSENT_AT_TIMES]
