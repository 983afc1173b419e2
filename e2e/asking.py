"""
Questions to a store over HTTP, answered in JSON.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

__all__ = ["ask"]


def ask(url: str, **parameters: str | int | float) -> Any:
    """
    The answer to a GET, as data; None where the store says 404.

    Raises:
        AssertionError: Any other status; the text holds what the store said.
    """
    request = urllib.request.Request(
        f"{url}?{urllib.parse.urlencode(parameters)}", headers={"Accept": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=15) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise AssertionError(f"{request.full_url}: {error.code} {error.read()[:500]!r}") from error
