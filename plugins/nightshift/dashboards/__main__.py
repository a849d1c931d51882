"""`python -m nightshift.dashboards`: write docker/grafana/dashboards, one file for each dashboard."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nightshift.dashboards import DASHBOARDS
from nightshift.dashboards.grafana import to_json
from pipelines.engine.settings import REPOSITORY

FOLDER = REPOSITORY / "docker/grafana/dashboards"


def write(folder: Path) -> None:
    """Write all dashboards, and remove files of those that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for dashboard in DASHBOARDS:
        name = dashboard.uid.removeprefix("nightshift-")
        (folder / f"{name}.json").write_text(json.dumps(to_json(dashboard), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write(FOLDER)
    sys.exit(0)
