"""
What all applications of a process share: settings, policy, providers, logs, clients.

Owns when serving begins and ends in this process. Everything that has a thread, a file or a
socket starts in `serve`, never at set-up: a gunicorn parent that preloads the application only
forks, and each child starts its own.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate

from otel_kit.beside import Beside
from otel_kit.context import judge_ids_by
from otel_kit.environment import ENV_FILE, Finding, OtelEnvironment, fallback_service_name, read_otel_environment
from otel_kit.exposition.published import PublishedInstruments
from otel_kit.faults import fault
from otel_kit.integrations.clients import Clients
from otel_kit.layout import LogLayout
from otel_kit.ledger import ledger
from otel_kit.logs import Logs
from otel_kit.propagation import KitPropagator
from otel_kit.redaction import policy_from
from otel_kit.security import write_suppressed
from otel_kit.settings import Settings, unknown_variables

if TYPE_CHECKING:
    from otel_kit.telemetry.pipeline import Telemetry

__all__ = ["Runtime"]

SHARE_OF_TIMEOUT = 0.8
"""Of the shutdown time; the server's own way out needs the rest."""
SHARE_OF_A_CHILD = 0.7
"""That of a worker of uvicorn's: it hears of the end up to half a second late, and its parent ends after it."""
SAME_END_SECONDS = 2.0
"""A process that lives on for so long after a lifespan's end has its whole time again."""
_SPAWNED = "multiprocessing.popen_spawn_posix"
"""A module that is imported with the first process started by `spawn`, as uvicorn does."""
LAST_LINES_SECONDS = 0.1
"""For what is logged when the time has been used up: after a lifespan's end, by a parent of workers."""
MAX_LABEL = 256

_all: weakref.WeakSet[Runtime] = weakref.WeakSet()


class Runtime:
    """
    Made once a process by the first set-up; later ones join in.
    """

    def __init__(
        self, settings: Settings, layout: LogLayout, service_name: str | None, redact: object, module: str | None
    ) -> None:
        self.settings = settings
        self.layout = layout
        self.otel: OtelEnvironment = self._read_environment()
        self.findings: list[Finding] = [*self.otel.findings, *unknown_variables()]
        self.policy = policy_from(redact)
        self.service_name = self.policy.text(
            service_name or self.otel.service_name or fallback_service_name(module), MAX_LABEL
        )
        self.telemetry = self._build_telemetry()
        self.logs = Logs(
            layout,
            self.policy,
            level=settings.log_level,
            json_lines=settings.enable_json_logging,
            constants={
                "hostname": self.policy.text(settings.hostname),
                "version": self.policy.text(settings.app_version),
                "environment": self.policy.text(settings.environment),
                "service_name": self.service_name,
            },
            sink=self.telemetry.log_sink,
        )
        self.instruments = PublishedInstruments(self.telemetry.instruments, ledger)
        self.clients = Clients()
        self._applications: list[object] = []
        self._lock = threading.Lock()
        self.serving = False
        self._has_served = self._has_forked = self._has_said_left = self._inherits_spawned = False
        self._lifespans = 0
        self._ends_at: float | None = None
        self._join_process()
        _all.add(self)

    def _read_environment(self) -> OtelEnvironment:
        return read_otel_environment(env_file=ENV_FILE)

    def _build_telemetry(self) -> Telemetry:
        # imported here: a bad variable, which is gone by now, makes the import of the SDK raise
        from otel_kit.telemetry.providers import build_telemetry

        return build_telemetry(self.otel, self.settings, self.service_name, self.policy)

    def _join_process(self) -> None:
        """
        Have what is there once in a process ask this runtime.
        """
        judge_ids_by(self._is_clean)
        ledger.on_refresh(self.instruments.on_refresh)
        ledger.clean_label = self._clean_label
        ledger.clean_help = self.policy.text
        propagator: Any = propagate.get_global_textmap()
        if not isinstance(propagator, KitPropagator):
            propagate.set_global_textmap(KitPropagator(propagator, self.policy))

    def join(self, application: object) -> None:
        """
        One more application: logging and client libraries are taken over with the first.
        """
        self._applications.append(application)
        self.logs.install()
        self._join_clients()

    def leave(self, application: object) -> None:
        """
        One application less; with the last one logging and client libraries are given back.
        """
        self._applications = [known for known in self._applications if known is not application]
        if not self._applications:
            self.clients.leave()
            self.logs.undo()

    def serve(self) -> None:
        """
        Begin to serve in this process. Never raises; a second call changes nothing.
        """
        with self._lock:
            if self.serving:
                return
            self.serving = self._has_served = True
            self._ends_at = None
            for component, begin in (
                ("logs", self.logs.start),
                ("ledger", self._attach_ledger),
                ("export", self.telemetry.start),
                ("clients", self._join_clients),
            ):
                try:
                    begin()
                except Exception as error:
                    fault(component, error)

    def open(self) -> None:
        """
        The start of a lifespan.
        """
        with self._lock:
            self._lifespans += 1

    def settle(self) -> None:
        """
        The application has started: what it made by now lives as long as the process does.

        So the garbage collector need not look at it again and again: a full collection takes 50 ms
        of a service of usual size, in which no request is answered, and falls to a few.
        """
        if self.settings.gc_freeze and not gc.get_freeze_count():
            gc.collect()
            gc.freeze()

    def end(self) -> bool:
        """
        The end of a lifespan: everything accepted leaves within the kit's deadline.

        Providers stay usable: another lifespan, or another application, may follow.
        """
        deadline = self._deadline()
        with self._lock:
            self._lifespans -= 1
            last = self._lifespans <= 0
            if last:
                self.serving = False
                self._ends_at = deadline
        write_suppressed(everything=last)
        done = self.flush_until(deadline, close_logs=last)
        if last:
            self._has_said_left = self.telemetry.outages.say_what_is_left(done)
        return done

    def flush_until(self, deadline: float, *, close_logs: bool = False) -> bool:
        """
        Everything accepted so far leaves, up to the deadline (monotonic seconds).

        Returns:
            False when something is left.
        """
        state = self.telemetry.begin_flush(deadline)
        lines = Beside(lambda: self.logs.close(deadline) if close_logs else self.logs.flush(deadline))
        if close_logs and ledger.state == "shared":
            self.instruments.publish()
        sent = self.telemetry.finish_flush(state, deadline)
        return lines.result(deadline) and sent

    def close(self, timeout_seconds: float | None = None) -> bool:
        """
        The end of the process: as `end`, and what is left at the deadline counts as dropped.
        """
        with self._lock:
            self.serving = False
        deadline = self._closing_deadline(timeout_seconds)
        is_said = self._has_said_left and self._is_same_end()
        write_suppressed(everything=True)
        lines = Beside(lambda: self.logs.close(deadline))
        sent = self.telemetry.close(deadline, collect=self._has_served or _has_counted())
        ledger.close()
        done = lines.result(deadline) and sent
        if not is_said:
            self.telemetry.outages.say_what_is_left(sent)
        return done

    def _closing_deadline(self, timeout_seconds: float | None) -> float:
        now = time.monotonic()
        if timeout_seconds is not None:
            return now + timeout_seconds
        if self._ends_at is not None and self._is_same_end():
            # the time is for everything together, and a lifespan's end has had its part of it
            return max(self._ends_at, now + LAST_LINES_SECONDS)
        if self._is_servers_parent():
            # its workers have had the time
            return now + LAST_LINES_SECONDS
        return self._deadline()

    def _deadline(self) -> float:
        processes = sys.modules.get("multiprocessing.process")
        share = SHARE_OF_A_CHILD if processes and processes.parent_process() else SHARE_OF_TIMEOUT
        return time.monotonic() + self.settings.shutdown_timeout_seconds * share

    def _is_same_end(self) -> bool:
        return self._ends_at is not None and time.monotonic() < self._ends_at + SAME_END_SECONDS

    def _is_servers_parent(self) -> bool:
        """
        Whether this process only watches over others. A script that hands out work has spans of its own.
        """
        if self._has_served or self.telemetry.has_accepted("traces"):
            return False
        return self._has_forked or (_SPAWNED in sys.modules and not self._inherits_spawned)

    def _attach_ledger(self) -> None:
        ledger.attach(self.service_name)

    def _join_clients(self) -> None:
        self.clients.join(self.telemetry.tracer_provider)

    def _clean_label(self, label: str, value: str) -> str:
        return str(self.policy.value(label, value, MAX_LABEL))

    def _is_clean(self, text: str) -> bool:
        return self.policy.text(text) == text

    def note_fork(self) -> None:
        """
        This process has had a child.
        """
        self._has_forked = True

    def begin_in_child(self) -> None:
        """
        A forked child has not served yet.
        """
        self._lock = threading.Lock()
        self.serving = self._has_served = self._has_forked = self._has_said_left = False
        # what its parent has spawned are no children of its own
        self._inherits_spawned = _SPAWNED in sys.modules
        self._lifespans = 0
        self._ends_at = None


def _has_counted() -> bool:
    """
    Whether this process has anything to tell. A server's parent that has only set up the application has not,
    and must not take time of its own after that of its workers.
    """
    counts = (family for family in ledger.snapshot(own=True) if family.declaration.kind != "gauge")
    return any(any(series.values) for family in counts for series in family.series)


def _note_forks() -> None:
    for runtime in list(_all):
        runtime.note_fork()


def _begin_in_child() -> None:
    for runtime in list(_all):
        runtime.begin_in_child()


os.register_at_fork(after_in_parent=_note_forks, after_in_child=_begin_in_child)
