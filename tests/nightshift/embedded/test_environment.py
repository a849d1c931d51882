from __future__ import annotations

import configparser
from pathlib import Path

from nightshift.embedded.environment import airflow_environment, configuration_text, process_environment
from nightshift.embedded.keys import Keys
from nightshift.embedded.layout import Layout

LAYOUT = Layout(Path("/home/ann/.nightshift"), Path("/home/ann/clone"))
KEYS = Keys(jwt="j" * 64, api="a" * 32, fernet="f" * 44)


def variables(**more):
    return airflow_environment(LAYOUT, port=18080, keys=KEYS, **more)


def test_tasks_call_the_port_that_was_chosen_on_loopback():
    ours = variables()
    assert ours["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:18080/execution/"
    assert ours["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:18080"
    assert ours["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert ours["AIRFLOW__API__PORT"] == "18080"


def test_all_state_lies_under_the_home():
    ours = variables()
    assert ours["AIRFLOW_HOME"] == "/home/ann/.nightshift/airflow"
    assert ours["NIGHTSHIFT_HOME"] == "/home/ann/.nightshift"
    assert ours["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("sqlite:////home/ann/.nightshift/airflow/airflow.db")
    assert ours["AIRFLOW__CORE__DAGS_FOLDER"] == "/home/ann/clone/dags"


def test_nothing_calls_home():
    ours = variables()
    assert ours["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert ours["GX_ANALYTICS_ENABLED"] == "False"


def test_extra_variables_win():
    assert variables(extra={"AIRFLOW__CORE__PARALLELISM": "7"})["AIRFLOW__CORE__PARALLELISM"] == "7"


def test_settings_of_another_airflow_in_the_shell_are_dropped_but_connections_stay():
    base = {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "AIRFLOW_HOME": "/else", "AIRFLOW_CONN_S3": "aws://"}
    whole = process_environment(base, variables(), package_root="/home/ann/clone/plugins")
    assert whole["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert whole["AIRFLOW_HOME"] == "/home/ann/.nightshift/airflow"
    assert whole["AIRFLOW_CONN_S3"] == "aws://"


def test_settings_that_we_do_not_make_are_dropped_too():
    whole = process_environment({"AIRFLOW__CORE__HOSTNAME_CALLABLE": "x.y"}, variables(), package_root="/p")
    assert "AIRFLOW__CORE__HOSTNAME_CALLABLE" not in whole


def test_a_proxy_is_not_used_for_loopback():
    whole = process_environment({"no_proxy": "intern.example"}, variables(), package_root="/p")
    assert whole["no_proxy"] == "intern.example,127.0.0.1,localhost"
    assert whole["NO_PROXY"] == "127.0.0.1,localhost"


def test_python_path_holds_the_package_once_and_first():
    whole = process_environment({"PYTHONPATH": "/mine:/p"}, variables(), package_root="/p")
    assert whole["PYTHONPATH"] == "/p:/mine"


def test_the_written_configuration_says_the_same_as_the_environment():
    ours = variables(extra={"AIRFLOW__CORE__TEST_CONNECTION": "100%"})
    parsed = configparser.ConfigParser()
    parsed.read_string(configuration_text(ours))
    said = {f"AIRFLOW__{s}__{k}".upper(): parsed[s][k] for s in parsed.sections() for k in parsed[s]}
    assert said == {name: value for name, value in ours.items() if name.startswith("AIRFLOW__")}
