"""Reads the facts of a pipeline: its files, its DAGs, its nights, its models."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nightshift.alerts.routes import Route, covers, read_routes
from nightshift.declarations import dags_folder, read_declarations
from nightshift.doctor import Finding
from nightshift.doctor.rules import lacks
from nightshift.readiness.values import Facts, Mark
from nightshift.scaffold.review import marked
from pipelines.engine.catalog import load_pipeline
from pipelines.engine.rows import known_nights
from pipelines.engine.settings import REPOSITORY

if TYPE_CHECKING:
    from nightshift.declarations import Read
    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.runtime import Runtime


def gather(runtime: Runtime, name: str) -> Facts:
    """Read everything that the rules want to know.

    Args:
        runtime: Doors to the ledger, the files and MLflow.
        name: The pipeline.

    Raises:
        UnknownPipeline: There is none of that name.
        LedgerError: The ledger cannot be read.
        RegistryError: MLflow does not answer.
    """
    from pipelines.engine.steps.champion import find_champion
    from pipelines.engine.views.house import House

    pipeline, settings = load_pipeline(name), runtime.settings
    read = read_declarations(dags_folder(), airflow_home=settings.home / "airflow")
    ours = [declaration for declaration in read.declarations if declaration.pipeline == name]
    routes = read_routes(settings).routes
    dags = {declaration.dag_id: declaration.owner for declaration in ours}
    delivered = set(known_nights(runtime.rows_folder(pipeline)))
    labelled = delivered & set(known_nights(runtime.labels_folder(pipeline)))
    champion = find_champion(runtime, pipeline)
    [strip] = House(settings).strips(only=name)
    return Facts(
        name=name,
        marks=tuple(_marks(pipeline, REPOSITORY)),
        findings=tuple(_findings(read, name, routes, pipeline)),
        dags=dags,
        paused=tuple(declaration.dag_id for declaration in ours if declaration.starts_paused),
        only_logged=tuple(sorted({owner for owner in dags.values() if owner and _only_logged(routes, owner)})),
        window=pipeline.window.nights,
        delivered=len(delivered),
        labelled=len(labelled),
        tests=len([*(REPOSITORY / "tests/pipelines" / name).rglob("test_*.py")]),
        slices=len(pipeline.slices),
        champion=None if champion is None else str(champion.version),
        published=max((night.night for night in strip.nights if night.published_at), default=None),
        makes_rows=pipeline.prepare is not None,
        ledger_is_file=settings.ledger_url.startswith("sqlite"),
        tracking_is_file=settings.tracking_uri.startswith("sqlite"),
    )


def _marks(pipeline: Pipeline, root: Path) -> Iterator[Mark]:
    """Yield what nobody has reviewed, in the files that belong to the pipeline."""
    files = [
        *sorted((root / "pipelines" / pipeline.name).rglob("*.py")),
        *(root / "data_checks/suites" / f"{suite}.py" for suite in (pipeline.checks.rows, pipeline.checks.labels)),
        root / "dags" / f"{pipeline.name}.py",
    ]
    for file in files:
        if file.exists():
            for line, said in marked(file.read_text(encoding="utf-8")):
                yield Mark(file.relative_to(root).as_posix(), line, said)


def _findings(read: Read, name: str, routes: Sequence[Route], pipeline: Pipeline) -> Iterator[Finding]:
    """Yield what the doctor says of this pipeline's DAGs, and of its DAG file if it cannot be read."""
    folder = dags_folder()
    files = {declaration.file for declaration in read.declarations if declaration.pipeline == name} | {f"{name}.py"}
    texts = {file: (folder / file).read_text(encoding="utf-8") for file in files if (folder / file).exists()}
    recorded = [name] if pipeline.recording is not None else []
    for finding in lacks(read, texts, now=time.time(), covers=lambda owner: covers(routes, owner), recorded=recorded):
        if finding.file in files:
            yield finding


def _only_logged(routes: Sequence[Route], owner: str) -> bool:
    """Whether somebody is told, and all of them are logs."""
    heard = [route for route in routes if not route.url.startswith("log:")]
    return covers(routes, owner) and not covers(heard, owner)
