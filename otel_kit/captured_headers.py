"""
Headers that become attributes of the server span, where the environment names them.

Owns the choice of headers and their bounds. Every value passes the redaction policy under the
header's name, so that credentials are masked whatever is captured. Engine `contrib` captures by
itself from the same variables; there the exporter's policy masks.

Source: OpenTelemetry semantic conventions, `http.request.header.<key>`: the name in lower case,
the value a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from otel_kit.redaction import MASK, Policy

__all__ = ["CapturedHeaders"]

MAX_NAMES = 64
MAX_NAME = 128
MAX_VALUES = 16
MAX_VALUE = 1024


class CapturedHeaders:
    """
    What is captured of requests, or of answers. False where nothing is.

    Args:
        side: Whose headers: it is part of the attribute's name.
        names: Patterns of whole header names, in any case.
        masked: Patterns, found anywhere in a header's name, that make its values secret.
    """

    def __init__(
        self, side: Literal["request", "response"], names: Sequence[str], masked: Sequence[str], policy: Policy
    ) -> None:
        self._prefix = f"http.{side}.header."
        self._names = _any_of(names)
        self._masked = _any_of(masked)
        self._policy = policy

    def __bool__(self) -> bool:
        return self._names is not None

    def attributes(self, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, Sequence[str]]:
        """
        The captured ones of these headers as attributes that hold no secrets.
        """
        found: dict[str, list[str]] = {}
        for raw, value in headers:
            name = raw.decode("latin-1").lower()
            values = found.get(name)
            if values is not None:
                if len(values) < MAX_VALUES:
                    values.append(value.decode("latin-1"))
            elif len(found) < MAX_NAMES and len(name) <= MAX_NAME and self._is_captured(name):
                found[name] = [value.decode("latin-1")]
        return {self._policy.text(self._prefix + name): self._clean(name, values) for name, values in found.items()}

    def _is_captured(self, name: str) -> bool:
        return self._names is not None and self._names.fullmatch(name) is not None

    def _clean(self, name: str, values: list[str]) -> Sequence[str]:
        if self._masked is not None and self._masked.search(name):
            return [MASK]
        clean = self._policy.value(name, values, MAX_VALUE)
        return clean if isinstance(clean, list) else [MASK]


def _any_of(patterns: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(patterns), re.IGNORECASE) if patterns else None
