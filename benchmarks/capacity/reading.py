"""Reads DAG files as Airflow's DAG processor does: each in a fork, which reads, serializes and ends. A program of its own.

python -m benchmarks.capacity.reading preloaded|plain FOLDER FILES...    prints a line of JSON for each file
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def main(how: str, folder: str, *files: str) -> None:
    """Read each file in a fork of this process.

    Args:
        how: `preloaded`: with what our `airflow_local_settings.py` imports in a DAG processor; `plain`: as Airflow is.
        folder: The repository.
        files: DAG files.
    """
    import airflow.dag_processing.processor  # noqa: F401 - as in the DAG processor
    from airflow.dag_processing.dagbag import DagBag  # noqa: F401

    if how == "preloaded":
        from nightshift.preload import TO_READ_DAGS, preload, share

        preload(TO_READ_DAGS)
        share()
    gc.freeze()
    for file in files:
        print(json.dumps(_in_a_fork(Path(folder), Path(file))))  # noqa: T201 - a program's answer


def _in_a_fork(folder: Path, file: Path) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, json.dumps(_read(folder, file)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    _, _, usage = os.wait4(child, 0)
    return {**json.loads(said), "all": usage.ru_utime + usage.ru_stime}


def _read(folder: Path, file: Path) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    began = time.process_time()
    bag = DagBag(dag_folder=str(file), bundle_path=folder, safe_mode=False)
    read = time.process_time()
    sizes = [len(json.dumps(DagSerialization.to_dict(dag))) for dag in bag.dags.values()]
    return {"errors": bag.import_errors, "read": read - began, "serialize": time.process_time() - read, "sizes": sizes}


if __name__ == "__main__":
    main(*sys.argv[1:])
