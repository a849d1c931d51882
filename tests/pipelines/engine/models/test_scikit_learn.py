"""Which scikit-learn models are kept, and which files are not believed."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from pipelines.engine.encoding import Encoding
from pipelines.engine.errors import FitFailed, ModelError
from pipelines.engine.models.scikit_learn import FILE, SCIKIT_LEARN

X = np.random.default_rng(1).random((60, 2))
Y = (X[:, 0] > 0.5).astype(int)
ENCODING = Encoding(("wind", "depth"), {})

ORDINARY = {
    "linear": LogisticRegression(),
    "forest": RandomForestClassifier(n_estimators=3),
    "boosting": GradientBoostingClassifier(n_estimators=3),
    "neighbours": KNeighborsClassifier(),
    "calibrated": CalibratedClassifierCV(LogisticRegression(), cv=2),
    "searched by a score": GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, scoring="roc_auc", cv=2),
    "best features": make_pipeline(SelectKBest(k=1), LogisticRegression()),
    "logarithm": make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_model_is_kept_and_read_again(tmp_path, name):
    model = ORDINARY[name].fit(X, Y)
    SCIKIT_LEARN.save(model, tmp_path)
    read = SCIKIT_LEARN.load(tmp_path, ENCODING, "binary")._model
    assert np.array_equal(read.predict_proba(X), model.predict_proba(X))


def same(values, **_):
    """Stands for any function that a model could be made to call."""
    return values


def disguised(module, name):
    """A function that skops writes down under another one's name."""

    def function(values, **_):
        return values

    function.__module__, function.__name__, function.__qualname__ = module, name, name
    return function


HOSTILE = {
    "own function": same,
    "function of the standard library": disguised("subprocess", "check_output"),
    "passed on by a trusted module": disguised("sklearn.utils._testing", "check_output"),
    "runs what it is given": disguised("sklearn.utils._testing", "assert_run_python_script_without_output"),
    "reads pickles": disguised("numpy", "load"),
    "not there": disguised("sklearn.nowhere", "function"),
}


def test_the_disguise_would_work():
    """What `passed on by a trusted module` is worth."""
    import sklearn.utils._testing

    assert sklearn.utils._testing.check_output is subprocess.check_output


@pytest.mark.parametrize("name", HOSTILE)
def test_model_with_a_function_that_could_do_anything_is_neither_kept_nor_read(tmp_path, name):
    from skops import io

    model = make_pipeline(FunctionTransformer(same), LogisticRegression()).fit(X, Y)
    model.steps[0][1].func = HOSTILE[name]
    with pytest.raises(FitFailed, match="parts that cannot be kept safely"):
        SCIKIT_LEARN.save(model, tmp_path)
    io.dump(model, tmp_path / FILE)
    with pytest.raises(ModelError, match="which could run code; it is not loaded"):
        SCIKIT_LEARN.load(tmp_path, ENCODING, "binary")
