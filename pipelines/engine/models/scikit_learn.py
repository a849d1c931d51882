"""scikit-learn: kept with skops, which reads types from a list and runs no code, and scored from a pandas frame."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine.encoding import Encoding
from pipelines.engine.errors import FitFailed, ModelError
from pipelines.engine.kinds import Kind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

FILE = "model.skops"
SLICE_ROWS = 65_536
"""Scored at once. What scikit-learn makes on the way is several times the rows, and above this its memory is asked of the
kernel anew each time; below, each call's own checks weigh more."""
TRUSTED = ("numpy.", "scipy.", "sklearn.")
"""Libraries whose own classes are believed, beside what skops itself believes."""
TRUSTED_FUNCTIONS = ("sklearn.feature_selection.", "sklearn.metrics.")
"""Where functions are believed as well: scores. A function from anywhere could be called with anything by a
`FunctionTransformer`, and `numpy.load` reads pickles."""


class ScikitLearn:
    """Estimators and pipelines: classifiers with `predict_proba`, and regressors."""

    name = "scikit-learn"

    def describes(self, kind: Kind) -> str:
        """Say what `fit` may give back."""
        return "a scikit-learn regressor" if kind == "regression" else "a scikit-learn classifier with predict_proba"

    def accepts(self, model: object, kind: Kind) -> bool:
        """Whether scikit-learn is where it comes from, and it predicts what is asked: values, or probabilities."""
        ours = any(parent.__module__.startswith("sklearn.") for parent in type(model).__mro__)
        if not ours or kind != "regression":
            return ours and hasattr(model, "predict_proba")
        from sklearn.base import is_regressor

        return bool(is_regressor(model))

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.skops`.

        Raises:
            FitFailed: The model holds types that could run code when they are read.
        """
        with _skops() as io:
            io.dump(model, folder / FILE)
        unknown, _ = _types(folder / FILE)
        if unknown:
            raise FitFailed(
                f"fit gave back a model with parts that cannot be kept safely: {', '.join(unknown)}. "
                "Build it from classes of scikit-learn, scipy and numpy."
            )

    def load(self, folder: Path, encoding: Encoding, kind: Kind) -> ScikitLearnScorer:
        """Read `model.skops`.

        Raises:
            ModelError: The file holds types that could run code.
        """
        unknown, known = _types(folder / FILE)
        if unknown:
            raise ModelError(f"{folder / FILE} holds {', '.join(unknown)}, which could run code; it is not loaded")
        with _skops() as io:
            model = io.load(folder / FILE, trusted=known)
        return ScikitLearnScorer(model, encoding, kind)

    def importance(self, model: Any) -> dict[str, float]:
        """Return the coefficients' sizes or importances where the model has them, else nothing."""
        names = getattr(model, "feature_names_in_", ())
        values = getattr(model, "feature_importances_", ())
        return {str(name): float(value) for name, value in zip(names, values, strict=False)}


class ScikitLearnScorer:
    """An estimator and the encoding of its features."""

    name = "plain"

    def __init__(self, model: Any, encoding: Encoding, kind: Kind) -> None:
        self._model = model
        self._encoding = encoding
        self._kind = kind

    def predict(self, batch: pa.RecordBatch | pa.Table) -> np.ndarray:
        """Return the probability of 1 or the value of each row, float64, shape (rows,); of classes (rows, classes)."""
        import numpy as np

        classes = len(self._model.classes_) if self._kind == "multiclass" else 0
        scores = np.empty((batch.num_rows, classes) if classes else batch.num_rows, dtype=np.float64)
        for start in range(0, batch.num_rows, SLICE_ROWS):
            part = self._encoding.frame(batch.slice(start, SLICE_ROWS))
            scores[start : start + len(part)] = self._predicted(part)
        return scores

    def _predicted(self, part: pd.DataFrame) -> np.ndarray:
        if self._kind == "regression":
            values: np.ndarray = self._model.predict(part)
            return values
        probabilities: np.ndarray = self._model.predict_proba(part)
        return probabilities[:, 1] if self._kind == "binary" else probabilities


@contextmanager
def _skops() -> Iterator[Any]:
    """Give skops' reader and writer, without the deprecation warnings of others.

    To name a type it asks every loaded module for it, at its own import as well, and some modules answer with a warning.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skops import io

        yield io


def _types(file: Path) -> tuple[list[str], list[str]]:
    """Return the types in a file that could run code, and those of trusted libraries that skops alone would refuse."""
    with _skops() as io:
        found = io.get_untrusted_types(file=file)
        known = [name for name in found if name.startswith(TRUSTED) and _is_believed(name)]
    return [name for name in found if name not in known], known


def _is_believed(name: str) -> bool:
    """Whether a name is that of a class where the class is defined (or of a score).

    A name alone says little: modules pass on what they import, and `sklearn.utils._testing.check_output` is a name of
    `subprocess.check_output`.
    """
    module, _, attribute = name.rpartition(".")
    try:
        meant = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        return False
    defined_there = f"{getattr(meant, '__module__', '')}.{getattr(meant, '__qualname__', '')}" == name
    return defined_there and (isinstance(meant, type) or name.startswith(TRUSTED_FUNCTIONS))


SCIKIT_LEARN = ScikitLearn()
