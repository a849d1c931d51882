"""Readers see the old night or the new one, each work is committed once, and nights do not disturb each other."""

import json

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from pipelines.engine.errors import FenceLost, PublicationConflict, StorageError
from pipelines.engine.publication.delta import (
    ShardFile,
    open_or_create,
    published_files,
    published_version,
    remove_unfinished,
    replaced_by_newest,
    transaction_name,
)
from pipelines.engine.publication.names import shard_path
from pipelines.engine.storage import here
from tests.pipelines.engine.processes import Race
from tests.pipelines.engine.publisher import NIGHTS
from tests.pipelines.engine.tables import SCHEMA, commits_of, put, scores_of, write_shard

ONE, TWO = "2013-11-01", "2013-11-02"
PROCESSES = 4


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "flights" / "predictions"


@pytest.fixture
def published(folder):
    """A table with two nights; the first one has two shards."""
    shards = [write_shard(folder, ONE, "aa", {"f1": 0.1, "f2": 0.2}), write_shard(folder, ONE, "bb", {"f3": 0.3})]
    put(folder, ONE, shards, "first")
    put(folder, TWO, [write_shard(folder, TWO, "cc", {"f4": 0.4})], "second")
    return shards


def log_entries(folder, version):
    text = (folder / "_delta_log" / f"{version:020}.json").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_first_publication_makes_the_table(folder):
    shards = [write_shard(folder, ONE, "aa", {"f1": 0.1}), write_shard(folder, ONE, "bb", {"f2": 0.2})]
    done = put(folder, ONE, shards, "first")
    assert (done.version, done.adopted) == (1, False)
    assert scores_of(folder, ONE) == {"f1": 0.1, "f2": 0.2}
    assert published_files(DeltaTable(str(folder)), ONE) == sorted(file.path for file in shards)


def test_shards_are_not_seen_before_the_commit(folder, published):
    write_shard(folder, ONE, "dd", {"f1": 0.9})
    assert scores_of(folder, ONE) == {"f1": 0.1, "f2": 0.2, "f3": 0.3}


def test_commit_tells_what_it_was(folder, published):
    first, second = commits_of(folder)
    assert (first["nightshift.transaction"], first["nightshift.night"]) == ("first", ONE)
    assert (second["nightshift.fence"], second["nightshift.rows_in"]) == ("1", "7")


def test_publishing_again_replaces_only_that_night(folder, published):
    new = write_shard(folder, ONE, "aa", {"f1": 0.9}, fence=2)
    done = put(folder, ONE, [new], "third", fence=2)
    assert (done.version, done.adopted) == (3, False)
    assert scores_of(folder, ONE) == {"f1": 0.9}
    assert scores_of(folder, TWO) == {"f4": 0.4}
    assert published_files(DeltaTable(str(folder)), ONE) == [new.path]


def test_time_travel_reads_the_old_night(folder, published):
    put(folder, ONE, [write_shard(folder, ONE, "aa", {"f1": 0.9}, fence=2)], "third")
    assert scores_of(folder, ONE, version=2) == {"f1": 0.1, "f2": 0.2, "f3": 0.3}
    assert scores_of(folder, ONE, version=0) == {}


def test_shard_that_stays_is_not_removed_and_added_in_one_commit(folder, published):
    stays, _ = published
    new = write_shard(folder, ONE, "bb", {"f3": 0.9}, fence=2)
    done = put(folder, ONE, [stays, new], "third")
    assert scores_of(folder, ONE) == {"f1": 0.1, "f2": 0.2, "f3": 0.9}
    entries = log_entries(folder, done.version)
    added = {entry["add"]["path"] for entry in entries if "add" in entry}
    removed = {entry["remove"]["path"] for entry in entries if "remove" in entry}
    assert (added, removed) == ({new.path}, {published[1].path})


def test_night_that_shows_these_files_already_is_not_committed_again(folder, published):
    done = put(folder, ONE, published, "another name")
    assert (done.version, done.adopted) == (1, True)
    assert len(commits_of(folder)) == 2


def test_work_whose_reply_was_lost_is_adopted_without_a_second_commit(folder, published):
    put(folder, ONE, [write_shard(folder, ONE, "dd", {"f1": 0.9})], "third")
    again = put(folder, ONE, published, "first", fence=2)
    assert (again.version, again.adopted) == (1, True)
    assert scores_of(folder, ONE) == {"f1": 0.9}
    assert len(commits_of(folder)) == 3


def test_adopting_asks_nobody_for_leave(folder, published):
    def never(_table):
        raise AssertionError("nothing is to be committed")

    assert put(folder, ONE, published, "first", may_commit=never).adopted


def test_night_can_lose_all_its_rows(folder, published):
    assert put(folder, ONE, [], "third").version == 3
    assert scores_of(folder, ONE) == {}
    assert scores_of(folder, TWO) == {"f4": 0.4}


def test_night_without_rows_can_be_published_first(folder, published):
    done = put(folder, "2013-11-03", [], "third")
    assert (done.version, done.adopted) == (3, False)
    assert put(folder, "2013-11-03", [], "third").adopted


def test_commit_of_another_night_in_between_is_no_failure(folder, published):
    looked = []

    def somebody_commits_another_night(_table):
        looked.append(True)
        if len(looked) == 1:
            put(folder, TWO, [write_shard(folder, TWO, "cc", {"f4": 0.9}, fence=2)], "in between")

    new = write_shard(folder, ONE, "aa", {"f1": 0.9}, fence=2)
    done = put(folder, ONE, [new], "third", may_commit=somebody_commits_another_night)
    assert (done.version, done.adopted) == (4, False)
    assert len(looked) == 2
    assert scores_of(folder, ONE) == {"f1": 0.9}
    assert scores_of(folder, TWO) == {"f4": 0.9}


def test_same_work_committed_in_between_is_adopted(folder, published):
    new = write_shard(folder, ONE, "aa", {"f1": 0.9}, fence=2)
    done = put(folder, ONE, [new], "third", may_commit=lambda _: put(folder, ONE, [new], "third"))
    assert (done.version, done.adopted) == (3, True)
    assert len(commits_of(folder)) == 3


def test_table_that_changes_under_every_try_ends_in_a_conflict(folder, published, monkeypatch):
    monkeypatch.setattr("pipelines.engine.publication.delta.MOST_TRIES", 20)
    numbers = iter(range(10, 99))

    def somebody_is_always_faster(_table):
        fence = next(numbers)
        put(folder, TWO, [write_shard(folder, TWO, "cc", {"f4": 0.9}, fence=fence)], f"faster {fence}")

    new = write_shard(folder, ONE, "aa", {"f1": 0.9}, fence=2)
    with pytest.raises(
        PublicationConflict, match="changed under 20 commits of night 2013-11-01; the old version stands"
    ):
        put(folder, ONE, [new], "third", may_commit=somebody_is_always_faster)
    assert scores_of(folder, ONE) == {"f1": 0.1, "f2": 0.2, "f3": 0.3}


def test_lost_fence_leaves_the_table_at_its_version(folder, published):
    def lost(_table):
        raise FenceLost("somebody else took the key over")

    with pytest.raises(FenceLost):
        put(folder, ONE, [write_shard(folder, ONE, "aa", {"f1": 0.9}, fence=2)], "third", may_commit=lost)
    assert DeltaTable(str(folder)).version() == 2
    assert scores_of(folder, ONE) == {"f1": 0.1, "f2": 0.2, "f3": 0.3}


def test_missing_shard_is_refused(folder, published):
    ghost = ShardFile(shard_path(ONE, "ee" * 32, 1, 0.0), 1000, 5, 0)
    with pytest.raises(StorageError, match=r"should have 1,000 bytes and has no file; nothing was published"):
        put(folder, ONE, [ghost], "third")
    assert DeltaTable(str(folder)).version() == 2


def test_cut_shard_is_refused(folder, published):
    shard = write_shard(folder, ONE, "aa", {"f1": 0.9}, fence=2)
    whole = folder / shard.path
    whole.write_bytes(whole.read_bytes()[:-10])
    with pytest.raises(StorageError, match=f"should have {shard.size} bytes and has {shard.size - 10} bytes"):
        put(folder, ONE, [shard], "third")
    assert DeltaTable(str(folder)).version() == 2


def test_table_with_other_columns_is_refused(folder, published):
    other = pa.schema([pa.field("tail_number", pa.string(), nullable=False), SCHEMA.field("score")])
    with pytest.raises(StorageError, match="tail_number") as caught:
        put(folder, ONE, published, "third", schema=other)
    assert "flight_id" in str(caught.value)
    assert DeltaTable(str(folder)).version() == 2


def test_damaged_log_is_told_in_words(folder, published):
    (folder / "_delta_log" / f"{3:020}.json").write_text("garbage")
    with pytest.raises(StorageError, match=f"{folder} is a Delta table that cannot be opened") as caught:
        put(folder, ONE, published, "third")
    assert len(str(caught.value).splitlines()) <= 3


def test_folder_that_cannot_be_one_is_told_in_words(tmp_path):
    (tmp_path / "predictions").write_text("a file")
    with pytest.raises(StorageError, match=r"cannot write .*predictions") as caught:
        put(tmp_path / "predictions", ONE, [], "first")
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_opening_makes_an_empty_table_once(folder):
    first, second = open_or_create(here(folder), SCHEMA), open_or_create(here(folder), SCHEMA)
    assert first.metadata().id == second.metadata().id
    assert second.version() == 0


def test_newest_commit_of_a_night_is_known_to_each_handle(folder, published):
    old = open_or_create(here(folder), SCHEMA)
    put(folder, ONE, [write_shard(folder, ONE, "aa", {"f1": 0.9}, fence=2)], "third")
    new = open_or_create(here(folder), SCHEMA)
    assert [published_version(table, ONE) for table in (old, new)] == [1, 3]
    assert [published_version(table, TWO) for table in (old, new)] == [2, 2]
    assert published_version(new, "2013-11-03") is None


def test_newest_commit_of_a_night_is_known_when_the_log_was_cut(folder, published):
    table = DeltaTable(str(folder))
    table.create_checkpoint()
    for version in range(2):
        (folder / "_delta_log" / f"{version:020}.json").unlink()
    assert published_version(open_or_create(here(folder), SCHEMA), ONE) == 1


def test_log_tells_what_the_newest_publication_of_a_night_replaced(folder, published):
    put(folder, ONE, [write_shard(folder, ONE, "aa", {"f1": 0.9}, fence=2)], "third")
    put(folder, TWO, [write_shard(folder, TWO, "cc", {"f4": 0.5}, fence=2)], "fourth")
    put(folder, ONE, [write_shard(folder, ONE, "aa", {"f1": 0.8}, fence=3)], "fifth")
    table = open_or_create(here(folder), SCHEMA)
    assert [replaced_by_newest(here(folder), table, night) for night in (ONE, TWO)] == [3, 2]
    assert replaced_by_newest(here(folder), table, "2013-11-03") is None
    table.load_as_version(1)
    assert replaced_by_newest(here(folder), table, ONE) is None


def test_log_that_was_cut_tells_the_newest_publication_itself(folder, published):
    table = DeltaTable(str(folder))
    table.create_checkpoint()
    for version in range(2):
        (folder / "_delta_log" / f"{version:020}.json").unlink()
    assert replaced_by_newest(here(folder), open_or_create(here(folder), SCHEMA), ONE) == 1


def test_only_leftovers_of_earlier_holders_are_removed(folder):
    night = folder / f"night={ONE}"
    night.mkdir(parents=True)
    for fence in (1, 2, 3, 12):
        (night / f".{'aa' * 16}-{fence}-0.parquet.77.part").touch()
    remove_unfinished(here(folder), ONE, "aa" * 32, 3)
    assert sorted(path.name.split("-")[1] for path in night.iterdir()) == ["12", "3"]


def test_transaction_is_named_by_key_and_generation():
    assert transaction_name("abc", 2) == "nightshift/abc/2"


def test_common_readers_read_the_table(folder, published):
    expected = {"f1": 0.1, "f2": 0.2, "f3": 0.3, "f4": 0.4}
    table = DeltaTable(str(folder))
    frame = table.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert dict(zip(frame.flight_id, frame.score, strict=True)) == expected
    polars = pl.read_delta(str(folder))
    assert dict(zip(polars["flight_id"], polars["score"], strict=True)) == expected
    connection = duckdb.connect()
    connection.register("scores", table.to_pyarrow_table())  # DuckDB's own Delta extension needs the network
    rows = connection.sql(
        "SELECT night, count(*), count(DISTINCT flight_id) FROM scores GROUP BY night ORDER BY night"
    ).fetchall()
    assert rows == [(ONE, 3, 3), (TWO, 1, 1)]


def test_duckdb_reads_the_files_that_the_table_names(folder, published):
    files = DeltaTable(str(folder)).file_uris(file_pruning_predicate=[("night", "=", ONE)])
    ids = duckdb.sql(f"SELECT flight_id FROM read_parquet({files!r}) ORDER BY 1").fetchall()
    assert ids == [("f1",), ("f2",), ("f3",)]


def test_processes_that_publish_the_same_work_make_one_commit(tmp_path, folder):
    with Race("publisher.py", ["same"], tmp_path, PROCESSES) as race:
        answers = race.answers().values()
    assert len(answers) == PROCESSES
    assert sorted(entry["nightshift.night"] for entry in commits_of(folder)) == NIGHTS
    for night in NIGHTS:
        assert len({version for version, _ in (answer[night] for answer in answers)}) == 1
        assert [adopted for _, adopted in (answer[night] for answer in answers)].count(False) == 1
        assert scores_of(folder, night) == {"f1": 0.0, "f2": 0.0}


def test_no_version_mixes_the_work_of_two_processes(tmp_path, folder):
    with Race("publisher.py", ["own"], tmp_path, PROCESSES) as race:
        assert len(race.answers()) == PROCESSES
    versions = [entry["version"] for entry in commits_of(folder)]
    assert versions == list(range(1, PROCESSES * len(NIGHTS) + 1))
    for version in versions:
        table = DeltaTable(str(folder), version=version)
        assert all(len(published_files(table, night)) <= 1 for night in NIGHTS)
