"""
What may differ from prometheus-fastapi-instrumentator, one by one, and what each side counts instead.

Each has its reason: a defect of the instrumentator's, or a rule of the kit's for every profile. Whatever stands
here must differ exactly so; what does not stand here must not differ.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from tests.differential.pair import Ask, Counts

__all__ = ["DIFFERENCES", "DIFFERENCES_AT_ROOT", "REASONS", "Difference", "Reason", "counted"]


class Reason(NamedTuple):
    """
    What differs, and why it may.
    """

    what: str
    kind: Literal["a rule of every profile", "its defect"]
    because: str


class Difference(NamedTuple):
    """
    One request, and what it adds to the numbers on either side.
    """

    reason: Reason
    ask: Ask
    ours: Counts
    theirs: Counts


def counted(handler: str, status: str, *, method: str = "GET", received: int = 0, sent: int = 0) -> Counts:
    """
    What one request adds to the exact numbers.

    Args:
        received: Bytes of the request by its `Content-Length`.
        sent: Bytes of the answer by its `Content-Length`.
    """
    place = frozenset({("handler", handler)})
    counts: Counts = {
        ("http_requests_total", place | {("method", method), ("status", status)}): 1,
        ("http_request_size_bytes_count", place): 1,
        ("http_request_size_bytes_sum", place): received,
        ("http_response_size_bytes_count", place): 1,
        ("http_response_size_bytes_sum", place): sent,
        ("http_request_duration_seconds_count", place | {("method", method)}): 1,
        ("http_request_duration_highr_seconds_count", frozenset()): 1,
    }
    return {series: value for series, value in counts.items() if value}


NOTHING: Counts = {}

RULE: Literal["a rule of every profile"] = "a rule of every profile"
DEFECT: Literal["its defect"] = "its defect"

PAGE = Reason("`/metrics` itself", RULE, "who looks at a quiet service would see little else")
CREATED = Reason("samples that end in `_created`", RULE, "a page twice as long, to say when the process has started")
METHOD = Reason(
    "a method outside of the known ones", RULE, "it is `_OTHER`: a series for each word is for any client to make"
)
SLASH = Reason(
    "a redirect for a slash at the end", RULE, "no route is found: a series for each path is for any client to make"
)
INSIDE = Reason(
    "an answer of a middleware that was added before `instrument()`",
    RULE,
    "no route is found: the instrumentator looks for it before anybody has answered, which is a second routing",
)
OUTSIDE = Reason(
    "an answer of a middleware that was added after `instrument()`", DEFECT, "it stands inside of that middleware"
)
UNHANDLED = Reason(
    "the size of the answer to an unhandled exception", DEFECT, "it stands inside of the handler of such exceptions"
)
TASKS = Reason("the time of background tasks", DEFECT, "nobody waits for them")
LEFT = Reason("a client that leaves before there is an answer", DEFECT, "that is no failure of the server")
HOST = Reason("routes of a host", DEFECT, "it looks into mounts only")
ROOT = Reason(
    "an application that is mounted at `/`", DEFECT, "it takes the empty path of the mount for no route at all"
)

REASONS = (PAGE, CREATED, METHOD, SLASH, INSIDE, OUTSIDE, UNHANDLED, TASKS, LEFT, HOST, ROOT)
"""
All there are. The page itself, samples of creation and the time of tasks have tests of their own.
"""

PREFLIGHT = {"Origin": "http://ui.example", "Access-Control-Request-Method": "GET"}

DIFFERENCES = (
    Difference(
        METHOD,
        Ask("/any/tea", "BREW"),
        counted("/any/{name}", "2xx", method="_OTHER", sent=5),
        counted("/any/{name}", "2xx", method="BREW", sent=5),
    ),
    Difference(
        METHOD,
        Ask("/items/1", "BREW"),
        counted("/items/{item_id}", "4xx", method="_OTHER", sent=31),
        counted("/items/{item_id}", "4xx", method="BREW", sent=31),
    ),
    Difference(SLASH, Ask("/folder"), counted("none", "3xx"), counted("/folder", "3xx")),
    Difference(SLASH, Ask("/people/joe"), counted("none", "3xx"), counted("/people/joe", "3xx")),
    Difference(SLASH, Ask("/items/1/"), counted("none", "3xx"), counted("/items/1/", "3xx")),
    Difference(SLASH, Ask("/second/x/1/"), counted("none", "3xx"), counted("/second/x/1/", "3xx")),
    Difference(SLASH, Ask("/sub/things/1/"), counted("none", "3xx"), counted("/sub/things/1/", "3xx")),
    Difference(SLASH, Ask("/static"), counted("none", "3xx"), counted("/static", "3xx")),
    Difference(
        INSIDE,
        Ask("/items/1", headers={"X-Shut": "1"}),
        counted("none", "4xx", sent=4),
        counted("/items/{item_id}", "4xx", sent=4),
    ),
    Difference(OUTSIDE, Ask("/items/1", headers={"X-Shut-Early": "1"}), counted("none", "4xx", sent=4), NOTHING),
    Difference(
        OUTSIDE,
        Ask("/items/1", "OPTIONS", PREFLIGHT),
        counted("none", "2xx", method="OPTIONS", sent=2),
        NOTHING,
    ),
    Difference(UNHANDLED, Ask("/boom/1"), counted("/boom/{n}", "5xx", sent=21), counted("/boom/{n}", "5xx")),
    Difference(
        UNHANDLED,
        Ask(broken_off=b"POST /upload HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000\r\n\r\nbegun"),
        counted("/upload", "5xx", method="POST", received=1000, sent=21),
        counted("/upload", "5xx", method="POST", received=1000),
    ),
    Difference(
        LEFT,
        Ask(broken_off=b"GET /poll/news HTTP/1.1\r\nHost: shop\r\n\r\n"),
        counted("/poll", "4xx"),
        counted("/poll", "5xx"),
    ),
    Difference(
        HOST,
        Ask("/panel/joe", headers={"Host": "admin.example"}),
        counted("/panel/{name}", "2xx", sent=3),
        counted("none", "2xx", sent=3),
    ),
)

DIFFERENCES_AT_ROOT = (
    Difference(ROOT, Ask("/robots.txt"), counted("/", "2xx", sent=26), counted("none", "2xx", sent=26)),
    Difference(ROOT, Ask("/none.txt"), counted("/", "4xx", sent=22), counted("none", "4xx", sent=22)),
)
