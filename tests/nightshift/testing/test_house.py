"""A house of a test: a real ledger on a clock that the test sets, files, and what is put back afterwards."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import BaseOperator

from model_registry import Registry, RegistryUnavailable
from nightshift import scoring_dag
from nightshift.testing import Clock, House, assert_idempotent, faults, make_labels, make_rows, run_dag, run_operator
from pipelines.engine.errors import KeyBusy, UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.ledger.values import Busy, Claimed
from pipelines.engine.rows import compare_columns, type_name
from pipelines.engine.run_once import run_once
from tests.nightshift.testing.conftest import with_tides
from tests.pipelines.engine.steps import tides, tides_kinds

KEY = TaskKey(pipeline="tides", step="validate", partition="2024-03-06")
MOMENT = "2013-11-19T07:00:00+00:00"


def test_the_ledger_s_time_is_the_clock_s(tmp_path):
    with House(tmp_path / "house", at=MOMENT) as house:
        assert house.ledger.now() == pytest.approx(datetime(2013, 11, 19, 7, tzinfo=UTC).timestamp(), abs=60)
        house.clock.advance(timedelta(days=2))
        assert house.runtime.today().isoformat() == "2013-11-21"
        house.clock.at("2013-01-01T00:00:00Z")
        assert house.runtime.today().isoformat() == "2013-01-01"


def test_a_ledger_that_somebody_else_opens_has_the_same_time(house):
    house.clock.at(MOMENT)
    assert Ledger(house.settings.ledger_url).now() == pytest.approx(house.clock.seconds(), abs=60)


def test_ledgers_elsewhere_keep_their_own_time(house, sqlite_ledger_url):
    house.clock.at(MOMENT)
    assert Ledger(sqlite_ledger_url).now() > datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def test_a_lease_runs_out_when_the_test_says_so(house):
    first = house.ledger.claim(KEY, holder="one")
    assert isinstance(house.ledger.claim(KEY, holder="two"), Busy)
    house.clock.advance(61)
    second = house.ledger.claim(KEY, holder="two")
    assert isinstance(second, Claimed)
    assert (second.fence, second.taken_over) == (first.fence + 1, True)


def test_the_environment_is_put_back(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", "/elsewhere")
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", "postgresql://me@db/nights")
    with House(tmp_path / "house") as house:
        assert house.settings.home == tmp_path / "house"
        assert house.settings.ledger_url == f"sqlite:///{tmp_path}/house/ledger.db"
    assert os.environ["NIGHTSHIFT_HOME"] == "/elsewhere"
    assert os.environ["NIGHTSHIFT_LEDGER_URL"] == "postgresql://me@db/nights"


def test_settings_of_the_test_s_own_are_read(tmp_path):
    with House(tmp_path / "house", environment={"NIGHTSHIFT_LEASE_SECONDS": "5"}) as house:
        assert house.ledger.lease_seconds == 5


def test_two_houses_at_once_are_refused(house, tmp_path):
    with pytest.raises(UsageError, match="is still open; leave its `with` block"), House(tmp_path / "other"):
        pass


def test_a_house_remembers_what_was_done_in_it(tmp_path):
    with House(tmp_path / "house") as house:
        run_once(house.ledger, KEY, lambda hold: {"rows": 3})
    with House(tmp_path / "house") as house:
        assert not run_once(house.ledger, KEY, lambda hold: {"rows": 4}).fresh


def test_a_killed_attempt_reaches_the_ledger_no_longer(house):
    claim = house.ledger.claim(KEY, holder="one")
    house.is_cut_off = True
    with pytest.raises(Exception, match="the attempt was killed"):
        house.ledger.release(claim, "never heard")
    house.is_cut_off = False
    with pytest.raises(KeyBusy):
        run_once(house.ledger, KEY, lambda hold: {})


def test_rows_are_delivered_where_steps_look_for_them(house):
    pipeline = house.pipeline(tides.declare())
    rows = make_rows(pipeline, "2024-03-06")
    (file,) = house.deliver(pipeline, "2024-03-06", rows=rows)
    assert file == house.home / "data" / "tides" / "rows" / "2024-03-06.parquet"
    assert declared_as(file) == dict(pipeline.rows.columns)
    with pytest.raises(UsageError, match="nothing was delivered for tides 2024-03-06: give rows=, labels=, or both"):
        house.deliver("tides", "2024-03-06")


def declared_as(file):
    import pyarrow.parquet as pq

    return {field.name: type_name(field.type) for field in pq.read_schema(file)}


def test_a_wrong_file_is_delivered_as_it_is(house):
    pipeline = house.pipeline(tides.declare())
    rows = make_rows(pipeline, "2024-03-06").assign(depth="deep").drop(columns="wind")
    (file,) = house.deliver(pipeline, "2024-03-06", rows=rows)
    assert compare_columns(pipeline.rows.columns, declared_as(file)) == [
        "column 'wind' (double) is missing.",
        "column 'depth': expected int64, got string",
    ]


@pytest.mark.parametrize("name", ["flights", "tides"])
def test_made_rows_fit_any_declaration(house, name):
    pipeline = house.pipeline(tides.declare() if name == "tides" else name)
    rows = make_rows(pipeline, "2013-11-19", rows=70)
    labels = make_labels(pipeline, rows)
    written = house.deliver(pipeline, "2013-11-19", rows=rows, labels=labels)
    assert [declared_as(file) for file in written] == [dict(pipeline.rows.columns), dict(pipeline.labels.columns)]
    assert len(rows[list(pipeline.id_columns)].drop_duplicates()) == len(rows) == 70
    assert sorted(labels[pipeline.labels.target].unique()) == [0, 1]
    assert make_rows(pipeline, "2013-11-19", rows=70).equals(rows)
    assert not make_rows(pipeline, "2013-11-19", rows=70, seed=1).equals(rows)


def test_a_champion_scores_without_a_gate(tidal):
    version = tidal.registry.resolve("tides", "champion")
    assert (version.version, tidal.predictions("tides").empty) == ("1", True)
    again = tidal.make_champion("tides", rows=(rows := tides.make_rows("2024-03-01")), labels=tides.make_labels(rows))
    assert again.version == "2"
    assert tidal.registry.resolve("tides", "previous").version == "1"


def test_a_house_may_have_the_real_registry(tmp_path):
    registry = Registry(f"sqlite:///{tmp_path}/mlflow.db")
    with House(tmp_path / "house", registry=registry) as house:
        with_tides(house)
        assert house.registry is house.runtime.registry is registry
        assert registry.resolve("tides", "champion").version == "1"
        with faults.registry_down(), pytest.raises(RegistryUnavailable):
            registry.resolve("tides", "champion")
        with pytest.raises(UsageError, match="only a house with the registry in memory can be put back"):
            assert_idempotent(None, kills=True)


def test_a_task_goes_on_in_the_method_that_it_named(house):
    class Waits(BaseOperator):
        def execute(self, context):
            raise AssertionError("it does not begin again")

        def back(self, context, event):
            return event["what"]

    assert run_operator(Waits(task_id="waits"), resumed_by={"what": "rain"}, resumed_in="back").result == "rain"


@pytest.mark.parametrize(
    ("moment", "said"),
    [("tomorrow", "'tomorrow' is no time; expected ISO form"), ("2013-11-19T07:00:00", "says no time zone")],
)
def test_a_clock_is_set_to_a_real_time(moment, said):
    with pytest.raises(UsageError, match=said):
        Clock().at(moment)


def test_a_clock_is_not_advanced_backwards():
    with pytest.raises(UsageError, match=r"cannot be advanced by -1 s; set it back with `clock.at"):
        Clock().advance(-1)


@pytest.mark.parametrize("kind", ["heights", "looks"])
def test_a_champion_answers_any_kind_of_question(house, kind):
    pipeline = house.pipeline(getattr(tides_kinds, kind)())
    rows = tides.make_rows(tides.LABELLED[0])
    labels = make_labels(pipeline, rows)
    house.make_champion(pipeline, rows=rows, labels=labels, trees=3)
    house.deliver(pipeline, tides.NIGHTS[0], rows=tides.make_rows(tides.NIGHTS[0]))
    dag = scoring_dag(pipeline, schedule="0 2 * * *", owner="us")
    run_dag(dag, partition_key=tides.NIGHTS[0]).succeeded()
    assert len(house.predictions(pipeline, tides.NIGHTS[0])) == tides.PER_NIGHT
