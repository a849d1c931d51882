"""Connections and variables of Airflow's secrets backends: who we are at a store, where rows are, and what routes ask for.

The same outcomes for each backend: the stack's file, Amazon's Secrets Manager (moto), Google's (a small server over gRPC).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from secrets import token_bytes

import boto3
import grpc
import pytest
from airflow.sdk import configuration
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from nightshift.alerts.references import Reference
from nightshift.alerts.secrets import SecretMissing, Secrets, SecretUnavailable
from nightshift.connections import credentials_of, open_storage
from nightshift.connections.sql import sql_address
from nightshift.secrets.folder import initialise
from pipelines.engine.errors import SourceUnavailable, StorageUnavailable
from pipelines.engine.settings import read_settings
from tests.support.google_secrets import google_secrets

PROJECT = "nights"
AMAZON = "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend"
GOOGLE = "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"
FILE = "airflow.secrets.local_filesystem.LocalFilesystemBackend"
Told = Mapping[str, str]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path) -> pytest.MonkeyPatch:
    """A machine that knows nobody, and an Airflow that remembers no backend of another test."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "AIRFLOW_CONN_", "AIRFLOW_VAR_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setattr(configuration, "_secrets_backend_cache", {})
    return monkeypatch


def use(machine: pytest.MonkeyPatch, backend: str, **arguments: object) -> None:
    machine.setenv("AIRFLOW__SECRETS__BACKEND", backend)
    machine.setenv("AIRFLOW__SECRETS__BACKEND_KWARGS", json.dumps(arguments))


@contextmanager
def in_a_file(machine, tmp_path, store, private_key, connections: Told, variables: Told) -> Iterator[None]:
    (tmp_path / "connections.json").write_text(
        json.dumps({name: json.loads(text) for name, text in connections.items()})
    )
    (tmp_path / "variables.json").write_text(json.dumps(variables))
    places = {f"{kind}_file_path": str(tmp_path / f"{kind}.json") for kind in ("connections", "variables")}
    use(machine, FILE, **places)
    yield


@contextmanager
def at_amazon(machine, tmp_path, store, private_key, connections: Told, variables: Told) -> Iterator[None]:
    who = {"region_name": "us-east-1", "aws_access_key_id": "machine", "aws_secret_access_key": "not-a-secret"}
    client = boto3.client("secretsmanager", endpoint_url=store.url, **who)
    told = {f"{tmp_path.name}/connections/{name}": text for name, text in connections.items()}
    told |= {f"{tmp_path.name}/variables/{name}": text for name, text in variables.items()}
    for name, text in told.items():
        client.create_secret(Name=name, SecretString=text)
    for name, value in who.items():
        machine.setenv("AWS_DEFAULT_REGION" if name == "region_name" else name.upper(), value)
    machine.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", store.url)
    use(
        machine,
        AMAZON,
        connections_prefix=f"{tmp_path.name}/connections",
        variables_prefix=f"{tmp_path.name}/variables",
    )
    yield


@contextmanager
def at_google(machine, tmp_path, store, private_key, connections: Told, variables: Told) -> Iterator[None]:
    from airflow.providers.google.cloud._internal_client import secret_manager_client
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceGrpcTransport,
    )

    told = {f"projects/{PROJECT}/secrets/airflow-connections-{name}": text for name, text in connections.items()}
    told |= {f"projects/{PROJECT}/secrets/airflow-variables-{name}": text for name, text in variables.items()}
    with google_secrets(told) as address, grpc.insecure_channel(address) as channel:

        def client(**_: object) -> SecretManagerServiceClient:
            """Google's own client; it knows no other address than Google's, so it is given the line."""
            return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))

        machine.setattr(secret_manager_client, "SecretManagerServiceClient", client)
        use(machine, GOOGLE, project_id=PROJECT, gcp_keyfile_dict=account(private_key))
        yield


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def account(private_key: str) -> dict[str, str]:
    said = {"client_email": "night@nights.iam", "private_key_id": "1", "token_uri": "http://127.0.0.1:9/token"}
    return {"type": "service_account", "project_id": PROJECT, "client_id": "1", "private_key": private_key, **said}


@pytest.fixture(params=[in_a_file, at_amazon, at_google], ids=["file", "amazon", "google"])
def told(request, machine, tmp_path, store, private_key) -> Iterator[None]:
    """A backend that knows a store, a database, an account of Google's, and a word for a route."""
    lake = {"endpoint_url": store.url, "region_name": "us-east-1"}
    connections = {
        "lake": {"conn_type": "aws", "login": "of-the-backend", "password": "not-a-secret", "extra": lake},
        "rows": {"conn_type": "postgres", "host": "db", "login": "me", "password": "a/b", "schema": "lake"},
        "google": {"conn_type": "google_cloud_platform", "extra": {"keyfile_dict": account(private_key)}},
    }
    written = {name: json.dumps(said) for name, said in connections.items()}
    with request.param(machine, tmp_path, store, private_key, written, {"hook": "T0/B0/xyz"}):
        machine.setenv("NIGHTSHIFT_AWS_CONNECTION", "lake")
        machine.setenv("NIGHTSHIFT_GOOGLE_CONNECTION", "google")
        yield


def test_backend_says_who_we_are_and_what_routes_ask_for(told, bucket, private_key) -> None:
    settings = read_settings()
    assert credentials_of(settings)("s3").access_key == "of-the-backend"
    file = open_storage(settings).at(f"s3://{bucket}") / "a"
    file.write_text("rows")
    assert file.read_text() == "rows"
    assert credentials_of(settings)("gs").service_account["private_key"] == private_key
    assert sql_address("rows", settings) == "postgresql://me:a%2Fb@db/lake"
    secrets = Secrets(settings)
    assert secrets.value(Reference("secret", "hook")) == "T0/B0/xyz"
    assert secrets.value(Reference("connection", "rows", "password")) == "a/b"
    with pytest.raises(SecretMissing, match="Add the variable to Airflow's secrets backend"):
        secrets.value(Reference("secret", "other"))


def test_environment_is_asked_where_the_backend_knows_nothing(told, machine) -> None:
    machine.setenv("AIRFLOW_VAR_OTHER", "of the environment")
    assert Secrets(read_settings()).value(Reference("secret", "other")) == "of the environment"


def test_file_of_the_stack_opens_its_store(machine, tmp_path) -> None:
    initialise(tmp_path / "secrets", token_bytes)
    use(machine, FILE, connections_file_path=str(tmp_path / "secrets" / "connections.json"))
    written = json.loads((tmp_path / "secrets" / "connections.json").read_text())["aws_default"]
    who = credentials_of(read_settings())("s3")
    assert (who.access_key, who.secret_key) == (written["login"], written["password"])
    assert (who.endpoint, who.region) == ("http://object-store:8333", "us-east-1")


@pytest.fixture(params=[AMAZON, GOOGLE], ids=["amazon", "google"])
def silent(request, machine, private_key) -> None:
    """A backend that does not answer, on a machine that is somebody by itself."""
    machine.setenv("AWS_DEFAULT_REGION", "us-east-1")
    machine.setenv("AWS_ACCESS_KEY_ID", "machine")
    machine.setenv("AWS_SECRET_ACCESS_KEY", "zq7x0kv")
    if request.param == AMAZON:
        machine.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")
        machine.setenv("AWS_MAX_ATTEMPTS", "1")
        use(machine, AMAZON, connections_prefix="connections")
        return
    from airflow.providers.google.cloud._internal_client import secret_manager_client
    from google.api_core.exceptions import ServiceUnavailable

    def fails(*_: object, **__: object) -> None:
        raise ServiceUnavailable("zq7x0kv")

    machine.setattr(secret_manager_client._SecretManagerClient, "get_secret", fails)
    use(machine, GOOGLE, project_id=PROJECT, gcp_keyfile_dict=account(private_key))


@pytest.mark.parametrize("ask", ["s3", "gs"])
def test_backend_that_does_not_answer_makes_nobody_go_on_as_the_machine(silent, ask) -> None:
    with pytest.raises(
        StorageUnavailable, match=r"cannot be looked up: the secrets backend \w+ failed with \w+"
    ) as caught:
        credentials_of(read_settings())(ask)
    assert caught.value.retryable
    assert "zq7x0kv" not in str(caught.value)


def test_backend_that_does_not_answer_is_asked_again_by_rows_and_routes(silent) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be looked up"):
        sql_address("rows", read_settings())
    for reference in (Reference("secret", "hook"), Reference("connection", "rows", "password")):
        with pytest.raises(SecretUnavailable, match="It is asked again when the message is sent again") as caught:
            Secrets(read_settings()).value(reference)
        assert "zq7x0kv" not in str(caught.value)


def test_rotated_secret_is_found_without_a_restart(machine, tmp_path, store, private_key) -> None:
    with at_amazon(machine, tmp_path, store, private_key, {}, {"hook": "old"}):
        secrets = Secrets(read_settings())
        assert secrets.value(Reference("secret", "hook")) == "old"
        client = boto3.client("secretsmanager", endpoint_url=store.url, region_name="us-east-1")
        client.put_secret_value(SecretId=f"{tmp_path.name}/variables/hook", SecretString="new")
        assert secrets.value(Reference("secret", "hook")) == "new"


def test_key_of_the_stack_is_the_one_that_mlflow_takes(machine, tmp_path) -> None:
    initialise(tmp_path / "secrets", token_bytes)
    machine.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "secrets" / "object_store_credentials"))
    found = boto3.Session().get_credentials().get_frozen_credentials()
    written = json.loads((tmp_path / "secrets" / "connections.json").read_text())["aws_default"]
    assert (found.access_key, found.secret_key) == (written["login"], written["password"])


def test_work_that_has_begun_takes_a_rotated_key_and_never_becomes_the_machine(machine, tmp_path) -> None:
    connections = tmp_path / "connections.json"

    def write(**said: str) -> None:
        connections.write_text(
            json.dumps({"aws_default": {"conn_type": "aws", "password": "not-a-secret", **said}} if said else {})
        )

    machine.setenv("AWS_ACCESS_KEY_ID", "machine")
    machine.setenv("AWS_SECRET_ACCESS_KEY", "of-the-machine")
    use(machine, FILE, connections_file_path=str(connections))
    ask = credentials_of(read_settings())
    for key in ("old", "new"):
        write(login=key)
        assert ask("s3").access_key == key
    write()
    assert ask("s3").access_key == "new", "a connection that is gone"
    connections.unlink()
    assert ask("s3").access_key == "new", "a backend that fails"
    with pytest.raises(StorageUnavailable, match="LocalFilesystemBackend failed"):
        credentials_of(read_settings())("s3")
    write()
    assert credentials_of(read_settings())("s3").access_key == "machine", "nobody else was meant"
