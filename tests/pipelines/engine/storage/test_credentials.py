"""Both libraries are told the same, whatever the environment says, and secrets are not shown."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from nightshift.drill.servers import object_store
from pipelines.engine.storage import Google, Simple, Storage
from pipelines.engine.storage.credentials import machine_credentials

ACCOUNT = {"client_email": "night@project.iam", "private_key": "of-the-account", "private_key_id": "1"}


def test_secrets_are_not_shown():
    who = Simple("AKIA", "the-secret", "the-token", "eu-west-1")
    assert "the-" not in repr(who)
    assert "of-the-account" not in repr(Google(ACCOUNT))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "of-somebody-else"),
        ("AWS_SESSION_TOKEN", "of-somebody-else"),
        ("AWS_SKIP_SIGNATURE", "true"),
        ("AWS_CONDITIONAL_PUT", "disabled"),
        ("AWS_S3_ALLOW_UNSAFE_RENAME", "true"),
        ("AWS_ALLOW_HTTP", "false"),
        ("AWS_PROFILE", "none"),
    ],
)
def test_environment_bends_neither_library(proxy, bucket, tmp_path, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    who = Simple("ours", "secret", "our-token", object_store.REGION, proxy.url)
    folder = Storage(tmp_path, lambda _: who).at(f"s3://{bucket}/table")
    (folder / "file").write_text("x")
    write_deltalake(str(folder), pa.table({"a": [1]}), storage_options=folder.delta_options())
    write_deltalake(str(folder), pa.table({"a": [1]}), mode="append", storage_options=folder.delta_options())
    assert DeltaTable(str(folder), storage_options=folder.delta_options()).version() == 1
    for one in proxy.exchanges:
        assert one.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=ours/")
        assert one.headers["x-amz-security-token"] == "our-token"
    assert [one.headers["if-none-match"] for one in proxy.asked("PUT", "_delta_log")] == ["*", "*"]


def test_machine_is_left_to_say_who_we_are(store, bucket, tmp_path, monkeypatch):
    """The library finds the machine's keys, and not its server: that is for whoever brings the credentials."""
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    assert machine_credentials("s3") == Simple()
    folder = Storage(tmp_path, lambda _: Simple(endpoint=store.url)).at(f"s3://{bucket}/table")
    (folder / "file").write_text("x")
    write_deltalake(str(folder), pa.table({"a": [1]}), storage_options=folder.delta_options())
    assert (folder / "_delta_log").names() == [f"{0:020}.json"]


def test_google_is_told_of_accounts_servers_and_of_nobody():
    def told(who):
        options = who.delta_options()
        return {**options, "google_service_account_key": json.loads(options["google_service_account_key"])}

    assert Google().delta_options() == {}
    assert told(Google(ACCOUNT)) == {"google_service_account_key": ACCOUNT}
    there = told(Google(ACCOUNT, "http://127.0.0.1:4443"))
    assert there["google_service_account_key"] == {**ACCOUNT, "gcs_base_url": "http://127.0.0.1:4443"}
    assert there["allow_http"] == "true"
    nobody = told(Google(endpoint="https://private.example", anonymous=True))
    assert nobody["google_service_account_key"]["disable_oauth"] is True
    assert "allow_http" not in nobody
