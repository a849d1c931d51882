"""The values for Airflow's chart are keys that it documents, and the watch stands on the same ground as the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from pipelines.engine.settings import REPOSITORY

FOLDER = REPOSITORY / "docker/kubernetes"
VALUES = yaml.safe_load((FOLDER / "values.yaml").read_text())
DEPLOYMENT, SERVICE = yaml.safe_load_all((FOLDER / "watch.yaml").read_text())
TYPES = {"bool": bool, "int": int, "string": str, "list": list, "map": dict}
KEYS = dict(
    line.split() for line in (FOLDER / "chart-keys.txt").read_text().splitlines() if line and not line.startswith("#")
)


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Each value below the keys of the chart; what a key of type `map` holds is the chart's reader's business."""
    if isinstance(value, dict) and KEYS.get(path) != "map":
        for name, below in value.items():
            yield from leaves(below, f"{path}.{name}".lstrip("."))
    else:
        yield path, value


def complaints(values: object) -> list[str]:
    wrong = []
    for path, value in leaves(values):
        if path not in KEYS:
            wrong.append(f"{path}: the chart does not know it")
        elif value is not None and type(value) is not TYPES[KEYS[path]]:
            wrong.append(f"{path}: expected {KEYS[path]}, got {value!r}")
    return wrong


def test_every_value_is_one_that_the_chart_documents() -> None:
    assert complaints(VALUES) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scheduler": {"replica": 2}}, "scheduler.replica: the chart does not know it"),
        ({"workers": {"replicas": 2}}, "workers.replicas: the chart does not know it"),
        ({"defaultAirflowTag": 1.0}, "defaultAirflowTag: expected string, got 1.0"),
        ({"redis": {"enabled": "no"}}, "redis.enabled: expected bool, got 'no'"),
    ],
)
def test_wrong_value_is_noticed(wrong: object, said: str) -> None:
    assert complaints(wrong) == [said]


def test_values_of_airflow_s_own_settings_are_text() -> None:
    """The chart prints them into airflow.cfg; a bare `true` would become Go's word for it."""
    settings = [value for section in VALUES["config"].values() for value in section.values()]
    assert [value for value in settings if isinstance(value, bool)] == []


def test_values_fit_the_lock_and_the_image() -> None:
    version = re.search(r"(?m)^apache-airflow==(\S+)", (REPOSITORY / "requirements.txt").read_text()).group(1)
    assert VALUES["airflowVersion"] == version
    uid = int(re.search(r"(?m)^ARG UID=(\d+)", (REPOSITORY / "docker/Dockerfile").read_text()).group(1))
    contexts = [VALUES["securityContexts"]["pod"], DEPLOYMENT["spec"]["template"]["spec"]["securityContext"]]
    assert {VALUES["uid"], *(context["runAsUser"] for context in contexts)} == {uid}


def container() -> dict:
    return DEPLOYMENT["spec"]["template"]["spec"]["containers"][0]


def test_no_password_is_in_them() -> None:
    text = "".join(file.read_text() for file in sorted(FOLDER.glob("*.yaml")))
    assert re.findall(r"://[^/\s\"']*:[^/\s\"']*@", text) == []


def test_root_file_system_is_read_only_and_the_homes_are_not() -> None:
    for context in (VALUES["securityContexts"]["containers"], container()["securityContext"]):
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
    for mounts in (VALUES["volumeMounts"], container()["volumeMounts"]):
        writable = {mount["mountPath"] for mount in mounts if not mount.get("readOnly")}
        assert writable == {"/tmp", "/opt/airflow", "/var/lib/nightshift"}  # noqa: S108


def test_mounts_name_volumes_that_are_there() -> None:
    pod = DEPLOYMENT["spec"]["template"]["spec"]
    job = VALUES["migrateDatabaseJob"]
    for mounts, volumes in (
        (VALUES["volumeMounts"], VALUES["volumes"]),
        (job["extraVolumeMounts"], job["extraVolumes"]),
        (container()["volumeMounts"], pod["volumes"]),
    ):
        assert {mount["name"] for mount in mounts} == {volume["name"] for volume in volumes}


def test_watch_sees_what_the_workers_see() -> None:
    workers = {entry["name"]: entry["value"] for entry in VALUES["env"]}
    watch = {entry["name"]: entry["value"] for entry in container()["env"] if "value" in entry}
    shared = {
        "NIGHTSHIFT_DATA",
        "NIGHTSHIFT_TABLES",
        "NIGHTSHIFT_REPORTS",
        "NIGHTSHIFT_TRACKING_URI",
        "NIGHTSHIFT_AIRFLOW_UI",
    }
    assert {name: workers[name] for name in shared} == {name: watch[name] for name in shared}
    assert watch["AIRFLOW__SECRETS__BACKEND_KWARGS"] == VALUES["config"]["secrets"]["backend_kwargs"]
    assert container()["image"] == f"{VALUES['defaultAirflowRepository']}:{VALUES['defaultAirflowTag']}"
    ledger = container()["env"][0]["valueFrom"]["secretKeyRef"]
    assert VALUES["secret"] == [
        {"envName": "NIGHTSHIFT_LEDGER_URL", "secretName": ledger["name"], "secretKey": ledger["key"]}
    ]


def test_prometheus_finds_the_watch_by_the_name_of_the_compose_file() -> None:
    assert (SERVICE["metadata"]["name"], SERVICE["spec"]["ports"][0]["port"]) == ("watch", 9105)
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert SERVICE["spec"]["selector"] == DEPLOYMENT["spec"]["selector"]["matchLabels"] == labels


def test_page_tells_how_to_make_every_secret_that_is_named() -> None:
    text = (FOLDER / "values.yaml").read_text() + (FOLDER / "watch.yaml").read_text()
    named = set(re.findall(r"(?:[sS]ecretName|name|SecretName): (nightshift-[a-z-]+)\b", text))
    named -= {"nightshift-watch", "nightshift-home"}
    page = (REPOSITORY / "docs/kubernetes.md").read_text()
    assert len(named) >= 9
    assert {name for name in named if f"secret generic {name} " not in page} == set()
