"""When is the tree ready? Pure answers from what the API and the file system say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from nightshift.embedded.records import Dag, ImportProblem

COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


def not_healthy(health: Mapping[str, str | None] | None) -> list[str]:
    """The components that do not report `healthy`, in words; all of them while nobody answers."""
    return [name.replace("_", "-") for name in COMPONENTS if (health or {}).get(name) != "healthy"]


def dag_files(folder: Path) -> set[str]:
    """The Python files that the dag-processor will read, relative to the DAG folder."""
    found = (path.relative_to(folder) for path in folder.rglob("*.py"))
    return {str(path) for path in found if "__pycache__" not in path.parts}


def unread(files: Iterable[str], dags: Iterable[Dag], problems: Iterable[ImportProblem], since: datetime) -> set[str]:
    """The files that have neither given a DAG nor an import error since `since` (the database remembers older ones)."""
    read = {dag.file for dag in dags if dag.parsed_at and dag.parsed_at >= since}
    failed = {problem.file for problem in problems if problem.seen_at and problem.seen_at >= since}
    return {file for file in files if file not in read and not any(_same(file, other) for other in failed)}


def _same(file: str, reported: str) -> bool:
    """Import errors name a file by its path below the folder, or in full."""
    return reported == file or reported.endswith(f"/{file}")
