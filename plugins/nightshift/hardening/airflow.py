"""Airflow's options that are right on a laptop only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nightshift.hardening.options import Options, variable
from nightshift.hardening.sight import Sight
from nightshift.hardening.values import Check, Fault

ON = ("1", "true", "yes", "on", "t")
OFF = ("0", "false", "no", "off", "f")
TELEMETRY = {"GX_ANALYTICS_ENABLED": OFF, "MLFLOW_DISABLE_TELEMETRY": ON, "DO_NOT_TRACK": ON}
"""Variables of libraries that would call home, and what keeps them from it. Unset, Nightshift sets them."""
DEBUG = ("FLASK_DEBUG", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "MLFLOW_SQLALCHEMYSTORE_ECHO")


def judge_sqlite(urls: Mapping[str, str]) -> Iterator[Fault]:
    """Whether a database is a file of one machine. `urls`: by whose it is."""
    for who, url in urls.items():
        if url.startswith("sqlite"):
            yield Fault(
                who,
                "a database server",
                "an SQLite file of one machine",
                "Name a Postgres; docs/production.md says how",
            )


def look_at_databases(sight: Sight) -> dict[str, str]:
    """Return the URLs of the three databases."""
    return {
        "the ledger (NIGHTSHIFT_LEDGER_URL)": sight.settings.ledger_url,
        "MLflow (NIGHTSHIFT_TRACKING_URI)": sight.settings.tracking_uri,
        f"Airflow ({variable('database', 'sql_alchemy_conn')})": sight.options.value("database", "sql_alchemy_conn"),
    }


def judge_executor(options: Options) -> Iterator[Fault]:
    """Whether tasks survive the machine that schedules them."""
    executor = options.value("core", "executor")
    if "CeleryExecutor" not in executor and "KubernetesExecutor" not in executor:
        yield Fault(
            f"Airflow's executor ({variable('core', 'executor')})",
            "CeleryExecutor or KubernetesExecutor",
            f"{executor}: tasks run on the scheduler's machine, and end with it",
            "Set it, if one machine is not enough",
            grave=False,
        )


def judge_expose_config(options: Options) -> Iterator[Fault]:
    """Whether Airflow shows its options."""
    value = options.value("api", "expose_config", "False")
    if value.lower() not in OFF:
        yield Fault(
            f"Airflow ({variable('api', 'expose_config')})",
            "False",
            f"{value}: whoever may read the configuration sees addresses and paths"
            + ("" if value == "non-sensitive-only" else ", and keys"),
            "Take it out",
            grave=value != "non-sensitive-only",
        )


def judge_examples(options: Options) -> Iterator[Fault]:
    """Whether DAGs are there that nobody wrote."""
    if options.on("core", "load_examples"):
        yield Fault(
            f"Airflow ({variable('core', 'load_examples')})",
            "False",
            "True: example DAGs are there, which anybody who may trigger can run",
            "Set it to False",
        )


def judge_safe_mode(options: Options) -> Iterator[Fault]:
    """Whether a DAG file may go unread because it does not hold the word "airflow"."""
    if options.on("core", "dag_discovery_safe_mode"):
        yield Fault(
            f"Airflow ({variable('core', 'dag_discovery_safe_mode')})",
            "False",
            'True: a DAG file without the word "airflow" is passed over without a word',
            "Set it to False",
        )


def judge_deserialization(options: Options) -> Iterator[Fault]:
    """Whether XComs may make objects of any class."""
    for key in ("allowed_deserialization_classes", "allowed_deserialization_classes_regexp"):
        open_ones = [each for each in options.value("core", key).split() if each in ("*", ".*", "**", ".+")]
        if open_ones:
            yield Fault(
                f"Airflow ({variable('core', key)})",
                "named classes",
                f"{open_ones[0]}: an XCom may make an object of any class",
                "Name the classes; Nightshift's XComs need none",
            )


def judge_cors(options: Options) -> Iterator[Fault]:
    """Whether scripts of other sites may read the API's answers."""
    if "*" in options.value("api", "access_control_allow_origins").split():
        yield Fault(
            f"Airflow ({variable('api', 'access_control_allow_origins')})",
            "named origins, or none",
            "*: scripts of every site may read what Airflow answers",
            "Name the origins, or take it out",
        )


def judge_connection_test(options: Options) -> Iterator[Fault]:
    """Whether people may let Airflow connect to what they like."""
    if options.value("core", "test_connection", "Disabled").lower() == "enabled":
        yield Fault(
            f"Airflow ({variable('core', 'test_connection')})",
            "Disabled",
            "Enabled: who may edit connections can let the server connect wherever they like",
            "Take it out",
        )


@dataclass(frozen=True)
class Switches:
    """Airflow's options and some of the process's variables."""

    options: Options
    variables: Mapping[str, str]


def judge_debug(switches: Switches) -> Iterator[Fault]:
    """Whether more is written down than a stranger should read."""
    for key in ("logging_level", "fab_logging_level"):
        if switches.options.value("logging", key).upper() == "DEBUG":
            yield Fault(
                f"Airflow's log ({variable('logging', key)})",
                "INFO",
                "DEBUG: requests and connections are logged in detail",
                "Set it to INFO",
            )
    if switches.options.on("core", "unit_test_mode"):
        yield Fault(f"Airflow ({variable('core', 'unit_test_mode')})", "False", "True", "Take it out")
    for name in DEBUG:
        if switches.variables.get(name, "").lower() in ON:
            yield Fault(f"the variable {name}", "unset", "on", "Unset it")


def judge_telemetry(switches: Switches) -> Iterator[Fault]:
    """Whether a library was told to call home."""
    for name, quiet in TELEMETRY.items():
        value = switches.variables.get(name, "")
        if value and value.lower() not in quiet:
            yield Fault(f"the variable {name}", quiet[1], value, "Unset it: Nightshift then keeps the library quiet")


def judge_pickle(switches: Switches) -> Iterator[Fault]:
    """Whether MLflow may read pickles, which run code."""
    if switches.variables.get("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "").lower() in ON:
        yield Fault(
            "MLflow (MLFLOW_ALLOW_PICKLE_DESERIALIZATION)",
            "false",
            "true: a model's pickle runs the code that somebody put into it",
            "Unset it; Nightshift's own models need none",
        )


def _switches(sight: Sight) -> Switches:
    return Switches(sight.options, sight.environment)


def _options(sight: Sight) -> Options:
    return sight.options


OPTIONS = "Airflow's options, as this process has them"
VARIABLES = "the variables of this process"
CHECKS = (
    Check(
        "sqlite",
        "Airflow",
        "databases are servers",
        "NIGHTSHIFT_LEDGER_URL, NIGHTSHIFT_TRACKING_URI, Airflow's options",
        look_at_databases,
        judge_sqlite,
    ),
    Check("executor", "Airflow", "tasks do not end with the scheduler", OPTIONS, _options, judge_executor),
    Check("expose-config", "Airflow", "options are not shown", OPTIONS, _options, judge_expose_config),
    Check("example-dags", "Airflow", "there are no example DAGs", OPTIONS, _options, judge_examples),
    Check("safe-mode", "Airflow", "every DAG file is read", OPTIONS, _options, judge_safe_mode),
    Check("deserialization", "Airflow", "XComs make no objects of any class", OPTIONS, _options, judge_deserialization),
    Check("cors", "Airflow", "other sites' scripts cannot read the API", OPTIONS, _options, judge_cors),
    Check(
        "connection-test",
        "Airflow",
        "nobody tries connections by way of the server",
        OPTIONS,
        _options,
        judge_connection_test,
    ),
    Check("debug", "Airflow", "logs are not at debug", f"{OPTIONS}; {VARIABLES}", _switches, judge_debug),
    Check("telemetry", "Airflow", "nothing calls home", VARIABLES, _switches, judge_telemetry),
    Check("mlflow-pickle", "Airflow", "MLflow reads no pickle", VARIABLES, _switches, judge_pickle),
)
