"""
`uvicorn --reload`: a parent that only watches files, and one worker after the other.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.otlp_receiver import OtlpReceiver
from tests.servers.serving import ROOT, serve, wait_until

SOURCE = "from tests.servers.apps import app, kit\n"


def test_reload_delivers_and_goes_on(tmp_path: Path) -> None:
    """
    A changed file ends the old worker in good order, and the new one counts on.
    """
    source = tmp_path / "reloaded.py"
    source.write_text(SOURCE)
    with (
        OtlpReceiver() as receiver,
        serve(
            "uvicorn-reload",
            tmp_path,
            "--reload-dir",
            str(tmp_path),
            "--reload-include",
            "reloaded.py",
            app="reloaded:app",
            collector=receiver.url,
            environment={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        ) as server,
    ):
        server.drive(30)
        pages = [server.scrape()]
        source.write_text(SOURCE + "# changed\n")
        wait_until(lambda: 2 == len(server.said("Application startup complete.")), 20, "a new worker serves")
        delivered = len(receiver.spans)
        server.drive(20)
        pages.append(server.scrape())

        assert (30, [30.0, 50.0]) == (delivered, [page.sum("http_requests_total") for page in pages])
        assert pages[0].worker != pages[1].worker
