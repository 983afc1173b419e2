"""
Each variable's value: can it be right, and in which form do the files want it?

Owns one rule for each variable that a picked file reads. Knows nothing of files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from otel_kit.cli.collector.endpoints import endpoint_problem, gateway_problem
from otel_kit.cli.collector.problems import Problem, problem_of
from otel_kit.cli.collector.rows import PORTS, Row
from otel_kit.cli.collector.values import as_flag, as_globs, as_headers, as_json, as_list, as_origins, as_path, as_port
from otel_kit.settings.unknown import is_service_link

__all__ = ["BROWSER_PORT", "BROWSER_PORT_DEFAULT", "judged_ports", "judged_row"]

BROWSER_PORT = "OTEL_KIT_COLLECTOR_BROWSER_PORT"
BROWSER_PORT_DEFAULT = 4320

_SERVICE_LINK_REMEDY = "Kubernetes set it for a service of that name; set enableServiceLinks: false in the pod"

Judged = tuple[dict[str, str], list[Problem]]
"""Variables in the form of the files, and what is wrong."""

Ports = Mapping[int, str]


def judged_ports(variables: Mapping[str, str], with_browser: bool) -> tuple[dict[int, str], list[Problem]]:
    """
    Each port with its variable; what is no port or is there twice.
    """
    defaults = {**PORTS, **({BROWSER_PORT: BROWSER_PORT_DEFAULT} if with_browser else {})}
    ports: dict[int, str] = {}
    problems = []
    for variable, default in defaults.items():
        value = variables.get(variable)
        port = default if value is None else as_port(value)
        if port is None:
            link = is_service_link(variable, value or "")
            remedy = _SERVICE_LINK_REMEDY if link else f"write a number from 1 to 65535, {default} by default"
            problems.append(problem_of(variable, value, "is no port", remedy))
        elif port in ports:
            remedy = "give each a port of its own"
            problems.append(problem_of(variable, str(port), f"is the port of {ports[port]} too", remedy))
        else:
            ports[port] = variable
    return ports, problems


def judged_row(row: Row, variables: Mapping[str, str], ports: Ports) -> Judged:
    """
    Every variable of a picked file.
    """
    environment: dict[str, str] = {}
    problems: list[Problem] = []
    for name in dict.fromkeys((row.variable, *row.more, *_NEEDED.get(row.name, {}))):
        if name in variables:
            rule = _endpoint if name.endswith("_ENDPOINT") else _RULES.get(name, _as_it_is)
            changed, found = rule(name, variables[name], ports)
            environment.update(changed)
            problems += found
    for needed, remedy in _NEEDED.get(row.name, {}).items():
        if needed not in variables:
            problems.append(problem_of(needed, None, f"is not set, but {row.variable} is", remedy))
    return environment, problems


_OWN_PATHS = {
    "CLOUDWATCH_LOGS_ENDPOINT": "/v1/logs",
    "CLOUDWATCH_TRACES_ENDPOINT": "/v1/traces",
    "CLOUDWATCH_METRICS_ENDPOINT": "/v1/metrics",
}
"""
Paths of base URLs whose files append none.
"""

_NEEDED = {
    "elasticsearch": {
        "ELASTICSEARCH_API_KEY": "set the API key; where the server asks for none, set it to none",
    },
    "cloudwatch": {"AWS_REGION": "set the region, such as eu-central-1"},
}
"""
File -> the variables without which it can't work, with the remedy.
"""


def _as_it_is(name: str, value: str, ports: Ports) -> Judged:
    return {}, []


def _endpoint(name: str, value: str, ports: Ports) -> Judged:
    problem = endpoint_problem(name, value, ports)
    if problem:
        return {}, [problem]
    # most files append a path; CloudWatch's takes whole URLs, as each signal has a host of its own
    url = value.rstrip("/")
    has_path = "/" in url.partition("://")[2]
    return {name: url if has_path else url + _OWN_PATHS.get(name, "")}, []


def _site(name: str, value: str, ports: Ports) -> Judged:
    if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", value):
        return {}, []
    return {}, [problem_of(name, value, "is no site", "write its domain alone, such as datadoghq.eu")]


def _flag(name: str, value: str, ports: Ports) -> Judged:
    flag = as_flag(value)
    if flag is None:
        return {}, [problem_of(name, value, "is neither true nor false", "write true or false")]
    return {name: str(flag).lower()}, []


def _headers(name: str, value: str, ports: Ports) -> Judged:
    headers = as_headers(value)
    if headers is None:
        form = "write name=value,name=value or a YAML map of texts"
        return {}, [problem_of(name, value, "holds no headers that can be sent", form)]
    return {name: as_json(headers)}, []


def _origins(name: str, value: str, ports: Ports) -> Judged:
    origins = as_origins(value)
    if origins is None:
        remedy = "write exact ones, without *: https://shop.example,https://admin.shop.example"
        return {}, [problem_of(name, value, "is no list of origins", remedy)]
    return {name: as_json(origins)}, []


def _globs(name: str, value: str, ports: Ports) -> Judged:
    globs = as_globs(value)
    if not globs:
        remedy = 'write /var/log/shop/*.log,/srv/*.log, or where braces hold a comma ["/var/log/{shop,till}.log"]'
        return {}, [problem_of(name, value, "names no file, or has a bracket or brace that is not closed", remedy)]
    # the Collector's working directory is this one, but a service manager's may be another at the next start
    return {name: as_json([str(Path(glob).absolute()) for glob in globs])}, []


def _texts(name: str, value: str, ports: Ports) -> Judged:
    return {name: as_json(as_list(value))}, []


def _share(name: str, value: str, ports: Ports) -> Judged:
    if re.fullmatch(r"(0|1)(\.0*)?|0?\.[0-9]+", value):
        return {}, []
    return {}, [problem_of(name, value, "is no share", "write a number from 0 to 1: 0.1 keeps a tenth")]


def _gateways(name: str, value: str, ports: Ports) -> Judged:
    gateways = as_list(value)
    if not gateways:
        return {}, [problem_of(name, value, "names no gateway", "write host:port,host:port")]
    found = [gateway_problem(name, value, gateway, ports) for gateway in gateways]
    return {name: as_json(gateways)}, [problem for problem in found if problem]


def _token(name: str, value: str, ports: Ports) -> Judged:
    if re.fullmatch(r"[\x21-\x7e]+", value):
        return {}, []
    return {}, [problem_of(name, value, "can't stand in a header", "use printable ASCII without blanks")]


def _path(name: str, value: str, ports: Ports) -> Judged:
    path = as_path(value)
    if path is None:
        return {}, [problem_of(name, value, "is below a home directory that is not known", "write the whole path")]
    return {name: str(path)}, []


def _region(name: str, value: str, ports: Ports) -> Judged:
    if re.fullmatch(r"[A-Za-z0-9-]{1,63}", value):
        return {}, []
    return {}, [problem_of(name, value, "is no region", "write its name alone, such as eu-central-1")]


def _log_group(name: str, value: str, ports: Ports) -> Judged:
    if re.fullmatch(r"[A-Za-z0-9_./#-]{1,512}", value):
        return {}, []
    return {}, [problem_of(name, value, "is no name of a log group", "use letters, digits and any of _ - / . #")]


def _log_stream(name: str, value: str, ports: Ports) -> Judged:
    if re.fullmatch(r"[\x20-\x7e]{1,512}", value) and not re.search("[:*]", value):
        return {}, []
    return {}, [problem_of(name, value, "is no name of a log stream", "use printable ASCII without : and *")]


_RULES: dict[str, Callable[[str, str, Ports], Judged]] = {
    "DD_SITE": _site,
    "AWS_REGION": _region,
    "CLOUDWATCH_LOG_GROUP": _log_group,
    "CLOUDWATCH_LOG_STREAM": _log_stream,
    "OTEL_KIT_PROMETHEUS_APP_METRICS": _flag,
    "OTEL_KIT_COLLECTOR_HOST": _flag,
    "OTLP_FORWARD_HEADERS": _headers,
    "OTEL_KIT_FILE_DIR": _path,
    "OTEL_KIT_COLLECTOR_BROWSER_ORIGINS": _origins,
    "OTEL_KIT_COLLECTOR_BROWSER_SERVICES": _texts,
    "OTEL_KIT_COLLECTOR_FILES": _globs,
    "OTEL_KIT_COLLECTOR_SAMPLING": _share,
    "OTEL_KIT_COLLECTOR_SAMPLING_KEEP_ROUTES": _texts,
    "OTEL_KIT_COLLECTOR_SAMPLING_QUIET_ROUTES": _texts,
    "OTEL_KIT_COLLECTOR_GATEWAYS": _gateways,
    "OTEL_KIT_COLLECTOR_TOKEN": _token,
    "DD_API_KEY": _token,
    "ELASTICSEARCH_API_KEY": _token,
    "OTEL_KIT_COLLECTOR_TLS_CERT": _path,
    "OTEL_KIT_COLLECTOR_TLS_KEY": _path,
    "OTEL_KIT_COLLECTOR_TLS_CLIENT_CA": _path,
}
