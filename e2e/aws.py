"""
The other side of AWS' request signing: a signature is right when whoever knows the key comes to the same one.

Source: AWS' "Create a signed request" (Signature Version 4).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import urllib.parse
from typing import NamedTuple

from e2e.recorder import Recorded

__all__ = ["Scope", "scope_of", "signature_is_right"]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})$"
)


class Scope(NamedTuple):
    """
    Whom a signature names.
    """

    key_id: str
    region: str
    service: str


def scope_of(request: Recorded) -> Scope:
    """
    Key id, region and service of the request's signature.
    """
    found = _parsed(request)
    return Scope(found["key"], found["region"], found["service"])


def signature_is_right(request: Recorded, secret: str) -> bool:
    """
    Whether the request was signed with this secret, as it came: headers, path and compressed body.
    """
    found = _parsed(request)
    signed = [f"{name}:{' '.join(request.headers[name].split())}\n" for name in found["headers"].split(";")]
    path = urllib.parse.quote(request.path)
    body = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join(["POST", path, "", "".join(signed), found["headers"], body])
    scope = f"{found['date']}/{found['region']}/{found['service']}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, digest])
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(found["signature"], hmac.new(key, text.encode(), "sha256").hexdigest())


def _parsed(request: Recorded) -> re.Match[str]:
    found = _AUTHORIZATION.match(request.headers["authorization"])
    assert found is not None, request.headers["authorization"]
    return found
