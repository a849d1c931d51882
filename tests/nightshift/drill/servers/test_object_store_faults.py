"""How the libraries that Nightshift stores with behave when S3 fails: what it relies on, held against each upgrade."""

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction
from pyarrow import fs

from nightshift.drill.servers import Fault, object_store
from tests.pipelines.engine.processes import wait_until

COMMIT = r"/_delta_log/0+1\.json$"
QUICK = {"max_retries": "2", "retry_timeout": "10s", "timeout": "1s", "connect_timeout": "1s"}
ROWS = pa.table({"flight": [1], "night": ["2013-11-01"]})


@pytest.fixture
def address(store, bucket):
    """Where a table of one version is."""
    address = f"s3://{bucket}/predictions"
    write_deltalake(address, ROWS, partition_by=["night"], storage_options=store.environment())
    return address


@pytest.fixture
def table(proxy, store, address):
    """The table, by way of the proxy."""
    return DeltaTable(address, storage_options=store.environment(proxy.url) | QUICK)


@pytest.fixture
def seen(store, address):
    """What readers see who do not go through the proxy: the version, and whether our transaction is there."""

    def look():
        table = DeltaTable(address, storage_options=store.environment())
        return table.version(), table.transaction_version("ours") is not None

    return look


@pytest.fixture
def files(proxy):
    """Files, by way of the proxy."""
    return fs.S3FileSystem(
        access_key="drill",
        secret_key="any",
        endpoint_override=proxy.url,
        region=object_store.REGION,
        connect_timeout=1,
        request_timeout=1,
    )


def commit(table, transaction="ours"):
    file = AddAction("night=n/a.parquet", 10, {"night": "n"}, 1, True, '{"numRecords": 1}')
    once = CommitProperties(max_commit_retries=0, app_transactions=[Transaction(transaction, 1)])
    table.create_write_transaction([file], "append", table.schema(), ["night"], commit_properties=once)


def put(files, path):
    with files.open_output_stream(path) as stream:
        stream.write(b"x" * 1000)


def test_commit_is_a_conditional_put(proxy, table):
    commit(table)
    assert [(one.headers.get("if-none-match"), one.status) for one in proxy.asked("PUT", COMMIT)] == [("*", 200)]


@pytest.mark.parametrize("kind", ["unavailable", "cut", "cut_midway"])
def test_commit_that_did_not_arrive_is_sent_again_and_goes_through(proxy, table, seen, kind):
    proxy.inject(Fault(kind, "PUT", COMMIT))
    commit(table)
    assert seen() == (1, True)
    assert [one.headers["if-none-match"] for one in proxy.asked("PUT", COMMIT)] == ["*", "*"]


def test_commit_whose_reply_was_lost_looks_like_a_conflict_and_is_there(proxy, table, seen):
    proxy.inject(Fault("reply_lost", "PUT", COMMIT))
    with pytest.raises(CommitFailedError):
        commit(table)
    assert seen() == (1, True)
    assert [one.status for one in proxy.asked("PUT", COMMIT)] == [200, 412]


def test_commit_whose_replies_are_all_lost_is_an_os_error_and_is_there(proxy, table, seen):
    proxy.inject(Fault("reply_lost", "PUT", COMMIT, times=None))
    with pytest.raises(OSError, match="connection closed before message completed"):
        commit(table)
    assert seen() == (1, True)


def test_commit_that_is_answered_too_late_is_not_sent_again_and_may_be_there_later(proxy, table, seen):
    proxy.inject(Fault("slow", "PUT", COMMIT, seconds=1.5))
    with pytest.raises(OSError, match="timed out"):
        commit(table)
    assert seen() == (0, False)
    wait_until(lambda: proxy.exchanges[-1].status)
    assert seen() == (1, True)
    assert len(proxy.asked("PUT", COMMIT)) == 1


def test_commit_that_arrives_after_anothers_changes_nothing(proxy, store, address, table, seen):
    proxy.inject(Fault("slow", "PUT", COMMIT, seconds=1.5))
    with pytest.raises(OSError, match="timed out"):
        commit(table)
    commit(DeltaTable(address, storage_options=store.environment()), transaction="theirs")
    wait_until(lambda: proxy.exchanges[-1].status)
    assert proxy.exchanges[-1].status == 412
    assert seen() == (1, False)


@pytest.mark.parametrize("kind", ["unavailable", "cut"])
def test_commit_that_never_arrives_is_an_os_error_after_the_retries_that_were_asked_for(proxy, table, seen, kind):
    proxy.inject(Fault(kind, "PUT", COMMIT, times=None))
    with pytest.raises(OSError, match="after 2 retries"):
        commit(table)
    assert seen() == (0, False)
    assert len(proxy.asked("PUT", COMMIT)) == 3


@pytest.mark.parametrize("kind", ["unavailable", "cut", "slow"])
def test_table_that_cannot_be_read_is_an_os_error_and_not_a_missing_table(proxy, store, address, kind):
    proxy.inject(Fault(kind, path="_delta_log", times=None, seconds=3))
    with pytest.raises(OSError, match="Generic S3 error"):
        DeltaTable(address, storage_options=store.environment(proxy.url) | QUICK | {"retry_timeout": "1s"})


def test_table_of_a_store_that_is_down_is_an_os_error_and_not_a_missing_table(proxy, store, address):
    proxy.down()
    with pytest.raises(OSError, match="Connection refused"):
        DeltaTable(address, storage_options=store.environment(proxy.url) | QUICK)


def test_table_that_is_not_there_is_told_apart(store, bucket):
    with pytest.raises(TableNotFoundError):
        DeltaTable(f"s3://{bucket}/none", storage_options=store.environment())


def test_history_is_answered_though_it_stops_the_interpreter(table):
    """delta-rs holds the interpreter's lock here: a proxy or store in a thread of this process could not answer."""
    assert [entry["version"] for entry in table.history()] == [0]


@pytest.mark.parametrize("kind", ["unavailable", "cut", "cut_midway", "reply_lost"])
def test_file_is_written_whole_though_a_request_failed(proxy, files, store, bucket, kind):
    proxy.inject(Fault(kind, "PUT"), Fault(kind, "POST", "uploadId="))
    put(files, f"{bucket}/file")
    assert {one.fault for one in proxy.exchanges} == {None, kind}
    assert files.get_file_info(f"{bucket}/file").size == 1000


@pytest.mark.parametrize("kind", ["unavailable", "cut"])
def test_file_that_cannot_be_written_is_an_os_error_and_is_not_there(proxy, files, bucket, kind):
    proxy.inject(Fault(kind, "PUT", times=None))
    with pytest.raises(OSError, match=r"AWS Error (SERVICE_UNAVAILABLE|NETWORK_CONNECTION)"):
        put(files, f"{bucket}/file")
    assert files.get_file_info(f"{bucket}/file").type is fs.FileType.NotFound


def test_question_that_is_answered_too_late_is_an_os_error_and_not_a_missing_file(proxy, files, bucket):
    proxy.inject(Fault("slow", times=None, seconds=10))
    with pytest.raises(OSError, match="Timeout was reached"):
        files.get_file_info(f"{bucket}/file")


def test_question_to_a_store_that_is_down_is_an_os_error_and_not_a_missing_file(proxy, files, bucket):
    proxy.down()
    with pytest.raises(OSError, match="NETWORK_CONNECTION"):
        files.get_file_info(f"{bucket}/file")
