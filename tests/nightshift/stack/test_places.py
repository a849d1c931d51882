from __future__ import annotations

import re

import pytest

from nightshift.stack.definition import read_definition
from nightshift.stack.layout import StackLayout
from nightshift.stack.places import EVERYWHERE, Places, addresses
from nightshift.stack.rendering import programs_of
from nightshift.stack.run import FILE
from nightshift.stack.supervisor import command

PLACES = Places(
    hosts={"postgres": "127.71.1.2", "airflow-api-server": "127.71.1.3", "mlflow": "127.71.1.4"},
    own="127.71.1.9",
    paths={
        "/data": "/home/volumes/data",
        "/run/secrets": "/home/run/secrets",
        "/opt/nightshift": "/src",
        "/opt/nightshift/dags": "/dags",
    },
    published={8080: "127.71.1.3"},
)


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("postgresql://mlflow@postgres:5432/mlflow", "postgresql://mlflow@127.71.1.2:5432/mlflow"),
        ("http://airflow-api-server:8080/execution/", "http://127.71.1.3:8080/execution/"),
        ("http://localhost:8080", "http://127.71.1.3:8080"),
        ("localhost:80801", "localhost:80801"),
        ("0.0.0.0:9090", "127.71.1.9:9090"),
        ("cat /run/secrets/jwt_secret", "cat /home/run/secrets/jwt_secret"),
        ('{"path": "/run/secrets/connections.json"}', '{"path": "/home/run/secrets/connections.json"}'),
        ("--storage=/data", "--storage=/home/volumes/data"),
        ("${FILE:-/run/secrets/roles.sql}", "${FILE:-/home/run/secrets/roles.sql}"),
        ("/opt/nightshift/dags", "/dags"),
        ("/opt/nightshift/docker", "/src/docker"),
        ("s3://nightshift/data", "s3://nightshift/data"),
        ("/database", "/database"),
        ("mlflow server", "mlflow server"),
        ("my-mlflow:5000", "my-mlflow:5000"),
        (
            "*:*:mlflow:mlflow:7cD0-a-password-that-begins-with-a-digit",
            "*:*:mlflow:mlflow:7cD0-a-password-that-begins-with-a-digit",
        ),
    ],
)
def test_addresses_and_paths_of_containers_are_those_of_this_machine(there, here):
    assert PLACES.here(there) == here


def test_each_role_has_an_address_of_its_own():
    found = addresses("127.71.1", ("a", "b", "c"))
    assert len(set(found.values())) == 3
    assert all(address.startswith("127.71.1.") and not address.endswith(".1") for address in found.values())


def test_no_process_is_told_of_a_container_s_address_or_path(tmp_path):
    definition = read_definition(FILE, {})
    hosts = "|".join(name for name in definition.roles)
    for program in programs_of(definition, "127.71.1", StackLayout(tmp_path)):
        line = command(program, {}).replace(f"{tmp_path}/run/", "")
        assert "/run/secrets" not in line, program.name
        assert EVERYWHERE not in line, program.name
        assert not re.findall(rf"[/@ =]({hosts}):\d", line), program.name


def test_two_workers_share_neither_address_nor_home(tmp_path):
    one, two = (
        program
        for program in programs_of(read_definition(FILE, {}), "127.71.1", StackLayout(tmp_path))
        if program.role.name == "airflow-worker"
    )
    assert one.address != two.address
    assert one.environment["AIRFLOW_HOME"] != two.environment["AIRFLOW_HOME"]
    assert one.environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"] == two.environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"]
