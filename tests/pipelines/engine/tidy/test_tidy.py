"""What goes and what stays, on a real ledger, a real registry and a real table, after some time has passed."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.engine.errors import StorageError
from pipelines.engine.moments import listening
from pipelines.engine.tidy import tidy
from pipelines.engine.tidy.tidy import ALONE
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import monitor, plan, publish, run_night, run_training, score, validate
from tests.pipelines.engine.tidy.time_travel import let_files_age, let_time_pass

NIGHT, OTHER = tides.NIGHTS[:2]


class Interrupted(BaseException):
    """A person, or a machine, ends the process."""


def clean(place, *, dry_run=False, everything=True, days=30.0):
    return tidy(place.runtime, [place.pipeline], retention_days=days, everything=everything, dry_run=dry_run)


def kinds(report):
    found = Counter()
    for row in report["found"]:
        found[row["kind"]] += row["count"]
    return found


def deliver(place, seed, night=NIGHT):
    tides.write(tides.make_rows(night, seed=seed), place.rows(night))


def deliver_with_strange_wind(place, night=NIGHT, seed=0):
    rows = tides.make_rows(night, seed=seed)
    rows.loc[[3, 120, 299], "wind"] = 99.0
    tides.write(rows, place.rows(night))


def shards_of(place, night=NIGHT):
    return sorted(path.name for path in (place.predictions / f"night={night}").glob("*.parquet"))


def path_of(place, scored):
    return place.predictions / scored["path"]


def assert_done(place, night, before):
    """Asked for again, the night answers with what it answered before, and nothing is done."""
    since, version = place.ledger.now(), place.versions()
    again = run_night(place, night)
    assert place.ledger.claims_since(since) == 0
    assert place.versions() == version
    assert again.published == before.published


@pytest.fixture
def replaced(place):
    """A night that was published twice, of two deliveries; the first one's files are named by no version any more."""
    first = run_night(place, NIGHT)
    deliver(place, seed=1)
    second = run_night(place, NIGHT)
    return first, second


def test_replaced_night_goes_after_the_retention_and_readers_notice_nothing(place, replaced):
    first, second = replaced
    let_time_pass(place, 40)
    before, size = place.published(NIGHT), path_of(place, first.scored[0]).stat().st_size
    report = clean(place)
    assert not path_of(place, first.scored[0]).exists()
    assert place.published(NIGHT).equals(before)
    (row,) = [row for row in report["found"] if row["kind"] == "replaced shards"]
    assert (row["what"], row["count"], row["bytes"]) == ("tides", 1, size)
    assert_done(place, NIGHT, second)


def test_older_versions_within_the_retention_stay_readable(place, replaced):
    first, _ = replaced
    before = place.published(NIGHT, version=first.published["delta_version"])
    let_time_pass(place, 20)
    clean(place)
    assert place.published(NIGHT, version=first.published["delta_version"]).equals(before)


def test_dry_run_says_the_same_and_changes_nothing(place, replaced):
    let_time_pass(place, 40)
    files = {
        path: path.stat().st_mtime_ns for path in place.home.rglob("*") if path.suffix not in (".db-wal", ".db-shm")
    }
    entries, version = place.ledger.entries(), place.versions()
    said = clean(place, dry_run=True)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert (place.ledger.entries(), place.versions()) == (entries, version)
    done = clean(place)
    assert (said["dry_run"], done["dry_run"]) == (True, False)
    assert [row for row in said["found"] if row["kind"] != "events"] == [
        row for row in done["found"] if row["kind"] != "events"
    ]
    assert clean(place, dry_run=True)["found"] == []


def test_finished_nights_are_still_done_after_everything_old_went(place):
    done = {night: run_night(place, night) for night in tides.NIGHTS}
    let_time_pass(place, 400)
    assert kinds(clean(place))["events"] > 0
    for night in tides.NIGHTS:
        assert_done(place, night, done[night])


def test_file_of_a_running_score_is_never_removed(place):
    shard = plan(place, validate(place, NIGHT))[0]
    found = []

    def tidy_meanwhile(moment):
        if moment == "wrote the shard":
            let_files_age(place, 4000)
            found.append(clean(place))

    with listening(tidy_meanwhile):
        scored = score(place, shard)
    assert found
    assert "replaced shards" not in kinds(found[0])
    assert publish(place, validate(place, NIGHT), [scored])["rows_scored"] == 300


def test_half_a_file_of_a_running_score_is_never_removed(place):
    shard = plan(place, validate(place, NIGHT))[0]
    found = []

    def tidy_meanwhile(moment):
        if moment == "scored a batch":
            let_files_age(place, 4000)
            found.append(clean(place))

    with listening(tidy_meanwhile):
        assert path_of(place, score(place, shard)).exists()
    assert found
    assert "unfinished files" not in kinds(found[0])


def test_scores_that_wait_for_their_publication_stay_for_the_retention(place):
    checked = validate(place, NIGHT)
    scored = score(place, plan(place, checked)[0])
    let_time_pass(place, 20)
    clean(place)
    since = place.ledger.now()
    assert score(place, plan(place, checked)[0])["path"] == scored["path"]
    assert place.ledger.claims_since(since) == 0
    assert publish(place, checked, [scored])["rows_scored"] == 300


def test_scores_that_were_never_published_go_and_are_made_again_when_asked_for(place):
    run_night(place, OTHER)
    checked = validate(place, NIGHT)
    scored = score(place, plan(place, checked)[0])
    let_time_pass(place, 40)
    clean(place)
    assert not path_of(place, scored).exists()
    assert run_night(place, NIGHT).published["rows_scored"] == 300
    assert len(place.published(NIGHT)) == 300


def score_that_is_interrupted(place, night=NIGHT):
    """Leave a whole file behind that the ledger knows nothing of."""

    def interrupt(moment):
        if moment == "wrote the shard":
            raise Interrupted

    with listening(interrupt), pytest.raises(Interrupted):
        score(place, plan(place, validate(place, night))[0])
    (name,) = shards_of(place, night)
    return place.predictions / f"night={night}" / name


@pytest.mark.parametrize(("days", "stays"), [(1.9, True), (2.1, False)])
def test_file_of_a_lost_fence_goes_after_a_short_while_though_its_night_is_busy(place, days, stays):
    lost = score_that_is_interrupted(place)
    let_files_age(place, days)
    done = run_night(place, NIGHT)
    clean(place)
    assert lost.exists() == stays
    assert_done(place, NIGHT, done)


def test_file_of_a_late_holder_stays_as_nobody_took_its_key_over(place):
    shard, paths = plan(place, validate(place, NIGHT))[0], []

    def stand_still(moment):
        if moment == "wrote the shard":
            let_time_pass(place, 20)
            paths.append(clean(place))

    with listening(stand_still):
        scored = score(place, shard)
    assert paths
    assert path_of(place, scored).exists()


def test_file_of_a_lost_fence_is_judged_by_the_store_s_time_and_the_ledger_s_clock_alone(place, monkeypatch):
    lost = score_that_is_interrupted(place)
    in_a_year = place.ledger.now() + 365 * 86_400
    monkeypatch.setattr("time.time", lambda: in_a_year)
    clean(place)
    assert lost.exists()


def test_publisher_s_wrong_clock_removes_nothing_that_the_ledger_knows_to_be_young(place, replaced):
    """Files and the table's log say that all of it is old; the ledger says that it was today."""
    first, _ = replaced
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.pipelines.engine.ledgers.Inside.let_time_pass", lambda *_: None)
        let_time_pass(place, 400)
    assert "replaced shards" not in kinds(clean(place))
    assert path_of(place, first.scored[0]).exists()


def test_rolled_back_night_is_scored_again_after_its_files_went(place, replaced):
    first, _ = replaced
    let_time_pass(place, 40)
    clean(place)
    deliver(place, seed=0)
    again = run_night(place, NIGHT)
    assert again.published["rows_scored"] == 300
    assert again.scored[0]["path"] != first.scored[0]["path"]
    assert place.published(NIGHT)["task_key"].unique().tolist() == [first.scored[0]["key"]]


def told_that_the_first_scores_are_there(place):
    """Deliver the first rows again, and do all but publish them: everything was done, and nothing is noted anywhere."""
    deliver(place, seed=0)
    since = place.ledger.now()
    checked = validate(place, NIGHT)
    scored = [score(place, shard) for shard in plan(place, checked)]
    assert place.ledger.claims_since(since) == 0
    return checked, scored


def test_slow_publisher_is_refused_what_was_given_up(place, replaced):
    """It was told that its scores are there; then it stood still while they were removed."""
    let_time_pass(place, 40)
    checked, scored = told_that_the_first_scores_are_there(place)
    clean(place)
    before = place.published(NIGHT)
    with pytest.raises(StorageError, match="nothing was published"):
        publish(place, checked, scored)
    assert place.published(NIGHT).equals(before)
    assert run_night(place, NIGHT).published["rows_scored"] == 300


def test_publication_that_names_old_files_again_while_they_are_removed_keeps_them(place, replaced, monkeypatch):
    from pipelines.engine.tidy import shards

    let_time_pass(place, 40)
    checked, scored = told_that_the_first_scores_are_there(place)

    def published_meanwhile(folder, floors):
        publish(place, checked, scored)
        return give_up(folder, floors)

    give_up = shards.give_up
    monkeypatch.setattr(shards, "give_up", published_meanwhile)
    assert "replaced shards" not in kinds(clean(place))
    assert place.published(NIGHT)["task_key"].unique().tolist() == [scored[0]["key"]]
    assert len(place.published(NIGHT)) == 300


def test_strange_files_in_the_table_s_folder_are_not_ours_to_remove(place, replaced):
    strange = [place.predictions / f"night={NIGHT}" / "notes.txt", place.predictions / "part-0.parquet"]
    for path in strange:
        path.write_text("precious")
    let_time_pass(place, 400)
    clean(place)
    assert all(path.read_text() == "precious" for path in strange)


def test_table_whose_ledger_was_lost_keeps_what_is_young_and_what_readers_see(place, replaced, migrated_file):
    first, _ = replaced
    (place.home / "ledger.db").write_bytes(migrated_file.read_bytes())
    anew = place.changed()
    before = anew.published(NIGHT)
    assert kinds(clean(anew)) == {}
    let_time_pass(anew, 40)
    assert kinds(clean(anew))["replaced shards"] == 1
    assert not path_of(place, first.scored[0]).exists()
    assert anew.published(NIGHT).equals(before)


def test_quarantine_of_a_published_night_stays_for_ever(place):
    deliver_with_strange_wind(place)
    done = run_night(place, NIGHT)
    deliver_with_strange_wind(place, seed=1)
    second = run_night(place, NIGHT)
    let_time_pass(place, 4000)
    clean(place)
    assert all(Path(each.checked["quarantine"]).exists() for each in (done, second))
    assert_done(place, NIGHT, second)


def test_checks_that_later_ones_superseded_go_and_are_made_again_when_asked_for(place):
    deliver_with_strange_wind(place)
    first = validate(place, NIGHT)
    deliver(place, seed=1)
    second = validate(place, NIGHT)
    let_time_pass(place, 40)
    found = kinds(clean(place))
    assert (found["quarantine"], found["reports"]) == (1, 1)
    assert not Path(first["quarantine"]).exists()
    assert Path(second["report"]).exists()
    deliver_with_strange_wind(place)
    assert Path(run_night(place, NIGHT).checked["quarantine"]).exists()


def test_pictures_of_a_superseded_training_go_and_the_newest_ones_stay(place):
    run_training(place)
    other = place.declared(fit=tides.fit_badly)
    trained = run_training(other).trained
    let_time_pass(place, 40)
    pictures = set(Path(place.settings.reports).rglob("*.png"))
    clean(place)
    kept = set(Path(place.settings.reports).rglob("*.png"))
    assert {path.parent for path in kept} == {Path(trained["report"])}
    assert kept < pictures


def test_half_files_of_killed_writers_go_after_a_short_while(place):
    run_night(place, NIGHT)
    left = [
        place.predictions / f"night={NIGHT}" / f".{'ab' * 16}-1-0.parquet.77.part",
        Path(place.settings.reports) / "tides" / NIGHT / ".checks-x.html.77.part",
        place.settings.cache / "outgoing" / ".s3--bucket--x.parquet.77.part",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    assert kinds(clean(place)) == {}
    let_time_pass(place, 3)
    assert kinds(clean(place)) == {"unfinished files": 3}
    assert not any(path.exists() for path in left)


def test_cache_that_nobody_used_goes_and_comes_again(place):
    run_night(place, NIGHT)
    copies = place.settings.cache / "copies"
    copies.mkdir(exist_ok=True)
    (copies / "abc.parquet").write_text("copy")
    let_time_pass(place, 40)
    assert kinds(clean(place))["cache"] == 2
    assert not (copies / "abc.parquet").exists()
    assert run_night(place, OTHER).published["rows_scored"] == 300


def test_model_that_is_used_every_night_stays_in_the_cache(place):
    run_night(place, NIGHT)
    let_time_pass(place, 40)
    run_night(place, OTHER)
    assert "cache" not in kinds(clean(place))


def test_one_pipeline_alone_leaves_the_machine_and_other_pipelines_alone(place):
    run_night(place, NIGHT)
    let_time_pass(place, 40)
    others = place.declared(name="waves")
    assert kinds(clean(others, everything=False)) == {}
    assert set(kinds(clean(place, everything=False))) == {"events"}


def test_run_that_was_deleted_in_mlflow_goes_and_the_champion_s_stays(place):
    client = place.runtime.registry._store.client
    (champion,) = client.search_runs([client.get_experiment_by_name("tides").experiment_id])
    other = client.create_run(champion.info.experiment_id).info.run_id
    for run in (champion.info.run_id, other):
        client.delete_run(run)
    assert "mlflow" not in kinds(clean(place))
    let_time_pass(place, 40)
    assert kinds(clean(place))["mlflow"] == 1
    with closing(sqlite3.connect(place.home / "mlflow" / "mlflow.db")) as mlflow:
        assert mlflow.execute("SELECT run_uuid FROM runs").fetchall() == [(champion.info.run_id,)]


def test_trash_of_a_server_is_left_to_it_in_words(place):
    with_server = place.changed(tracking_uri="http://127.0.0.1:9")
    (note,) = clean(with_server, dry_run=True)["notes"]
    assert "run `mlflow gc --older-than 30d`" in note


def test_second_tidy_waits_for_the_first(place):
    claim = place.ledger.claim(ALONE, holder="somebody else")
    done = threading.Event()
    thread = threading.Thread(target=lambda: (clean(place), done.set()), daemon=True)
    thread.start()
    assert not done.wait(0.5)
    place.ledger.release(claim, "left")
    assert done.wait(30)
    thread.join()


def test_nothing_is_found_where_nothing_was_ever_done(fresh):
    for dry_run in (True, False):
        report = clean(fresh, dry_run=dry_run)
        assert (report["found"], report["bytes"], report["notes"]) == ([], 0, [])


def test_monitor_finds_its_model_after_a_tidy(place):
    done = run_night(place, NIGHT)
    let_time_pass(place, 40)
    clean(place)
    place.ledger.force(done.seen["key"], holder="test", reason="to look again")
    assert monitor(place, done.checked, done.published)["score_mean"] == done.seen["score_mean"]
