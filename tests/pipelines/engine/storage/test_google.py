"""The same outcomes on gs://, on a small store that speaks both interfaces that the two libraries use; not Google's."""

from __future__ import annotations

import json
import os

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from deltalake import DeltaTable, write_deltalake

from nightshift.drill.servers import Fault, HttpProxy
from pipelines.engine.errors import StorageError, StorageUnavailable
from pipelines.engine.storage import Google, Storage, clients
from tests.pipelines.engine.storage.stores import answering
from tests.support.google_storage import google_storage


@pytest.fixture(scope="module")
def google():
    with google_storage("nights") as address:
        yield address


@pytest.fixture
def proxy(google):
    with HttpProxy(google) as proxy:
        yield proxy


@pytest.fixture
def folder(proxy, tmp_path):
    who = Google(endpoint=proxy.url, anonymous=True)
    return Storage(tmp_path / "cache", lambda _: who).at(f"gs://nights/{tmp_path.name}")


@pytest.mark.parametrize("name", ["a b.parquet", "100%25 a+b=c.parquet", "night#1?.parquet"])
def test_written_file_comes_back_under_its_odd_name(folder, name):
    (folder / name).write_text("rows")
    assert folder.names() == [name]
    assert folder.files(".parquet")[0].copy().read_text() == "rows"
    assert (folder / name).find().size == 4


def test_big_file_comes_back_whole_and_once(proxy, folder):
    content = os.urandom(20 << 20)
    with (folder / "a").writing() as temporary:
        temporary.write_bytes(content)
        assert not (folder / "a").exists()
    first = (folder / "a").copy()
    assert first.read_bytes() == content
    assert (folder / "a").copy() == first


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_error_in_the_middle_leaves_the_old_file(folder, error):
    (folder / "a").write_text("old")

    def write_half():
        with (folder / "a").writing() as temporary:
            temporary.write_bytes(b"ha")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert (folder / "a").read_text() == "old"


def test_changed_object_of_the_same_size_is_noticed(folder):
    for text in ("old rows", "new rows", "old rows"):
        (folder / "a").write_text(text)
        assert (folder / "a").copy().read_text() == text


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("unavailable", "POST"),
        ("unavailable", "GET"),
        ("reply_lost", "POST"),
        ("reply_lost", "PUT"),
        ("cut_midway", "PUT"),
    ],
)
def test_one_fault_is_survived(proxy, folder, kind, method):
    proxy.inject(Fault(kind, method))
    (folder / "a").write_text("rows")
    assert (folder / "a").copy().read_text() == "rows"
    assert kind in {one.fault for one in proxy.exchanges}


def test_store_that_does_not_answer_is_retryable_in_words(proxy, folder, monkeypatch):
    monkeypatch.setattr(clients, "GOOGLE_SECONDS", 0.3)
    proxy.down()
    for ask in (folder.find, lambda: folder.write_text("x")):
        with pytest.raises(StorageUnavailable, match=r"gs://nights/.* does not answer"):
            ask()


def test_missing_object_and_missing_bucket_are_told_apart(proxy, folder, tmp_path):
    assert (folder / "a").find() is None
    assert (folder / "a").read_text() is None
    assert folder.names() == []
    nowhere = Storage(tmp_path, lambda _: Google(endpoint=proxy.url, anonymous=True)).at("gs://none/rows")
    with pytest.raises(StorageError, match="there is no bucket gs://none"):
        nowhere.names()
    with pytest.raises(StorageError, match=r"(?s)gs://none/rows/a is not there: .*Check the bucket's name"):
        (nowhere / "a").write_text("x")


@pytest.mark.parametrize(("status", "code"), [(401, "UNAUTHENTICATED"), (403, "PERMISSION_DENIED")])
def test_stranger_is_refused_in_words_and_trying_again_is_no_use(tmp_path, status, code):
    with answering(status, f'{{"error": {{"code": {status}, "message": "no"}}}}') as url:
        folder = Storage(tmp_path, lambda _: Google(endpoint=url, anonymous=True)).at("gs://nights/rows")
        with pytest.raises(StorageError, match=f"gs://nights/rows is refused: .*{code}") as refused:
            folder.find()
    assert not refused.value.retryable


def test_commit_is_conditional_and_only_one_of_two_wins(proxy, folder):
    options = folder.delta_options()
    write_deltalake(str(folder), pa.table({"a": [1]}), storage_options=options)
    write_deltalake(str(folder), pa.table({"a": [2]}), mode="append", storage_options=options)
    commits = proxy.asked("PUT", r"_delta_log/\d+\.json")
    assert [(one.headers["x-goog-if-generation-match"], one.status) for one in commits] == [("0", 200), ("0", 200)]
    rows = DeltaTable(str(folder), storage_options=options).to_pyarrow_table()
    assert sorted(rows["a"].to_pylist()) == [1, 2]


@pytest.fixture(scope="module")
def private_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def account(private_key, token_uri):
    said = {"client_email": "night@project.iam", "private_key_id": "1", "token_uri": token_uri}
    return {"type": "service_account", "project_id": "p", "client_id": "1", "private_key": private_key, **said}


def test_service_account_is_who_both_libraries_are(proxy, tmp_path, private_key):
    with answering(200, json.dumps({"access_token": "for-an-hour", "expires_in": 3600, "token_type": "Bearer"})) as url:
        who = Google(account(private_key, url), proxy.url)
        folder = Storage(tmp_path, lambda _: who).at(f"gs://nights/{tmp_path.name}")
        (folder / "a").write_text("x")
    assert {one.headers["authorization"] for one in proxy.exchanges} == {"Bearer for-an-hour"}
    proxy.clear()
    write_deltalake(str(folder), pa.table({"a": [1]}), storage_options=folder.delta_options())
    # delta-rs signs for itself.
    assert {one.headers["authorization"][:10] for one in proxy.exchanges} == {"Bearer eyJ"}


def test_account_that_gets_no_token_is_said_in_words(tmp_path, private_key):
    def asked_at(url):
        folder = Storage(tmp_path, lambda _: Google(account(private_key, url))).at("gs://nights/rows")
        with pytest.raises(StorageError, match=r"no access token to night@project\.iam") as refused:
            folder.find()
        return refused.value

    with answering(400, '{"error": "invalid_grant", "error_description": "account not found"}') as url:
        assert not asked_at(url).retryable
    assert asked_at(url).retryable, "nobody is there any more"


def test_key_that_is_none_is_said_and_not_shown(tmp_path):
    folder = Storage(tmp_path, lambda _: Google(account("of-the-account", "http://127.0.0.1:9"))).at("gs://nights/rows")
    with pytest.raises(StorageError, match="key of the service account for gs:// cannot be used") as refused:
        folder.find()
    assert "of-the-account" not in str(refused.value)
