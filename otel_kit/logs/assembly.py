"""
The logs of a process, put together.

Owns the order in which handler, writer and takeover begin and end. Whoever sets the kit up
makes one `Logs` for the process and a `RequestLog` for each application.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from otel_kit.layout import LogLayout
from otel_kit.ledger import Counter
from otel_kit.logs.access import RequestLog
from otel_kit.logs.console_layout import ConsoleLayout, wants_colour
from otel_kit.logs.handler import KitHandler, Sink
from otel_kit.logs.json_layout import JsonLayout
from otel_kit.logs.layouts import facts_of_requests
from otel_kit.logs.levels import level_number
from otel_kit.logs.output import DropReason, StandardOutput
from otel_kit.logs.takeover import Takeover
from otel_kit.logs.writer import LineWriter
from otel_kit.security import restore_logging_by

if TYPE_CHECKING:
    from otel_kit.redaction import Policy

__all__ = ["Logs", "lines_dropped_total"]

lines_dropped_total = Counter(
    "otel_kit_log_lines_dropped_total", "Log lines that didn't reach standard output, by reason.", ["reason"]
)


class Logs:
    """
    Everything between a log call and standard output.

    Nothing happens before `install`. A second application in the process uses the same object.

    Args:
        layout: The profile's line.
        policy: Cleans each record before it leaves.
        level: Of the root logger, by name or number.
        json_lines: False for the console's tree, None to choose by what standard output is.
        constants: Values of the layout's sources `hostname`, `version`, `environment` and `service_name`.
        sink: Takes the same records for export; may also be set later on `handler.sink`.
    """

    def __init__(
        self,
        layout: LogLayout,
        policy: Policy,
        *,
        level: str | int = "INFO",
        json_lines: bool | None = None,
        constants: Mapping[str, str] | None = None,
        sink: Sink | None = None,
    ) -> None:
        self.layout = layout
        output = StandardOutput()
        terminal = output.is_terminal()
        self.json_lines = not terminal if json_lines is None else json_lines
        line_layout = (
            JsonLayout(layout, constants) if self.json_lines else ConsoleLayout(wants_colour(os.environ, terminal))
        )
        self.writer = LineWriter(line_layout, policy, _count_dropped, output=output)
        self.handler = KitHandler(self.writer, sink, facts_of_requests(layout))
        self.level = level_number(level)
        self.takeover = Takeover(self.handler, self.level)

    def install(self) -> None:
        """
        Take logging over. To be called at set-up, before anything is logged.
        """
        self.takeover.install()
        restore_logging_by(self._put_back)

    def start(self) -> None:
        """
        Join the servers' loggers and write by a thread from now on. To be called when the process begins to serve.
        """
        self.takeover.join()
        self.writer.start()

    def request_log(self, service_name: str) -> RequestLog:
        """
        The writer of request lines for one application.
        """
        return RequestLog(self.handler, service_name, self.layout.request_message, self.takeover.restore, self.level)

    def flush(self, deadline: float) -> bool:
        """
        Wait until every line so far is written, up to `deadline` (`time.monotonic()`); False when some are not.
        """
        return self.writer.flush(deadline)

    def close(self, deadline: float) -> bool:
        """
        As `flush`, then end the thread. Later lines are still written, by whoever logs them.
        """
        return self.writer.close(deadline)

    def undo(self) -> None:
        """
        Leave the `logging` tree as it was found.
        """
        restore_logging_by(None)
        self.takeover.undo()

    def _put_back(self, logger: logging.Logger) -> None:
        """
        Come back where a later configuration has removed the kit's handler, or disabled this logger.
        """
        if logger.disabled or self.handler not in logging.root.handlers:
            self.takeover.restore(logger)


def _count_dropped(reason: DropReason, lines: int) -> None:
    lines_dropped_total.labels(reason).inc(lines)
