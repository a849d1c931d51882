"""All files of a new pipeline are written, or none; whatever the data is called, they are Python."""

from pathlib import Path

import pytest

from nightshift.scaffold.choices import design
from nightshift.scaffold.rendering import NotWritten, formatted, render
from nightshift.scaffold.values import Wishes
from nightshift.scaffold.writing import write_all
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
        assert formatted(text, path) == text
