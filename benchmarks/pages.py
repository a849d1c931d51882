"""How long does the server take for a page, with years of history? `python -m benchmarks.pages`."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.histories import FIRST, fill
from benchmarks.results import Found, Target, print_found

PIPELINES, NIGHTS = 50, 400
MOST_SECONDS = 0.3
REQUESTS = 7
NAME = "pipeline_007"
PAGES = {
    "nights of all pipelines, 60 each": "/nights",
    "nights of all pipelines, as many as it offers": f"/nights?last={NIGHTS}",
    "nights of one pipeline, 400": f"/nights/{NAME}?last={NIGHTS}",
    "a night": f"/nights/{NAME}/{{night}}",
    "models of all pipelines": "/models",
    "model of one pipeline, 58 versions": f"/models/{NAME}",
    "checks of all pipelines": "/checks",
    "checks of one pipeline, 400 nights": f"/checks/{NAME}?last={NIGHTS}",
    "incidents": "/incidents",
}
ASK = """
import json, sys, time
from airflow.api_fastapi.app import create_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.settings import engine
from fastapi.testclient import TestClient

import_all_models()
Base.metadata.create_all(engine)
app = create_app(apps="core")
token = app.state.auth_manager.generate_jwt(SimpleAuthManagerUser(username="viewer", role="viewer"))
client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
requests, *pages = sys.argv[1:]
took, sizes = {page: [] for page in pages}, {}
for number in range(int(requests) + 1):
    for page in pages:
        began = time.perf_counter()
        answer = client.get(f"/nightshift{page}")
        if number:  # the first of each imports what it needs
            took[page].append(time.perf_counter() - began)
        assert answer.status_code == 200, (page, answer.status_code, answer.text[:500])
        sizes[page] = len(answer.content)
print(json.dumps([took, sizes]))
"""


def study(folder: Path, rounds: int) -> Found:
    """Ask for each page some times in turn, in Airflow's own web application, logged in as a viewer.

    Args:
        folder: Empty, for the ledger.
        rounds: Processes that ask.

    Raises:
        RuntimeError: A page was not answered.
    """
    fill(f"sqlite:///{folder / 'home' / 'ledger.db'}", pipelines=PIPELINES, nights=NIGHTS)
    night = FIRST.replace(year=FIRST.year + 1).isoformat()
    pages = {name: path.format(night=night) for name, path in PAGES.items()}
    found: dict[str, list[float]] = {name: [] for name in pages}
    sizes: dict[str, int] = {}
    for _ in range(rounds):
        took, sizes = _ask(folder, list(pages.values()))
        for name, path in pages.items():
            found[name] += took[path]
    rows = {
        name: {"wall_s": statistics.median(took), "slowest_s": max(took), "kilobytes": sizes[pages[name]] / 1000}
        for name, took in found.items()
    }
    slowest = max(row["wall_s"] for row in rows.values())
    return Found(
        f"Pages of {PIPELINES} pipelines with {NIGHTS} nights each",
        rows,
        [Target(f"slowest page with {PIPELINES} x {NIGHTS} nights: seconds on the server", MOST_SECONDS, slowest)],
        [
            f"median of {rounds * REQUESTS} requests, whole: login, permission for each DAG, the ledger (SQLite), the page",
            f"{PIPELINES * NIGHTS * 5:,} keys of nights in the ledger, and trainings once a week",
        ],
    )


def _ask(folder: Path, pages: list[str]) -> tuple[dict[str, list[float]], dict[str, int]]:
    root = Path(__file__).parents[1]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "plugins")]),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of sixty-four bytes, for a server that nobody else can reach.",
        "NIGHTSHIFT_HOME": str(folder / "home"),
    }
    command = [sys.executable, "-W", "ignore", "-c", ASK, str(REQUESTS), *pages]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    if done.returncode:
        raise RuntimeError(f"a page was not answered:\n{done.stderr[-3000:]}")
    took, sizes = json.loads(done.stdout.splitlines()[-1])
    return took, sizes


if __name__ == "__main__":
    print_found(study, rounds=1)
