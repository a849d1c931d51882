"""The settings of the embedded Airflow, as one pure function of where and how it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightshift.embedded.keys import Keys
    from nightshift.embedded.layout import Layout

LOOPBACK = "127.0.0.1"
"""The only address anything listens on: unless it asks for a login, everybody who reaches it is an administrator."""

TASK_HEARTBEAT_TIMEOUT_SECONDS = 30
"""Airflow's 300 s means five silent minutes after a laptop slept or a worker was killed. Tasks beat
every second. A task that is wrongly given up costs nothing but time: the ledger's fence keeps it out."""

SETTINGS = {
    "CORE": {
        "EXECUTOR": "LocalExecutor",
        "AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "LOAD_EXAMPLES": "False",
        "DAGS_ARE_PAUSED_AT_CREATION": "False",
        # A DAG file of ours is `from nightshift import scoring_dag`: it need not hold the word safe mode greps for.
        "DAG_DISCOVERY_SAFE_MODE": "False",
        "MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1",
        # Fork, so that a task finds the heavy modules imported already (nightshift.preload).
        "EXECUTE_TASKS_NEW_PYTHON_INTERPRETER": "False",
    },
    "DATABASE": {
        "LOAD_DEFAULT_CONNECTIONS": "False",
        # The tree migrates before it starts; four processes need not look again.
        "CHECK_MIGRATIONS": "False",
    },
    "API": {"HOST": LOOPBACK, "WORKERS": "1"},
    "DAG_PROCESSOR": {
        "REFRESH_INTERVAL": "2",
        "MIN_FILE_PROCESS_INTERVAL": "3",
        "BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "PARSING_PROCESSES": "1",
        "PRINT_STATS_INTERVAL": "0",
    },
    "SCHEDULER": {
        "SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(TASK_HEARTBEAT_TIMEOUT_SECONDS),
        "TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        # Tasks of a scheduler that was killed are given up when another finds it silent for 30 s. One that starts sooner
        # finds nothing yet, and by default looks again after five minutes.
        "ORPHANED_TASKS_CHECK_INTERVAL": "10",
        "ENABLE_HEALTH_CHECK": "False",
    },
    "LOGGING": {
        # Airflow's own choice is that the group may read, and write, the logs of tasks.
        "FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
    },
    "WORKERS": {
        # 3.3.2 often misses the end of a task by microseconds and looks again one heartbeat later: with the default of
        # 5 s every task, however short, keeps its slot for 5 s more.
        "MIN_HEARTBEAT_INTERVAL": "1",
        # Missed beats before a task is given up; three of one second would be too few on a busy laptop.
        "MAX_FAILED_HEARTBEATS": "30",
    },
}
"""Section and key to value: what does not depend on the machine. Small, quick and quiet."""

QUIET = {
    "GX_ANALYTICS_ENABLED": "False",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MPLBACKEND": "Agg",
}
"""Nothing calls home, nothing opens a window. Airflow 3.3.2 itself collects no usage data any more."""

_DROPPED = ("AIRFLOW__", "AIRFLOW_HOME", "AIRFLOW_CONFIG", "AIRFLOW_API_APPS", "_AIRFLOW")


def airflow_environment(
    layout: Layout, *, port: int, keys: Keys, parallelism: int = 2, extra: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The variables that make a process one of this tree.

    Args:
        layout: where the tree lives.
        port: of the api-server, on 127.0.0.1.
        keys: the home's secrets.
        parallelism: tasks that run at the same time; each costs a standing worker process.
        extra: further variables, which win over ours.
    """
    url = base_url(port)
    settings = {
        ("CORE", "DAGS_FOLDER"): str(layout.dags),
        ("CORE", "PLUGINS_FOLDER"): str(layout.plugins),
        ("CORE", "PARALLELISM"): str(parallelism),
        ("CORE", "FERNET_KEY"): keys.fernet,
        # Without this tasks call port 8080, whatever [api] port says.
        ("CORE", "EXECUTION_API_SERVER_URL"): f"{url}/execution/",
        # Four processes write one SQLite file: wait for each other rather than fail with "database is locked".
        ("DATABASE", "SQL_ALCHEMY_CONN"): f"sqlite:///{layout.database}?timeout=60",
        ("API", "PORT"): str(port),
        ("API", "BASE_URL"): url,
        ("API", "SECRET_KEY"): keys.api,
        ("API_AUTH", "JWT_SECRET"): keys.jwt,
        ("LOGGING", "BASE_LOG_FOLDER"): str(layout.logs),
    } | {(section, key): value for section, options in SETTINGS.items() for key, value in options.items()}
    ours = {f"AIRFLOW__{section}__{key}": value for (section, key), value in settings.items()}
    places = {"AIRFLOW_HOME": str(layout.airflow_home), "NIGHTSHIFT_HOME": str(layout.home)}
    return ours | places | QUIET | dict(extra or {})


def base_url(port: int) -> str:
    """The address of the UI and the REST API."""
    return f"http://{LOOPBACK}:{port}"


def process_environment(base: Mapping[str, str], ours: Mapping[str, str], *, package_root: str) -> dict[str, str]:
    """The whole environment of a process of the tree: the caller's, less its Airflow settings, with ours.

    A shell that was set up for another Airflow must not bend this one; connections and variables
    (`AIRFLOW_CONN_*`, `AIRFLOW_VAR_*`) are kept.

    Args:
        base: the caller's environment.
        ours: the result of `airflow_environment`.
        package_root: the folder that holds the package `nightshift` (Airflow adds it too, but later).
    """
    kept = {name: value for name, value in base.items() if not name.startswith(_DROPPED)}
    path = [package_root, *filter(None, kept.get("PYTHONPATH", "").split(":"))]
    past_proxies = {name: _past_proxies(kept.get(name, "")) for name in ("no_proxy", "NO_PROXY")}
    return kept | past_proxies | {"PYTHONPATH": ":".join(dict.fromkeys(path))} | dict(ours)


def _past_proxies(value: str) -> str:
    """The caller's list of hosts that need no proxy, with loopback in it."""
    hosts = [host.strip() for host in value.split(",") if host.strip()]
    return ",".join(dict.fromkeys([*hosts, LOOPBACK, "localhost"]))


def configuration_text(ours: Mapping[str, str]) -> str:
    """The same settings as an `airflow.cfg`, so that `AIRFLOW_HOME=... airflow ...` typed by hand finds this tree."""
    sections: dict[str, dict[str, str]] = {}
    for name, value in ours.items():
        if name.startswith("AIRFLOW__"):
            _, section, key = name.split("__", 2)
            sections.setdefault(section.lower(), {})[key.lower()] = value.replace("%", "%%")
    blocks = [
        "\n".join([f"[{section}]", *(f"{key} = {value}" for key, value in sorted(options.items()))])
        for section, options in sorted(sections.items())
    ]
    head = "# Written anew at each start of the embedded Airflow: changes made here are lost."
    return "\n\n".join([head, *blocks]) + "\n"
