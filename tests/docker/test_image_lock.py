"""Which packages the image gets: those that run, with the lock's versions and hashes."""

from __future__ import annotations

import importlib.util
import re

import pytest

from pipelines.engine.settings import REPOSITORY

_spec = importlib.util.spec_from_file_location("image_lock", REPOSITORY / "docker/image/lock.py")
lock = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lock)

REQUIREMENTS = """
# Rows
celery[redis]<5.7  # why
PyYAML

# Docs
sphinx

# Tests and tools
pytest
numpy
"""
LOCK = """\
celery==5.6.3 \\
    --hash=sha256:aa
    # via -r requirements.in
kombu==5.5.0 ; python_full_version < '3.12' \\
    --hash=sha256:bb
    # via celery
kombu==5.6.0 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
    # via
    #   celery
    #   vine
numpy==2.4.0 \\
    --hash=sha256:dd
    # via
    #   -r requirements.in
    #   kombu
pluggy==1.6.0 \\
    --hash=sha256:ee
    # via pytest
pytest==9.0.0 \\
    --hash=sha256:ff
    # via -r requirements.in
pyyaml==6.0.3 \\
    --hash=sha256:11
    # via -r requirements.in
vine==5.1.0 \\
    --hash=sha256:22
    # via
    #   celery
    #   kombu
"""


def chosen(requirements: str = REQUIREMENTS, text: str = LOCK) -> set[str]:
    return lock.needed(lock.wanted(requirements), lock.entries(text))


def test_what_runs_comes_with_what_it_stands_on() -> None:
    assert chosen() == {"celery", "kombu", "vine", "pyyaml", "numpy"}


def test_package_for_tests_stays_out_unless_something_that_runs_asks_for_it() -> None:
    assert {"pytest", "pluggy"}.isdisjoint(chosen())
    assert "numpy" not in chosen(text=LOCK.replace("    #   kombu\npluggy", "pluggy"))


def test_lines_are_those_of_the_lock(tmp_path, capsys) -> None:
    (tmp_path / "in").write_text(REQUIREMENTS)
    (tmp_path / "txt").write_text(LOCK)
    assert lock.main([str(tmp_path / "in"), str(tmp_path / "txt")]) == 0
    printed = capsys.readouterr().out
    assert printed.count("kombu==") == 2  # one for each Python
    assert all(line in LOCK.splitlines() for line in printed.splitlines())
    lock.main([str(tmp_path / "in"), str(tmp_path / "txt"), "pytest"])
    assert capsys.readouterr().out == "".join(LOCK.partition("pytest==")[1:]).partition("pyyaml")[0]


def test_renamed_heading_is_noticed() -> None:
    with pytest.raises(ValueError, match="no heading 'Docs' any more"):
        lock.wanted(REQUIREMENTS.replace("# Docs", "# Documents"))


def test_the_image_can_do_its_work_and_has_no_tools_of_ours() -> None:
    entries = lock.entries((REPOSITORY / "requirements.txt").read_text())
    names = lock.needed(lock.wanted((REPOSITORY / "requirements.in").read_text()), entries)
    assert {"apache-airflow", "mlflow", "lightgbm", "lleaves", "deltalake", "boto3", "redis", "flask-wtf"} <= names
    assert names.isdisjoint({"pytest", "moto", "ruff", "mypy", "sphinx", "playwright", "hypothesis", "uv", "pip"})
    assert all("--hash=sha256:" in lines for name, lines, _ in entries if name in names)


def test_every_package_of_the_lock_says_who_asked_for_it() -> None:
    """The graph is read from comments; a lock without them would choose nothing."""
    entries = lock.entries((REPOSITORY / "requirements.txt").read_text())
    names = {name for name, _, _ in entries}
    assert all(askers for _, _, askers in entries)
    assert {asker for _, _, askers in entries for asker in askers} - names == {"-r requirements.in"}
    assert len(entries) == len(re.findall(r"(?m)^[a-z0-9].*==", (REPOSITORY / "requirements.txt").read_text()))
