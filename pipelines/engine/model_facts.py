"""What a model card tells of a fitted model beside its metrics: small values for a training's result.

They show a result and do not make one, so no key of a training depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from data_checks import drift
from model_registry.pictures import calibration_points
from pipelines.engine.score_form import ScoreForm

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

GROUPS = 10
MOST_FEATURES = 20
MOST_DRIFTED = 10


def calibration(form: ScoreForm, target: np.ndarray, scores: np.ndarray) -> list[list[float]]:
    """Return `[predicted, observed, rows]` of groups of equally many holdout rows, from low predictions to high ones.

    Of several classes it is the probability of the likeliest one, against how often that one came true.

    Args:
        form: Of the model's scores.
        target: What came true.
        scores: As the model gives them.
    """
    observed = form.codes(target) == scores.argmax(axis=1) if form.kind == "multiclass" else target
    points = calibration_points(observed, form.score(scores), GROUPS)
    return [[_short(predicted), _short(seen), int(rows)] for predicted, seen, rows in zip(*points, strict=True)]


def shares_of(importance: Mapping[str, float]) -> dict[str, float]:
    """Return each feature's share in the whole importance, the largest first."""
    whole = sum(importance.values())
    largest = sorted(importance.items(), key=lambda item: (-item[1], item[0]))[:MOST_FEATURES]
    return {name: _short(value / whole) for name, value in largest} if whole > 0 else {}


def holdout_drift(profile: Mapping[str, Any], table: pa.Table, features: Sequence[str]) -> dict[str, float]:
    """Return how far the holdout lies from what was trained on: population stability index by feature, the furthest first.

    Args:
        profile: Of the training's rows.
        table: Of the holdout's rows.
        features: Columns to compare; each becomes a frame of its own, so that no frame of all of them is needed.
    """
    found = {name: drift(profile, table.select([name]).to_pandas(), [name])[name] for name in features}
    furthest = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST_DRIFTED]
    return {name: round(value, 4) for name, value in furthest}


def _short(value: float) -> float:
    """Six digits that count: a result travels from task to task."""
    return float(f"{value:.6g}")
