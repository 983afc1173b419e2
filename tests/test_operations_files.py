"""
What an operator is given: alert rules, runbooks, dashboard, provisioning, compose file, sidecar, how-to pages.

That they hang together is read from the files alone. What needs a program (promtool, the stores, the readers of
compose and Kubernetes) is in `e2e/`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_kit.cli.collector.rows import BACKENDS, known_variables

ROOT = Path(__file__).parent.parent
FILES = ROOT / "collector"
RUNBOOKS = ROOT / "docs/runbooks"
HOW_TO = ROOT / "docs/how-to"


def loaded(path: str) -> Any:
    """
    A YAML file of `collector/` as data.
    """
    return yaml.safe_load((FILES / path).read_text(encoding="utf-8"))


RULES: list[dict[str, Any]] = [
    rule for group in loaded("prometheus/rules/collector.yaml")["groups"] for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
DASHBOARD = json.loads((FILES / "grafana/dashboards/collector.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SOURCES = loaded("grafana/provisioning/datasources/otel-kit.yaml")["datasources"]
COMPOSE = loaded("compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SIDECAR_TEXT = (FILES / "kubernetes/sidecar.yaml").read_text(encoding="utf-8")
POD = next(yaml.safe_load_all(SIDECAR_TEXT))["spec"]["template"]["spec"]
SIDECAR = POD["initContainers"][0]


SOURCE_KEYS = {"name", "uid", "type", "access", "url", "isDefault", "editable", "jsonData"}
PROVIDER_KEYS = {
    *("name", "type", "folder", "folderUid", "allowUiUpdates", "disableDeletion", "updateIntervalSeconds", "options"),
}
SETTING_KEYS: dict[str, Any] = {
    "prometheus": {
        "httpMethod": None,
        "timeInterval": None,
        "exemplarTraceIdDestinations": {"name", "datasourceUid", "urlDisplayLabel"},
    },
    "loki": {
        "maxLines": None,
        "derivedFields": {"name", "matcherType", "matcherRegex", "datasourceUid", "url", "urlDisplayLabel"},
    },
    "tempo": {
        "tracesToLogsV2": {
            *("datasourceUid", "spanStartTimeShift", "spanEndTimeShift", "tags", "customQuery", "query"),
            *("filterByTraceID", "filterBySpanID"),
        },
        "tracesToMetrics": {"datasourceUid", "spanStartTimeShift", "spanEndTimeShift", "tags", "queries"},
        "serviceMap": {"datasourceUid"},
        "nodeGraph": {"enabled"},
    },
}
"""What Grafana's documentation of provisioning knows, as far as it is of use here; it ignores a key it doesn't know."""


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_all_that_is_needed_at_night(rule: dict[str, Any]) -> None:
    """
    Each has a duration, a severity, a summary, a description, and a runbook under its own name.
    """
    page = RUNBOOKS / f"{rule['alert'].lower()}.md"

    assert re.fullmatch(r"\d+m", rule["for"])
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
    assert f"docs/runbooks/{page.name}" == rule["annotations"]["runbook_url"]
    assert page.read_text(encoding="utf-8").startswith(f"# {rule['alert']}\n")


def test_every_runbook_has_an_alert_and_a_place_in_the_index() -> None:
    """
    No page is left over from an alert that is gone.
    """
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {page.name for page in RUNBOOKS.glob("*.md")}

    assert {f"{rule['alert'].lower()}.md" for rule in ALERTS} == pages
    assert pages == set(re.findall(r"\(runbooks/([\w-]+\.md)\)", index))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_is_seen_firing_and_silent(rule: dict[str, Any]) -> None:
    """
    The unit tests of promtool have both for each alert, and the silence just before it fires.
    """
    cases = [test["alert_rule_test"] for test in loaded("prometheus/tests/collector.yaml")["tests"]]
    own = [[one["exp_alerts"] for one in case if one["alertname"] == rule["alert"]] for case in cases]

    assert any([] in one and any(one) for one in own), "no test with the boundary of its `for`"
    assert [[]] == own[0]


def test_the_three_signals_are_recorded_alike() -> None:
    """
    A recording differs between traces, metrics and logs in the name of the items alone.
    """
    items = {"traces": "spans", "metrics": "metric_points", "logs": "log_records"}
    shapes: dict[str, list[tuple[str, str]]] = {}
    for rule in RULES:
        if "labels" in rule and "data_type" in rule["labels"]:
            signal = rule["labels"]["data_type"]
            shapes.setdefault(rule["record"], []).append((signal, rule["expr"].replace(items[signal], "ITEMS")))

    assert len(shapes) == 5
    assert [] == [name for name, forms in shapes.items() if set(items) != {signal for signal, _ in forms}]
    assert [] == [name for name, forms in shapes.items() if len({shape for _, shape in forms}) != 1]


def test_jobs_are_those_that_alerts_and_the_contract_name() -> None:
    """
    The service is scraped as documented, and the alert on the Collector's silence reads a job that exists.
    """
    jobs = {job["job_name"]: job for job in loaded("prometheus/prometheus.yml")["scrape_configs"]}
    down = next(rule for rule in ALERTS if rule["alert"] == "CollectorDown")

    assert ("15s", [{"targets": ["localhost:8001"]}]) == (
        jobs["goblin-assistant"]["scrape_interval"],
        jobs["goblin-assistant"]["static_configs"],
    )
    assert {"otel-kit-collector"} == set(re.findall(r'job="([^"]+)"', down["expr"]))
    assert [{"targets": ["localhost:8888"]}] == jobs["otel-kit-collector"]["static_configs"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_can_be_read(panel: dict[str, Any]) -> None:
    """
    It has a description and a unit, asks the chosen data source for the chosen Collectors, and every line has a name.
    """
    targets = panel["targets"]

    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert {"${datasource}"} == {one["datasource"]["uid"] for one in [panel, *targets]}
    assert [] == [target["expr"] for target in targets if not target["legendFormat"]]
    for target in targets:
        selectors = re.findall(r'\{[^}]*\bjob=~"\$job"', target["expr"])
        assert selectors or "otel_kit_items" in target["expr"]
        assert [] == re.findall(r"rate\([^)]*\[\d+\w\]", target["expr"])


def test_the_dashboard_names_its_alerts() -> None:
    """
    Each alert on the Collector is named in the panel that shows what it is about, and no other name is.
    """
    named = {name for panel in PANELS for name in re.findall(r"\b(?:Collector|Service)[A-Z]\w+", panel["description"])}

    assert {rule["alert"] for rule in ALERTS} == named


def test_panels_neither_overlap_nor_share_an_id() -> None:
    """
    Grafana would move what overlaps.
    """
    cells = [
        (column, row)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert len(DASHBOARD["panels"]) == len({panel["id"] for panel in DASHBOARD["panels"]})
    assert max(column for column, _ in cells) == 23


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source["uid"])
def test_grafana_knows_every_key_of_a_data_source(source: dict[str, Any]) -> None:
    """
    A misspelt key would be ignored without a word, and its link be missing.
    """
    known = SETTING_KEYS[source["type"]]

    assert set(source) <= SOURCE_KEYS
    assert set(source["jsonData"]) <= set(known)
    for name, value in source["jsonData"].items():
        for block in value if isinstance(value, list) else [value]:
            assert not isinstance(block, dict) or set(block) <= known[name], name


def test_grafana_finds_the_dashboard() -> None:
    """
    The provider has keys that Grafana knows, and its directory is mounted with the dashboard in it.
    """
    (provider,) = loaded("grafana/provisioning/dashboards/otel-kit.yaml")["providers"]
    mounts = dict(mount.split(":")[:2] for mount in SERVICES["grafana"]["volumes"])

    assert set(provider) <= PROVIDER_KEYS
    assert "${OTEL_KIT_DASHBOARDS}" == provider["options"]["path"]
    assert mounts["./grafana/dashboards"] == SERVICES["grafana"]["environment"]["OTEL_KIT_DASHBOARDS"]
    assert "/etc/grafana/provisioning" == mounts["./grafana/provisioning"]


def test_data_sources_refer_to_one_another_by_ids_that_exist() -> None:
    """
    A link to a data source that is not provisioned would be dead.
    """
    text = (FILES / "grafana/provisioning/datasources/otel-kit.yaml").read_text(encoding="utf-8")
    uids = {source["uid"] for source in SOURCES}

    assert {"prometheus", "loki", "tempo"} == uids
    assert uids == set(re.findall(r"datasourceUid: (\S+)", text))


def test_links_go_from_each_signal_to_the_others() -> None:
    """
    Line to trace, trace to lines, trace to metrics, exemplar to trace, by the keys that Grafana reads.
    """
    settings = {source["uid"]: source["jsonData"] for source in SOURCES}
    derived = {field["matcherRegex"]: field for field in settings["loki"]["derivedFields"]}

    assert {"trace_id", "correlation_id"} == set(derived)
    assert {("label", "tempo")} == {(field["matcherType"], field["datasourceUid"]) for field in derived.values()}
    assert "loki" == settings["tempo"]["tracesToLogsV2"]["datasourceUid"]
    assert "prometheus" == settings["tempo"]["tracesToMetrics"]["datasourceUid"]
    assert "prometheus" == settings["tempo"]["serviceMap"]["datasourceUid"]
    assert ["tempo"] == [one["datasourceUid"] for one in settings["prometheus"]["exemplarTraceIdDestinations"]]


def test_grafana_gets_every_variable_of_its_files() -> None:
    """
    What provisioning reads from the environment is set in the compose file, and a `$` of Grafana's own is doubled.
    """
    for file in (FILES / "grafana/provisioning").rglob("*.yaml"):
        text = re.sub(r"#.*", "", file.read_text(encoding="utf-8")).replace("$$", "")
        assert set(re.findall(r"\$\{(\w+)\}", text)) <= set(SERVICES["grafana"]["environment"])
        assert "$" not in re.sub(r"\$\{\w+\}", "", text)


def test_images_are_pinned() -> None:
    """
    Each image has a whole version, and the Collector's is that of the builder and of the sidecar.
    """
    images = {name: service["image"] for name, service in SERVICES.items() if "image" in service}
    manifest = loaded("builder/manifest.yaml")

    assert [] == [image for image in images.values() if not re.search(r":v?\d+(\.\d+)+$", image)]
    assert f"otel/opentelemetry-collector-contrib:{manifest['dist']['version']}" == images["collector"]
    assert images["collector"] == SIDECAR["image"]


def test_what_is_mounted_exists() -> None:
    """
    Every file and directory that the compose file takes from here is here; every volume is declared.
    """
    sources = {
        source
        for service in SERVICES.values()
        for source, *_ in (mount.split(":") for mount in service.get("volumes", ()))
    }
    here = {source for source in sources if source.startswith(".")}

    assert [] == [source for source in here if not (FILES / source).exists()]
    assert sources - here == set(COMPOSE["volumes"])


def test_the_image_of_the_service_is_made_of_what_is_there() -> None:
    """
    Every path that it copies from the checkout exists.
    """
    build = SERVICES["app"]["build"]
    copied = [
        word for line in re.findall(r"^COPY (.*) \S+$", build["dockerfile_inline"], re.M) for word in line.split()
    ]

    assert "pyproject.toml" in copied
    assert [] == [path for path in copied if not (FILES / build["context"] / path).exists()]


def test_programs_find_each_other_in_the_compose_file() -> None:
    """
    The ports that the Collector and Grafana are told are those of the stores' own files.
    """
    loki, tempo = (
        dict(re.findall(r"\$\{(\w+_PORT):-(\d+)\}", (FILES / path).read_text(encoding="utf-8")))
        for path in ("loki/loki.yaml", "tempo/tempo.yaml")
    )
    at = "http://127.0.0.1:{}".format
    told = {**SERVICES["collector"]["environment"], **SERVICES["grafana"]["environment"]}

    assert {at(loki["LOKI_HTTP_PORT"])} == {told["LOKI_ENDPOINT"], told["LOKI_URL"]}
    assert at(tempo["TEMPO_OTLP_PORT"]) == told["TEMPO_OTLP_ENDPOINT"]
    assert at(tempo["TEMPO_HTTP_PORT"]) == told["TEMPO_URL"]
    assert {at("9090")} == {told["PROMETHEUS_ENDPOINT"], told["PROMETHEUS_URL"]}
    assert "--web.listen-address=127.0.0.1:9090" in SERVICES["prometheus"]["command"]


def test_nothing_but_service_and_grafana_is_published_and_on_this_machine_alone() -> None:
    """
    The stores have no door of their own.
    """
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert ["127.0.0.1:8001:8001", "127.0.0.1:3000:3000"] == ports


def test_the_collector_is_a_native_sidecar_that_can_write_its_queue_alone() -> None:
    """
    It starts before the service and stops after it; its root is read-only, and the queue lies on a volume.
    """
    mounts = {mount["mountPath"]: mount for mount in SIDECAR["volumeMounts"]}
    queue = mounts[next(one["value"] for one in SIDECAR["env"] if one["name"] == "OTEL_KIT_QUEUE_DIR")]

    assert "Always" == SIDECAR["restartPolicy"]
    assert SIDECAR["securityContext"]["readOnlyRootFilesystem"] is True
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert [queue] == [mount for mount in mounts.values() if not mount.get("readOnly")]
    assert queue["name"] in {volume["name"] for volume in POD["volumes"] if "emptyDir" in volume}


def test_the_sidecar_is_probed_where_it_answers() -> None:
    """
    Probes ask the port of health, which the last file moves to the pod's address.
    """
    ports = {port["name"]: port["containerPort"] for port in SIDECAR["ports"]}

    assert {"health": 13133, "otel-self": 8888} == ports
    assert {"health"} == {SIDECAR[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe")}
    assert SIDECAR["args"][-1].endswith("/pod.yaml")
    assert "status.podIP" == SIDECAR["env"][0]["valueFrom"]["fieldRef"]["fieldPath"]


def test_the_config_map_holds_the_files_that_the_sidecar_loads() -> None:
    """
    The command in the manifest's header makes it of files that exist, and of all that are loaded.
    """
    made = re.findall(r"--from-file=collector/(\S+)", SIDECAR_TEXT)

    assert [] == [path for path in made if not (FILES / path).is_file()]
    assert [f"--config=/etc/otel-kit/{Path(path).name}" for path in made] == SIDECAR["args"]


def test_the_pods_file_moves_addresses_and_nothing_else() -> None:
    """
    The reader it has to say again is that of the base, at another host.
    """
    base, pod = (
        (FILES / path).read_text(encoding="utf-8").partition("      readers:\n")[2]
        for path in ("base.yaml", "kubernetes/pod.yaml")
    )

    assert base.replace("host: 127.0.0.1", "host: ${env:POD_IP}") == pod


def test_every_backend_has_its_page() -> None:
    """
    A file of `backends/` has a how-to page, and the page names the variable that picks it.
    """
    pages = {"otlp": "any-otlp-store", "file": "files"}

    for row in BACKENDS:
        page = HOW_TO / f"send-to-{pages.get(row.name, row.name)}.md"
        assert f"{row.variable}=" in page.read_text(encoding="utf-8"), page.name


@pytest.mark.parametrize(
    "page",
    [*sorted(HOW_TO.glob("send-to-*.md")), *sorted(RUNBOOKS.glob("*.md")), ROOT / "docs/tutorial-log-to-trace.md"],
    ids=lambda page: page.stem,
)
def test_pages_name_variables_that_are_read(page: Path) -> None:
    """
    Every setting of the Collector that a page names is read by a file of it or by the launcher.
    """
    files = " ".join(path.read_text(encoding="utf-8") for path in FILES.rglob("*.yaml"))
    known = known_variables() | set(re.findall(r"\$\{env:(\w+)", files))
    own = r"\b(?:OTEL_KIT_(?:COLLECTOR|QUEUE|FILE|PROMETHEUS|\w+_PORT)\w*|\w+_OTLP_ENDPOINT|LOKI_ENDPOINT|DD_\w+)\b"

    named = {name for name in re.findall(own, page.read_text(encoding="utf-8")) if not name.startswith("OTEL_EXPORTER")}

    assert named <= known
