"""
The check of error pages: they tell a client nothing about the inside of the service.

Owns what counts as telling. Sends nothing: it looks at the answers that the other checks had.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from otel_kit.cli.verify.caller import Answer
from otel_kit.cli.verify.verdict import Verdict, clean, failed, info, passed

__all__ = ["check_leaks"]

SEARCHED_BYTES = 256 * 1024
SHOWN = 3

_SOFTWARE = "python|uvicorn|gunicorn|hypercorn|starlette|fastapi|werkzeug|nginx|openresty|apache|caddy|envoy|php"
_IN_BODY = {
    # repeats are bounded: the page is whatever the server sends
    "a stack trace": re.compile(
        r'Traceback \(most recent call last\)|File \\?"[^"\n]{1,300}", line \d'
        r"|^[ \t]{1,16}at \S{1,200} ?\([^\n)]{0,300}:\d",
        re.MULTILINE,
    ),
    "a file path": re.compile(
        r"(?<![\w:/.])/(?:[\w.@+-]{1,100}/){1,20}[\w-]{1,100}\.(?:py|pyc|so)\b"
        r"|\b[A-Za-z]:\\[\w .-]{1,100}\\|\b(?:site|dist)-packages\b"
    ),
    "a version": re.compile(rf"\b(?:{_SOFTWARE})[/ ]v?\d+\.\d|errors\.pydantic\.dev/\d", re.IGNORECASE),
}
_VERSION = re.compile(r"[A-Za-z][\w-]{0,60}[/ ]v?\d")
_VERSION_HEADERS = ("server", "x-powered-by", "x-aspnet-version")
_REMEDY = "serve with debug off, and hide versions (uvicorn --no-server-header, or at the proxy)"


def check_leaks(answers: Iterable[Answer]) -> Verdict:
    """
    No answer from status 400 has a stack trace, a file path or the version of a program.
    """
    pages = [answer for answer in answers if answer.status >= 400]
    if not pages:
        return info("no error page was seen: the service answers every path")
    # the same fault is on many pages
    faults = list(dict.fromkeys(f"{_name(page)} shows {fault}" for page in pages for fault in _faults(page)))
    if faults:
        return failed("; ".join(faults[:SHOWN]), _REMEDY)
    return passed()


def _name(page: Answer) -> str:
    return f"{page.status} of {page.method} {clean(page.path)}"


def _faults(page: Answer) -> Iterator[str]:
    # a page may repeat the path that it was asked for
    text = page.body[:SEARCHED_BYTES].decode("utf-8", "replace").replace(page.path, "")
    yield from (what for what, pattern in _IN_BODY.items() if pattern.search(text))
    for name in _VERSION_HEADERS:
        value = page.header(name)
        if _VERSION.search(value[:200]) or (name == "x-aspnet-version" and value):
            yield f"a version in its header {name} ({clean(value, 40)})"
