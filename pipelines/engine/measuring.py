"""Measure one set of knobs: fit on the older nights of a fold, score the nights after them as a night would."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.engine.encoding import Encoding
from pipelines.engine.errors import DataError
from pipelines.engine.labelled import Labelled
from pipelines.engine.metrics import metrics_of
from pipelines.engine.package import load_scorer, write_package
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.score_form import learned_form
from pipelines.engine.training import fit_model, is_constant
from pipelines.engine.trials import Fold


def check_folds(data: Labelled, folds: Sequence[Fold]) -> None:
    """Make sure that each fold can be learned from and measured on.

    Raises:
        DataError: A part of it has no row, or rows of one label only.
    """
    nights = [night for night, _ in data.nights]
    for fold in folds:
        parts = (("learn from", 0, fold.first), ("be measured on", fold.first, fold.end))
        for word, first, end in parts:
            part = data.slice(first, end)
            if not part.rows or is_constant(part.target):
                found = f"{part.rows} labelled rows, all {_same(part)}" if part.rows else "no labelled row"
                raise DataError(
                    f"the nights {nights[first]}..{nights[end - 1]}, which a fold of the search is to {word}, have {found}; "
                    "deliver more nights, or declare fewer folds or a longer window"
                )


def measure_fold(pipeline: Pipeline, data: Labelled, fold: Fold, parameters: Mapping[str, Any]) -> float:
    """Return the gate's metric of one fold.

    Args:
        pipeline: Whose `fit`.
        data: Of all nights before the holdout.
        fold: What to learn from, and what to measure on.
        parameters: A value for each knob.

    Raises:
        FitFailed: `fit` raised, or gave back something that cannot be kept.
        ModelError: The model gives something else than scores of the pipeline's kind.
    """
    learned, held = data.slice(0, fold.first), data.slice(fold.first, fold.end)
    encoding = Encoding.learn(learned.table, pipeline.features, pipeline.string_features)
    form = learned_form(pipeline.kind, learned.target)
    model = fit_model(pipeline, encoding.frame(learned.table), form.codes(learned.target), parameters)
    with tempfile.TemporaryDirectory(prefix="nightshift-") as folder:
        # As it would be kept and loaded: what cannot be kept is found here, and not after the search.
        write_package(Path(folder), model, encoding, {}, form)
        scores = form.checked(load_scorer(Path(folder)).predict(held.table), held.rows)
    return metrics_of(*form.measurable(held.target, scores), pipeline.kind)[pipeline.gate.metric]


def _same(part: Labelled) -> str:
    return "of one class" if part.target.dtype != float else f"of the value {part.target[0]}"
