"""Packages are read without a pickle, whatever family they are of and whatever lies in them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from pipelines.engine.encoding import Encoding
from pipelines.engine.errors import ModelError
from pipelines.engine.models import FAMILIES
from pipelines.engine.package import load_scorer, read_profile, write_package
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import ROOT

FITS = {
    "booster": tides.fit,
    "classifier": tides.fit_classifier,
    "linear": tides.fit_linear,
    "forest": tides.fit_forest,
}
WATCHED = """
import json, pickle, sys
from collections import OrderedDict
from pathlib import Path

seen = []
sys.addaudithook(lambda event, arguments: seen.append(list(map(str, arguments))) if event == "pickle.find_class" else None)
import pyarrow as pa
from model_registry.package import load_package
from pipelines.engine.package import load_scorer, read_profile
from tests.pipelines.engine.steps import tides

rows = tides.make_rows(tides.NIGHTS[0])
for folder in map(Path, sys.argv[1:]):
    read_profile(folder)
    assert len(load_scorer(folder).predict(pa.Table.from_pandas(rows, preserve_index=False))) == len(rows)
    assert len(load_package(folder).predict_frame(rows)) == len(rows)
loading = list(seen)
pickle.loads(pickle.dumps(OrderedDict()))
print(json.dumps({"while loading": loading, "of a pickle": seen[len(loading):]}))
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A package of each kind of model that `fit` may give back, by name."""
    import pyarrow as pa

    rows = tides.make_rows(tides.LABELLED[0])
    table, target = pa.Table.from_pandas(rows), tides.make_labels(rows)["flooded"].to_numpy()
    encoding = Encoding.learn(table, tides.FEATURES, ["sea"])
    root = tmp_path_factory.mktemp("packages")
    for name, fit in FITS.items():
        (root / name).mkdir()
        write_package(root / name, fit(encoding.frame(table), target), encoding, {"features": {}})
    return root


def test_every_family_is_among_the_packages(packages):
    kept = {json.loads((packages / name / "package.json").read_text())["family"] for name in FITS}
    assert kept == {family.name for family in FAMILIES}


def test_no_package_is_read_with_a_pickle(packages):
    """Python tells an audit hook of every class or function that a pickle asks for."""
    command = [sys.executable, "-c", WATCHED, *(str(packages / name) for name in FITS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen == {"while loading": [], "of a pickle": [["collections", "OrderedDict"]]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "package.json cannot be read as a part of a model package"),
        ("", "package.json cannot be read as a part of a model package"),
        ("[]", "package.json cannot be read as a part of a model package"),
        ("{}", "of the family 'None'; this Nightshift reads lightgbm, scikit-learn"),
        ('{"family": "pickle"}', "of the family 'pickle'; this Nightshift reads lightgbm, scikit-learn"),
        ('{"family": ["lightgbm"]}', "this Nightshift reads lightgbm, scikit-learn"),
    ],
)
def test_folder_that_is_no_package_is_refused_in_words(tmp_path, content, said):
    if content is not None:
        (tmp_path / "package.json").write_text(content)
    with pytest.raises(ModelError, match=said.replace("[", r"\[")):
        load_scorer(tmp_path)


def test_missing_profile_is_told_in_words(tmp_path):
    with pytest.raises(ModelError, match=r"profile\.json cannot be read as a part of a model package"):
        read_profile(tmp_path)


def test_loader_in_the_manifest_decides_nothing_for_scoring(packages, tmp_path):
    folder = shutil.copytree(packages / "booster", tmp_path / "package")
    manifest = json.loads((folder / "package.json").read_text())
    (folder / "package.json").write_text(json.dumps({**manifest, "loader": "os:abort"}))
    assert type(load_scorer(folder)).__name__ == "LightGBMScorer"
