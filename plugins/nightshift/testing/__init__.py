"""Test a DAG file, an operator or a pipeline in memory: no metadata database, no server, milliseconds.

    from nightshift.testing import House, run_dag, run_operator

Names are imported when they are first used. `docs/testing.md` shows what they are for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nightshift.testing import faults
    from nightshift.testing.clock import Clock
    from nightshift.testing.dags import load_dags, run_dag
    from nightshift.testing.errors import Killed, NotIdempotent
    from nightshift.testing.house import House
    from nightshift.testing.idempotency import assert_idempotent
    from nightshift.testing.outcomes import DagOutcome, TaskOutcome
    from nightshift.testing.registry import MemoryRegistry
    from nightshift.testing.rows import make_labels, make_rows
    from nightshift.testing.tasks import run_operator

_WHERE = {
    "Clock": "clock",
    "DagOutcome": "outcomes",
    "House": "house",
    "Killed": "errors",
    "MemoryRegistry": "registry",
    "NotIdempotent": "errors",
    "TaskOutcome": "outcomes",
    "assert_idempotent": "idempotency",
    "load_dags": "dags",
    "make_labels": "rows",
    "make_rows": "rows",
    "run_dag": "dags",
    "run_operator": "tasks",
}

__all__ = [
    "Clock",
    "DagOutcome",
    "House",
    "Killed",
    "MemoryRegistry",
    "NotIdempotent",
    "TaskOutcome",
    "assert_idempotent",
    "faults",
    "load_dags",
    "make_labels",
    "make_rows",
    "run_dag",
    "run_operator",
]


def __getattr__(name: str) -> object:
    if name == "faults":
        return importlib.import_module(f"{__name__}.faults")
    if name in _WHERE:
        return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'nightshift.testing' has no attribute {name!r}; it offers: {', '.join(__all__)}")
