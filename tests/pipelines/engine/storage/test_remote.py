"""What lies in an object store is there whole or not at all, is read from one version, and faults are told apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from nightshift.drill.servers import Fault, ObjectStore, object_store
from pipelines.engine.errors import StorageError, StorageUnavailable, UsageError
from pipelines.engine.files import sha256_of
from pipelines.engine.publication.delta import open_table
from pipelines.engine.storage import Simple, Storage, copies, remote
from tests.pipelines.engine.processes import PATH, wait_until
from tests.pipelines.engine.storage import uploader
from tests.pipelines.engine.storage.stores import answering, at_server

BIG = 12 << 20
"""More than pyarrow sends in one part."""
ODD = ["a b.parquet", "100%25 a+b=c.parquet", "night#1?.parquet", "\N{LATIN SMALL LETTER U WITH DIAERESIS}'\"&.parquet"]


def put(location, content):
    with location.writing() as temporary:
        temporary.write_bytes(content)
    return location


def digest(content, tmp_path):
    file = tmp_path / "digested"
    file.write_bytes(content)
    return sha256_of(file)


def waiting(tmp_path):
    return [path.name for path in (tmp_path / "cache" / "outgoing").glob("*")]


# --- up --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ODD)
def test_written_file_comes_back_under_its_odd_name(folder, past, name):
    put(folder / name, b"rows")
    assert past.names() == [name]
    (found,) = past.files(".parquet")
    assert found.copy().read_bytes() == b"rows"
    assert found.copy().suffix == ".parquet"


def test_location_that_was_recorded_as_text_leads_back(storage, folder):
    for name in ODD:
        put(folder / name, name.encode())
        assert storage.at(str(folder / name)).read_text() == name


def test_file_is_seen_when_it_is_whole_and_not_before(folder, past, tmp_path):
    with (folder / "a").writing() as temporary:
        temporary.write_bytes(b"half")
        assert not (past / "a").exists()
        assert waiting(tmp_path) == [temporary.name]
    assert (past / "a").find().size == 4
    assert waiting(tmp_path) == []


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_error_in_the_middle_leaves_the_old_file(folder, past, tmp_path, error):
    put(folder / "a", b"old")

    def write_half():
        with (folder / "a").writing() as temporary:
            temporary.write_bytes(b"ha")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert (past / "a").read_text() == "old"
    assert waiting(tmp_path) == []


def test_killed_upload_leaves_nothing_that_readers_see(proxy, folder, past, tmp_path):
    proxy.inject(Fault("slow", "PUT", "partNumber", times=None, seconds=1))
    command = [sys.executable, uploader.__file__, proxy.url, str(folder / "a"), str(tmp_path / "cache")]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": PATH}) as process:
        wait_until(lambda: process.poll() is not None or proxy.asked("PUT", "partNumber"))
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert past.names() == []
    assert len(waiting(tmp_path)) == 1
    (folder / "a").remove_unfinished()
    assert waiting(tmp_path) == []


class TaskTimeout(BaseException):
    """As Airflow's: raised by a signal, wherever the main thread happens to be."""


def test_task_that_is_interrupted_during_its_upload_leaves_no_half_file(proxy, folder, past, monkeypatch):
    """Left by an exception, a stream of pyarrow completes its object with what it has."""

    def interrupt(*_):
        raise TaskTimeout

    monkeypatch.setattr(remote, "CHUNK", 1 << 20)
    monkeypatch.setattr(remote, "FLUSH_CHUNKS", 11)  # it waits there for the first part, and another one is to come
    proxy.inject(Fault("slow", "PUT", "partNumber", times=None, seconds=0.5))
    before = signal.signal(signal.SIGUSR1, interrupt)
    alarm = threading.Thread(
        target=lambda: wait_until(lambda: proxy.asked("PUT", "partNumber")) and os.kill(os.getpid(), signal.SIGUSR1)
    )
    try:
        alarm.start()
        with pytest.raises(TaskTimeout):
            put(folder / "a", b"x" * BIG)
    finally:
        alarm.join()
        signal.signal(signal.SIGUSR1, before)
    found = (past / "a").find()
    assert found is None or found.size == BIG


class BreakingFile:
    """A file on a disk that fails after a while."""

    def __init__(self):
        self.reads = 0

    def read(self, size):
        self.reads += 1
        if self.reads == 2:
            raise OSError(5, "Input/output error")
        return b"x" * size


def test_disk_that_fails_during_an_upload_leaves_nothing(folder, past):
    store = folder.store
    with pytest.raises(OSError, match="Input/output error"):
        store.send(store._files, BreakingFile(), f"{folder.path}/a")
    assert not (past / "a").exists()


SMALL, PART, LAST_WORD = (1000, "PUT", "/a$"), (BIG, "PUT", "partNumber=2"), (BIG, "POST", "uploadId")


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        *[(kind, SMALL) for kind in ("unavailable", "cut", "cut_midway", "reply_lost")],
        *[(kind, PART) for kind in ("unavailable", "cut_midway")],
        *[(kind, LAST_WORD) for kind in ("unavailable", "reply_lost")],
    ],
)
def test_upload_survives_a_fault(proxy, folder, past, kind, request_):
    size, method, which = request_
    content = os.urandom(size)
    proxy.inject(Fault(kind, method, which))
    put(folder / "a", content)
    assert (past / "a").copy().read_bytes() == content
    assert kind in {one.fault for one in proxy.exchanges}


def test_small_file_is_one_request_and_a_look(proxy, folder):
    put(folder / "a", b"rows")
    assert [one.method for one in proxy.exchanges] == ["PUT", "HEAD"]


@pytest.mark.parametrize("size", [1000, BIG])
def test_upload_that_fails_for_good_is_retryable_and_leaves_nothing(proxy, folder, past, tmp_path, size):
    proxy.inject(Fault("unavailable", "PUT", times=None))
    with pytest.raises(
        StorageUnavailable, match=r"s3://.*/a does not answer: .*SERVICE_UNAVAILABLE.*the retry goes on"
    ):
        put(folder / "a", b"x" * size)
    assert past.names() == []
    assert waiting(tmp_path) == []


def test_big_upload_over_a_slow_line_does_not_pile_up_in_memory(proxy, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "FLUSH_CHUNKS", 1)
    proxy.inject(Fault("slow", "PUT", "partNumber", times=None, seconds=0.1))
    pool = pa.default_memory_pool()
    most = []
    with (folder / "a").writing() as temporary:
        temporary.write_bytes(b"x" * (6 * remote.CHUNK))
        stop = threading.Event()

        def watch():
            while not stop.wait(0.01):
                most.append(pool.bytes_allocated())

        watcher = threading.Thread(target=watch)
        before = pool.bytes_allocated()
        watcher.start()
    stop.set()
    watcher.join()
    assert max(most) - before < 3 * remote.CHUNK


# --- down ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "method"), [("unavailable", "HEAD"), ("unavailable", "GET"), ("cut", "GET")])
def test_download_survives_a_fault(proxy, folder, past, kind, method):
    content = os.urandom(BIG)
    put(past / "a", content)
    proxy.inject(Fault(kind, method))
    assert (folder / "a").copy().read_bytes() == content
    assert kind in {one.fault for one in proxy.exchanges}


def test_download_that_fails_for_good_is_retryable_and_keeps_nothing(proxy, folder, past, tmp_path):
    put(past / "a", b"rows")
    proxy.inject(Fault("unavailable", "GET", times=None))
    with pytest.raises(StorageUnavailable, match="does not answer"):
        (folder / "a").copy()
    assert list((tmp_path / "cache" / "copies").iterdir()) == []


def test_object_that_changes_under_the_download_is_downloaded_again(proxy, folder, past, monkeypatch):
    monkeypatch.setattr(remote, "CHUNK", 1 << 20)
    old, new = b"o" * (2 << 20), b"n" * (2 << 20)
    put(past / "a", old)
    replaced = replace_after_the_first_chunk(monkeypatch, lambda: put(past / "a", new))
    assert (folder / "a").copy().read_bytes() == new
    assert replaced == [True]


def replace_after_the_first_chunk(monkeypatch, replace, times=1):
    """Let somebody replace the object when its first chunk has come; returns what tells how often they did."""
    receive, done = copies.Copies.receive, []

    def receive_and_replace(self, like, chunks):
        def with_a_visitor():
            for number, chunk in enumerate(chunks):
                if number == 1 and len(done) < times:
                    replace()
                    done.append(True)
                yield chunk

        return receive(self, like, with_a_visitor())

    monkeypatch.setattr(copies.Copies, "receive", receive_and_replace)
    return done


def test_object_that_changes_under_each_download_is_retryable_in_words(folder, past, monkeypatch):
    monkeypatch.setattr(remote, "CHUNK", 1 << 20)
    turns = iter(range(100))
    put(past / "a", b"o" * (2 << 20))
    replace_after_the_first_chunk(monkeypatch, lambda: put(past / "a", bytes([next(turns)]) * (2 << 20)), times=100)
    with pytest.raises(StorageUnavailable, match="was written anew during each of 3 downloads"):
        (folder / "a").copy()


def test_unchanged_object_is_downloaded_once(proxy, folder, past):
    put(past / "a", b"rows")
    first = (folder / "a").copy()
    assert (folder / "a").copy() == first
    assert len(proxy.asked("GET", "/a$")) == 1


def test_object_of_the_same_size_and_second_is_noticed(folder, past):
    for content in (b"old rows", b"new rows", b"old rows"):
        put(past / "a", content)
        assert (folder / "a").copy().read_bytes() == content


@pytest.mark.parametrize("damage", [lambda copy: copy.write_bytes(b"no"), lambda copy: copy.unlink()])
def test_damaged_copy_is_downloaded_again(folder, past, tmp_path, damage):
    put(past / "a", b"rows")
    for _ in range(2):
        damage((folder / "a").copy())
        assert (folder / "a").copy().read_bytes() == b"rows"
        damage((folder / "a").copy())
        assert (folder / "a").copy_with(digest(b"rows", tmp_path)).read_bytes() == b"rows"


def test_copy_of_the_checked_bytes_outlives_the_object(folder, past, tmp_path):
    put(past / "a", b"rows")
    (folder / "a").copy()
    put(past / "a", b"others")
    assert (folder / "a").copy_with(digest(b"rows", tmp_path)).read_bytes() == b"rows"
    assert (past / "a").copy_with(digest(b"rows", tmp_path)) is None, "nobody there has these bytes"


def test_object_that_is_gone_is_told_apart_from_a_store_that_does_not_answer(proxy, folder):
    assert (folder / "a").find() is None
    assert (folder / "a").read_text() is None
    assert (folder / "a").copy_with("0" * 64) is None
    with pytest.raises(StorageError, match=r"(?s)s3://.*/a is not there: .* deliver the file again") as gone:
        (folder / "a").copy()
    assert not gone.value.retryable
    proxy.down()
    for ask in (folder.find, folder.read_text, folder.names, folder.copy, lambda: folder.copy_with("0" * 64)):
        with pytest.raises(StorageUnavailable, match="does not answer"):
            ask()


def test_many_threads_may_download_the_same_object_at_once(folder, past):
    content = os.urandom(3 << 20)
    put(past / "a", content)
    with ThreadPoolExecutor(8) as pool:
        copied = list(pool.map(lambda _: (folder / "a").copy().read_bytes(), range(16)))
    assert set(copied) == {content}


def test_child_of_a_fork_opens_a_connection_of_its_own(folder):
    put(folder / "a", b"rows")
    child = os.fork()
    if not child:
        try:
            os._exit(0 if (folder / "a").read_text() == "rows" and put(folder / "b", b"more").exists() else 1)
        finally:
            os._exit(2)
    ended = wait_until(lambda: (found := os.waitpid(child, os.WNOHANG))[0] and found)
    assert ended == (child, 0)
    assert (folder / "b").read_text() == "more"


def test_copies_that_nobody_used_for_a_week_are_forgotten(folder, past, tmp_path):
    for name in ("used", "forgotten", "new"):
        put(past / name, name.encode())
    used, forgotten = (folder / "used").copy(), (folder / "forgotten").copy()
    for path in (tmp_path / "cache").rglob("*"):
        os.utime(path, (1, 1))
    (folder / "used").copy_with(used.name)
    (folder / "new").copy()
    assert used.exists()
    assert not forgotten.exists()


def test_cache_that_cannot_be_written_is_named_and_not_the_object(bucket, past, proxy, tmp_path):
    put(past / "a", b"rows")
    (tmp_path / "file").write_text("no folder")
    broken = Storage(tmp_path / "file", at_server(proxy.url)).at(str(past))
    for work in ((broken / "a").copy, lambda: put(broken / "b", b"x")):
        with pytest.raises(StorageError, match=f"cannot write {tmp_path}/file"):
            work()


# --- folders ---------------------------------------------------------------------------------------------------------


def test_folder_lists_what_lies_directly_in_it(folder, past):
    for name in ("b.parquet", "a.parquet", ".hidden", "deeper/c.parquet", "deeper/down/d.parquet", "notes.txt"):
        put(past / name, b"x")
    assert folder.names() == ["a.parquet", "b.parquet", "deeper", "notes.txt"]
    assert [file.name for file in folder.files(".parquet")] == ["a.parquet", "b.parquet"]
    assert (folder / "deeper").names() == ["c.parquet", "down"]
    assert not (folder / "deeper").exists(), "a folder is no file"
    assert (folder / "none").names() == []


def _boto(store):
    import boto3

    return boto3.client(
        "s3", endpoint_url=store.url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )


def test_folder_that_a_console_made_is_empty(store, bucket, folder):
    _boto(store).put_object(Bucket=bucket, Key="rows of a night/", Body=b"")
    assert folder.names() == []


def test_missing_bucket_is_said_and_not_an_empty_folder(storage):
    nowhere = storage.at("s3://no-such-bucket/rows")
    with pytest.raises(StorageError, match="there is no bucket s3://no-such-bucket, so nothing is at") as missing:
        nowhere.names()
    assert not missing.value.retryable
    with pytest.raises(StorageError, match=r"(?s)is refused: .*NO_SUCH_BUCKET.*Check the bucket's name") as refused:
        put(nowhere / "a", b"x")
    assert not refused.value.retryable


# --- who we are ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict_store():
    """An object store that knows its users and their rights, and the keys of one who has none."""
    import boto3

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INITIAL_NO_AUTH_ACTION_COUNT", "3")  # of moto: from the fourth request on
        with ObjectStore() as store:
            store.create_bucket("rows")
            users = boto3.client("iam", endpoint_url=store.url, region_name="us-east-1", **_ANY)
            users.create_user(UserName="stranger")
            yield store, users.create_access_key(UserName="stranger")["AccessKey"]


_ANY = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
STRANGERS = {
    "unknown key": lambda keys: ("AKIAUNKNOWN", "x", "INVALID_ACCESS_KEY_ID"),
    "wrong secret": lambda keys: (keys["AccessKeyId"], "wrong", "SIGNATURE_DOES_NOT_MATCH"),
    "no rights": lambda keys: (keys["AccessKeyId"], keys["SecretAccessKey"], "ACCESS_DENIED"),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_stranger_is_refused_in_words_and_trying_again_is_no_use(strict_store, tmp_path, stranger):
    store, keys = strict_store
    key, secret, code = stranger(keys)
    folder = Storage(tmp_path, at_server(store.url, key, secret)).at("s3://rows/folder")
    works = {
        "find": (folder / "a").find,
        "names": folder.names,
        "copy": (folder / "a").copy,
        "write": lambda: put(folder / "a", b"x"),
        "table": lambda: open_table(folder),
    }
    for name, work in works.items():
        with pytest.raises((StorageError, OSError)) as raised:
            work()
        error = raised.value if isinstance(raised.value, StorageError) else folder.in_words(raised.value)
        assert not error.retryable, name
        assert f"{folder}" in str(error)
        assert " is refused: " in str(error)
        assert secret not in str(error) or secret == "x"
        if name in ("names", "write"):  # S3 says nothing more to a HEAD, and delta-rs spells it otherwise
            assert code in str(error)


EXPIRED = "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
ELSEWHERE = "<Error><Code>PermanentRedirect</Code><Message>Address this bucket elsewhere.</Message></Error>"


@pytest.mark.parametrize(
    ("status", "body", "retryable", "said"),
    [
        (400, EXPIRED, True, "the session of our credentials has ended"),
        (301, ELSEWHERE, False, "rights and region"),
    ],
    ids=["expired", "other region"],
)
def test_what_s3_says_of_sessions_and_regions_is_understood(tmp_path, status, body, retryable, said):
    with answering(status, body, {"Content-Type": "application/xml", "x-amz-bucket-region": "eu-west-1"}) as url:
        folder = Storage(tmp_path, at_server(url)).at("s3://rows/folder")
        with pytest.raises(StorageError, match=said) as raised:
            put(folder / "a", b"x")
        with pytest.raises(OSError, match=r"Generic S3 error|Kernel error") as of_delta:
            open_table(folder)
    assert raised.value.retryable is retryable
    assert folder.in_words(of_delta.value).retryable is retryable


def signed_by(proxy):
    """The keys that signed the requests, in their order."""
    signed = [one.headers["authorization"].partition("Credential=")[2].split("/")[0] for one in proxy.exchanges]
    return list(dict.fromkeys(signed))


def test_credentials_are_asked_for_again_before_they_end(proxy, bucket, tmp_path, monkeypatch):
    keys = iter(["first", "second", "third"])
    storage = Storage(tmp_path, lambda _: Simple(next(keys), "x", "of-a-session", object_store.REGION, proxy.url))
    folder = storage.at(f"s3://{bucket}/a")
    folder.find()
    folder.find()
    assert signed_by(proxy) == ["first"]
    monkeypatch.setattr(remote, "RENEW_SECONDS", 0)
    folder.find()
    open_table(folder)
    assert signed_by(proxy) == ["first", "second", "third"]
    assert {one.headers["x-amz-security-token"] for one in proxy.exchanges} == {"of-a-session"}


def test_credentials_that_cannot_be_renewed_are_used_as_long_as_they_last(proxy, bucket, tmp_path, monkeypatch, caplog):
    asked = []

    def ask(_scheme):
        asked.append(True)
        if len(asked) == 2:
            raise UsageError("Airflow does not answer")
        return at_server(proxy.url)("s3")

    monkeypatch.setattr(remote, "RENEW_SECONDS", 0)
    folder = Storage(tmp_path, ask).at(f"s3://{bucket}/a")
    for _ in range(3):
        assert folder.find() is None
    assert len(asked) == 3
    assert "the credentials for s3:// are not renewed: Airflow does not answer" in caplog.text


def test_nobody_is_asked_who_we_are_before_it_matters(tmp_path):
    def never(_scheme):
        raise AssertionError("nobody needs to know yet")

    storage = Storage(tmp_path, never)
    assert str(storage.at("s3://bucket/a") / "b") == "s3://bucket/a/b"
    assert not storage.at(str(tmp_path / "a")).exists()
