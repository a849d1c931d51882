"""A search for real: trials in the ledger, killed, shared, pruned, failed, and a model that is trained with the best."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.engine.errors import DataError, FitFailed, RowsChanged, UsageError
from pipelines.engine.moments import listening
from pipelines.engine.search import Choice, IntRange
from pipelines.engine.steps import NIGHT_STEPS, SEARCH_STEPS, TRAINING_STEPS
from pipelines.engine.steps.search import choose_best, run_search, run_trial, trials_of
from pipelines.engine.steps.validate_training import validate_training
from pipelines.engine.steps.whole import run_training
from tests.pipelines.engine.steps import places, stuck_trial, tides

NOT_ALL = {"labels": Choice("true", "shuffled", "broken")}


@pytest.fixture(scope="session")
def checked_home(tmp_path_factory, fresh_home):
    """A place whose training window is checked; to be copied and never used."""
    with places.known_suites():
        place = fresh_home.copied_to(tmp_path_factory.mktemp("checked") / "home")
        place.checked = validate_training(place.runtime, tides.searched(), tides.AS_OF)
        return place


@pytest.fixture
def searched(checked_home, tmp_path):
    """A place with a search, and its checked window."""
    return copy_of(checked_home, tmp_path / "home")


def copy_of(checked_home, home):
    place = checked_home.copied_to(home).changed(tides.searched())
    place.checked = checked_home.checked
    return place


def declared(place, **changes):
    """The same place, with another search."""
    other = place.changed(tides.searched(**changes))
    other.checked = place.checked
    return other


def search(place, **changes):
    runtime = dataclasses.replace(place.runtime, **changes)
    return run_search(runtime, place.pipeline, place.checked)


def trial(place, number):
    return run_trial(place.runtime, place.pipeline, place.checked, number)


def trials(place, best):
    return trials_of(place.runtime, best)


def test_the_best_trial_is_no_worse_than_what_fit_declares(searched):
    best = search(searched)
    found = trials(searched, best)
    assert [one.number for one in found] == [0, 1, 2, 3, 4]
    assert found[0].params == {"leaves": 7, "rate": 0.1}
    assert best["value"] == max(one.value for one in found if one.value is not None) >= found[0].value
    assert best["metric"] == "roc_auc"
    assert sum(best["counts"].values()) == 5
    assert all(len(one.intermediate) == 2 for one in found if one.state == "complete")


def test_a_search_again_claims_nothing_and_more_trials_go_on_where_it_stopped(searched):
    best = search(searched)
    since = searched.ledger.now()
    assert search(searched) == best
    assert searched.ledger.claims_since(since) == 0
    more = declared(searched, trials=6, parallel=1)
    longer = search(more)
    assert searched.ledger.claims_since(since) == 2, "the sixth trial, and the choice"
    assert trials(more, longer)[:5] == trials(searched, best)


def test_the_same_seed_in_order_gives_the_same_trials_and_another_one_others(checked_home, tmp_path):
    one, two = (copy_of(checked_home, tmp_path / name) for name in ("one", "two"))
    assert trials(one, search(one)) == trials(two, search(two))
    first = [one.ledger.entry(key).result["knew"] for key in search(one)["trials"]]
    assert [knew["trials"] for knew in first] == [[], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]
    assert first == [two.ledger.entry(key).result["knew"] for key in search(two)["trials"]]
    other = declared(one, seed=8)
    assert trials(other, search(other))[1].params != trials(one, search(one))[1].params


def test_another_space_means_other_trials_that_learn_nothing_from_the_old_ones(searched):
    search(searched)
    other = declared(searched, space={"leaves": IntRange(3, 31)}, trials=2)
    found = [trial(other, 0), trial(other, 1)]
    assert [one["knew"]["trials"] for one in found] == [[], [0]]
    assert not {one["key"] for one in found} & {
        entry.key for entry in searched.ledger.entries(partition=f"{tides.AS_OF}#0")[1:]
    }


def test_a_killed_trial_is_done_again_alone(checked_home, tmp_path):
    place, whole = (copy_of(checked_home, tmp_path / name) for name in ("killed", "whole"))
    command = [sys.executable, stuck_trial.__file__, str(place.home), json.dumps(place.checked), "2"]
    with subprocess.Popen(command, env=place.environment(), stderr=subprocess.PIPE, text=True) as process:
        while not (place.home / "stuck").exists():
            if process.poll() is not None:
                pytest.fail(f"the process ended by itself: {process.stderr.read()[-2000:]}")
            time.sleep(0.05)
        process.kill()
    assert process.returncode == -9
    patient = dataclasses.replace(place.runtime, wait=True)
    run_trial(patient, place.pipeline, place.checked, 2)  # waits until the lease of the dead process is over
    best = search(place)
    fences = [place.ledger.entry(key).fence for key in best["trials"]]
    assert fences == [1, 1, 2, 1, 1]
    events = [event.event for event in place.ledger.history(best["trials"][2])]
    assert events == ["claimed", "taken_over", "finished"]
    assert trials(place, best) == trials(whole, search(whole)), "as if nothing had happened"


def test_a_worker_that_breaks_in_a_fold_leaves_the_trial_to_the_next(searched):
    def break_down(moment):
        if moment == "measured a fold":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), listening(break_down):
        trial(searched, 0)
    assert [entry.state for entry in searched.ledger.entries(step="trial")] == ["open"]
    assert trial(searched, 0)["state"] == "complete"


def test_two_workers_at_once_share_the_trials(searched):
    pair = [declared(searched, trials=6), declared(searched, trials=6)]
    start, found = threading.Barrier(2), []

    def work(place):
        with places.known_suites():
            start.wait()
            found.append(search(place, wait=True))

    threads = [threading.Thread(target=work, args=(place,)) for place in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    for key in found[0]["trials"]:
        events = [event.event for event in searched.ledger.history(key)]
        assert events.count("finished") == 1
        assert events.count("claimed") == 1
    holders = {searched.ledger.entry(key).holder for key in found[0]["trials"]}
    assert len(holders) == 6, "each trial is an attempt of its own"


def test_a_trial_that_is_worse_than_the_others_is_pruned_after_its_first_fold(searched):
    place = declared(searched, space={"labels": Choice("true", "shuffled")}, trials=8, startup=2)
    best = search(place)
    by_params = {one.params["labels"]: one for one in trials(place, best)[4:]}
    assert best["params"] == {"labels": "true"}
    assert best["counts"]["pruned"] > 0
    assert by_params["shuffled"].state == "pruned"
    assert len(by_params["shuffled"].intermediate) == 1
    assert by_params["shuffled"].value is None
    unpruned = declared(searched, space={"labels": Choice("true", "shuffled")}, trials=6, startup=2, prune=False)
    assert search(unpruned)["counts"] == {"complete": 6, "pruned": 0, "failed": 0}


def test_a_trial_that_fails_says_why_and_the_search_goes_on(searched):
    place = declared(searched, space=NOT_ALL, trials=6)
    best = search(place)
    failed = [one for one in trials(place, best) if one.state == "failed"]
    assert failed
    assert best["counts"]["failed"] == len(failed)
    assert "fit of tides raised ValueError: these labels break it" in failed[0].words
    assert not place.failed(), "a failed trial is a finished piece of work"


def test_a_search_whose_trials_all_fail_fails_with_the_words_of_the_first(searched):
    def always_broken(features, target, *, leaves: int = 7):
        raise ValueError(f"no model with {leaves} leaves")

    place = declared(searched, space={"leaves": IntRange(3, 9)}, fit=always_broken, trials=2)
    with pytest.raises(FitFailed, match=r"all 2 trials of tides failed.*no model with 7 leaves"):
        search(place)
    assert list(place.failed()) == ["best"]


def test_trials_never_see_the_holdout(checked_home, tmp_path):
    here, there = (copy_of(checked_home, tmp_path / name) for name in ("here", "there"))
    for night in tides.LABELLED[3:]:
        labels = pq.read_table(there.labels(night)).to_pandas()
        tides.write(labels.assign(flooded=1 - labels["flooded"]), there.labels(night), schema=tides.LABELS)
        tides.write(tides.make_rows(night, seed=5), there.rows(night))
    there.checked = validate_training(there.runtime, there.pipeline, tides.AS_OF)
    assert there.checked["fingerprint"] != here.checked["fingerprint"]
    assert trials(here, search(here)) == trials(there, search(there))


def test_each_fold_learns_from_the_nights_before_those_that_it_is_measured_on(searched):
    seen = []

    def fit(features, target, *, leaves: int = 7):
        seen.append(len(target))
        return tides.fit_searched(features, target, leaves=leaves)

    place = declared(searched, space={"leaves": IntRange(3, 15)}, fit=fit)
    trial(place, 0)
    assert seen == [300, 600], "one night, then two, of the three before the holdout"


def test_nights_of_one_class_only_are_said_in_words(searched):
    labels = pq.read_table(searched.labels(tides.LABELLED[1])).to_pandas()
    tides.write(labels.assign(flooded=0), searched.labels(tides.LABELLED[1]), schema=tides.LABELS)
    searched.checked = validate_training(searched.runtime, searched.pipeline, tides.AS_OF)
    with pytest.raises(
        DataError, match=r"nights 2024-03-01..2024-03-01, which a fold .* is to be measured on, have 300"
    ):
        trial(searched, 0)
    assert list(searched.failed()) == ["trial"]


def test_too_few_delivered_nights_for_the_folds_are_said_in_words(searched):
    searched.rows(tides.LABELLED[1]).unlink()
    searched.checked = validate_training(searched.runtime, searched.pipeline, tides.AS_OF)
    with pytest.raises(DataError, match=r"tides has 2 delivered nights before the holdout .* too few for 2 folds"):
        trial(searched, 0)


def test_a_window_that_changed_after_the_checks_is_not_searched(searched):
    tides.write(tides.make_rows(tides.LABELLED[0], seed=9), searched.rows(tides.LABELLED[0]))
    with pytest.raises(RowsChanged, match="changed after it was checked"):
        trial(searched, 0)


def test_without_a_search_there_are_no_trials(searched):
    place = searched.declared()
    with pytest.raises(UsageError, match="pipeline 'tides' declares no search"):
        run_trial(place.runtime, place.pipeline, searched.checked, 0)


def test_the_model_is_trained_with_the_best_trial_and_its_record_names_it(searched):
    done = run_training(searched.runtime, searched.pipeline, tides.AS_OF, actor="test")
    best = search(searched)
    assert done["search"]["number"] == best["number"]
    assert done["search"]["params"] == best["params"]
    with searched.runtime.registry._store.speaking() as client:
        run = client.get_run(client.search_model_versions("name='tides'")[0].run_id)
        artifacts = {artifact.path for artifact in client.list_artifacts(run.info.run_id, "artifacts")}
    assert run.data.params["leaves"] == str(best["params"]["leaves"])
    assert float(run.data.params["rate"]) == best["params"]["rate"]
    assert run.data.tags["nightshift.search.trial"] == str(best["number"])
    assert float(run.data.tags["nightshift.search.roc_auc"]) == best["value"]
    assert {"artifacts/search.json", "artifacts/search.html"} <= artifacts
    (table,) = Path(searched.home).rglob("search.json")
    assert [one["number"] for one in json.loads(table.read_text())["trials"]] == [0, 1, 2, 3, 4]

    rows = [tides.make_rows(night) for night in tides.LABELLED[:3]]
    features = pd.concat(rows)[tides.FEATURES].astype({"depth": "float64"})
    features["sea"] = pd.Categorical(features["sea"], categories=list(tides.SEAS))
    target = np.concatenate([tides.make_labels(one)["flooded"] for one in rows])
    tides.fit_searched(features, target, **best["params"]).save_model(searched.home / "by_hand.txt")
    (kept,) = Path(searched.home).rglob("package/model.txt")
    assert kept.read_bytes() == (searched.home / "by_hand.txt").read_bytes()

    (entry,) = searched.ledger.entries(step="train")
    assert entry.identity["inputs"]["best"] == best["key"]
    assert entry.identity["parameters"]["leaves"] == best["params"]["leaves"]

    since = searched.ledger.now()
    assert run_training(searched.runtime, searched.pipeline, tides.AS_OF, actor="test") == done
    assert searched.ledger.claims_since(since) == 0
    ran = {entry.step for entry in searched.ledger.entries()}
    assert ran - {"aliases"} == {*TRAINING_STEPS, *SEARCH_STEPS}
    assert not {*SEARCH_STEPS} & {*NIGHT_STEPS, *TRAINING_STEPS}


def test_the_choice_does_not_depend_on_the_order_of_the_trials(searched):
    done = [trial(searched, number) for number in (2, 1, 0, 4, 3)]
    best = choose_best(searched.runtime, searched.pipeline, searched.checked, done)
    assert search(searched) == best
