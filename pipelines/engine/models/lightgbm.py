"""LightGBM: kept as the booster's own text format, scored from a plain matrix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine.encoding import Encoding
from pipelines.engine.errors import ModelError
from pipelines.engine.kinds import Kind
from pipelines.engine.models.booster import Booster

if TYPE_CHECKING:
    import lightgbm
    import numpy as np
    import pyarrow as pa

FILE = "model.txt"
ONE_NUMBER = {"binary": "the probability of 1 (objective binary)", "regression": "the value (objective regression)"}


class LightGBM:
    """Boosters, and the estimators that wrap one."""

    name = "lightgbm"

    def describes(self, kind: Kind) -> str:
        """Say what `fit` may give back."""
        return f"a lightgbm Booster or {'LGBMRegressor' if kind == 'regression' else 'LGBMClassifier'}"

    def accepts(self, model: object, kind: Kind) -> bool:
        """Whether the class, or one that it inherits from, is LightGBM's; what a booster gives shows when it scores."""
        return any(parent.__module__.startswith("lightgbm.") for parent in type(model).__mro__)

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.txt`, cut at the best iteration if training stopped early."""
        _booster(model).save_model(str(folder / FILE))

    def load(self, folder: Path, encoding: Encoding, kind: Kind) -> LightGBMScorer:
        """Read `model.txt`.

        Raises:
            ModelError: LightGBM cannot read it, or it gives several numbers for each row and there is one to give.
        """
        booster = Booster(folder / FILE)
        if booster.outputs != 1 and kind != "multiclass":
            raise ModelError(
                f"the booster gives {booster.outputs} numbers for each row; expected one, {ONE_NUMBER[kind]}"
            )
        return LightGBMScorer(booster, encoding)

    def importance(self, model: Any) -> dict[str, float]:
        """Return the total gain of each feature."""
        booster = _booster(model)
        gains = booster.feature_importance(importance_type="gain")
        return {name: float(gain) for name, gain in zip(booster.feature_name(), gains, strict=True)}


class LightGBMScorer:
    """A booster and the encoding of its features."""

    name = "plain"

    def __init__(self, booster: Booster, encoding: Encoding) -> None:
        self._booster = booster
        self._encoding = encoding

    def predict(self, batch: pa.RecordBatch | pa.Table) -> np.ndarray:
        """Return what the booster gives for each row, float64, shape (rows,), or (rows, classes)."""
        return self.predict_matrix(self._encoding.matrix(batch))

    def predict_matrix(self, matrix: np.ndarray) -> np.ndarray:
        """Likewise for rows that are encoded already, float64, shape (rows, features)."""
        return self._booster.predict(matrix)


def _booster(model: Any) -> lightgbm.Booster:
    booster: lightgbm.Booster = getattr(model, "booster_", model)
    return booster


LIGHTGBM = LightGBM()
