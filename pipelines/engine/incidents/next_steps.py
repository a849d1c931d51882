"""What to do next, with the exact commands. Pure."""

from __future__ import annotations

import shlex

from pipelines.engine.incidents.values import Incident
from pipelines.engine.promises.values import Declaration
from pipelines.engine.promises.verdicts import Verdict

SHOWN_DIGITS = 12


def next_steps(incident: Incident, verdict: Verdict, declaration: Declaration | None) -> list[str]:
    """Return one to three things to do about an open incident, the first first."""
    pipeline = declaration.pipeline if declaration is not None else None
    if pipeline is None:
        return [_of_any_dag(incident)]
    name, night = shlex.quote(pipeline), shlex.quote(incident.night)
    is_training = declaration is not None and declaration.kind == "training"
    work = f"nightshift train {name} --as-of {night}" if is_training else f"nightshift score {name} {night}"
    keys = f"nightshift keys list {name} --night {night}"
    look = f"nightshift keys show {shlex.quote(verdict.key[:SHOWN_DIGITS])}" if verdict.key else keys
    again = f"mend the cause, then clear the red task, or run `{work}`; finished work is never repeated"
    steps = {
        "at_risk": [f"see what {verdict.step or 'the run'} waits for: `{keys}`", "tell the readers of the data now"],
        "late": [f"see what {verdict.step or 'the run'} waits for: `{keys}`", "tell the readers of the data"],
        "absent": [
            "see whether the scheduler lives, and the DAG is not paused",
            f"do not wait for it: `{work}` does the same through the same ledger, and nothing is done twice",
        ],
        "stale": [f"see which nights are missing: `nightshift status {name} --last 7`", f"run them: `{_nights(name)}`"],
        "failed": [f"read what went wrong: `{look}`", again],
        "checks_failed": [
            f"read the report: `nightshift check {name} {night}`" if not is_training else f"read the report: `{look}`",
            "have the rows delivered again; the new files are new work, and readers keep the old night until then",
        ],
        "model_tampered": [
            f"do not retry; find out who changed the files: `{look}`",
            "put the registered files back, or move the alias to a version that is whole",
        ],
        "gate_refused": [f"read why: `{look}`"],
        "drift": [f"look at the report: `{look}`", f"compare with other nights: `nightshift status {name} --last 7`"],
    }
    return steps[incident.alert]


def _nights(name: str) -> str:
    return f"nightshift score {name} NIGHT"


def _of_any_dag(incident: Incident) -> str:
    dag = shlex.quote(incident.dag_id)
    if incident.alert == "absent":
        return f"see whether the scheduler lives, and the DAG is not paused: `nightshift airflow dags details {dag}`"
    return f"open the run in Airflow: `nightshift airflow dags list-runs {dag}`"
