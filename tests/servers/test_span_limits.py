"""
Limits of spans as an operator sets them, and what a collector sees of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.otlp_receiver import OtlpReceiver
from tests.servers.serving import serve


@pytest.mark.parametrize("variable", ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"])
def test_server_spans_keep_to_the_limit(variable: str, tmp_path: Path) -> None:
    """
    Each span has as many attributes as it may, and says how many it has dropped.
    """
    with (
        OtlpReceiver() as receiver,
        serve("uvicorn", tmp_path, collector=receiver.url, environment={variable: "5"}) as server,
    ):
        server.drive(10)
        server.stop()
        found = [(len(span.attributes), span.dropped_attributes_count > 0) for span in receiver.spans]

        assert [(5, True)] * 10 == found
