"""Examines a folder of DAG files."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nightshift.alerts.routes import covers, read_routes
from nightshift.declarations import process_environment, read_declarations
from nightshift.doctor.imports import heavy_imports
from nightshift.doctor.rules import lacks
from nightshift.doctor.source import sla_findings
from nightshift.doctor.values import Finding
from pipelines.engine.catalog import load_pipeline, pipeline_names

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings


def examine(settings: Settings, folder: Path) -> list[Finding]:
    """Return everything that must not stay in the DAG files of a folder, in the order of files and lines.

    Args:
        settings: Which routes there are.
        folder: The DAGs folder.

    Raises:
        DeclarationError: The routes cannot be read.
        DagsUnreadable: The DAG files cannot be read at all.
    """
    files = [path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts]
    texts = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in files}
    routes = read_routes(settings).routes
    read = read_declarations(folder, airflow_home=settings.home / "airflow")
    found = [finding for file, text in texts.items() for finding in sla_findings(file, text)]
    found += lacks(read, texts, now=time.time(), covers=lambda owner: covers(routes, owner), recorded=_recorded())
    found += _heavy(folder, files)
    return sorted(set(found))


def _heavy(folder: Path, files: Sequence[Path]) -> Iterator[Finding]:
    root = folder.parent
    for each in heavy_imports(root, files, process_environment(os.environ)):
        at, dag_file = Path(each.at), Path(each.file).relative_to(folder).as_posix()
        inside = at.is_relative_to(folder)
        where = at.relative_to(folder if inside else root).as_posix() if at.is_relative_to(root) else dag_file
        yield Finding(
            where,
            each.line,
            "heavy_import",
            "",
            f"{each.name} is imported when {dag_file} is parsed, which Airflow does every few seconds",
            "Import it inside the function or operator that uses it",
        )


def _recorded() -> list[str]:
    return [name for name in pipeline_names() if load_pipeline(name).recording is not None]
