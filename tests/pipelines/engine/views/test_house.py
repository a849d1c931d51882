"""What people look at, from real nights and from a long history on both databases."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from benchmarks.histories import FAILS_EVERY, LATE_EVERY, fill
from pipelines.engine.errors import RowsMissing, UnknownNight, UnknownPipeline
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.pipeline import Gate
from pipelines.engine.promises.values import Declaration
from pipelines.engine.views.attempts import attempt_of
from pipelines.engine.views.house import House
from tests.pipelines.engine.ledgers import BOTH
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import judge_training, run_night, run_training, validate

FIRST, SECOND, *_ = tides.NIGHTS
NIGHTS = 70


def strip_of(place):
    return next(strip for strip in House(place.settings).strips() if strip.pipeline == "tides")


def strange_wind(place, night):
    rows = tides.make_rows(night)
    rows.loc[[3, 120], "wind"] = 99.0
    tides.write(rows, place.rows(night))


def test_published_night_is_told_with_its_steps_shards_scores_and_versions(place):
    run_night(place, FIRST)
    strange_wind(place, SECOND)
    run_night(place, SECOND)
    night = House(place.settings).night("tides", SECOND)
    assert night.cell.state == "published"
    assert [(step.step, step.state) for step in night.steps] == [
        (step, "done") for step in ("validate", "plan", "score", "publish", "monitor")
    ]
    assert (night.cell.rows_in, night.cell.rows_scored, night.cell.rows_quarantined) == (300, 298, 2)
    assert sum(shard.rows_scored or 0 for shard in night.shards) == 298
    assert night.checked.failed[0].severity == "quarantine"
    assert (place.home / "tables" / night.quarantine).exists()
    assert (place.home / "reports" / night.checked.report).exists()
    for shares in (night.distribution.tonight, night.distribution.last_week, night.distribution.training):
        assert sum(shares) == pytest.approx(1.0, abs=1e-4)
    assert [version.until_at for version in night.versions] == [None]
    assert (night.before, night.after) == (FIRST, None)
    assert "claimed it" in night.keys[0].lines[0].sentence
    json.dumps(asdict(night))


def test_second_delivery_shows_what_readers_saw_before(place):
    run_night(place, FIRST)
    tides.write(tides.make_rows(FIRST).head(200), place.rows(FIRST))
    run_night(place, FIRST)
    before, now = House(place.settings).night("tides", FIRST).versions
    assert (before.rows_scored, now.rows_scored) == (300, 200)
    assert before.until_at == now.from_at
    assert "inputs.scores" in now.because


def test_rows_that_cannot_be_read_are_a_failed_night_with_the_reason(place):
    place.rows(FIRST).write_bytes(b"no Parquet")
    with pytest.raises(Exception, match="tides"):
        validate(place, FIRST)
    [cell] = strip_of(place).nights
    assert cell.state == "failed"
    assert cell.error
    assert House(place.settings).night("tides", FIRST).steps[0].state == "failed"
    [looked] = House(place.settings).checks("tides").nights
    assert (looked.status, looked.rows) == ("unchecked", None)


def test_night_that_stopped_between_two_steps_is_unfinished(place):
    validate(place, FIRST)
    assert [cell.state for cell in strip_of(place).nights] == ["unfinished"]


def test_night_between_two_steps_is_running_while_its_run_in_airflow_is(place):
    observed = Observations(place.settings.ledger_url)
    observed.declare([Declaration("tides_scoring", kind="scoring", pipeline="tides", partitioned=True).to_json()])
    for night in (FIRST, SECOND):
        validate(place, night)
    told = {"kind": "backfill", "partition_key": FIRST, "run_after": None}
    observed.tell_run("tides_scoring", "a", state="running", **told)
    assert [cell.state for cell in strip_of(place).nights] == ["running", "unfinished"]
    assert House(place.settings).night("tides", FIRST).cell.state == "running"
    observed.tell_run("tides_scoring", "a", state="failed", **told)
    assert [cell.state for cell in strip_of(place).nights] == ["unfinished", "unfinished"]


def test_nights_that_wait_for_their_next_step_do_not_vanish_beside_published_ones(place):
    run_night(place, tides.NIGHTS[2])
    validate(place, FIRST)
    assert [(cell.night, cell.state) for cell in strip_of(place).nights] == [
        (FIRST, "unfinished"),
        (SECOND, "absent"),
        (tides.NIGHTS[2], "published"),
    ]


def test_old_nights_are_not_hidden_by_a_new_one(place):
    """As when a pipeline with nights of spring is unpaused in autumn, and tonight has no rows yet."""
    run_night(place, FIRST)
    with pytest.raises(RowsMissing):
        validate(place, "2024-11-20")
    assert [(cell.night, cell.state) for cell in strip_of(place).nights] == [
        (FIRST, "published"),
        ("2024-11-20", "failed"),
    ]


def test_night_without_rows_was_not_stopped_by_its_checks(place):
    place.rows(FIRST).unlink()
    with pytest.raises(RowsMissing):
        validate(place, FIRST)
    house = House(place.settings)
    assert [looked.status for looked in house.checks("tides").nights] == ["unchecked"]
    assert attempt_of(house.night("tides", FIRST)) is None


def test_expectations_that_failed_are_told_with_their_nights(place):
    for night in (FIRST, SECOND):
        strange_wind(place, night)
        validate(place, night)
    suite = House(place.settings).checks("tides")
    assert suite.failing[0].nights == (FIRST, SECOND)
    assert suite.failing[0].severity == "quarantine"


def test_champion_is_told_with_its_verdict_and_the_nights_it_scored(place):
    run_night(place, FIRST)
    model = House(place.settings).model("tides")
    [version] = model.versions
    assert (model.champion, model.previous, model.challenger) == ("1", None, None)
    assert version.role == "champion"
    assert version.opened
    assert version.reasons
    assert version.scored.nights == 1
    assert version.metrics.keys() == version.baseline.keys()
    assert model.moves[0].action == "gate"
    [line] = [line for line in House(place.settings).models() if line.pipeline == "tides"]
    assert (line.champion, line.as_of, line.versions) == ("1", tides.AS_OF, 1)


def test_refused_newer_version_is_the_challenger(place):
    judge_training(place.declared(fit=tides.fit_badly, gate=Gate(metric="roc_auc", threshold=0.0)))
    model = House(place.settings).model("tides")
    assert (model.champion, model.challenger) == ("1", "2")
    assert model.versions[0].opened is False


def test_second_champion_leaves_a_previous_one(place):
    generous = Gate(metric="roc_auc", threshold=0.0, tolerance=1.0)
    assert run_training(place.declared(fit=tides.fit_badly, gate=generous)).promoted["promoted"]
    model = House(place.settings).model("tides")
    assert (model.champion, model.previous, model.challenger) == ("2", "1", None)


def test_unknown_names_are_answered_with_the_nearest(place):
    run_night(place, FIRST)
    house = House(place.settings)
    with pytest.raises(UnknownPipeline, match="'tides'"):
        house.night("tide", FIRST)
    with pytest.raises(UnknownNight, match="nothing was ever done"):
        house.night("tides", "1999-01-01")
    assert house.key("00000000") is None


@pytest.fixture(params=BOTH)
def long_history(request, tmp_path, fresh):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'long.db'}"
    else:
        url = request.getfixturevalue("postgres_ledger_url")
    fill(url, pipelines=3, nights=NIGHTS)
    return House(fresh.changed(ledger_url=url).settings)


def test_long_history_is_told_night_by_night(long_history):
    strips = [strip for strip in long_history.strips(last=NIGHTS) if strip.pipeline.startswith("pipeline_")]
    assert len(strips) == 3
    for strip in strips:
        states = {number: cell.state for number, cell in enumerate(strip.nights, start=1)}
        assert len(states) == NIGHTS
        assert {number for number, state in states.items() if state == "failed"} == {FAILS_EVERY}
        assert {number for number, state in states.items() if state == "late"} == {LATE_EVERY}
        assert states[1] == "published"
        assert strip.promise == "by 06:00 UTC"
        assert strip.nights[LATE_EVERY - 1].margin_seconds < 0 < strip.nights[0].margin_seconds


def test_only_the_newest_nights_are_told_where_that_is_asked_for(long_history):
    [strip] = long_history.strips(last=10, only="pipeline_001")
    assert len(strip.nights) == 10


def test_page_of_an_old_night_reads_that_night_and_is_the_same_as_in_its_strip(long_history):
    [strip] = long_history.strips(last=NIGHTS, only="pipeline_001")
    for cell in (strip.nights[0], strip.nights[LATE_EVERY - 1], strip.nights[FAILS_EVERY - 1], strip.nights[-1]):
        assert long_history.night("pipeline_001", cell.night).cell == cell
    reading, night = long_history._reading, strip.nights[3].night
    published = reading.publications({"pipeline_001": night, "pipeline_002": night}, until=night)
    assert {name: list(nights) for name, nights in published.items()} == {
        "pipeline_001": [night],
        "pipeline_002": [night],
    }
    dues = reading.dues({"pipeline_001": "pipeline_001_scoring"}, {"pipeline_001": night}, until=night)
    assert list(dues["pipeline_001"]) == [night]


def test_models_of_a_long_history_are_told_the_same_in_one_line_and_in_full(long_history):
    for line in long_history.models():
        if line.pipeline.startswith("pipeline_"):
            whole = long_history.model(line.pipeline)
            assert (line.champion, line.previous, line.challenger) == (whole.champion, whole.previous, whole.challenger)
            assert line.versions == len(whole.versions) == 10
