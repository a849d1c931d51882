"""Imports the heavy modules once, in the process that forks tasks.

Every Airflow task is a fork of a worker that is a fork of the scheduler (or of a Celery worker), and what a task
imports is forgotten when it ends. Great Expectations and MLflow cost some ten CPU seconds: per task, or, imported
here, once. `airflow_local_settings.py` calls `install()`: Airflow imports that module in every process, before it
forks anything.

Only imports happen here. A library that is used before the fork (a DuckDB connection, a Delta table, a LightGBM model)
may start threads, which a forked child does not have and would wait for.
"""

from __future__ import annotations

import importlib
import logging
import sys
import time
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MODULES = (
    "pandas",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "sklearn.linear_model",
    "lightgbm",
    "optuna",
    "skops.io",
    "deltalake",
    "duckdb",
    "matplotlib.backends.backend_agg",
    "model_registry.warm",
    "data_checks.runner",
    "pipelines.engine.steps.whole",
)
"""What the steps of a night import, in the order in which it is imported."""

_log = logging.getLogger(__name__)


def forks_tasks(arguments: Sequence[str]) -> bool:
    """Whether `sys.argv` is that of a process whose forks run tasks: `airflow scheduler`, `airflow celery worker`."""
    words = list(arguments[1:3])
    return words[:1] == ["scheduler"] or words == ["celery", "worker"]


def install() -> dict[str, float]:
    """Import the heavy modules if this process forks tasks. Returns seconds per module, {} in any other process."""
    return preload(MODULES) if forks_tasks(sys.argv) else {}


def preload(modules: Iterable[str]) -> dict[str, float]:
    """Import `modules` and return the seconds that each took.

    One that is missing or breaks is logged and left out: the task that needs it will say so better.
    """
    seconds = {}
    for name in modules:
        started = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # nothing that an author of a DAG could act upon
                importlib.import_module(name)
        except Exception as error:
            _log.warning("%s is not preloaded, tasks will import it themselves: %s", name, error)
        else:
            seconds[name] = time.perf_counter() - started
    return seconds
