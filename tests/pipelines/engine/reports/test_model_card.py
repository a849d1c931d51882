from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.engine.errors import UsageError
from pipelines.engine.reports import writing
from pipelines.engine.reports.writing import read_model
from tests.pipelines.engine.reports.pages import Page, read
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import judge_training, run_training


def test_registered_version_has_a_card_that_says_what_it_is(fresh):
    training = run_training(fresh.declared(limits=["Not for swimmers."]))
    card = training.registered["card"]
    page = read(card)

    assert Path(card).parent == Path(fresh.settings.reports) / "tides" / f"training-{tides.AS_OF}"
    assert "tides, version 1" in page.text
    assert "Which buoys will be flooded?" in page.text
    assert "Not for swimmers." in page.text
    assert "The gate opened" in page.text
    assert training.trained["model_digest"] in page.text
    assert f"nightshift train tides --as-of {tides.AS_OF}" in page.text


def test_numbers_of_the_training_are_on_the_card(fresh):
    training = run_training(fresh)
    page = read(training.registered["card"])
    low, high = training.trained["intervals"]["roc_auc"]

    assert f"{training.trained['metrics']['roc_auc']:.4f} {low:.4f} to {high:.4f} 0.5000" in page.text
    for name in training.trained["slices"]:
        assert name in page.text
    for name in training.trained["drift"]:
        assert name in page.text
    assert len(training.trained["calibration"]) == 10
    assert sum(rows for _, _, rows in training.trained["calibration"]) == training.trained["rows"]["holdout"]
    assert sum(training.trained["importance"].values()) == pytest.approx(1.0)


def test_challenger_is_shown_beside_the_champion(place):
    challenger = judge_training(place.declared(fit=tides.fit_linear), as_of=tides.AS_OF)
    page = read(challenger.registered["card"])

    assert "Champion, version 1" in page.text
    assert "Challenger minus champion on the same rows: roc_auc" in page.text


def test_card_leads_to_the_reports_of_its_checks(fresh):
    card = run_training(fresh).registered["card"]
    ways = [Path(card).parent / link for link in read(card).links if not link.startswith("http")]

    assert sorted(way.name.split("-")[0] for way in ways) == ["labels", "rows"]
    assert all(way.is_file() for way in ways)


def test_card_is_kept_with_the_mlflow_run(fresh, tmp_path):
    training = run_training(fresh)
    with fresh.runtime.registry._store.speaking() as client:
        kept = client.download_artifacts(training.registered["run_id"], "artifacts/model-card.html", str(tmp_path))

    assert Path(kept).read_text() == Path(training.registered["card"]).read_text()


def test_mlflow_that_keeps_no_card_fails_no_registration(fresh, monkeypatch, caplog):
    def broken(*arguments):
        raise OSError("the artifact store is full")

    monkeypatch.setattr(type(fresh.runtime.registry), "add_artifact", broken)
    training = run_training(fresh)

    assert training.registered["card"] is not None
    assert training.promoted["promoted"]
    assert "in MLflow was not written: the artifact store is full" in caplog.text


def test_card_that_cannot_be_made_fails_no_registration(fresh, monkeypatch, caplog):
    def broken(card):
        raise ZeroDivisionError("a mistake in a template")

    monkeypatch.setattr(writing, "model_card", broken)
    training = run_training(fresh)

    assert training.registered["card"] is None
    assert training.promoted["promoted"]
    assert "the model card of tides version 1 was not written" in caplog.text


def test_pipeline_without_limits_is_told_so(place):
    page = Page(read_model(place.runtime, place.pipeline, "1", written_by="a test"))

    assert "Its authors have named no limits" in page.text


def test_version_that_is_unknown_names_those_that_are_known(place):
    with pytest.raises(UsageError, match=r"no version '9' of tides\. It knows: 1\."):
        read_model(place.runtime, place.pipeline, "9", written_by="a test")
