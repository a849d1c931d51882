"""The page about testing: every test on it is run as it stands, in a copy of the repository with the README's pipeline."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import tests.dags.airflow_home  # noqa: F401
from nightshift.testing import faults
from tests.support.clone import BLOCK, REPOSITORY, make_clone

PAGE = REPOSITORY / "docs/testing.md"


def test_tests_of_the_page_pass_as_they_stand(tmp_path: Path) -> None:
    clone = make_clone(tmp_path)
    written = BLOCK.findall(PAGE.read_text())
    assert len(written) == PAGE.read_text().count("```python")
    for path, code in written:
        (clone / path).parent.mkdir(exist_ok=True)
        (clone / path).write_text(code)
    (clone / "tests/__init__.py").touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))}
    environment = {**kept, "PYTHONPATH": f"{clone}{os.pathsep}{clone / 'plugins'}", "HOME": str(tmp_path / "nobody")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir=.", "tests"]
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
    tests = sum(len(re.findall(r"^def test_", code, re.MULTILINE)) for _, code in written)
    passed = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert passed is not None
    assert int(passed[1]) >= tests
    linted = [path for path, _ in written]
    settings = REPOSITORY / "pyproject.toml"
    for words in (("check",), ("format", "--check")):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "--config", str(settings), *linted]
        lint = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
        assert lint.returncode == 0, lint.stdout


def test_every_fault_is_on_the_page() -> None:
    public = {name for name in faults.__all__ if inspect.isfunction(getattr(faults, name))}
    assert public == set(re.findall(r"^\| `faults\.(\w+)\(", PAGE.read_text(), re.MULTILINE))
