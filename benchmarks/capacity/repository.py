"""A copy of this repository with many pipelines: what a house would look like that has grown for years."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipelines.engine.settings import REPOSITORY

PACKAGES = ("plugins", "model_registry", "data_checks", "pipelines/engine")
FILES = ("pipelines/__init__.py", "routes.toml", "pyproject.toml")
DECLARATION = '''"""Pipeline {number:04}: one of many."""

from typing import Any

from pipelines.engine.pipeline import Checks, Gate, Labels, Pipeline, Rows, Window

MEASURED = ["first", "second", "third", "fourth", "fifth", "sixth"]


def fit(features: Any, target: Any, *, trees: int = 100, num_leaves: int = 31) -> Any:
    """Fit boosted trees; the library is imported here, where it is used."""
    import lightgbm

    knobs = {{"objective": "binary", "num_leaves": num_leaves, "verbosity": -1}}
    return lightgbm.train(knobs, lightgbm.Dataset(features, target), num_boost_round=trees)


{name} = Pipeline(
    name="{name}",
    question="How likely is it that order {number} of its kind comes late?",
    rows=Rows(columns={{"order_id": "string", "place": "string", **dict.fromkeys(MEASURED, "double")}}),
    labels=Labels(columns={{"order_id": "string", "late": "int64"}}, target="late"),
    id_columns=["order_id"],
    features=["place", *MEASURED],
    fit=fit,
    checks=Checks(rows="flights_rows", labels="flights_labels", refuse_at_most=0.02),
    window=Window(nights=120, holdout=14),
    gate=Gate(metric="roc_auc", threshold=0.6, tolerance=0.005),
    slices=["place"],
)
'''
DAG_FILE = '''"""# Pipeline {number:04}

Every night: which orders come late?

* `{name}_scoring` checks the night's orders, and scores them with the present champion.
* `{name}_training` learns from the last 120 nights every Monday, and promotes the new model if it earned it.

**If a night fails:** read the red task's first red line, mend the cause, clear the task. Finished work is never repeated.
"""

from datetime import timedelta

from nightshift import scoring_dag, training_dag
from pipelines.{name} import {name}

SHARED = {{"timezone": "Europe/Berlin", "owner": "team-{team}", "doc_md": __doc__}}

scoring = scoring_dag({name}, schedule="0 2 * * *", finish_by="06:00", fresh_within=timedelta(hours=26), **SHARED)
training = training_dag({name}, schedule="0 4 * * MON", finish_within=timedelta(hours=2), **SHARED)
'''
BARE_FILE = '''"""# Bare {number:04}: as many tasks as a night and a training, which do nothing."""

from airflow.sdk import DAG, BaseOperator, CronPartitionTimetable


class Nothing(BaseOperator):
    template_fields = ("given",)

    def __init__(self, *, given=None, **arguments):
        super().__init__(**arguments)
        self.given = given

    def execute(self, context):
        return None


def draw(dag_id, schedule, mapped):
    timetable = CronPartitionTimetable(schedule, timezone="Europe/Berlin", run_offset=0, key_format="%Y-%m-%d")
    with DAG(dag_id, schedule=timetable, catchup=False, doc_md=__doc__, default_args={{"owner": "team-{team}"}}) as dag:
        one = Nothing(task_id="one")
        two = Nothing(task_id="two", given=one.output)
        three = Nothing.partial(task_id="three").expand(given=two.output) if mapped else Nothing(task_id="three", given=two.output)
        four = Nothing(task_id="four", given=[one.output, three.output])
        Nothing(task_id="five", given=[one.output, four.output])
    return dag


scoring = draw("bare_{number:04}_scoring", "0 2 * * *", True)
training = draw("bare_{number:04}_training", "0 4 * * MON", False)
'''
TEAMS = 10


def write_repository(folder: Path, pipelines: int) -> list[str]:
    """Write a copy of this repository with pipelines of its own and none of ours.

    Args:
        folder: Where; it need not be there.
        pipelines: How many. Each has a folder in `pipelines/` and a file in `dags/` with a scoring and a training DAG.

    Returns:
        Their names.
    """
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in FILES:
        shutil.copyfile(REPOSITORY / file, folder / file)
    (folder / "dags").mkdir()
    names = [f"pipeline_{number:04}" for number in range(1, pipelines + 1)]
    for number, name in enumerate(names, start=1):
        home = folder / "pipelines" / name
        home.mkdir()
        (home / "__init__.py").write_text(DECLARATION.format(name=name, number=number))
        (folder / "dags" / f"{name}.py").write_text(DAG_FILE.format(name=name, number=number, team=number % TEAMS))
    return names


def write_bare_files(folder: Path, count: int) -> None:
    """Write DAG files of plain Airflow beside which ours are measured: as many DAGs and tasks, and nothing of ours."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        (folder / f"bare_{number:04}.py").write_text(BARE_FILE.format(number=number, team=number % TEAMS))
