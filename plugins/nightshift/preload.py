"""Imports the heavy modules once, in the process that forks tasks.

Every Airflow task is a fork of a worker that is a fork of the scheduler (or of a Celery worker), and what a task
imports is forgotten when it ends. Great Expectations and MLflow cost some ten CPU seconds: per task, or, imported
here, once. `airflow_local_settings.py` calls `install()`: Airflow imports that module in every process, before it
forks anything.

Only imports happen here, and they leave no thread behind: a forked child does not have its parent's threads and might wait
for them. A library that is used before the fork (a DuckDB connection, a Delta table, a LightGBM model) starts some.

What was imported stays shared. Python's cycle collector writes to every object that it looks at, so without `gc.freeze` each
child would soon have a copy of its own of all of it: measured, 163 MB instead of 4.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
    "llvmlite.binding",
    "joblib",
    "matplotlib.backends.backend_agg",
    "model_registry.warm",
    "data_checks.runner",
    "pipelines.engine.steps.whole",
    "pipelines.engine.reports.warm",
    "nightshift.connections",
    "nightshift.live.slowness",
    "nightshift.warm",
    "pipelines.engine.warm",
)
"""What the steps of a night import, in the order in which it is imported."""

TO_READ_DAGS = ("nightshift.warm", "nightshift.warm_reading")
"""What reading a DAG file, and serializing its DAGs, imports; none of it is heavy."""

NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "_RJEM_MALLOC_CONF": "background_thread:false"}
"""The allocators of pyarrow and of deltalake begin a thread of their own each, unless told not to while they are loaded."""

LEFT_OUT = ("polars",)
"""Begins a thread as soon as it is imported. MLflow imports it where it is installed, and none of our steps uses it."""

_log = logging.getLogger(__name__)


def forks_tasks(arguments: Sequence[str], executor: str) -> bool:
    """Whether a process's forks run tasks.

    Args:
        arguments: Its `sys.argv`: `airflow celery worker`, or `airflow scheduler` with an executor whose workers it forks.
        executor: Airflow's `[core] executor`, of which there may be several.
    """
    words = list(arguments[1:3])
    return words == ["celery", "worker"] or (words[:1] == ["scheduler"] and "LocalExecutor" in executor)


def modules_for(arguments: Sequence[str], executor: str) -> tuple[str, ...]:
    """Return what a process should import before it forks; see `forks_tasks`. Most processes: nothing."""
    if forks_tasks(arguments, executor):
        return MODULES
    return TO_READ_DAGS if list(arguments[1:2]) == ["dag-processor"] else ()


def install() -> dict[str, float]:
    """Import what this process's forks need. Returns seconds per module, {} in a process that forks nobody who needs any."""
    from airflow.configuration import conf

    modules = modules_for(sys.argv, conf.get("core", "executor", fallback="LocalExecutor"))
    if not modules:
        return {}
    with _without_threads():
        seconds = preload(modules)
    share()
    return seconds


def share() -> None:
    """Let children share what was imported so far: the cycle collector looks at none of it from now on, here or there.

    Airflow freezes before it forks, and unfreezes afterwards; a Celery worker that replaces a child later does not freeze
    again. So each child freezes what it was born with.
    """
    gc.collect()
    gc.freeze()
    os.register_at_fork(after_in_child=gc.freeze)


@contextmanager
def _without_threads() -> Iterator[None]:
    """Import something in the block; what is imported has no threads afterwards."""
    before = {name: os.environ.get(name) for name in NO_THREADS}
    absent = [name for name in LEFT_OUT if name not in sys.modules]
    os.environ.update({name: value for name, value in NO_THREADS.items() if before[name] is None})
    refused: dict[str, Any] = dict.fromkeys(absent)  # importing them fails, as if they were not installed
    sys.modules.update(refused)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
        for name in [name for name, value in before.items() if value is None]:
            del os.environ[name]
    _end_pools()


def _end_pools() -> None:
    """End the threads that NumPy's and SciPy's OpenBLAS begin when loaded: it ends them at any fork, and begins them on demand."""
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


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
