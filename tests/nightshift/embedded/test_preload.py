from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from nightshift.preload import MODULES, forks_tasks, install, preload


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["airflow", "scheduler", "--skip-serve-logs"], True),
        (["airflow", "celery", "worker", "-c", "2"], True),
        (["airflow", "celery", "flower"], False),
        (["airflow", "api-server"], False),
        (["airflow", "dag-processor"], False),
        (["airflow", "triggerer"], False),
        (["airflow"], False),
        ([], False),
    ],
)
def test_only_processes_that_fork_tasks_preload(arguments, expected):
    assert forks_tasks(arguments) is expected


def test_any_other_process_imports_nothing(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["airflow", "api-server"])
    assert install() == {}


def test_a_module_that_breaks_is_told_and_left_out(tmp_path, monkeypatch, caplog):
    (tmp_path / "breaks_at_import.py").write_text("raise OSError('no such library')")
    monkeypatch.syspath_prepend(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert list(preload(["not_there_at_all", "breaks_at_import", "json"])) == ["json"]
    assert "not_there_at_all is not preloaded" in caplog.text
    assert "no such library" in caplog.text


def test_every_module_in_the_list_can_be_imported(tmp_path):
    code = (
        "import sys; from nightshift.preload import MODULES, preload; sys.exit(set(preload(MODULES)) != set(MODULES))"
    )
    path = ":".join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env={"PYTHONPATH": path, "HOME": str(tmp_path)}, check=False
    )
    assert done.returncode == 0
    assert "data_checks.runner" in MODULES
