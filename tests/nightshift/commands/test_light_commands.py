"""What a command does not need it does not import: looking at a night should not cost a second."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

HEAVY = {
    "airflow",
    "alembic",
    "apprise",
    "boto3",
    "deltalake",
    "duckdb",
    "great_expectations",
    "lightgbm",
    "lleaves",
    "llvmlite",
    "matplotlib",
    "mlflow",
    "numpy",
    "optuna",
    "pandas",
    "pyarrow",
    "pydantic",
    "pyspark",
    "requests",
    "scipy",
    "sklearn",
    "skops",
    "sqlalchemy.orm",
    "tenacity",
}
WITHOUT_A_DATABASE = HEAVY | {"rich", "sqlalchemy"}
SAY_WHAT_WAS_LOADED = """
import sys
from nightshift.cli import cli
code = cli(sys.argv[1:], standalone_mode=False)
sys.stderr.write("\\n" + " ".join(sys.modules))
"""


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        ("--help", WITHOUT_A_DATABASE),
        ("status --help", WITHOUT_A_DATABASE),
        ("score --help", WITHOUT_A_DATABASE),
        ("pipelines", HEAVY | {"sqlalchemy"}),
        ("status flights", HEAVY),
        ("status flights --json", HEAVY | {"rich"}),
        ("incidents", HEAVY),
        ("keys list flights", HEAVY),
    ],
)
def test_a_command_that_only_looks_loads_nothing_heavy(words, absent, tmp_path, migrated_file):
    shutil.copy(migrated_file, tmp_path / "ledger.db")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "COVERAGE_"))}
    path = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", SAY_WHAT_WAS_LOADED, *words.split()],
        env={**kept, "NIGHTSHIFT_HOME": str(tmp_path), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "nightshift.cli" in loaded
    assert not loaded & absent
