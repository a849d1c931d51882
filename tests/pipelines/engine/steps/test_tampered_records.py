"""Records that somebody changed on the way (an XCom in Airflow's database, a result in the ledger) lead nowhere else."""

from __future__ import annotations

import shutil

import pytest

from pipelines.engine.errors import NightshiftError, PathRefused, UnknownNight
from pipelines.engine.files import sha256_of
from tests.pipelines.engine.steps import places, tides

BEFORE, NIGHT = tides.NIGHTS[:2]
NIGHTS = ["../../../outside", "/outside", "2024-03-07/../../../outside", "2024-03-07\0", ""]


@pytest.fixture
def night(place):
    """A place with one night published, and the next one checked, planned and scored."""
    places.run_night(place, BEFORE)
    checked = places.validate(place, NIGHT)
    planned = places.plan(place, checked)
    return place, checked, planned, [places.score(place, shard) for shard in planned]


def files_around(place):
    """Every file below and beside the home, less what databases and caches keep."""
    inside = ("mlflow", "cache", "ledger.db", "ledger.db-wal", "ledger.db-shm")
    home = place.home
    return {
        p for p in home.parent.rglob("*") if p.is_file() and not set(inside) & set(p.relative_to(home.parent).parts)
    }


def refused(place, work, kind):
    files, versions = files_around(place), place.versions()
    with pytest.raises(kind) as caught:
        work()
    assert isinstance(caught.value, NightshiftError)
    assert not caught.value.retryable
    assert (files_around(place), place.versions()) == (files, versions)


@pytest.mark.parametrize(
    "path", ["../outside.parquet", "{outside}", "night={night}/../../../outside.parquet", "..%2foutside"]
)
def test_shard_that_lies_outside_the_table_is_not_published(night, path):
    place, checked, _, scored = night
    table = place.predictions
    outside = shutil.copy(table / scored[0]["path"], place.home.parent / "outside.parquet")
    for copy in (table.parent / "outside.parquet", table / "..%2foutside"):
        shutil.copy(outside, copy)
    scored[0]["path"] = path.format(outside=outside, night=NIGHT)
    refused(place, lambda: places.publish(place, checked, scored), PathRefused)


def test_shard_of_another_night_is_not_published(night):
    place, checked, _, scored = night
    (other,) = place.predictions.glob(f"night={BEFORE}/*.parquet")
    scored[0] |= {"path": f"night={BEFORE}/{other.name}", "size": other.stat().st_size}
    refused(place, lambda: places.publish(place, checked, scored), PathRefused)


@pytest.mark.parametrize("named", NIGHTS)
def test_night_that_is_none_is_neither_planned_nor_scored_nor_published(night, named):
    place, checked, planned, scored = night
    refused(place, lambda: places.score(place, {**planned[0], "night": named}), UnknownNight)
    refused(place, lambda: places.plan(place, {**checked, "night": named}), UnknownNight)
    refused(place, lambda: places.publish(place, {**checked, "night": named}, scored), UnknownNight)


def test_rows_outside_the_delivered_ones_are_not_scored(night):
    place, _, planned, _ = night
    outside = tides.write(tides.make_rows(NIGHT, seed=9), place.home.parent / "outside.parquet")
    status = outside.stat()
    piece = {
        "path": str(outside),
        "sha256": sha256_of(outside),
        "size": status.st_size,
        "modified_ns": status.st_mtime_ns,
    }
    pieces = [{**planned[0]["pieces"][0], **piece}]
    refused(place, lambda: places.score(place, {**planned[0], "pieces": pieces}), PathRefused)


def test_quarantine_outside_its_folder_is_not_read(night):
    place, _, planned, _ = night
    outside = place.home.parent / "outside.parquet"
    outside.write_bytes(b"no quarantine")
    tampered = {**planned[0], "quarantine": str(outside), "quarantine_sha256": sha256_of(outside)}
    refused(place, lambda: places.score(place, tampered), PathRefused)


def test_training_takes_no_night_and_no_report_from_elsewhere(fresh):
    from pipelines.engine.steps.train import train
    from pipelines.engine.steps.validate_training import validate_training

    secret = fresh.home.parent / "secret.html"
    secret.write_text("a secret")
    checked = validate_training(fresh.runtime, fresh.pipeline, tides.AS_OF)
    for named in NIGHTS:
        refused(fresh, lambda: train(fresh.runtime, fresh.pipeline, {**checked, "as_of": named}), UnknownNight)  # noqa: B023
    tampered = {**checked, "quarantine": {**checked["quarantine"], "rows": str(secret)}}
    with pytest.raises(PathRefused):
        train(fresh.runtime, fresh.pipeline, tampered)
    train(fresh.runtime, fresh.pipeline, {**checked, "reports": {**checked["reports"], "rows": str(secret)}})
    kept = list((fresh.home / "mlflow/artifacts").rglob("checks-*.html"))
    assert [path.name for path in kept] == ["checks-labels.html"]
