"""The operator that tidies up, run as Airflow's worker runs it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.sdk import DAG

from nightshift import TidyOperator
from nightshift.operators import maintenance
from nightshift.operators.maintenance import yes_or_no
from pipelines.engine.errors import UsageError
from tests.nightshift.operators.worker import run_task
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import run_night
from tests.pipelines.engine.tidy.time_travel import let_time_pass

NIGHT = tides.NIGHTS[0]


@pytest.fixture
def old(place, at, monkeypatch):
    """A place in which a night was published twice, long ago; and the file of the first time."""
    monkeypatch.setattr(maintenance, "pipelines_of", lambda name: [place.pipeline])
    at(place)
    first = run_night(place, NIGHT)
    tides.write(tides.make_rows(NIGHT, seed=1), place.rows(NIGHT))
    run_night(place, NIGHT)
    let_time_pass(place, 40)
    return place.predictions / first.scored[0]["path"]


def tidy(*, params=None, **arguments):
    with DAG("tides_maintenance", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC), params=params or {}):
        operator = TidyOperator(task_id="tidy", retries=3, **arguments)
    return run_task(operator, partition_key=None)


def test_nothing_is_removed_unless_it_is_said(old):
    ran = tidy()
    assert ran.state == "success"
    assert ran.result["dry_run"]
    assert "replaced shards" in {row["kind"] for row in ran.result["found"]}
    assert old.exists()


@pytest.mark.parametrize(("apply", "stays"), [(True, False), (False, True)])
def test_a_parameter_of_the_run_says_whether_to_remove(old, apply, stays):
    params = {"apply": apply, "retention": "6w" if stays else "30d"}
    ran = tidy(params=params, apply="{{ params.apply }}", retention="{{ params.retention }}")
    assert ran.result["dry_run"] == stays
    assert ran.result["retention_days"] == (42 if stays else 30)
    assert old.exists() == stays


def test_one_pipeline_leaves_the_cache_alone(old):
    kinds = {row["kind"] for row in tidy(pipeline="tides").result["found"]}
    assert "cache" not in kinds
    assert "cache" in {row["kind"] for row in tidy().result["found"]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"retention": "1d"}, "too short"),
        ({"retention": "soon"}, "is no retention"),
        ({"apply": "maybe"}, "expected True or False"),
    ],
)
def test_wrong_usage_fails_without_retry_and_removes_nothing(old, arguments, said):
    ran = tidy(**{"apply": True, **arguments})
    assert (ran.state, type(ran.error)) == ("failed", UsageError)
    assert said in str(ran.error)
    assert old.exists()


def test_a_ledger_that_was_never_migrated_fails_without_retry_in_words(old, monkeypatch, caplog):
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", f"sqlite:///{old.parent}/none.db")
    ran = tidy()
    assert (ran.state, type(ran.error).__name__) == ("failed", "LedgerNotMigrated")
    assert "nightshift migrate" in caplog.text


@pytest.mark.parametrize("text", ["", "None", "1", "yes"])
def test_nothing_is_guessed_about_removing(text):
    with pytest.raises(UsageError, match="Nothing was removed"):
        yes_or_no(text)
