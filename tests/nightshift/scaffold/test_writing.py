"""All files of a new pipeline are written, or none; whatever the data is called, they are Python."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data_checks import SuiteContext
from data_checks.runner import numbered
from nightshift.scaffold.choices import design
from nightshift.scaffold.rendering import NotWritten, formatted, render
from nightshift.scaffold.values import Wishes
from nightshift.scaffold.writing import write_all
from pipelines.engine.settings import REPOSITORY
from tests.nightshift.scaffold.test_choices import AGE, YES_NO, column, seen


def listed(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_a_pipeline_that_cannot_be_loaded_leaves_nothing_behind(tmp_path):
    (tmp_path / "dags").mkdir()
    texts = {"pipelines/broken/__init__.py": "raise ValueError('no')\n", "dags/broken.py": "x = 1\n"}
    with pytest.raises(NotWritten, match="'broken' cannot be loaded, so nothing is written"):
        write_all(tmp_path, texts, "broken")
    assert listed(tmp_path) == ["dags"]


def test_a_write_that_fails_half_way_leaves_nothing_behind(tmp_path):
    (tmp_path / "dags").write_text("no folder")
    with pytest.raises(OSError, match="dags"):
        write_all(tmp_path, {"pipelines/visits/__init__.py": "", "dags/visits.py": ""}, "visits")
    assert listed(tmp_path) == ["dags"]


@pytest.mark.parametrize(
    "odd", ['"""', "it's", 'say "no"', "a\\b", "{{ x }}", "{% endif %}", "gänse\nfüße", "import os"]
)
def test_names_of_any_kind_become_python_and_nothing_else(odd):
    label = column(odd, "string", {"yes": 900, f"no {odd}": 1100})
    wishes = Wishes(name="visits", source=f"/data/{odd}.csv", ids=("visit",), label=odd, partition="day", owner=odd)
    made = design(wishes, seen(YES_NO, AGE, label, column(f"{odd} note", "string", distinct=1990)))
    texts = render(made, f"/data/{odd}.csv")
    found: dict[str, object] = {}
    suite = texts["data_checks/suites/visits_labels.py"]
    exec(compile(suite[suite.index("TYPES =") : suite.index("def build")], "suite", "exec"), found)  # noqa: S102
    assert found["TARGET"] == odd
    for path, text in texts.items():
        compile(text, path, "exec")
    assert formatted(texts) == texts


DEPOT = column("depot", "string", {"north": 1200, "south": 800})
AMOUNT = column(kind="double", low=0.0, high=9.5)
CLASSES = column(values={1: 900, 2: 900, 3: 200})
GAPS = column("children", known=1500, low=0.0, high=4.0)
FLAG = column("is_new", "bool", {False: 1500, True: 500})
TABLE = {"source": "sqlite:///shop.db", "table": "visits"}
VARIANTS = {
    "the same ids every night": (YES_NO, [DEPOT, AGE], {}, {"repeated": True}),
    "two ids": (YES_NO, [column("floor", low=1.0, high=9.0), DEPOT, AGE], {"ids": ("visit", "floor")}, {}),
    "two ids every night": (AMOUNT, [DEPOT, GAPS], {"ids": ("visit", "depot")}, {"repeated": True}),
    "only truth values": (CLASSES, [FLAG], {}, {}),
    "only gaps": (YES_NO, [column("x", "double", known=9, low=-3.0, high=-1.0)], {}, {}),
    "a table": (AMOUNT, [DEPOT, GAPS], TABLE, {}),
    "a table with the same ids and a view": (YES_NO, [GAPS], {**TABLE, "labels_table": "known"}, {"repeated": True}),
    "a table of truth values": (column(kind="bool", values={False: 1500, True: 500}), [AGE], TABLE, {}),
    "a name that sorts before the engine": (YES_NO, [AGE], {"name": "churn"}, {}),
    "another schedule": (YES_NO, [AGE], {"schedule": "0 2 * * MON", "timezone": "Europe/Vienna"}, {}),
}


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys())
def texts(request):
    label, columns, words, facts = request.param
    given = {"name": "visits", "source": "v.csv", "ids": ("visit",), "label": "left", "partition": "day", "owner": "us"}
    return render(design(Wishes(**{**given, **words}), seen(label, *columns, **facts)), "the data")


def test_whatever_the_data_is_like_the_files_pass_lint(texts, tmp_path):
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    ours = f'src = [".", "{REPOSITORY}", "{REPOSITORY}/plugins"]'
    for words in (("check",), ("format", "--check")):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "--config", ours, "."]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_whatever_the_data_is_like_the_suites_can_be_built(texts):
    for side in ("rows", "labels"):
        found: dict[str, object] = {}
        [suite] = [
            text for path, text in texts.items() if path.startswith("data_checks/") and path.endswith(f"_{side}.py")
        ]
        exec(compile(suite, side, "exec"), found)  # noqa: S102
        for partition, nights in (("2026-03-17", 1), ("2026-03-01..2026-03-17", 17)):
            assert numbered(found["build"](SuiteContext(partition=partition, nights=nights, id_columns=("visit",))))
