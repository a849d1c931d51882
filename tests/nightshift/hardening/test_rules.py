"""The rules of the hardening checklist: a well-set system is green, a laptop is red for each of its reasons."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

import pytest
from cryptography.fernet import Fernet

from nightshift.doctor import Finding
from nightshift.hardening import CHECKS
from nightshift.hardening.airflow import Switches
from nightshift.hardening.files import Mode
from nightshift.hardening.ledger import Heard
from nightshift.hardening.logins import Guess
from nightshift.hardening.network import Listening
from nightshift.hardening.options import Option, Options
from nightshift.hardening.passwords import Broker, Door, Written
from nightshift.hardening.sight import Answered
from nightshift.hardening.stores import Lifecycle, Listed, Writes
from nightshift.hardening.telling import Way
from nightshift.hardening.values import Fault
from nightshift.hardening.workers import Patience, Skew
from pipelines.engine.ledger.rights import Rights

FERNET, JWT, API = Fernet.generate_key().decode(), secrets.token_urlsafe(64), secrets.token_urlsafe(48)
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
LOCAL_SETTINGS = "from nightshift.policies import dag_policy\nfrom nightshift.preload import install\n\ninstall()\n"
DAY = 86_400.0


def options(**values: str) -> Options:
    """Options by `section__key`, all of them set by somebody."""
    return Options(
        {(s, k): Option(v, "env var") for s, _, k in (n.partition("__") for n in values) for v in [values[f"{s}__{k}"]]}
    )


def unset(section: str, key: str, value: str) -> Options:
    return Options({(section, key): Option(value, "default")})


WELL_SET = options(
    core__fernet_key=FERNET,
    core__auth_manager=FAB,
    core__executor="CeleryExecutor",
    core__load_examples="False",
    core__dag_discovery_safe_mode="False",
    core__allowed_deserialization_classes="airflow.*",
    core__simple_auth_manager_all_admins="False",
    core__test_connection="Disabled",
    api__secret_key=API,
    api__expose_config="False",
    api__base_url="https://airflow.example.org",
    api_auth__jwt_secret=JWT,
    fab__cookie_secure="True",
    celery__task_acks_late="True",
    logging__logging_level="INFO",
)
QUIET = Switches(
    WELL_SET, {"GX_ANALYTICS_ENABLED": "False", "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
)
WORKER = Rights(
    role="ledger",
    powers=(),
    owns=(),
    may={"task_keys": ("SELECT", "INSERT", "UPDATE"), "task_events": ("SELECT", "INSERT", "DELETE")},
    makes_tables=False,
    others=("postgres",),
)
REFUSED = [Answered("http://airflow:8080/api/v2/dags", 401, 0.2)]
ABORTS = {
    "ID": "uploads",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
}

GOOD: dict[str, Any] = {
    **dict.fromkeys(
        [
            "fernet-key",
            "jwt-secret",
            "api-secret-key",
            "simple-auth",
            "all-admins",
            "public-role",
            "cookies",
            "executor",
            "expose-config",
            "example-dags",
            "safe-mode",
            "deserialization",
            "cors",
            "connection-test",
            "acks-late",
        ],
        WELL_SET,
    ),
    **dict.fromkeys(("debug", "telemetry", "mlflow-pickle"), QUIET),
    "database-passwords": [Door("postgres:5432", "airflow", "without a password", opened=False)],
    "redis-password": Broker("redis:6379", open_to_all=False),
    "passwords-in-environment": Written((), ()),
    "anonymous-api": REFUSED,
    "anonymous-pages": REFUSED,
    "airflow-default-login": [Guess("Airflow", "admin with the password 'admin'", let_in=False)],
    "mlflow-login": REFUSED,
    "mlflow-default-login": [Guess("MLflow", "admin with the password 'admin'", let_in=False)],
    "sqlite": {"the ledger": "postgresql://ledger@postgres/ledger", "MLflow": "http://mlflow:5000"},
    "visibility-timeout": Patience(86_400, 7200),
    "preload": LOCAL_SETTINGS,
    "worker-keys": ["worker.pgpass", "broker_url", "connections.json", "mlflow_credentials"],
    "clock-skew": [Skew("this machine", 0.01), Skew("the worker a", -1.2, 1.0)],
    "ledger-migrated": "",
    "ledger-rights": WORKER,
    "database-doors": WORKER,
    "watch-heard": Heard(4.0),
    "backup": Heard(DAY),
    "secret-files": [Mode("/run/secrets/jwt_secret", 0o600), Mode("/closed/file", 0o644, reached=False)],
    "home-closed": [Mode("/var/lib/nightshift", 0o700)],
    "open-ports": [Listening("postgres", "127.0.0.1", 5432, "seen"), Listening("redis", "::1", 6379, "seen")],
    "https": {"Airflow's pages": "https://airflow.example.org", "databases": "postgresql://db/ledger"},
    "conditional-writes": Writes("s3://lake/tables", 200, 412),
    "anonymous-store": Listed("s3://lake/tables", 403, near=False),
    "lifecycle": Lifecycle("s3://lake/tables", "tables", [ABORTS]),
    "dags": [],
    "alert-routes": [Way("pager", "alertmanager", everybody=True, error="")],
    "prometheus-retention": 60 * DAY,
}

BAD: dict[str, list[tuple[Any, str]]] = {
    "fernet-key": [
        (unset("core", "fernet_key", ""), "none"),
        (options(core__fernet_key="changeme"), "6 bytes"),
        (options(core__fernet_key="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "hardly differ"),
        (options(core__fernet_key=f"{FERNET},not base64!"), "something else"),
    ],
    "jwt-secret": [
        (unset("api_auth", "jwt_secret", "made-up-anew-by-each-process"), "none"),
        (options(api_auth__jwt_secret="airflow"), "everybody knows"),
        (options(api_auth__jwt_secret=JWT[:40]), "40 characters"),
        (options(api_auth__jwt_secret="ab" * 40), "few of them different"),
        (options(api_auth__jwt_secret=JWT, api__secret_key=JWT), "the same as"),
    ],
    "api-secret-key": [
        (unset("api", "secret_key", API), "none"),
        (options(api__secret_key="temporary_key"), "everybody knows"),
        (options(api__secret_key="short-and-random"), "16 characters"),
    ],
    "database-passwords": [
        ([Door("db:5432", "postgres", "without a password", opened=True)], "without a password"),
        ([Door("db:5432", "airflow", "with its own name as the password", opened=True)], "its own name"),
    ],
    "redis-password": [
        (Broker("redis:6379", open_to_all=True), "without a password"),
        (Broker("redis:6379", False, guessed=True), "everybody knows"),
        (Broker("redis:6379", False, weak="8 characters"), "8 characters"),
    ],
    "passwords-in-environment": [
        (Written(("NIGHTSHIFT_LEDGER_URL",), ()), "NIGHTSHIFT_LEDGER_URL"),
        (Written((), (("NIGHTSHIFT_LEDGER_URL", "a word that everybody knows"),)), "everybody knows"),
    ],
    "simple-auth": [(options(core__auth_manager=SIMPLE), "SimpleAuthManager")],
    "all-admins": [(options(core__simple_auth_manager_all_admins="True"), "administrator")],
    "public-role": [(options(fab__auth_role_public="Admin"), "Admin")],
    "cookies": [
        (
            options(core__auth_manager=FAB, api__base_url="https://a.example.org", fab__cookie_secure="False"),
            "over http",
        )
    ],
    "anonymous-api": [
        ([Answered("http://airflow:8080/api/v2/dags", 200, None)], "with what was asked for"),
        ([Answered("http://airflow:8080/api/v2/dags", 404, None)], "404"),
    ],
    "anonymous-pages": [([Answered("http://airflow:8080/nightshift/", 200, None)], "200")],
    "airflow-default-login": [([Guess("Airflow", "airflow with the password 'airflow'", let_in=True)], "airflow")],
    "mlflow-login": [
        ([Answered("http://mlflow:5000/api", 200, None)], "200"),
        ([Answered("http://mlflow:5000/api", 403, None)], "403"),
    ],
    "mlflow-default-login": [
        ([Guess("MLflow", "admin with the password 'password1234'", let_in=True)], "password1234")
    ],
    "sqlite": [({"the ledger": "sqlite:////home/ledger.db"}, "SQLite")],
    "expose-config": [(options(api__expose_config="True"), "keys")],
    "example-dags": [(options(core__load_examples="True"), "example DAGs")],
    "safe-mode": [(options(core__dag_discovery_safe_mode="True"), "passed over")],
    "deserialization": [
        (options(core__allowed_deserialization_classes="airflow.* *"), "any class"),
        (options(core__allowed_deserialization_classes_regexp=".*"), "any class"),
    ],
    "cors": [(options(api__access_control_allow_origins="*"), "every site")],
    "connection-test": [(options(core__test_connection="Enabled"), "Enabled")],
    "debug": [
        (Switches(options(logging__logging_level="debug"), {}), "DEBUG"),
        (Switches(options(core__unit_test_mode="True"), {}), "True"),
        (Switches(WELL_SET, {"FLASK_DEBUG": "1"}), "FLASK_DEBUG"),
    ],
    "telemetry": [
        (Switches(WELL_SET, {"GX_ANALYTICS_ENABLED": "True"}), "True"),
        (Switches(WELL_SET, {"MLFLOW_DISABLE_TELEMETRY": "false"}), "false"),
    ],
    "mlflow-pickle": [(Switches(WELL_SET, {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "true"}), "pickle")],
    "acks-late": [(options(celery__task_acks_late="False"), "lost")],
    "visibility-timeout": [(Patience(3600, 7200), "second worker")],
    "preload": [
        (None, "is not"),
        ("from nightshift.policies import dag_policy\nfrom nightshift.preload import install\n", "not called"),
        ("from nightshift.preload import install\ninstall()\n", "dag_policy"),
        ("def broken(:\n", "not called"),
    ],
    "worker-keys": [(["worker.pgpass", "jwt_secret"], "administrator"), (["airflow.pgpass"], "Airflow's database")],
    "clock-skew": [([Skew("the worker a", 7.5, 1.0)], "8 s ahead of"), ([Skew("the worker b", -61.0)], "61 s behind")],
    "ledger-migrated": [("there is no file ledger.db", "no file")],
    "ledger-rights": [
        (Rights("postgres", ("superuser",), ("task_keys",), {}, True, ()), "superuser"),
        (Rights("ledger_owner", (), ("task_keys",), {"task_keys": ("DELETE",)}, True, ()), "may drop them"),
        (Rights("ledger", (), (), {"task_keys": ("SELECT", "DELETE")}, False, ()), "DELETE on task_keys"),
        (Rights("ledger", (), (), {"outbox": ("TRUNCATE",)}, False, ()), "TRUNCATE"),
        (Rights("ledger", (), (), {}, True, ()), "makes no tables"),
    ],
    "database-doors": [(Rights("ledger", (), (), {}, False, ("airflow", "mlflow", "postgres")), "airflow, mlflow")],
    "watch-heard": [(Heard(None), "never"), (Heard(600.0), "10 minutes")],
    "backup": [(Heard(9 * DAY), "9 days")],
    "secret-files": [
        (Mode("/run/secrets/jwt_secret", 0o644), "everybody"),
        (Mode("/run/secrets/jwt_secret", 0o640), "its group"),
    ],
    "home-closed": [(Mode("/var/lib/nightshift", 0o755), "everybody")],
    "open-ports": [
        (Listening("postgres", "0.0.0.0", 5432, "seen"), "every address"),  # noqa: S104
        (Listening("redis", "", 6379, "docker/compose.yaml"), "every address"),
        (Listening("mlflow", "192.0.2.7", 5000, "seen"), "192.0.2.7"),
    ],
    "https": [({"Airflow's pages": "http://airflow.example.org"}, "airflow.example.org")],
    "conditional-writes": [(Writes("s3://lake", 200, 200), "may both win"), (Writes("s3://lake", 501, 501), "501")],
    "anonymous-store": [(Listed("s3://lake/tables", 200, near=False), "everybody")],
    "lifecycle": [
        (
            Lifecycle(
                "s3://lake/tables", "tables", [ABORTS, {"ID": "old", "Status": "Enabled", "Expiration": {"Days": 90}}]
            ),
            "old",
        ),
        (
            Lifecycle(
                "s3://lake/tables",
                "prod/tables",
                [ABORTS, {"Status": "Enabled", "Filter": {"Prefix": "prod/"}, "Transitions": [{"Days": 1}]}],
            ),
            "prod/",
        ),
    ],
    "dags": [
        ([Finding("flights.py", 3, "no_owner", "flights", "nobody answers for it", "Say who")] * 10, "nobody answers")
    ],
    "alert-routes": [
        ([Way("log", "log", everybody=True, error="")], "nobody reads"),
        ([Way("pager", "slack", everybody=True, error="SLACK_TOKEN is not set")], "SLACK_TOKEN"),
    ],
    "prometheus-retention": [(2 * DAY, "2.0 days")],
}
LISTED = ("secret-files", "home-closed", "open-ports")
"""Their facts are a list; the examples have one each."""

WARNED: list[tuple[str, Any, str]] = [
    ("executor", options(core__executor="LocalExecutor"), "LocalExecutor"),
    ("expose-config", options(api__expose_config="non-sensitive-only"), "addresses"),
    ("visibility-timeout", Patience(10_000, 7200), "at least 14400"),
    ("backup", Heard(None), "none is known"),
    ("home-closed", [Mode("/var/lib/nightshift", 0o750)], "its group"),
    ("https", {"Airflow's pages": "http://localhost:8080"}, "on this machine alone"),
    ("https", {"MLflow": "http://mlflow:5000"}, "to mlflow"),
    ("https", {"MLflow": "http://10.1.2.3:5000"}, "10.1.2.3"),
    ("anonymous-store", Listed("s3://lake/tables", 200, near=True), "everybody"),
    ("lifecycle", Lifecycle("s3://lake/tables", "tables", []), "none"),
    ("alert-routes", [Way("pager", "slack", everybody=False, error="")], "new owner"),
]

RULES = {check.id: check.judge for check in CHECKS}


def told(faults: Iterable[Fault]) -> str:
    return "\n".join(f"{fault.who}: {fault.expected}; {fault.got}; {fault.way_out}" for fault in faults)


def test_every_check_has_an_example_of_both_kinds() -> None:
    warned = {name for name, *_ in WARNED}
    assert set(GOOD) == set(RULES)
    assert set(BAD) | warned == set(RULES)


@pytest.mark.parametrize("name", GOOD)
def test_well_set_system_is_green(name: str) -> None:
    assert not told(RULES[name](GOOD[name]))


@pytest.mark.parametrize(
    ("name", "facts", "word"), [(name, facts, word) for name, cases in BAD.items() for facts, word in cases]
)
def test_what_must_not_be_is_red_and_says_what_to_do(name: str, facts: Any, word: str) -> None:
    faults = list(RULES[name]([facts] if name in LISTED else facts))
    assert any(fault.grave for fault in faults)
    assert word in told(faults)
    assert all(fault.who and fault.expected and fault.got and fault.way_out for fault in faults)


@pytest.mark.parametrize(("name", "facts", "word"), WARNED)
def test_what_is_good_to_know_is_a_warning(name: str, facts: Any, word: str) -> None:
    faults = list(RULES[name](facts))
    assert faults
    assert not any(fault.grave for fault in faults)
    assert word in told(faults)


def test_keys_are_in_no_answer() -> None:
    short = JWT[:20]
    for name in ("jwt-secret", "api-secret-key", "fernet-key"):
        weak = options(api_auth__jwt_secret=short, api__secret_key=short, core__fernet_key=short)
        assert short not in told(RULES[name](weak))
        assert short not in repr(weak)
