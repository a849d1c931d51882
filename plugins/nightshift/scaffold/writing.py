"""Files that are all written, or none: nobody's work is overwritten, and what turns out to be wrong is taken back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from nightshift.declarations import process_environment, read_declarations
from nightshift.scaffold.rendering import NotWritten
from pipelines.engine.errors import UsageError

LOAD = "import sys; from pipelines.engine.catalog import load_pipeline; load_pipeline(sys.argv[1])"


def check_free(root: Path, names: Sequence[str]) -> None:
    """Make sure that none of the files is there.

    Raises:
        UsageError: Some are, with their names.
    """
    there = [name for name in names if (root / name).exists()]
    if there:
        listed = "\n".join(f"  - {name}" for name in there)
        raise UsageError(
            f"nothing is written, because these files exist already:\n{listed}\nChoose another name, or remove them."
        )


def write_all(root: Path, texts: Mapping[str, str], pipeline: str) -> None:
    """Write files below a folder and make sure that pipeline and DAGs can be loaded; else none of them stays.

    Args:
        root: The repository.
        texts: By path below it: the text.
        pipeline: The pipeline that they declare.

    Raises:
        UsageError: One of them exists.
        NotWritten: The pipeline cannot be loaded, or its DAG file cannot be read.
        OSError: A file cannot be written.
    """
    check_free(root, list(texts))
    made: list[Path] = []
    try:
        for name, text in texts.items():
            _make_folders((root / name).parent, made)
            made.append(root / name)
            with (root / name).open("x", encoding="utf-8") as file:
                file.write(text)
        _load(root, pipeline)
        _read_dags(root / "dags" / f"{pipeline}.py")
    except BaseException:
        _take_back(made)
        raise


def _make_folders(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, and remember which were not there."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
        made.append(path)


def _take_back(made: Sequence[Path]) -> None:
    for path in reversed(made):
        with suppress(OSError):  # a folder in which somebody has put something stays
            path.rmdir() if path.is_dir() else path.unlink()


def _load(root: Path, pipeline: str) -> None:
    """Load the pipeline as Airflow would: in another process, which leaves nothing behind."""
    environment = {**process_environment(os.environ), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(root), environment["PYTHONPATH"]])
    command = [sys.executable, "-c", LOAD, pipeline]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise NotWritten(f"the pipeline {pipeline!r} cannot be loaded, so nothing is written. It says:\n{said}")


def _read_dags(file: Path) -> None:
    """Read the DAG file as Airflow would, alone: what is wrong with others is not for today."""
    with tempfile.TemporaryDirectory(prefix="nightshift-new-") as folder:
        shutil.copy(file, folder)
        read = read_declarations(Path(folder))
    if read.problems:
        said = "\n".join(read.problems.values())
        raise NotWritten(f"the DAGs of {file.stem!r} cannot be read, so nothing is written. Airflow says:\n{said}")
