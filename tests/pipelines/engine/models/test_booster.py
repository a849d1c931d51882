"""The C interface gives what LightGBM's own package gives."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import pytest

from pipelines.engine.errors import ModelError
from pipelines.engine.models.booster import Booster
from pipelines.engine.models.lightgbm import LIGHTGBM
from tests.pipelines.engine.models import boosters


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return boosters.package(tmp_path_factory.mktemp("booster") / "package") / "model.txt"


def rows(number=500):
    chance = np.random.default_rng(1)
    matrix = chance.normal(size=(number, 4))
    matrix[:, 0] = chance.integers(0, 12, number)
    matrix[chance.random((number, 4)) < 0.1] = np.nan
    return matrix


def test_scores_are_those_of_the_package(file):
    ours, theirs = Booster(file), lightgbm.Booster(model_file=str(file))
    np.testing.assert_array_equal(ours.predict(rows()), theirs.predict(rows()))
    assert ours.features == 4


def test_no_rows_give_no_scores(file):
    assert Booster(file).predict(np.empty((0, 4))).shape == (0,)


@pytest.mark.parametrize("wrong", [np.zeros((3, 5)), np.zeros((3, 4), np.float32), np.zeros((4, 3)).T])
def test_another_form_of_matrix_is_refused(file, wrong):
    with pytest.raises(ModelError, match="the model has 4 features"):
        Booster(file).predict(wrong)


def test_a_file_that_is_no_model_is_said_in_words(tmp_path):
    (tmp_path / "model.txt").write_text("hello\n")
    with pytest.raises(ModelError, match="LightGBM says of the model: "):
        Booster(tmp_path / "model.txt")


@pytest.fixture
def several(tmp_path):
    """A model of three classes."""
    frame, target = boosters.data(500)
    knobs = {"objective": "multiclass", "num_class": 3, "verbosity": -1}
    lightgbm.train(knobs, lightgbm.Dataset(frame, target), 2).save_model(str(tmp_path / "model.txt"))
    return tmp_path / "model.txt"


def test_a_model_with_several_classes_gives_a_number_for_each(several):
    given = Booster(several).predict(rows())
    np.testing.assert_array_equal(given, lightgbm.Booster(model_file=str(several)).predict(rows()))
    assert given.shape == (500, 3)


@pytest.mark.parametrize(("kind", "expected"), [("binary", "the probability of 1"), ("regression", "the value")])
def test_a_model_with_several_classes_is_refused_where_one_number_is_asked(several, kind, expected):
    with pytest.raises(ModelError, match=f"gives 3 numbers for each row; expected one, {expected}"):
        LIGHTGBM.load(several.parent, boosters.ENCODING, kind)


def test_several_threads_may_use_one_booster(file):
    booster, expected = Booster(file), Booster(file).predict(rows())
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(booster.predict, [rows()] * 40):
            np.testing.assert_array_equal(scores, expected)


def test_scoring_imports_neither_pandas_nor_the_package(file):
    code = (
        "import sys, numpy; from pathlib import Path; from pipelines.engine.models.booster import Booster; "
        f"Booster(Path({str(file)!r})).predict(numpy.zeros((3, 4))); "
        "print({'pandas', 'lightgbm', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
