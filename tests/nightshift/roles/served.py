"""Airflow with FAB, for tests: `python served.py prepare LOGINS` makes its database, `python served.py PORT` its API server.

The pages know the small pipeline, as if it lay in `pipelines/`.
"""

from __future__ import annotations

import sys

DAG_FILE = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("tides_scoring", schedule=None) as dag:
    EmptyOperator(task_id="validate")
"""


def prepare(logins: str) -> None:
    """Migrate, tell FAB the roles twice as people do, and read the DAG file."""
    from airflow.utils.db import upgradedb

    upgradedb()
    from click.testing import CliRunner

    from nightshift.commands.roles import roles

    for how in ([], ["--json"]):
        done = CliRunner().invoke(roles, ["sync", "--logins", logins, *how], catch_exceptions=False)
        print(done.stdout, flush=True)  # noqa: T201
    from airflow.cli.cli_parser import get_parser

    arguments = get_parser().parse_args(["dags", "reserialize"])
    arguments.func(arguments)


def serve(port: int) -> None:
    """Serve until killed."""
    import uvicorn

    import pipelines.engine.catalog
    import pipelines.engine.views.house
    from tests.pipelines.engine.steps import tides
    from tests.pipelines.engine.steps.places import known_suites

    with known_suites():
        pipeline = tides.declare()
        for module in (pipelines.engine.catalog, pipelines.engine.views.house):
            module.load_pipeline = lambda name: pipeline
        uvicorn.run("airflow.api_fastapi.main:app", host="127.0.0.1", port=port)


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(sys.argv[2])
    else:
        serve(int(sys.argv[1]))
