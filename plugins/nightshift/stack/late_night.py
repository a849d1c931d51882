"""# A night that is late

Put here by `nightshift demo --stack`, so that somebody hears of a broken promise. It sleeps longer than it promised.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from nightshift import promise

with DAG(
    "late_night",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    deadline=promise(finish_within=timedelta(seconds=10)),  # type: ignore[arg-type]  # a list of those that Airflow wants
    default_args={"owner": "demonstration", "retries": 0},
    doc_md=__doc__,
):
    BashOperator(task_id="sleep", bash_command="sleep 60")
