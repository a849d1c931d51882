"""A search: trials that each have a key of their own, and the best of them.

The ledger is the memory of the search. A trial that was killed is done again alone, a finished one answers at once, and
several workers share the trials of one search without knowing of each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from pipelines.engine.code import code_digest
from pipelines.engine.errors import DataError, KeyBusy, ModelError, RowsChanged, UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.labelled import Labelled
from pipelines.engine.measuring import check_folds, measure_fold
from pipelines.engine.moments import reached
from pipelines.engine.nights import parse_night, span
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.score_form import asked
from pipelines.engine.search import Search
from pipelines.engine.steps.window import TrainingWindow, find_window, load_data
from pipelines.engine.trials import Trial, ask, best_of, folds_of, is_hopeless, knowledge


def plan_trials(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return the trials of a search, each as `number` and `of`.

    Raises:
        UsageError: The pipeline has no search.
    """
    search = _search(pipeline)
    return [{"number": number, "of": search.trials} for number in range(search.trials)]


def run_trial(
    runtime: Runtime,
    pipeline: Pipeline,
    checked: dict[str, Any],
    number: int,
    load: Callable[[], Labelled] | None = None,
) -> dict[str, Any]:
    """Try one set of knobs on the nights before the holdout. The holdout is not read.

    Args:
        runtime: Doors to the outside.
        pipeline: Says what is searched.
        checked: The result of `validate_training`.
        number: Which trial, from 0.
        load: Gives the checked nights before the holdout, if the caller has them already.

    Returns:
        `as_of`, `number`, `state` (complete, pruned or failed), `params`, `value`, `intermediate`, `words`,
        `knew` (the earlier trials that it could learn from), `key`.

    Raises:
        UsageError: The pipeline has no search.
        RowsChanged: The files are no longer the ones that were checked.
        DataError: The nights cannot be cut into the declared folds.
    """
    search = _search(pipeline)
    as_of = parse_night(checked["as_of"])
    key = _trial_key(pipeline, search, checked, number)

    def known() -> list[Trial]:
        return _finished_before(runtime, key, number)

    def work(hold: Hold) -> dict[str, Any]:
        data = load() if load else _load(runtime, pipeline, checked)
        folds = folds_of(len(data.nights), search.folds)
        check_folds(data, folds)
        before = known()
        params = ask(search, pipeline.parameters, pipeline.gate.metric, number, before)
        trial = Trial(number, "complete", params, None, ())
        values: list[float] = []
        for place, fold in enumerate(folds):
            runtime.progress(place, len(folds), f"trial {number + 1} of {search.trials}")
            try:
                values.append(measure_fold(pipeline, data, fold, {**pipeline.parameters, **params}))
            except ModelError as error:
                trial = dataclasses.replace(trial, state="failed", words=str(error))
                break
            hold.check()
            reached("measured a fold")
            so_far = (*trial.intermediate, sum(values) / len(values))
            trial = dataclasses.replace(trial, intermediate=so_far)
            if place + 1 < len(folds) and is_hopeless(search, pipeline.gate.metric, trial, known()):
                trial = dataclasses.replace(trial, state="pruned")
                break
        if trial.state == "complete":
            trial = dataclasses.replace(trial, value=trial.intermediate[-1])
        runtime.progress(len(folds), len(folds), f"trial {number + 1} of {search.trials}")
        return {"as_of": as_of, **trial.to_json(), "knew": knowledge(before)}

    return runtime.run(key, work)


def choose_best(
    runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any], trials: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Choose the best of the trials.

    Args:
        runtime: Doors to the outside.
        pipeline: Says by which metric.
        checked: The result of `validate_training`.
        trials: What `run_trial` gave, in any order.

    Returns:
        `as_of`, `number`, `params`, `value`, `metric`, `counts` (trials by state), `trials` (their keys), `key`.

    Raises:
        FitFailed: All trials failed.
    """
    as_of = parse_night(checked["as_of"])
    ordered = sorted(trials, key=lambda trial: int(trial["number"]))
    keys = [trial["key"] for trial in ordered]
    metric = pipeline.gate.metric
    key = TaskKey(
        pipeline=pipeline.name,
        step="best",
        partition=as_of,
        inputs={"trials": keys},
        parameters={"metric": metric},
        code=code_digest("pipelines.engine.trials"),
    )

    def work(hold: Hold) -> dict[str, Any]:
        found = [Trial.from_json(trial) for trial in ordered]
        best = best_of(pipeline.name, metric, found)
        states = [trial.state for trial in found]
        return {
            "as_of": as_of,
            "number": best.number,
            "params": dict(best.params),
            "value": best.value,
            "metric": metric,
            "counts": {state: states.count(state) for state in ("complete", "pruned", "failed")},
            "trials": keys,
        }

    return runtime.run(key, work)


def run_search(
    runtime: Runtime,
    pipeline: Pipeline,
    checked: dict[str, Any],
    done: Callable[[dict[str, Any]], None] = lambda trial: None,
) -> dict[str, Any]:
    """Run all trials in this process, one after the other, and choose the best.

    Trials that other workers hold are left to them, and waited for at the end.

    Args:
        runtime: Doors to the outside.
        pipeline: Says what is searched.
        checked: The result of `validate_training`.
        done: Told each trial as it is known.

    Returns:
        What `choose_best` returns.

    Raises:
        Whatever `run_trial` and `choose_best` raise; `KeyBusy` only where the runtime does not wait.
    """
    eager = dataclasses.replace(runtime, wait=False)
    load = cache(lambda: _load(runtime, pipeline, checked))  # once for all trials, and not at all if all are done
    found, held = [], []
    for planned in plan_trials(pipeline):
        try:
            found.append(run_trial(eager, pipeline, checked, planned["number"], load))
        except KeyBusy:
            held.append(planned["number"])
        else:
            done(found[-1])
    for number in held:
        found.append(run_trial(runtime, pipeline, checked, number, load))
        done(found[-1])
    return choose_best(runtime, pipeline, checked, found)


def trials_of(runtime: Runtime, best: dict[str, Any]) -> list[Trial]:
    """Return the trials that a best one was chosen from, by number."""
    entries = runtime.ledger.entries(step="trial", partition=best["as_of"])
    results = {entry.key: entry.result for entry in entries}
    return [Trial.from_json(result) for key in best["trials"] if (result := results.get(key)) is not None]


def _search(pipeline: Pipeline) -> Search:
    if pipeline.search is None:
        raise UsageError(
            f"pipeline {pipeline.name!r} declares no search, so there are no trials. "
            "Give it search=Search(space={...}), or train it without one: `nightshift train`."
        )
    return pipeline.search


def _trial_key(pipeline: Pipeline, search: Search, checked: dict[str, Any], number: int) -> TaskKey:
    return TaskKey(
        pipeline=pipeline.name,
        step="trial",
        partition=f"{checked['as_of']}#{number}",
        inputs={"window": checked["fingerprint"], "refused": checked["quarantine_sha256"]},
        parameters={
            **pipeline.parameters,
            "features": list(pipeline.features),
            "target": pipeline.labels.target,
            "holdout": checked["holdout"],
            "metric": pipeline.gate.metric,
            "search": search.to_json(),
            **asked(pipeline),
        },
        code=code_digest(pipeline.module, "pipelines.engine.measuring", "pipelines.engine.labelled"),
    )


def _finished_before(runtime: Runtime, key: TaskKey, number: int) -> list[Trial]:
    """Return the finished trials of the same search with a lower number; their keys differ in nothing else.

    Those with a higher one are left alone: a trial that is done again, after a kill or on purpose, then knows what it
    knew the first time, and becomes what it would have been.
    """
    mine = {**key.identity, "partition": ""}
    as_of = key.partition.partition("#")[0]
    found = [
        Trial.from_json(entry.result)
        for entry in runtime.ledger.entries(pipeline=key.pipeline, step=key.step, partition=as_of)
        if entry.state == "done" and entry.result and {**entry.identity, "partition": ""} == mine
    ]
    return [trial for trial in found if trial.number < number]


def _load(runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any]) -> Labelled:
    window = checked_window(runtime, pipeline, checked)
    search = _search(pipeline)
    if len(window.older) <= search.folds:
        raise DataError(
            f"{pipeline.name} has {len(window.older)} delivered nights before the holdout ({span(window.older)}), too few "
            f"for {search.folds} folds; deliver more nights, or declare fewer folds"
        )
    return load_data(runtime, pipeline, window, checked, window.older, pipeline.features)


def checked_window(runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any]) -> TrainingWindow:
    """Find the window again that was checked.

    Raises:
        RowsChanged: The files are no longer the ones that were checked.
    """
    as_of = parse_night(checked["as_of"])
    window = find_window(runtime, pipeline, as_of)
    if window.fingerprint != checked["fingerprint"]:
        raise RowsChanged(
            f"the training window of {pipeline.name} as of {as_of} changed after it was checked. "
            "Nothing was trained; run the training again, so that the new files are checked first."
        )
    return window
