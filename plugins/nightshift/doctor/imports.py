"""Which heavy libraries a DAG file imports when it is parsed, and from where: each file in a process of its own.

    python -m nightshift.doctor.imports ROOT FILE ...    prints it as JSON

A base process imports Airflow once and forks for each file, so that what one file imports is not taken for another's, and
nobody pays for Airflow twice.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEAVY = (
    "mlflow",
    "great_expectations",
    "pandas",
    "polars",
    "numpy",
    "sklearn",
    "lightgbm",
    "xgboost",
    "torch",
    "tensorflow",
    "pyarrow",
    "duckdb",
    "deltalake",
    "scipy",
    "matplotlib",
    "apprise",
    "pyspark",
)
"""Each costs every parse of the file, every few seconds, in every Airflow."""
LOOK_SECONDS, LOOK_SECONDS_PER_FILE = 120.0, 2.0
OURS = "nightshift.warm"
"""What nearly every DAG file imports, 0.35 CPU seconds of it; imported once, before the forks, unless something heavy comes with it."""
MARK = "nightshift-imports:"


@dataclass(frozen=True)
class HeavyImport:
    """A heavy library that came with a DAG file.

    Attributes:
        file: The DAG file.
        name: Its import name.
        at: The file of the repository that imports it, and the DAG file if none is known.
        line: Where.
    """

    file: str
    name: str
    at: str
    line: int


def heavy_imports(root: Path, files: Sequence[Path], environment: dict[str, str]) -> list[HeavyImport]:
    """Return the heavy libraries that DAG files import when they are parsed; files that cannot be read have none.

    Args:
        root: Of the repository; places in it are named.
        files: The DAG files.
        environment: Of the process that looks.
    """
    if not files:
        return []
    with tempfile.TemporaryDirectory(prefix="nightshift-imports-") as bare:
        command = [sys.executable, "-W", "ignore", "-m", "nightshift.doctor.imports", str(root), *map(str, files)]
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            env={**environment, "AIRFLOW_HOME": bare},
            capture_output=True,
            text=True,
            check=False,
            timeout=LOOK_SECONDS + LOOK_SECONDS_PER_FILE * len(files),
        )
    found = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    return [HeavyImport(**each) for line in found for each in json.loads(line)]


class _Watcher:
    """Asked before each import: remembers who asked first for each heavy library."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.seen: dict[str, tuple[str, int]] = {}

    def find_spec(self, name: str, *_: Any) -> None:
        library = name.partition(".")[0]
        if library in HEAVY and library not in self.seen:
            self.seen[library] = self._place()

    def _place(self) -> tuple[str, int]:
        frame = sys._getframe(2)  # noqa: SLF001 - who imports is only to be seen there
        while frame.f_back is not None:
            path = frame.f_code.co_filename
            if path.startswith(self._root) and path != __file__ and "site-packages" not in path:
                return path, frame.f_lineno
            frame = frame.f_back
        return "", 1


def _look(root: str, file: str) -> list[dict[str, Any]]:
    """Import one file, and say which heavy libraries are there that were not."""
    import contextlib
    import io
    import runpy

    watcher, before = _Watcher(root), set(sys.modules)
    sys.meta_path.insert(0, watcher)
    sys.path.insert(0, str(Path(file).parent))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(BaseException):
        runpy.run_path(file)
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    found = []
    for library in sorted(new & set(HEAVY)):
        at, line = watcher.seen.get(library, ("", 1))
        found.append({"file": file, "name": library, "at": at or file, "line": line})
    return found


def _brings_something_heavy(name: str) -> bool:
    """Import a module in a fork, and say whether a heavy library came with it, or it cannot be imported."""
    child = os.fork()
    if not child:
        try:
            before = set(sys.modules)
            importlib.import_module(name)
            os._exit(int(any(new.partition(".")[0] in HEAVY for new in set(sys.modules) - before)))
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1] != 0


def main(arguments: Sequence[str]) -> None:
    """Look at each file in a fork of this process, and print a line of JSON for each."""
    import airflow.sdk  # noqa: F401 - what every DAG file imports anyway

    if not _brings_something_heavy(OURS):
        importlib.import_module(OURS)

    import nightshift  # noqa: F401

    root, *files = arguments
    for file in files:
        child = os.fork()
        if child == 0:
            try:
                found = _look(root, file)
                os.write(1, f"{MARK}{json.dumps(found)}\n".encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
