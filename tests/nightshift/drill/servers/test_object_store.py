import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import pyarrow as pa
import pytest
from pyarrow import fs, parquet

from nightshift.drill.servers import ObjectStore, ServerFailed, object_store
from nightshift.drill.servers.moto_server import OneAtATime


def client_of(store):
    return boto3.client(
        "s3",
        endpoint_url=store.url,
        region_name=object_store.REGION,
        aws_access_key_id="drill",
        aws_secret_access_key="any",
    )


def opened(store):
    return fs.S3FileSystem(
        access_key="drill", secret_key="any", endpoint_override=store.url, region=object_store.REGION
    )


def test_parquet_is_written_and_read_back(store, bucket):
    rows = pa.table({"flight": [1, 2]})
    parquet.write_table(rows, f"{bucket}/a/rows.parquet", filesystem=opened(store))
    assert parquet.read_table(f"{bucket}/a/rows.parquet", filesystem=opened(store)) == rows


def test_bucket_that_is_there_may_be_made_again(store, bucket):
    client = client_of(store)
    client.put_object(Bucket=bucket, Key="kept", Body=b"x")
    store.create_bucket(bucket)
    assert client.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"x"


def test_bucket_of_an_impossible_name_is_refused_in_words(store):
    with pytest.raises(ServerFailed, match="did not make the bucket 'x'"):
        store.create_bucket("x")


def test_one_request_is_answered_after_the_other():
    """Moto looks for an object, then writes it: of two conditional writes at once both could win, as in no S3."""
    inside, most = [], []

    def application(_environ, _start_response):
        inside.append(True)
        time.sleep(0.01)
        most.append(len(inside))
        inside.pop()
        return []

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(OneAtATime(application), [{}] * 4, [None] * 4))
    assert most == [1] * 4


def test_callers_own_credentials_are_not_given_to_clients_or_server(store, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    assert "real" not in store.environment().values()
    assert store.environment("http://127.0.0.1:1")["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"


def test_store_that_cannot_start_shows_its_log(tmp_path, monkeypatch):
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('no room today')")
    monkeypatch.setattr(object_store, "PROGRAM", broken)
    with pytest.raises(ServerFailed, match=r"(?s)object store ended by itself.*no room today"), ObjectStore():
        pass
