"""A pipeline whose rows, tables and reports lie in an object store keeps its promises while the store breaks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from nightshift.drill.servers import Fault, HttpProxy
from pipelines.engine import errors
from pipelines.engine.delivery import deliver
from pipelines.engine.moments import listening
from pipelines.engine.pipeline import Prepared
from pipelines.engine.publication import delta
from pipelines.engine.runtime import no_progress
from pipelines.engine.storage import Google, Storage, clients
from tests.pipelines.engine.processes import Race, wait_until
from tests.pipelines.engine.steps import night_in_a_bucket, places, remote_places, tides
from tests.pipelines.engine.storage.stores import at_server
from tests.pipelines.engine.tables import SCHEMA, commits_of, put, scores_of, write_shard
from tests.support.google_storage import google_storage

NIGHT, NEXT = tides.NIGHTS[:2]
ROWS, SHARD, COMMIT, LOOK = r"/rows/", r"/predictions/night=", r"/_delta_log/\d+\.json$", r"/_delta_log/"
FIRST = r"/_delta_log/0+1\.json$"
"""The commit of the first night; version 0 is the empty table."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Let clients give up soon; how often they try is not what is tested here."""
    monkeypatch.setattr(clients, "TRIES", 2)
    monkeypatch.setattr(clients, "SILENT_SECONDS", 2.0)
    patience = {"max_retries": "3", "retry_timeout": "3s", "timeout": "1s", "connect_timeout": "1s"}
    for name, value in patience.items():
        monkeypatch.setitem(clients.DELTA_PATIENCE, name, value)


@pytest.fixture
def remote(place, proxy, store, bucket):
    """A place with a champion and rows in a bucket, worked on by way of the proxy."""
    remote_places.move(place, f"s3://{bucket}", at_server(store.url))
    return remote_places.RemotePlace(
        place.home, place.pipeline, root=f"s3://{bucket}", credentials=at_server(proxy.url)
    )


@pytest.fixture
def past(remote, store):
    """The same place past the proxy, as readers see it."""
    return remote_places.RemotePlace(remote.home, remote.pipeline, root=remote.root, credentials=at_server(store.url))


def assert_published_once(past, night=NIGHT, version=1):
    assert past.versions() == version
    assert past.published(night)["buoy"].tolist() == tides.make_rows(night)["buoy"].tolist()


# --- a night and a training ------------------------------------------------------------------------------------------


def test_nights_are_published_once_and_the_second_call_claims_nothing(remote, proxy, past):
    first = [places.run_night(remote, night) for night in (NIGHT, NEXT)]
    assert_published_once(past, NIGHT, 2)
    assert_published_once(past, NEXT, 2)
    assert [one.headers.get("if-none-match") for one in proxy.asked("PUT", COMMIT)] == ["*"] * 3
    since = remote.ledger.now()
    elsewhere = remote.changed()
    assert [places.run_night(elsewhere, night).published for night in (NIGHT, NEXT)] == [
        each.published for each in first
    ]
    assert remote.ledger.claims_since(since) == 0
    assert past.versions() == 2
    assert first[0].checked["report"].startswith(f"{remote.root}/reports/tides/{NIGHT}/checks-")
    assert "tides_rows" in past.runtime.storage.at(first[0].checked["report"]).read_text()
    assert list(Path(remote.home).glob("tables/**/*.parquet")) == []


def test_training_learns_from_a_bucket_and_the_second_call_claims_nothing(fresh, bucket, store):
    fresh = remote_places.move(fresh, f"s3://{bucket}", at_server(store.url), all_nights=True)
    first = places.run_training(fresh)
    assert first.promoted["promoted"]
    pictures = fresh.runtime.storage.at(first.trained["report"])
    assert pictures.names() == ["calibration.png", "importance.png", "roc.png"]
    since = fresh.ledger.now()
    assert places.run_training(fresh.changed()).promoted == first.promoted
    assert fresh.ledger.claims_since(since) == 0


def test_refused_rows_are_kept_in_the_bucket_and_left_out(remote, past):
    rows = tides.make_rows(NIGHT)
    rows.loc[[3, 299], "wind"] = 99.0
    with remote.location("rows", NIGHT).writing() as temporary:
        tides.write(rows, temporary)
    done = places.run_night(remote, NIGHT)
    kept = pl.read_parquet(past.runtime.storage.at(done.checked["quarantine"]).copy())
    assert kept["position"].to_list() == [3, 299]
    assert not set(kept["buoy"]) & set(past.published(NIGHT)["buoy"])
    assert done.published["rows_scored"] == 298


def test_night_of_several_files_with_odd_names_is_scored_whole(remote, past):
    rows = tides.make_rows(NIGHT)
    folder = remote.location("rows", NIGHT).parent
    past_folder = past.runtime.storage.at(f"{folder}/{NIGHT}")
    for name, part in {"a b#1.parquet": rows[:100], "100%25?.parquet": rows[100:]}.items():
        with (past_folder / name).writing() as temporary:
            tides.write(part, temporary)
    past.runtime.storage.at(f"{folder}").store._files.delete_file(remote.location("rows", NIGHT).path)
    places.run_night(remote, NIGHT)
    assert_published_once(past)


def test_late_rows_are_a_new_version_and_the_old_one_can_be_read(remote, past):
    places.run_night(remote, NIGHT)
    before = past.published(NIGHT)["score"].tolist()
    remote.deliver(NIGHT, seed=1)
    assert places.run_night(remote, NIGHT).published["delta_version"] == 2
    assert past.published(NIGHT, version=1)["score"].tolist() == before
    assert past.published(NIGHT)["score"].tolist() != before


def test_rows_that_change_after_the_check_are_not_scored(remote, past):
    checked = places.validate(remote, NIGHT)
    past.deliver(NIGHT, seed=1)
    with pytest.raises(errors.RowsChanged, match="no longer the ones that were checked"):
        places.plan(remote, checked)
    assert past.versions() == -1


def test_rows_that_change_after_the_plan_are_scored_as_they_were_checked(remote, past):
    places.run_night(remote, NIGHT)
    others = past.published(NIGHT)["score"].tolist()
    past.deliver(NIGHT, seed=1)
    checked = places.validate(remote, NIGHT)
    planned = places.plan(remote, checked)
    past.deliver(NIGHT)
    places.publish(remote, checked, [places.score(remote, shard) for shard in planned])
    assert_published_once(past, version=2)
    assert past.published(NIGHT)["score"].tolist() != others


def test_rows_that_change_after_the_plan_are_not_scored_by_who_has_no_copy_of_them(remote, past):
    checked = places.validate(remote, NIGHT)
    planned = places.plan(remote, checked)
    past.deliver(NIGHT, seed=1)
    shutil.rmtree(remote.settings.cache / "copies")
    with pytest.raises(errors.RowsChanged, match="there is now other bytes"):
        places.score(remote, planned[0])


def test_lost_shard_file_is_made_again_and_published(remote, past):
    done = places.run_night(remote, NIGHT)
    expected = past.published(NIGHT)["score"].tolist()
    file = past.predictions / done.scored[0]["path"]
    file.store._files.delete_file(file.path)
    assert places.run_night(remote, NIGHT).published["delta_version"] == 2
    assert past.published(NIGHT)["score"].tolist() == expected


def test_other_readers_read_the_table_by_themselves(remote, store):
    places.run_night(remote, NIGHT)
    options = store.environment()
    frame = pl.scan_delta(str(remote.predictions), storage_options=options).filter(pl.col("night") == NIGHT).collect()
    assert sorted(frame["buoy"]) == tides.make_rows(NIGHT)["buoy"].tolist()
    predictions = DeltaTable(str(remote.predictions), storage_options=options).to_pyarrow_dataset()
    assert duckdb.sql("SELECT count(*), count(DISTINCT buoy) FROM predictions").fetchall() == [(300, 300)]
    assert predictions.count_rows() == 300


def prepare(folder, *, progress):
    """Make two nights, as a pipeline does that makes its own data."""
    nights = tides.NIGHTS[:2]
    missing = [night for night in nights if not (folder / "rows" / f"{night}.parquet").exists()]
    for night in missing:
        tides.write(tides.make_rows(night), folder / "rows" / f"{night}.parquet")
    return Prepared(2, len(missing), 2 - len(missing), rows=600, first=nights[0], last=nights[-1])


def test_data_that_a_pipeline_makes_is_delivered_once_and_mended(remote, past, proxy):
    maker = remote.declared(prepare=prepare)

    def delivered():
        done = deliver(maker.settings, maker.runtime.storage, maker.pipeline, no_progress)
        return done.written, done.unchanged

    past.deliver(NEXT, seed=1)
    assert delivered() == (1, 1), "the first night was there, and the second one held something else"
    assert delivered() == (0, 2)
    places.run_night(maker, NEXT)
    assert_published_once(past, NEXT)


# --- faults during a night -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["unavailable", "cut", "reply_lost"])
def test_night_survives_one_fault_at_each_place(remote, proxy, past, kind):
    faults = [("GET", ROWS), ("PUT", "/reports/"), ("PUT", SHARD), ("HEAD", SHARD), ("PUT", FIRST), ("GET", LOOK)]
    proxy.inject(*[Fault(kind, method, path) for method, path in faults])
    done = places.run_night(remote, NIGHT)
    assert_published_once(past)
    assert done.published["delta_version"] == 1
    assert len([one for one in proxy.exchanges if one.fault]) == len(faults)


@pytest.mark.parametrize(
    ("method", "path", "step"),
    [("GET", ROWS, None), ("PUT", "/reports/", "validate"), ("PUT", SHARD, "score"), ("PUT", FIRST, "publish")],
)
def test_night_that_meets_a_dead_store_is_tried_again_and_published_once(remote, proxy, past, method, path, step):
    proxy.inject(Fault("unavailable", method, path, times=None))
    with pytest.raises(errors.StorageUnavailable, match="does not answer"):
        places.run_night(remote, NIGHT)
    if step:
        (entry,) = remote.ledger.entries(step=step)
        assert (entry.state, entry.generation) == ("open", 1)
    assert remote.failed() == {}
    assert past.versions() <= 0
    proxy.clear()
    places.run_night(remote, NIGHT)
    assert_published_once(past)


def test_stale_holder_publishes_nothing_in_the_bucket(remote, past):
    checked = places.validate(remote, NIGHT)
    scored = [places.score(remote, shard) for shard in places.plan(remote, checked)]

    def take_over(moment):
        if moment == "claimed":
            (entry,) = remote.ledger.entries(step="publish")
            remote.ledger.force(entry.key, holder="test", reason="to take it over")

    with listening(take_over), pytest.raises(errors.FenceLost):
        places.publish(remote, checked, scored)
    assert past.versions() == 0
    places.publish(remote, checked, scored)
    assert_published_once(past)


def test_two_attempts_at_a_shard_write_two_files_and_the_table_names_one(remote, past):
    checked = places.validate(remote, NIGHT)
    (shard,) = places.plan(remote, checked)
    theirs = []

    def take_over(moment):
        if moment == "wrote the shard" and not theirs:
            theirs.append(None)
            (entry,) = remote.ledger.entries(step="score")
            remote.ledger.force(entry.key, holder="test", reason="to take it over")
            theirs[0] = places.score(remote.changed(), shard)

    with listening(take_over), pytest.raises(errors.FenceLost):
        places.score(remote, shard)
    places.publish(remote, checked, theirs)
    assert len((past.predictions / f"night={NIGHT}").names()) == 2
    assert [path for path in past.table().file_uris() if path.endswith(theirs[0]["path"])] == past.table().file_uris()
    assert_published_once(past)


def test_two_machines_on_one_night_make_one_commit(remote, store, bucket, past, tmp_path):
    checked = places.validate(remote, NIGHT)
    planned = places.plan(remote, checked)
    night = tmp_path / "night.json"
    night.write_text(json.dumps([checked, planned]))
    arguments = [store.url, bucket, str(remote.home), str(night)]
    with Race(night_in_a_bucket.__file__, arguments, tmp_path, 2) as race:
        said = list(race.answers().values())
    assert len(said) == 2
    assert said[0] == said[1]
    assert_published_once(past)


# --- faults of the commit itself -------------------------------------------------------------------------------------


@pytest.fixture
def table(proxy, bucket, tmp_path):
    """The folder of a table of one published night, by way of the proxy."""
    folder = Storage(tmp_path / "a", at_server(proxy.url)).at(f"s3://{bucket}/flights/predictions")
    put(folder, NIGHT, [write_shard(folder, NIGHT, "aa", {"f1": 0.1})], "first")
    return folder


@pytest.fixture
def readers(store, table, tmp_path):
    """The same folder past the proxy."""
    return Storage(tmp_path / "b", at_server(store.url)).at(str(table))


@pytest.mark.parametrize("kind", ["unavailable", "cut", "cut_midway", "reply_lost"])
def test_commit_survives_a_fault_and_is_there_once(table, proxy, readers, kind):
    new = [write_shard(table, NIGHT, "bb", {"f1": 0.9})]
    proxy.clear()
    proxy.inject(Fault(kind, "PUT", COMMIT))
    done = put(table, NIGHT, new, "second")
    assert (done.version, done.adopted) == (2, kind == "reply_lost")
    assert scores_of(readers, NIGHT) == {"f1": 0.9}
    assert len(commits_of(readers)) == 2
    assert {one.headers["if-none-match"] for one in proxy.asked("PUT", COMMIT)} == {"*"}


def test_commit_whose_replies_are_all_lost_is_found_and_adopted(table, proxy, readers):
    new = [write_shard(table, NIGHT, "bb", {"f1": 0.9})]
    proxy.inject(Fault("reply_lost", "PUT", COMMIT, times=None))
    assert put(table, NIGHT, new, "second").adopted
    assert scores_of(readers, NIGHT) == {"f1": 0.9}
    assert len(commits_of(readers)) == 2


def test_commit_that_is_applied_after_its_answer_was_given_up_is_adopted_by_the_next_try(table, proxy, readers):
    new = [write_shard(table, NIGHT, "bb", {"f1": 0.9})]
    proxy.clear()
    proxy.inject(Fault("slow", "PUT", COMMIT, seconds=1.5))
    with pytest.raises(errors.StorageUnavailable, match="timed out"):
        put(table, NIGHT, new, "second")
    assert scores_of(readers, NIGHT) == {"f1": 0.1}
    wait_until(lambda: proxy.asked("PUT", COMMIT)[0].status)
    done = put(table, NIGHT, new, "second", fence=2)
    assert (done.version, done.adopted) == (2, True)
    assert len(commits_of(readers)) == 2


def test_commit_that_arrives_after_its_successor_changes_nothing(table, proxy, readers):
    old, new = [write_shard(table, NIGHT, key, {"f1": score}) for key, score in (("bb", 0.8), ("cc", 0.9))]
    proxy.clear()
    proxy.inject(Fault("slow", "PUT", COMMIT, seconds=1.5))
    with pytest.raises(errors.StorageUnavailable):
        put(table, NIGHT, [old], "second")
    assert put(readers, NIGHT, [new], "third", fence=2).version == 2
    wait_until(lambda: proxy.asked("PUT", COMMIT)[0].status)
    assert proxy.asked("PUT", COMMIT)[0].status == 412
    assert scores_of(readers, NIGHT) == {"f1": 0.9}
    assert len(commits_of(readers)) == 2


@pytest.mark.parametrize("kind", ["unavailable", "slow"])
def test_table_that_cannot_be_opened_is_retryable_and_not_made_anew(table, proxy, readers, kind):
    new = [write_shard(table, NIGHT, "bb", {"f1": 0.9})]
    proxy.inject(Fault(kind, "GET", LOOK, times=None, seconds=4))
    with pytest.raises(errors.StorageUnavailable, match="does not answer"):
        put(table, NIGHT, new, "second")
    assert scores_of(readers, NIGHT) == {"f1": 0.1}


def test_table_that_two_create_at_once_is_created_once(store, bucket, tmp_path):
    folder = Storage(tmp_path, at_server(store.url)).at(f"s3://{bucket}/new/predictions")
    created = delta._create(folder, _columns())
    again = delta._create(folder, _columns())
    assert created.version() == again.version() == 0


def _columns():
    return pa.schema([*SCHEMA, pa.field("night", pa.string(), nullable=False)])


@pytest.mark.parametrize("kind", ["unavailable", "cut"])
def test_checkpoint_that_cannot_be_written_does_not_undo_the_commit(proxy, store, bucket, tmp_path, kind):
    folder = Storage(tmp_path, at_server(proxy.url)).at(f"s3://{bucket}/often/predictions")
    DeltaTable.create(
        str(folder),
        _columns(),
        partition_by=["night"],
        configuration={"delta.checkpointInterval": "1"},
        storage_options=folder.delta_options(),
    )
    shard = write_shard(folder, NIGHT, "aa", {"f1": 0.1})
    proxy.inject(Fault(kind, "PUT", "checkpoint", times=None), Fault(kind, "POST", "checkpoint", times=None))
    assert put(folder, NIGHT, [shard], "first").version == 1
    proxy.clear()
    assert scores_of(folder, NIGHT) == {"f1": 0.1}
    assert len(commits_of(folder)) == 1


# --- Google ----------------------------------------------------------------------------------------------------------


def test_night_is_published_once_on_a_store_that_speaks_googles_interfaces(place):
    """Not Google's own server; see `tests/support/google_storage.py`."""
    with google_storage("nights") as server, HttpProxy(server) as proxy:
        who = Google(endpoint=proxy.url, anonymous=True)
        remote = remote_places.move(place, "gs://nights", lambda _: who)
        proxy.inject(Fault("unavailable", "PUT", COMMIT), Fault("reply_lost", "PUT", COMMIT))
        first = places.run_night(remote, NIGHT)
        assert_published_once(remote)
        since = remote.ledger.now()
        assert places.run_night(remote.changed(), NIGHT).published == first.published
        assert remote.ledger.claims_since(since) == 0
        assert {one.headers["x-goog-if-generation-match"] for one in proxy.asked("PUT", COMMIT)} == {"0"}
        remote.deliver(NIGHT, seed=1)
        assert places.run_night(remote, NIGHT).published["delta_version"] == 2
