"""
Which form of `/metrics` a scraper asked for.

Owns the reading of `Accept` and `Accept-Encoding`. Header text comes from strangers: what can't
be read is passed over, and nobody is refused: without an acceptable form the plain text is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Form", "form_of"]

MAX_RANGES = 32
OPENMETRICS = "application/openmetrics-text"
OPENMETRICS_VERSIONS = ("", "1.0.0")
TEXT_VERSIONS = ("", "0.0.4")


class Form(NamedTuple):
    """
    One of the four forms a page can have.
    """

    openmetrics: bool
    gzip: bool

    @property
    def content_type(self) -> bytes:
        """
        The media type of the page, as Prometheus spells it.
        """
        if self.openmetrics:
            return b"application/openmetrics-text; version=1.0.0; charset=utf-8"
        return b"text/plain; version=0.0.4; charset=utf-8"


def form_of(accept: str, accept_encoding: str) -> Form:
    """
    The form these two headers ask for.

    Args:
        accept: Empty when absent; several joined by commas.
        accept_encoding: Likewise.
    """
    return Form(_wants_openmetrics(accept), _wants_gzip(accept_encoding))


def _wants_openmetrics(accept: str) -> bool:
    """
    Whether OpenMetrics is named, and not less liked than the text format.

    A wildcard is not enough: it is how browsers and curl ask, and they should get the plainer form.
    """
    openmetrics = 0.0
    text: dict[str, float] = {}
    for media, parameters, quality in _ranges(accept):
        version = parameters.get("version", "").strip('"')
        if media == OPENMETRICS and version in OPENMETRICS_VERSIONS:
            openmetrics = max(openmetrics, quality)
        elif media != "text/plain" or version in TEXT_VERSIONS:
            text[media] = max(text.get(media, 0.0), quality)
    plain = next((text[media] for media in ("text/plain", "text/*", "*/*") if media in text), 0.0)
    return openmetrics > 0 and openmetrics >= plain


def _wants_gzip(accept_encoding: str) -> bool:
    qualities = {coding: quality for coding, _, quality in _ranges(accept_encoding)}
    return qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0))) > 0


def _ranges(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """
    Name, parameters and quality of each element of a list with `q=` weights.

    Source: RFC 9110, sections 12.4.2 and 12.5.
    """
    for element in header.lower().split(",")[:MAX_RANGES]:
        name, *rest = element.split(";")
        parameters = {key.strip(): value.strip() for key, _, value in (part.partition("=") for part in rest)}
        try:
            quality = float(parameters.get("q", "1"))
        except ValueError:
            continue
        if 0.0 <= quality <= 1.0:
            yield name.strip(), parameters, quality
