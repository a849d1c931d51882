"""A whole night and a whole training in one call, as the command line makes them."""

from __future__ import annotations

import dataclasses

from pipelines.engine.steps import NIGHT_STEPS, TRAINING_STEPS
from pipelines.engine.steps.whole import run_night, run_training
from tests.pipelines.engine.steps import places, tides

NIGHT = tides.NIGHTS[0]


def test_a_whole_night_is_published_and_tells_of_its_report(place):
    told = []
    runtime = dataclasses.replace(place.runtime, progress=lambda done, total, what: told.append((done, total, what)))
    done = run_night(runtime, place.pipeline, NIGHT)
    assert (done["rows_scored"], done["delta_version"]) == (300, 1)
    assert done["report"].endswith(".html")
    assert told[0] == (0, 5, f"{NIGHT}: checking")
    assert told[-1] == (5, 5, f"{NIGHT}: published")


def test_a_whole_night_and_its_single_steps_are_the_same_work(place):
    run_night(place.runtime, place.pipeline, NIGHT)
    since = place.ledger.now()
    places.run_night(place, NIGHT)
    assert place.ledger.claims_since(since) == 0


def test_a_whole_training_makes_a_champion_and_tells_its_metrics(fresh):
    done = run_training(fresh.runtime, fresh.pipeline, tides.AS_OF, actor="test")
    assert done["promoted"]
    assert done["metrics"]["roc_auc"] > done["baseline"]["roc_auc"]
    assert places.champion(fresh) == "1"
    since = fresh.ledger.now()
    assert places.run_training(fresh).promoted["promoted"]
    assert fresh.ledger.claims_since(since) == 0


def test_every_step_that_runs_is_one_that_the_command_line_knows(fresh):
    run_training(fresh.runtime, fresh.pipeline, tides.AS_OF, actor="test")
    run_night(fresh.runtime, fresh.pipeline, NIGHT)
    ran = {entry.step for entry in fresh.ledger.entries()}
    assert ran - {"aliases"} == {*NIGHT_STEPS, *TRAINING_STEPS}
