"""The DAGs of a file, as Airflow's DAG processor would find them; no database is asked."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from airflow.sdk import DAG

from pipelines.engine.errors import UsageError, nearest


def load_dags(path: Path | str) -> dict[str, DAG]:
    """Import a DAG file, and return its DAGs by id.

    What the DAG processor refuses is refused here too: promises that do not fit the DAG.

    Args:
        path: The file, such as `dags/flights.py`.

    Raises:
        UsageError: There is no such file, or no DAG in it.
        DeclarationError: A promise that cannot be kept.
    """
    from nightshift.declared import check_dag

    file = Path(path).resolve()
    if not file.is_file():
        beside = [one.name for one in file.parent.glob("*.py")] if file.parent.is_dir() else []
        raise UsageError(f"there is no DAG file {path}.{nearest(file.name, beside)}")
    found = _found(file)
    if not found:
        raise UsageError(
            f"{path} declares no DAG. A DAG is found when it is made in a `with DAG(...)` or kept in a name."
        )
    for dag in found.values():
        dag.check_cycle()
        check_dag(dag)
    return found


def choose_dag(found: Mapping[str, DAG], dag_id: str | None, where: object) -> DAG:
    """Return one of the DAGs of a file.

    Raises:
        UsageError: There are several and none was named, or the named one is not there.
    """
    if dag_id is None and len(found) == 1:
        return next(iter(found.values()))
    if dag_id is None:
        raise UsageError(f"{where} has {len(found)} DAGs; say which one with dag_id=: {', '.join(sorted(found))}.")
    if dag_id not in found:
        raise UsageError(f"{where} has no DAG {dag_id!r}; it has: {', '.join(sorted(found))}.{nearest(dag_id, found)}")
    return found[dag_id]


def _found(file: Path) -> dict[str, DAG]:
    from airflow.sdk.definitions._internal.contextmanager import DagContext

    name = f"dag_file_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}_{file.stem}"
    before = (DagContext.autoregistered_dags, DagContext.current_autoregister_module_name)
    DagContext.autoregistered_dags, DagContext.current_autoregister_module_name = set(), name
    try:
        module = _imported(name, file)
        made = [dag for dag, _ in DagContext.autoregistered_dags]
    finally:
        DagContext.autoregistered_dags, DagContext.current_autoregister_module_name = before
    kept: list[Any] = [value for value in vars(module).values() if isinstance(value, DAG)]
    return {dag.dag_id: dag for dag in (*made, *kept)}


def _imported(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} is no Python file; expected a name that ends with .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(file.parent))  # a DAG file may import what lies beside it
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
        del sys.modules[name]
    return module
