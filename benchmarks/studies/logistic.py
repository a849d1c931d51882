"""One-hot and scaled features, logistic regression: a model so small that everything around it shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.agreement import OTHER_ARITHMETIC, disagreement
from benchmarks.measuring.process import Subject
from benchmarks.measuring.turns import in_turn
from benchmarks.places import Place
from benchmarks.results import Found, Target
from benchmarks.studies import subjects
from benchmarks.studies.scale import Scale, make_ready, say, words
from benchmarks.studies.subjects import GENERIC, NATIVE, PANDAS


def study(folder: Path, rounds: int, scale: Scale) -> Found:
    """Score the same rows by hand, with Nightshift's path for any scikit-learn model, and in pandas."""
    place = Place(folder)
    make_ready(folder, scale.large)
    native = subjects.native_logistic(place, scale.large)
    others = [
        subjects.exported_logistic(place, scale.large),
        subjects.our_logistic(place, scale.large),
        subjects.pandas_logistic(place, scale.large),
    ]

    def check(subject: Subject, _: Path) -> str | None:
        if subject.output is None or native.output is None or subject is native:
            return None
        return disagreement(subject.name, subject.output, native.output, OTHER_ARITHMETIC)

    turns = in_turn([native, *others], rounds, place.logs("logistic"), say, check)
    work = f"Logistic, {words(scale.large)} rows"
    held = {
        (f"{work}: CPU / hand-tuned script", 2.2): turns.ratio(GENERIC, NATIVE),
        (f"{work}: CPU / whole file into pandas", 0.5): turns.ratio(GENERIC, PANDAS),
    }
    return Found(
        f"Scoring with a one-hot, scaled logistic regression, {words(scale.large)} rows",
        turns.table(NATIVE),
        [_target(name, target, ratio) for (name, target), ratio in held.items() if ratio is not None],
        [
            (
                "Script written by hand: a table for each text and a line for each number, in blocks of 8,192 rows and two threads. It "
                "takes the weights from the same model file as the others, which needs scikit-learn once."
            ),
            (
                "Exported weights: the same script without scikit-learn, which is most of its time; somebody must export the weights of "
                "each new model."
            ),
            "Whole file into pandas: `read_parquet`, the estimator's `predict_proba`, `to_parquet`.",
            turns.note(rounds),
        ],
        turns.failures,
        NATIVE,
    )


def _target(name: str, target: float, ratio: float) -> Target:
    """Return a target, with what stands in the way where it does not hold."""
    held = Target(name, target, ratio)
    way = "scikit-learn's encoder looks each value up in Python, the script once for each distinct one"
    return held if held.holds else replace(held, note=way)
