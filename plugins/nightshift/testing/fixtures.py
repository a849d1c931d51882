"""What pytest offers with one line in `conftest.py`: `pytest_plugins = ["nightshift.testing.fixtures"]`.

It also gives Airflow a home of its own before anything imports it, so that tests neither read nor make `~/airflow`.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightshift.testing.house import House

__all__ = ["house"]


def pytest_configure() -> None:
    """Give Airflow an empty home without its examples, unless somebody chose one, or has imported it."""
    if "AIRFLOW_HOME" in os.environ or "airflow" in sys.modules:
        return
    home = tempfile.mkdtemp(prefix="airflow-of-tests-")
    os.environ.update({"AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"})
    atexit.register(shutil.rmtree, home, ignore_errors=True)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An open house in a folder of the test's own; see `nightshift.testing.House`."""
    with House(tmp_path / "house") as house:
        yield house
