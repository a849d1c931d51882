"""The documents' code is the test: what README and authoring guide tell a newcomer to write, works as written."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clone import BLOCK, DOCUMENTS, REPOSITORY, make_clone
from tests.support.documents import anchors, pages


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("clone"))


def run(clone: Path, *words: str, code: int = 0) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))},
        "PYTHONPATH": f"{clone}{os.pathsep}{clone / 'plugins'}",
        "AIRFLOW_HOME": str(clone / "airflow"),
    }
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_operator_of_the_guide_does_its_work_once(clone: Path) -> None:
    code = """
import json
from nightshift.operators.summary import SummaryOperator
from pipelines.engine.ledger.migrate import migrate
from pipelines.engine.runtime import open_runtime
from pipelines.engine.settings import read_settings
from pipelines.parcels import parcels

migrate(read_settings().ledger_url)
runtime = open_runtime()
published = {"night": "2026-02-20", "key": "a", "rows_scored": 399, "rows_quarantined": 1, "model_version": "1"}

def summary(**changed):
    return SummaryOperator(task_id="summary", pipeline=parcels, published={**published, **changed}).step(runtime, parcels, {})

first = summary()
place = runtime.reports(parcels, "2026-02-20") / "summary.json"
place.write_text("untouched")
assert summary() == first
assert place.read_text() == "untouched", "the same publication is told once"
assert summary(key="b")["key"] != first["key"]
assert json.loads(place.read_text())["rows_scored"] == 399
place.delete()
summary(key="b")
assert json.loads(place.read_text())["partner"] == "the depot", "a file that is gone is written again"
"""
    run(clone, "-W", "ignore", "-c", code)


def test_dags_of_the_documents_parse(clone: Path) -> None:
    code = """
import json
from pathlib import Path
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder="dags", bundle_path=Path("dags"))
assert bag.import_errors == {}, bag.import_errors
print(json.dumps({name: {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks} for name, dag in bag.dags.items()}))
"""
    found = json.loads(run(clone, "-c", code).splitlines()[-1])
    steps = {"validate", "plan", "score", "publish", "monitor"}
    assert set(found["parcels_scoring"]) == steps
    assert set(found["parcels_by_hand"]) == {*steps, "tell"}
    for cloud in ("sagemaker", "vertex"):
        assert found[f"parcels_on_{cloud}"] == {"validate": ["train"], "train": []}
    for cloud in ("emr", "dataproc"):
        assert found[f"parcels_on_{cloud}"]["score"] == ["publish"]


def test_code_of_the_documents_passes_lint(clone: Path) -> None:
    files = [path for document in DOCUMENTS for path, _ in BLOCK.findall((REPOSITORY / document).read_text())]
    shutil.copy(REPOSITORY / "pyproject.toml", clone)
    run(clone, "-m", "ruff", "check", "--no-cache", *files)
    run(clone, "-m", "ruff", "format", "--no-cache", "--check", *files)
    run(clone, "-m", "mypy", "--cache-dir", str(clone / ".mypy_cache"), "pipelines/parcels", "data_checks/suites")


def test_error_shown_in_the_authoring_guide_is_the_one_that_comes(clone: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(clone, broken)
    declaration = broken / "pipelines/parcels/__init__.py"
    text = declaration.read_text().replace('"depot", "kilometres", "kilograms"],', '"depot", "kilometers"],')
    declaration.write_text(text.replace('metric="roc_auc"', 'metric="auc"'))
    environment = {**os.environ, "PYTHONPATH": f"{broken}{os.pathsep}{broken / 'plugins'}"}
    command = [sys.executable, "-c", "from nightshift.cli import main; main()", "pipelines"]
    done = subprocess.run(command, cwd=broken, env=environment, capture_output=True, text=True, check=False)
    shown = re.search(
        r"```\n(Error: pipeline 'parcels'.*?)```", (REPOSITORY / "docs/authoring.md").read_text(), re.DOTALL
    )
    assert shown is not None
    assert done.stderr.strip() == shown[1].strip()
    assert done.returncode == 2


def test_variables_of_the_readme_are_those_that_are_read() -> None:
    described = set(
        re.findall(r"^\| `(NIGHTSHIFT_\w+)(?:<NAME>)?`", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    )
    read = set(re.findall(r"\"(NIGHTSHIFT_\w+)\"", (REPOSITORY / "pipelines/engine/settings.py").read_text()))
    assert described == read


def test_places_and_links_of_the_documents_exist() -> None:
    """Links to files, and to headings in them; those to elsewhere are not followed."""
    wrong = []
    for document in ("CHANGELOG.md", *pages()):
        path = REPOSITORY / document
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)):
            if target.startswith(("http://", "https://")):
                continue
            file, _, anchor = target.partition("#")
            there = path.parent / file if file else path
            if not there.exists() or (anchor and anchor not in anchors(there)):
                wrong.append(f"{document} links to {target}")
    assert not wrong, "\n".join(wrong)
