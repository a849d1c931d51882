"""Who we are at an object store is what the Airflow connection says, in tasks and on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from nightshift import PlanShardsOperator, PublishOperator, ScoreOperator, ValidateOperator
from nightshift.connections import credentials_of, open_storage
from nightshift.drill.servers import object_store
from pipelines.engine.errors import StorageError, StorageUnavailable, UsageError
from pipelines.engine.settings import read_settings
from pipelines.engine.storage import Google
from tests.nightshift.operators import tides_command
from tests.nightshift.operators.worker import in_dag, run_task
from tests.pipelines.engine.processes import PATH
from tests.pipelines.engine.steps import remote_places, tides
from tests.pipelines.engine.storage.stores import answering, at_server

NIGHT = tides.NIGHTS[0]
SECRET = "kept-to-oneself"


def connection(url=None, *, key="of-the-connection", **extra):
    """A connection as it is put into the environment."""
    said = {"region_name": object_store.REGION, **({"endpoint_url": url} if url else {}), **extra}
    return json.dumps({"conn_type": "aws", "login": key, "password": SECRET if key else None, "extra": said})


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine that has no credentials of its own, and asks nobody on the network for some."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "AIRFLOW_CONN_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
    return monkeypatch


@pytest.fixture
def remote(place, at, store, bucket, machine):
    """A place whose rows, tables and reports lie in a bucket, for operators to work in."""
    at(place)
    remote = remote_places.move(place, f"s3://{bucket}", at_server(store.url))
    for kind in ("data", "tables", "reports"):
        machine.setenv(f"NIGHTSHIFT_{kind.upper()}", f"s3://{bucket}/{kind}")
    return remote


def signed_by(proxy):
    """The keys that signed the requests, in their order."""
    signed = [one.headers.get("authorization", "") for one in proxy.exchanges]
    return list(dict.fromkeys(each.partition("Credential=")[2].split("/")[0] for each in signed))


def find_through(bucket):
    """Look for something in a bucket, as whoever the settings' connection says."""
    return (open_storage(read_settings()).at(f"s3://{bucket}") / "none").find()


def test_a_night_of_operators_lies_in_a_bucket_and_is_done_once(remote, proxy, machine, caplog, capfd):
    machine.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection(proxy.url))
    checked = run_task(in_dag(ValidateOperator))
    planned = run_task(in_dag(PlanShardsOperator, checked=checked.result))
    scored = [run_task(in_dag(ScoreOperator, shard=shard)) for shard in planned.result]
    results = [one.result for one in scored]
    published = run_task(in_dag(PublishOperator, checked=checked.result, scored=results))
    tasks = (checked, planned, *scored, published)
    assert {ran.state for ran in tasks} == {"success"}
    assert len(remote.published(NIGHT)) == 300
    assert signed_by(proxy) == ["of-the-connection"]
    assert checked.links["ReportLink"].startswith(f"/nightshift/reports/tides/{NIGHT}/checks-")
    since = remote.ledger.now()
    assert run_task(in_dag(PublishOperator, checked=checked.result, scored=results)).result == published.result
    assert remote.ledger.claims_since(since) == 0
    printed = capfd.readouterr()
    for said in (caplog.text, printed.out, printed.err, json.dumps([[ran.xcoms, ran.links, ran.log] for ran in tasks])):
        assert SECRET not in said


def test_another_connection_is_used_where_the_settings_name_it(remote, proxy, machine):
    machine.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection("http://127.0.0.1:9"))
    machine.setenv("AIRFLOW_CONN_LAKE", connection(proxy.url, key="of-the-lake"))
    machine.setenv("NIGHTSHIFT_AWS_CONNECTION", "lake")
    assert run_task(in_dag(ValidateOperator)).state == "success"
    assert signed_by(proxy) == ["of-the-lake"]


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_without_the_connection_the_machine_says_who_we_are_and_where(remote, proxy, machine, variable):
    machine.setenv("AWS_ACCESS_KEY_ID", "of-the-machine")
    machine.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    machine.setenv(variable, proxy.url)
    checked = run_task(in_dag(ValidateOperator))
    assert checked.state == "success"
    (shard,) = run_task(in_dag(PlanShardsOperator, checked=checked.result)).result
    scored = run_task(in_dag(ScoreOperator, shard=shard)).result
    assert run_task(in_dag(PublishOperator, checked=checked.result, scored=[scored])).state == "success"
    assert signed_by(proxy) == ["of-the-machine"]


def test_without_any_credentials_the_task_fails_with_a_sentence(remote):
    ran = run_task(in_dag(ValidateOperator))
    assert (ran.state, type(ran.error)) == ("failed", UsageError)
    assert "neither the Airflow connection 'aws_default' nor this machine has any" in str(ran.error)
    assert "NIGHTSHIFT_AWS_CONNECTION" in str(ran.error)


def test_session_token_of_a_connection_goes_along(proxy, bucket, machine):
    machine.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection(proxy.url, aws_session_token="of-the-session"))
    find_through(bucket)
    assert {one.headers["x-amz-security-token"] for one in proxy.exchanges} == {"of-the-session"}


def test_session_token_of_the_machine_is_not_mixed_with_a_connections_keys(proxy, bucket, machine):
    machine.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection(proxy.url))
    machine.setenv("AWS_SESSION_TOKEN", SECRET)
    with pytest.raises(UsageError, match="AWS_SESSION_TOKEN is set for this process") as refused:
        find_through(bucket)
    assert SECRET not in str(refused.value)


ROLE = "arn:aws:iam::123456789012:role/nights"
ONCE = {"retries": {"max_attempts": 0}}


def test_role_of_a_connection_is_assumed_once(store, proxy, bucket, machine):
    services = {"sts": {"endpoint_url": proxy.url}, "s3": {"endpoint_url": proxy.url}}
    machine.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection(role_arn=ROLE, service_config=services))
    find_through(bucket)
    assumed, *asked = proxy.exchanges
    assert (assumed.method, assumed.path) == ("POST", "/")
    assert "of-the-connection" in assumed.headers["authorization"]
    assert asked
    for one in asked:
        assert "Credential=ASIA" in one.headers["authorization"]
        assert one.headers["x-amz-security-token"]


DENIED = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"


def test_role_that_cannot_be_assumed_is_said_in_words(bucket, machine):
    def asked_at(url):
        services = {"sts": {"endpoint_url": url}}
        said = connection(role_arn=ROLE, service_config=services, config_kwargs=ONCE)
        machine.setenv("AIRFLOW_CONN_AWS_DEFAULT", said)
        with pytest.raises(StorageError, match=r"connection 'aws_default' gives no credentials for s3://") as refused:
            find_through(bucket)
        assert SECRET not in str(refused.value)
        return refused.value

    with answering(403, DENIED) as url:
        assert not asked_at(url).retryable
    with answering(503, "") as url:
        assert asked_at(url).retryable
    assert type(asked_at(url)) is StorageUnavailable, "nobody is there any more"


def test_profile_that_is_not_there_is_said_in_words(bucket, machine):
    machine.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection(key=None, profile_name="none"))
    with pytest.raises(UsageError, match="'aws_default' gives no credentials for s3://: The config profile"):
        find_through(bucket)


def test_command_line_works_outside_of_any_task_and_prints_its_answer_alone(remote, proxy, machine, tmp_path):
    machine.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection(proxy.url))
    machine.setenv("HOME", str(tmp_path / "me"))
    machine.setenv("PYTHONPATH", PATH)
    machine.delenv("AIRFLOW_HOME")
    command = [sys.executable, tides_command.__file__, "score", "tides", NIGHT, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["rows_scored"] == 300
    assert len(remote.published(NIGHT)) == 300
    assert signed_by(proxy) == ["of-the-connection"]
    assert SECRET not in done.stdout + done.stderr
    assert not (tmp_path / "me").exists(), "nothing is left in the home of whoever typed it"


# --- Google ----------------------------------------------------------------------------------------------------------

ACCOUNT = {"type": "service_account", "client_email": "night@project.iam", "private_key": f"a\n{SECRET}\nz"}


def google(machine, **extra):
    """Who the connection says that we are."""
    said = json.dumps({"conn_type": "google_cloud_platform", "extra": extra})
    machine.setenv("AIRFLOW_CONN_LAKE", said)
    return credentials_of(read_settings({"NIGHTSHIFT_GOOGLE_CONNECTION": "lake"}))("gs")


def test_google_account_is_read_however_it_was_put_into_the_connection(machine, tmp_path):
    file = tmp_path / "key.json"
    file.write_text(json.dumps(ACCOUNT))
    as_typed = json.dumps({**ACCOUNT, "private_key": ACCOUNT["private_key"].replace("\n", "\\n")})
    ways = [
        {"keyfile_dict": ACCOUNT},
        {"keyfile_dict": json.dumps(ACCOUNT)},
        {"keyfile_dict": as_typed},
        {"extra__google_cloud_platform__keyfile_dict": json.dumps(ACCOUNT)},
        {"key_path": str(file)},
    ]
    for way in ways:
        assert google(machine, **way) == Google(ACCOUNT)


def test_google_connection_may_name_nobody_or_another_server(machine):
    assert google(machine) == Google()
    assert google(machine, is_anonymous=True) == Google(anonymous=True)
    there = google(machine, keyfile_dict=ACCOUNT, endpoint_url="https://storage.internal")
    assert there == Google(ACCOUNT, "https://storage.internal")


def test_without_the_connection_google_finds_the_machines_own_account(machine):
    assert credentials_of(read_settings({}))("gs") == Google()


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"keyfile_dict": "{" + SECRET}, "it is no service account's key in JSON"),
        ({"keyfile_dict": {"private_key": SECRET}}, "it is no service account's key in JSON"),
        ({"keyfile_dict": f'["{SECRET}"]'}, "it is no service account's key in JSON"),
        ({"key_path": "/none/key.json"}, "/none/key.json: No such file or directory"),
        (
            {"impersonation_chain": "other@project.iam"},
            "who we are by impersonation_chain, which delta-rs does not know",
        ),
        ({"key_secret_name": "a"}, "who we are by key_secret_name"),
        (
            {"endpoint_url": "http://127.0.0.1:9"},
            "names the server http://127.0.0.1:9 for gs:// and nobody to be there",
        ),
    ],
)
def test_google_connection_that_cannot_be_used_is_said_and_its_key_is_not(machine, extra, said):
    with pytest.raises(UsageError, match="Airflow connection 'lake'") as refused:
        google(machine, **extra)
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None
