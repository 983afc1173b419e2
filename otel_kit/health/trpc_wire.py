"""
What tRPC 11 puts on the wire for a query: envelopes, error codes, the lines of a stream.

Owns the shapes, which are those of @trpc/server 11 without a transformer. Knows nothing of ASGI, procedures or health.

Text of the client's is repeated only where it is short and plain, since an error may end up in a page or a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

__all__ = ["Envelope", "batch", "error", "result", "status_of", "stream_head", "stream_line", "told"]

CODES: dict[int, tuple[str, int]] = {
    400: ("BAD_REQUEST", -32600),
    401: ("UNAUTHORIZED", -32001),
    402: ("PAYMENT_REQUIRED", -32002),
    403: ("FORBIDDEN", -32003),
    404: ("NOT_FOUND", -32004),
    405: ("METHOD_NOT_SUPPORTED", -32005),
    408: ("TIMEOUT", -32008),
    409: ("CONFLICT", -32009),
    412: ("PRECONDITION_FAILED", -32012),
    413: ("PAYLOAD_TOO_LARGE", -32013),
    415: ("UNSUPPORTED_MEDIA_TYPE", -32015),
    422: ("UNPROCESSABLE_CONTENT", -32022),
    428: ("PRECONDITION_REQUIRED", -32028),
    429: ("TOO_MANY_REQUESTS", -32029),
    499: ("CLIENT_CLOSED_REQUEST", -32099),
    500: ("INTERNAL_SERVER_ERROR", -32603),
    501: ("NOT_IMPLEMENTED", -32603),
    502: ("BAD_GATEWAY", -32603),
    503: ("SERVICE_UNAVAILABLE", -32603),
    504: ("GATEWAY_TIMEOUT", -32603),
}
"""
HTTP status -> tRPC's name of the error and its JSON-RPC 2.0 code.

Source: `rpc/codes.ts` and `http/getHTTPStatusCode.ts` of @trpc/server 11.
"""

MULTI_STATUS = 207

_PLAIN = re.compile(r"[A-Za-z0-9_.,-]{0,64}")


class Envelope(NamedTuple):
    """
    What is said of one call, as JSON, and the HTTP status that it has by itself.
    """

    status: int
    body: bytes


def result(data: Any) -> Envelope:
    """
    The envelope of a call that went well.
    """
    return Envelope(200, _json({"result": {"data": data}}))


def error(status: int, said: Any = None, path: str | None = None) -> Envelope:
    """
    The envelope of a call that did not.

    Args:
        status: One that tRPC has no name for becomes 500, as it does there.
        said: A text is the message. Anything else but None is what was found out all the same, and goes into
            `data.health`, where a formatter of errors puts what it adds. Without a text the message is the error's
            name, as `new TRPCError({code})` has it.
        path: The procedure's name; None where the request as a whole is refused.
    """
    status = status if status in CODES else 500
    name, code = CODES[status]
    data: dict[str, Any] = {"code": name, "httpStatus": status}
    if path is not None and _PLAIN.fullmatch(path):
        data["path"] = path
    if said is not None and not isinstance(said, str):
        data["health"] = said
    message = said if isinstance(said, str) else name
    return Envelope(status, _json({"error": {"message": message, "code": code, "data": data}}))


def told(text: str) -> str:
    """
    A text of the client's, if it is fit to be repeated; otherwise none.
    """
    return text if _PLAIN.fullmatch(text) else ""


def batch(envelopes: Iterable[Envelope]) -> bytes:
    """
    The body that answers several calls.
    """
    return b"[" + b",".join(envelope.body for envelope in envelopes) + b"]"


def status_of(envelopes: Sequence[Envelope]) -> int:
    """
    The status they have in common; 207 when they differ.
    """
    statuses = {envelope.status for envelope in envelopes}
    return statuses.pop() if len(statuses) == 1 else MULTI_STATUS


def stream_head(calls: int) -> bytes:
    """
    The first line of a stream: for each call the promise of a line that has its number.
    """
    # a value is `[[value], …]`, and `[null, 0, n]` says: the whole of it is what promise n will bring
    return _json({str(number): [[0], [None, 0, number]] for number in range(calls)}) + b"\n"


def stream_line(number: int, envelope: Envelope) -> bytes:
    """
    The line that keeps one promise.
    """
    return b"[%d,0,[[%b]]]\n" % (number, envelope.body)


def _json(document: Any) -> bytes:
    return orjson.dumps(document, default=str)
