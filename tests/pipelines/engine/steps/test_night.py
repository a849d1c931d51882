"""A night from validate to monitor, on a real ledger, a real registry and a real table."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.engine.encoding import Encoding
from pipelines.engine.errors import TooManyRefused
from pipelines.engine.steps import monitor
from pipelines.engine.steps.champion import fetch, require_champion
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import (
    champion,
    plan,
    publish,
    run_night,
    run_training,
    score,
    validate,
)

NIGHT = tides.NIGHTS[0]


def deliver_with_strange_wind(place, night=NIGHT, strange=(3, 120, 299)):
    rows = tides.make_rows(night)
    rows.loc[list(strange), "wind"] = 99.0
    tides.write(rows, place.rows(night))
    return rows


def test_three_nights_are_published_each_row_once(place):
    for night in tides.NIGHTS:
        done = run_night(place, night)
        rows = place.published(night)
        assert rows["buoy"].tolist() == tides.make_rows(night)["buoy"].tolist()
        assert set(rows["model_version"]) == {"1"}
        assert set(rows["task_key"]) == {done.scored[0]["key"]}
        assert (done.published["rows_in"], done.published["rows_scored"]) == (300, 300)
    assert place.versions() == 3


def test_second_call_of_every_step_claims_nothing_and_leaves_the_table_alone(place):
    first = [run_night(place, night) for night in tides.NIGHTS]
    since, version = place.ledger.now(), place.versions()
    again = [run_night(place, night) for night in tides.NIGHTS]
    assert place.ledger.claims_since(since) == 0
    assert place.versions() == version
    assert [night.published for night in again] == [night.published for night in first]
    assert [night.seen for night in again] == [night.seen for night in first]


def test_a_second_process_finds_everything_done(place):
    first = run_night(place, NIGHT)
    since = place.ledger.now()
    again = run_night(place.changed(), NIGHT)
    assert place.ledger.claims_since(since) == 0
    assert again.published == first.published


def test_refused_rows_are_kept_with_their_reasons_and_not_published(place):
    rows = deliver_with_strange_wind(place)
    done = run_night(place, NIGHT)
    kept = pd.read_parquet(done.checked["quarantine"])
    assert kept["position"].tolist() == [3, 120, 299]
    assert set(kept["reasons"]) == {"wind lies between -5 and 5"}
    assert kept["buoy"].tolist() == rows.loc[[3, 120, 299], "buoy"].tolist()
    assert not set(kept["buoy"]) & set(place.published(NIGHT)["buoy"])
    counts = done.published
    assert counts["rows_in"] == counts["rows_scored"] + counts["rows_quarantined"] == 297 + 3


def test_scores_are_what_the_booster_predicts_on_the_same_rows(place):
    run_night(place, NIGHT)
    package = fetch(place.runtime, require_champion(place.runtime, place.pipeline))
    encoding = Encoding(tuple(tides.FEATURES), {"sea": tides.SEAS})
    table = pq.read_table(place.rows(NIGHT))
    expected = lightgbm.Booster(model_file=str(package / "model.txt")).predict(encoding.matrix(table))
    np.testing.assert_array_equal(place.published(NIGHT)["score"].to_numpy(), expected)


def deliver_in_several_files(place, night=NIGHT):
    """Three files with several row groups each, in a folder instead of one file; some rows will be refused."""
    rows = deliver_with_strange_wind(place)
    place.rows(night).unlink()
    for number, part in enumerate((rows[:130], rows[130:140], rows[140:])):
        tides.write(part, place.rows(night).with_suffix("") / f"part-{number}.parquet", row_group=32)


def test_many_shards_give_the_same_scores_as_one(place):
    whole = run_night(place, NIGHT)
    expected = place.published(NIGHT)[["buoy", "score"]]
    assert len(whole.planned) == 1

    deliver_in_several_files(place)
    pieces = run_night(place.declared(shard_bytes=1), NIGHT)
    assert len(pieces.planned) > 5
    assert sum(shard["rows_scored"] for shard in pieces.scored) == 297
    refused = pd.read_parquet(pieces.checked["quarantine"])["buoy"]
    assert len(refused) == 3
    expected = expected[~expected["buoy"].isin(refused)].reset_index(drop=True)
    pd.testing.assert_frame_equal(place.published(NIGHT)[["buoy", "score"]], expected)


def test_the_same_rows_under_another_file_name_are_done_already(place):
    first = run_night(place, NIGHT)
    since = place.ledger.now()
    folder = place.rows(NIGHT).with_suffix("")
    folder.mkdir()
    place.rows(NIGHT).rename(folder / "delivered-again.parquet")
    assert run_night(place, NIGHT).published == first.published
    assert place.ledger.claims_since(since) == 0


def test_a_new_champion_publishes_a_new_version_of_the_night(place):
    run_night(place, NIGHT)
    better = place.declared(fit=tides.fit_linear)
    assert run_training(better).promoted["promoted"]
    assert champion(place) == "2"
    done = run_night(better, NIGHT)
    assert done.published["delta_version"] == 2
    assert set(place.published(NIGHT)["model_version"]) == {"2"}
    assert set(place.published(NIGHT, version=1)["model_version"]) == {"1"}


@pytest.fixture
def inside_ledger(place):
    """Run a statement on the ledger's file, past its operations."""

    def run(statement):
        with closing(sqlite3.connect(place.home / "ledger.db")) as connection:
            connection.execute(statement)
            connection.commit()

    return run


def deliver(place, seed):
    return tides.write(tides.make_rows(NIGHT, seed=seed), place.rows(NIGHT))


def test_deliveries_may_alternate_and_the_table_always_shows_the_newest(place):
    shown = []
    for turn, seed in enumerate((0, 1, 0, 1, 0), start=1):
        deliver(place, seed)
        done = run_night(place, NIGHT)
        assert done.published["delta_version"] == turn == place.versions()
        since = place.ledger.now()
        assert run_night(place, NIGHT).published == done.published
        assert place.ledger.claims_since(since) == 0
        shown.append(place.published(NIGHT)["score"].tolist())
    assert shown[0] == shown[2] == shown[4] != shown[1] == shown[3]


def test_a_task_of_an_older_run_does_not_replace_the_publication_of_a_newer_one(place):
    older = validate(place, NIGHT)
    scored = [score(place, shard) for shard in plan(place, older)]
    deliver(place, seed=1)  # late rows, and a second run for them
    newer = run_night(place, NIGHT).published
    told = publish(place, older, scored)
    assert (told["delta_version"], told["key"]) == (newer["delta_version"], newer["key"])
    assert "clear its plan task" in told["superseded"]
    assert place.versions() == newer["delta_version"]


def test_publication_of_an_earlier_version_of_the_ledger_is_replaced_and_answered_as_before(place, inside_ledger):
    first = run_night(place, NIGHT).published
    inside_ledger("UPDATE task_keys SET result = json_remove(result, '$.planned_at') WHERE step = 'publish'")
    older = validate(place, NIGHT)
    scored = [score(place, shard) for shard in plan(place, older)]
    deliver(place, seed=1)
    newer = run_night(place, NIGHT).published
    assert newer["delta_version"] == first["delta_version"] + 1
    assert publish(place, older, scored)["key"] == newer["key"]


def test_an_older_run_that_is_planned_again_publishes_what_it_scored(place):
    older = validate(place, NIGHT)
    before = place.rows(NIGHT).read_bytes()
    deliver(place, seed=1)
    run_night(place, NIGHT)
    place.rows(NIGHT).write_bytes(before)
    told = publish(place, older, [score(place, shard) for shard in plan(place, older)])
    assert "superseded" not in told
    assert place.versions() == told["delta_version"] == 2


def test_a_publication_that_is_forced_while_the_table_shows_it_stands(place):
    done = run_night(place, NIGHT)
    place.ledger.force(done.published["key"], holder="test", reason="on purpose")
    again = publish(place, done.checked, done.scored)
    assert again == done.published
    assert place.versions() == 1
    assert len(place.published(NIGHT)) == 300


def test_other_nights_stay_when_one_is_published_again(place):
    for night in tides.NIGHTS[:2]:
        run_night(place, night)
    before = place.published(tides.NIGHTS[1])
    deliver(place, seed=5)
    run_night(place, NIGHT)
    pd.testing.assert_frame_equal(place.published(tides.NIGHTS[1]), before)


def test_a_lost_shard_file_is_made_again_and_published(place):
    done = run_night(place, NIGHT)
    expected = place.published(NIGHT)["score"].tolist()
    (place.predictions / done.scored[0]["path"]).unlink()
    again = run_night(place, NIGHT)
    assert again.scored[0]["path"] != done.scored[0]["path"]
    assert again.published["delta_version"] == 2
    assert place.published(NIGHT)["score"].tolist() == expected


def test_a_lost_quarantine_file_is_made_again(place):
    deliver_with_strange_wind(place)
    done = run_night(place, NIGHT)
    (path,) = {done.checked["quarantine"]}
    pd.read_parquet(path)
    place.home.joinpath(path).unlink()
    again = validate(place, NIGHT)
    assert pd.read_parquet(again["quarantine"])["position"].tolist() == [3, 120, 299]
    assert again["quarantine_sha256"] == done.checked["quarantine_sha256"]


def test_the_champion_is_pinned_when_the_night_is_planned(place):
    checked = validate(place, NIGHT)
    planned = plan(place, checked)
    run_training(place.declared(fit=tides.fit_linear))
    assert champion(place) == "2"
    done = publish(place, checked, [score(place, shard) for shard in planned])
    assert done["model_version"] == "1"


def test_every_row_tells_when_and_by_what_it_was_scored(place):
    done = run_night(place, NIGHT)
    entry = place.ledger.entry(done.scored[0]["key"])
    rows = place.published(NIGHT)
    (moment,) = set(rows["scored_at"])
    assert moment.timestamp() == pytest.approx(entry.claimed_at, abs=1e-3)
    commit = place.table().history(1)[0]
    assert commit["nightshift.night"] == NIGHT
    assert commit["nightshift.key"] == done.published["key"]
    assert commit["nightshift.rows_in"] == "300"


def test_other_readers_see_an_ordinary_delta_table(place):
    import duckdb

    for night in tides.NIGHTS[:2]:
        run_night(place, night)
    predictions = place.table().to_pyarrow_dataset()
    assert predictions.count_rows() == 600
    doubled = duckdb.sql("SELECT night, buoy FROM predictions GROUP BY ALL HAVING count(*) > 1").fetchall()
    assert doubled == []


def test_monitor_finds_the_scores_of_an_ordinary_night_stable(place):
    done = run_night(place, NIGHT)
    assert done.seen["score_mean"] == pytest.approx(place.published(NIGHT)["score"].mean(), abs=1e-6)
    assert done.seen["score_stability"] < 0.25


@pytest.mark.parametrize(
    ("nights", "deviation", "expected"),
    [(7, 0.1, 2.0), (6, 0.1, None), (28, 0.0, None)],
    ids=["told", "few", "constant"],
)
def test_a_night_is_only_called_unusual_where_the_holdout_can_tell(nights, deviation, expected):
    holdout = {"nights": nights, "mean": 0.3, "deviation": deviation}
    assert monitor.deviations_of(0.5, holdout) == expected


def test_monitor_warns_when_the_scores_moved(place, monkeypatch):
    monkeypatch.setattr(monitor, "FEWEST_NIGHTS", 3)
    rows = tides.make_rows(NIGHT)
    rows["wind"], rows["depth"] = 3.0, 199
    tides.write(rows, place.rows(NIGHT))
    seen = run_night(place, NIGHT).seen
    assert seen["score_stability"] > 0.25
    assert len(seen["warnings"]) == 2
    assert "the holdout nights had" in seen["warnings"][0]
    assert "1 expectation of tides_rows warned" in seen["warnings"][1]


def test_a_lost_ledger_never_overwrites_a_file_that_readers_see(place, migrated_file):
    first = run_night(place, NIGHT)
    named = place.predictions / first.scored[0]["path"]
    content = named.read_bytes()
    for file in place.home.glob("ledger.db*"):
        file.unlink()
    (place.home / "ledger.db").write_bytes(migrated_file.read_bytes())
    again = run_night(place, NIGHT)
    assert again.scored[0]["path"] != first.scored[0]["path"]
    assert named.read_bytes() == content
    assert len(place.published(NIGHT)) == again.published["rows_scored"]


def test_the_report_of_a_night_with_too_many_refused_rows_says_that_it_stopped(place):
    rows = tides.make_rows(NIGHT)
    rows.loc[:59, "wind"] = 50.0
    tides.write(rows, place.rows(NIGHT))
    with pytest.raises(TooManyRefused) as stopped:
        run_night(place, NIGHT)
    page = Path(stopped.value.report).read_text()
    assert "60 of 300 rows were refused (20.0%); at most 10.0% may be. The night stops here" in page
    assert "The night goes on" not in page
    assert stopped.value.key == place.ledger.entries(step="validate", partition=NIGHT)[0].key
