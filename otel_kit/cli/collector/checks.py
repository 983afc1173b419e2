"""
What a Collector needs of this machine before it starts: free ports, a queue of its own, directories, credentials.

Owns the questions. Makes only the directories that the Collector is to write to, and only for `run`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from otel_kit.cli.collector.listeners import Listener
from otel_kit.cli.collector.problems import Problem, problem_of
from otel_kit.cli.collector.rows import PORTS
from otel_kit.cli.collector.selection import Selection
from otel_kit.cli.collector.values import as_path

__all__ = [
    "QUEUE",
    "directory_problems",
    "file_problems",
    "home_problems",
    "port_problems",
    "prepare_directories",
    "queue_directory",
]

QUEUE = "OTEL_KIT_QUEUE_DIR"
LOCK = ".otel-kit-collector"

_DIRECTORY_REMEDY = "name a directory that this user may write to"


def queue_directory(variables: Mapping[str, str]) -> Path:
    """
    The directory of the queues: as set, else one for each HTTP port under the user's state directory.
    """
    given = variables.get(QUEUE)
    if given is not None:
        return Path(os.path.expanduser(given)).absolute()
    state = variables.get("XDG_STATE_HOME") or "~/.local/state"
    port = variables.get("OTEL_KIT_HTTP_PORT", str(PORTS["OTEL_KIT_HTTP_PORT"]))
    return Path(os.path.expanduser(state)).absolute() / "otel-kit" / f"collector-{port}"


def home_problems(variables: Mapping[str, str]) -> list[Problem]:
    """
    A problem where the queue would be below a home directory that is not known, as in a container without users.
    """
    given = variables.get(QUEUE)
    if as_path(given or variables.get("XDG_STATE_HOME") or "~"):
        return []
    remedy = f"set {QUEUE} to a whole path such as /var/lib/otel-kit"
    return [problem_of(QUEUE, given, "there is no home directory to put the queue below", remedy)]


def port_problems(wanted: Sequence[Listener], names: Mapping[int, str]) -> list[Problem]:
    """
    A problem for each address that something else holds.

    Args:
        names: Port -> its variable, where it has one.
    """
    problems = []
    for listener in wanted:
        why = _why_not_bound(listener.host, listener.port)
        name = names.get(listener.port)
        if why and name:
            remedy = f"end what listens there, or choose another port with {name}"
            problems.append(problem_of(name, str(listener.port), why, remedy))
        elif why:
            remedy = "end what listens there, or choose another one in your file"
            problems.append(Problem(f"{listener.component} at {listener.host}:{listener.port}", why, remedy))
    return problems


def _why_not_bound(host: str, port: int) -> str | None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # as the Collector does; without it, connections that have ended would count as taken
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            return f"the port is taken on {host}" if taken else f"{host} can't be listened on ({error.strerror})"
        except (OverflowError, TypeError, ValueError):
            return f"{host}:{port} is no address to listen on"
    return None


def prepare_directories(selection: Selection, queue: Path) -> tuple[int | None, list[Problem]]:
    """
    Make the directories that are missing, for the user alone, and take hold of the queue's.

    Returns:
        The descriptor that marks the queue as in use while it is open; what is wrong.
    """
    lock, problems = _take_queue(queue)
    files = selection.environment.get("OTEL_KIT_FILE_DIR")
    if files is not None:
        why = _why_not_writable(Path(files))
        if why:
            problems.append(problem_of("OTEL_KIT_FILE_DIR", files, why, _DIRECTORY_REMEDY))
    return lock, problems


def directory_problems(selection: Selection, queue: Path) -> list[Problem]:
    """
    The same question without making or touching anything.
    """
    files = selection.environment.get("OTEL_KIT_FILE_DIR")
    wanted = [(QUEUE, queue), *([("OTEL_KIT_FILE_DIR", Path(files))] if files else [])]
    return [
        problem_of(variable, str(path), f"can't be written to ({nearest} is in the way)", _DIRECTORY_REMEDY)
        for variable, path in wanted
        for nearest in [next(one for one in (path, *path.parents) if os.path.lexists(one))]
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK))
    ]


def _take_queue(queue: Path) -> tuple[int | None, list[Problem]]:
    why = _why_not_writable(queue)
    if why:
        return None, [problem_of(QUEUE, str(queue), why, _DIRECTORY_REMEDY)]
    try:
        lock = os.open(queue / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        why = f"{LOCK} in it can't be opened ({(error.strerror or type(error).__name__).lower()})"
        return None, [problem_of(QUEUE, str(queue), why, _DIRECTORY_REMEDY)]
    if not _free(lock) or any(_is_held(path) for path in queue.iterdir() if path.is_file() and path.name != LOCK):
        os.close(lock)
        remedy = f"end that one, or give this one a directory of its own with {QUEUE}"
        return None, [problem_of(QUEUE, str(queue), "is in use by a Collector that runs", remedy)]
    return lock, []


def _free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_held(path: Path) -> bool:
    """
    Whether a Collector has the file open: its storage locks each file as this does.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _free(descriptor)
    finally:
        os.close(descriptor)


def _why_not_writable(directory: Path) -> str | None:
    try:
        if not directory.is_dir():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=directory, prefix=LOCK):
            return None
    except OSError as error:
        return f"can't be written to ({(error.strerror or type(error).__name__).lower()})"


def file_problems(selection: Selection, variables: Mapping[str, str]) -> list[Problem]:
    """
    Certificates that can't be loaded, and credentials that are nowhere. Asks no network.
    """
    problems = []
    if selection.has("tls"):
        problems += _certificate_problems(selection.environment)
    if selection.has("cloudwatch") and not _has_credentials(variables):
        remedy = (
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; "
            "where the machine's role gives them, set AWS_EC2_METADATA_DISABLED=false"
        )
        group = variables["CLOUDWATCH_LOG_GROUP"]
        problems.append(problem_of("CLOUDWATCH_LOG_GROUP", group, "there are no credentials for AWS", remedy))
    return problems


def _certificate_problems(environment: Mapping[str, str]) -> list[Problem]:
    names = [f"OTEL_KIT_COLLECTOR_TLS_{part}" for part in ("CERT", "KEY", "CLIENT_CA")]
    certificate, key, authorities = (environment.get(name) for name in names)
    found = []
    try:
        if certificate and key:
            # without a password OpenSSL would ask on the terminal
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: b"")
    except (OSError, ValueError) as error:
        remedy = f"name PEM files of one certificate and its unencrypted key (here and in {names[1]})"
        found.append(problem_of(names[0], certificate, f"can't be loaded ({_reason(error)})", remedy))
    try:
        if authorities:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cafile=authorities)
    except (OSError, ValueError) as error:
        remedy = "name a PEM file with the authorities of the clients"
        found.append(problem_of(names[2], authorities, f"can't be loaded ({_reason(error)})", remedy))
    return found


def _reason(error: OSError | ValueError) -> str:
    text = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    return (text or type(error).__name__).lower()


def _has_credentials(variables: Mapping[str, str]) -> bool:
    if "AWS_ACCESS_KEY_ID" in variables:
        return "AWS_SECRET_ACCESS_KEY" in variables
    roles = (
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    )
    if any(name in variables for name in roles) or variables.get("AWS_EC2_METADATA_DISABLED", "").lower() == "false":
        return True
    file = variables.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    return os.path.isfile(os.path.expanduser(file))
