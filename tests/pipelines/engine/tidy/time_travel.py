"""Let time pass in a place: everything that remembers when it was, remembers an earlier time."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.pipelines.engine.ledgers import Inside
from tests.pipelines.engine.steps.places import Place

DAY = 86_400.0


def let_time_pass(place: Place, days: float) -> None:
    """Make the ledger, all files, the tables' logs and MLflow's trash older."""
    with Inside(place.settings.ledger_url) as inside:
        inside.let_time_pass(days)
    let_files_age(place, days)
    for entry in Path(place.settings.tables).rglob("_delta_log/*.json"):
        _age_log_entry(entry, days)
    with closing(sqlite3.connect(place.home / "mlflow" / "mlflow.db")) as mlflow:
        mlflow.execute("UPDATE runs SET deleted_time = deleted_time - ?", (days * DAY * 1000,))
        mlflow.commit()


def let_files_age(place: Place, days: float) -> None:
    """Make the files older, and nothing else."""
    for root in (place.settings.tables, place.settings.reports, str(place.settings.cache)):
        for path in Path(root).rglob("*"):
            status = path.stat()
            os.utime(path, (status.st_atime - days * DAY, status.st_mtime - days * DAY))


def _age_log_entry(entry: Path, days: float) -> None:
    modified = entry.stat().st_mtime
    actions = [json.loads(line) for line in entry.read_text().splitlines()]
    for action in actions:
        if "remove" in action:
            action["remove"]["deletionTimestamp"] -= int(days * DAY * 1000)
    entry.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
    os.utime(entry, (modified, modified))
