"""
Secrets: kept out of what is shown, and out of what is only tried.

Owns two ways. A Collector that is asked for its configuration or started on trial gets marks in place of
secrets, so it can't say them. What is shown is masked once more by the names of its keys, for
whatever a hand-written file holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from otel_kit.cli.collector.problems import SECRETS
from otel_kit.cli.collector.values import as_headers, as_json
from otel_kit.environment import MASK
from otel_kit.environment.findings import shown

__all__ = ["masked", "trial_environment", "without_secrets"]

_SECRET_NAME = re.compile(
    r"authorization|token|passw|secret|cookie|dsn|credential|(?:api|private|access)[._-]?key", re.IGNORECASE
)
_NAMES_A_FILE = ("file", "_dir", "_path", "filename")


# enough for AWS' library, which would ask the network otherwise
_NO_CREDENTIALS = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ACCESS_KEY_ID": MASK,
    "AWS_SECRET_ACCESS_KEY": MASK,
    "AWS_SESSION_TOKEN": MASK,
}


def trial_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """
    What a Collector gets that is only asked or tried: no secret, and no reason to look for one.
    """
    return {**without_secrets(environment), **_NO_CREDENTIALS}


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """
    The variables with a mark in place of each secret; endpoints lose their credentials.
    """
    return {name: _marked(name, value) for name, value in environment.items()}


def _marked(name: str, value: str) -> str:
    if name == "OTLP_FORWARD_HEADERS":
        return as_json(dict.fromkeys(as_headers(value) or {}, MASK))
    if name in SECRETS:
        return MASK
    if name.endswith("_ENDPOINT") and "@" in value:
        return shown(name, value)
    return MASK if _is_secret(name) else value


def masked(tree: Any, key: str = "") -> Any:
    """
    A configuration as it may be shown.

    Args:
        key: The name under which it stands.
    """
    if isinstance(tree, Mapping):
        if key == "headers":
            return dict.fromkeys(tree, MASK)
        return {name: masked(value, str(name)) for name, value in tree.items()}
    if isinstance(tree, list):
        if key == "headers":
            return [_masked_pair(item) for item in tree]
        return [masked(item, key) for item in tree]
    if isinstance(tree, str):
        return _masked_text(key, tree)
    return tree


def _masked_pair(item: Any) -> Any:
    return {**item, "value": MASK} if isinstance(item, Mapping) and "value" in item else masked(item)


def _masked_text(key: str, text: str) -> str:
    if not text or text.startswith("${"):
        return text
    if _is_secret(key):
        return MASK
    return shown("_ENDPOINT", text) if "://" in text and "@" in text else text


def _is_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and not name.lower().endswith(_NAMES_A_FILE)
