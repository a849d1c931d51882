"""What does a DAG of the factory cost Airflow's DAG processor? `python -m benchmarks.parsing`."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.results import Found, Target, print_found

PIPELINES = 300
TIMES = 2.0
HEAVY = ("mlflow", "great_expectations", "pandas", "numpy", "pyarrow", "sklearn", "lightgbm", "duckdb", "deltalake")
FACTORY = '''"""# Flights {number}, once more."""

from dataclasses import replace
from datetime import UTC, datetime

from nightshift import scoring_dag
from pipelines.flights import flights

SPAN = {{"start_date": datetime(2013, 1, 1, tzinfo=UTC), "end_date": datetime(2014, 1, 1, tzinfo=UTC)}}


def fit(features, target):
    """Stand in for another pipeline's."""
    return flights.fit(features, target)


copy = replace(flights, name="flights_{number}", fit=fit)
scoring = scoring_dag(
    copy, schedule="0 2 * * *", finish_by="06:00", timezone="America/New_York", owner="flight-science", doc_md=__doc__, **SPAN
)
'''
BARE = '''"""# Bare {number}."""

from datetime import UTC, datetime

from airflow.sdk import DAG, BaseOperator, CronPartitionTimetable

SPAN = {{"start_date": datetime(2013, 1, 1, tzinfo=UTC), "end_date": datetime(2014, 1, 1, tzinfo=UTC)}}
timetable = CronPartitionTimetable("0 2 * * *", timezone="America/New_York", run_offset=0, key_format="%Y-%m-%d")


class Nothing(BaseOperator):
    template_fields = ("given",)

    def __init__(self, *, given=None, **arguments):
        super().__init__(**arguments)
        self.given = given

    def execute(self, context):
        return None


with DAG("bare_{number}", schedule=timetable, doc_md=__doc__, default_args={{"owner": "flight-science"}}, **SPAN):
    validate = Nothing(task_id="validate")
    plan = Nothing(task_id="plan", given=validate.output)
    score = Nothing.partial(task_id="score").expand(given=plan.output)
    publish = Nothing(task_id="publish", given=[validate.output, score.output])
    Nothing(task_id="monitor", given=[validate.output, publish.output])
'''
READ = """
import json, sys, time
from pathlib import Path
from airflow.dag_processing.dagbag import DagBag

heavy, *folders = sys.argv[1:]
for folder in folders:  # what is imported once is not part of a DAG
    errors = DagBag(dag_folder=folder + "/first", bundle_path=Path(folder), safe_mode=False).import_errors
    assert not errors, errors
took = []
for folder in folders:
    began = time.process_time()
    bag = DagBag(dag_folder=folder + "/all", bundle_path=Path(folder), safe_mode=False)
    took.append(time.process_time() - began)
    assert not bag.import_errors, bag.import_errors
print(json.dumps([took, len(bag.dags), [name for name in heavy.split(",") if name in sys.modules]]))
"""


def study(folder: Path, rounds: int) -> Found:
    """Parse 300 copies of a pipeline's scoring DAG, and 300 bare DAGs of as many tasks, in processes that do both.

    Args:
        folder: Empty, for the DAG files.
        rounds: Processes; each second one begins with the bare ones.

    Raises:
        RuntimeError: A heavy module was imported.
    """
    for kind, text in (("factory", FACTORY), ("bare", BARE)):
        for name, numbers in (("first", range(1)), ("all", range(1, PIPELINES + 1))):
            (folder / kind / name).mkdir(parents=True)
            for number in numbers:
                (folder / kind / name / f"{kind}_{number}.py").write_text(text.format(number=number))
    ours, bare = [], []
    for number in range(rounds):
        order = ["factory", "bare"] if number % 2 == 0 else ["bare", "factory"]
        took = dict(zip(order, _parse(folder, order), strict=True))
        ours.append(took["factory"])
        bare.append(took["bare"])
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    rows = {
        f"{PIPELINES} pipelines, one scoring DAG each": {"cpu_s": statistics.median(ours)},
        f"{PIPELINES} bare DAGs of as many tasks": {"cpu_s": statistics.median(bare)},
    }
    return Found(
        f"Parsing {PIPELINES} DAG files in one pass",
        rows,
        [Target("DAG parsing: factory / bare DAG", TIMES, ratio)],
        [
            f"median of {rounds} processes, CPU seconds of one DagBag without the first import of anything",
            "with its promise, retries and owner; the bare one has the same timetable, five tasks, one of them mapped",
            f"not imported: {', '.join(HEAVY)}",
        ],
    )


def _parse(folder: Path, order: list[str]) -> list[float]:
    command = [sys.executable, "-W", "ignore", "-c", READ, ",".join(HEAVY), *(str(folder / kind) for kind in order)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "NIGHTSHIFT_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    if done.returncode:
        raise RuntimeError(f"the DAG files cannot be parsed:\n{done.stderr[-2000:]}")
    took, dags, heavy = json.loads(done.stdout.splitlines()[-1])
    if heavy or dags != PIPELINES:
        raise RuntimeError(f"parsed {dags} DAGs, expected {PIPELINES}; imported {', '.join(heavy) or 'nothing heavy'}")
    return [float(seconds) for seconds in took]


if __name__ == "__main__":
    print_found(study, rounds=4)
