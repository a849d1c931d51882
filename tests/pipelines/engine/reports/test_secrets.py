"""A value of a sensitive column, planted in rows, must be nowhere but where rows are kept."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from pipelines.engine.errors import ChecksFailed, FitFailed
from pipelines.engine.pipeline import Rows
from pipelines.engine.reports.writing import read_model, read_night
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import run_night, run_training, validate

SECRET = "Ada-Lovelace-1815"
DEPTH = 19_770_815
NIGHT = tides.NIGHTS[0]
SENSITIVE = ("buoy", "depth")


@pytest.fixture
def secretive(fresh):
    """A pipeline whose buoys and depths are nobody's business; both are quoted by checks that fail."""
    rows = replace(fresh.pipeline.rows, sensitive=SENSITIVE)
    return fresh.declared(rows=Rows(columns=rows.columns, sensitive=rows.sensitive))


def plant(place, night, *, twice=False):
    """Deliver a night with the secret in a row that is refused, and, if asked, twice: then the night stops."""
    frame = tides.make_rows(night)
    frame.loc[0, ["buoy", "wind"]] = [SECRET, 99.0]
    frame.loc[:, "depth"] = DEPTH  # its mean is the value itself, and the suite warns of it
    if twice:
        frame.loc[1, "buoy"] = SECRET
    tides.write(frame, place.rows(night))


def told(place, caplog) -> str:
    """All that people may see: the ledger, reports, MLflow's files, logs."""
    texts = [caplog.text]
    for entry in place.ledger.entries():
        texts.append(json.dumps(asdict(entry)))
        texts += [json.dumps(asdict(event)) for event in place.ledger.history(entry.key)]
    folders = (Path(place.settings.reports), place.home / "mlflow")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return "\n".join([*texts, *(path.read_bytes().decode("utf-8", "replace") for path in files)])


def test_published_night_tells_no_secret(secretive, caplog):
    caplog.set_level(logging.DEBUG)
    run_training(secretive)
    plant(secretive, NIGHT)
    night = run_night(secretive, NIGHT)
    page = read_night(secretive.runtime, secretive.pipeline, NIGHT, written_by="a test")
    seen = told(secretive, caplog) + page + json.dumps(asdict(night))

    assert night.checked["refused"] == 1
    assert night.checked["summary"]["failed_by_severity"] == {"critical": 0, "quarantine": 1, "warning": 1}
    assert SECRET not in seen
    assert str(DEPTH) not in seen
    assert f"{DEPTH:,}" not in seen
    assert "(hidden)" in page


def test_night_that_is_stopped_tells_no_secret(secretive, caplog):
    caplog.set_level(logging.DEBUG)
    run_training(secretive)
    plant(secretive, NIGHT, twice=True)
    with pytest.raises(ChecksFailed) as stopped:
        validate(secretive, NIGHT)
    page = read_night(secretive.runtime, secretive.pipeline, NIGHT, written_by="a test")

    assert SECRET not in told(secretive, caplog) + page + str(stopped.value)
    assert "buoy is unique: 2 of 300 rows" in str(stopped.value)


def test_training_tells_no_secret_id(secretive, caplog):
    caplog.set_level(logging.DEBUG)
    for night in tides.LABELLED[:2]:
        frame = tides.make_rows(night)
        frame.loc[0, ["buoy", "wind"]] = [f"{SECRET}-{night}", 99.0]
        tides.write(frame, secretive.rows(night))
        tides.write(tides.make_labels(frame), secretive.labels(night), schema=tides.LABELS)
    training = run_training(secretive)
    card = read_model(secretive.runtime, secretive.pipeline, "1", written_by="a test")

    assert sum(training.checked["refused"].values()) == 2
    assert SECRET not in told(secretive, caplog) + card
    assert "buoy, depth; their values are shown nowhere" in card


def test_secret_would_be_told_if_it_were_not_declared(fresh, caplog):
    run_training(fresh)
    plant(fresh, NIGHT)
    run_night(fresh, NIGHT)

    assert SECRET in told(fresh, caplog)


def _breaks(features, target):
    raise ValueError(f"could not convert {features['depth'].max()} to something else")


def test_fit_that_breaks_tells_no_secret(secretive, caplog):
    caplog.set_level(logging.DEBUG)
    frame = tides.make_rows(tides.LABELLED[0])
    frame["depth"] = DEPTH
    tides.write(frame, secretive.rows(tides.LABELLED[0]))
    place = secretive.declared(rows=secretive.pipeline.rows, fit=_breaks)
    with pytest.raises(FitFailed, match=r"raised ValueError .* not shown") as failed:
        run_training(place)

    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    assert str(DEPTH) not in told(place, caplog)
