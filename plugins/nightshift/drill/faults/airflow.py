"""What only a real Airflow does: a second attempt beside an orphan, two runs of one night, a restart after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from nightshift.drill.aim import Aim
from nightshift.drill.errors import DrillFailed
from nightshift.drill.faults.base import Drill, Fault
from nightshift.drill.sandbox import PUBLISHED

if TYPE_CHECKING:
    from nightshift.drill.airflow_house import Airflow, Hit

DONE = "already done"
REFUSED = "the table changed under the commit"
ORPHANED, OVERTAKEN, TWICE, SHARED, CLEARED, CRASHED = (f"2013-11-{day:02}" for day in range(3, 9))
"""A night for each fault, because Airflow remembers what it ran."""


def _airflow(drill: Drill, night: str) -> Airflow:
    drill.nights = [PUBLISHED, night]
    return drill.sandbox.airflow


def _ends_well(drill: Drill, airflow: Airflow, night: str, *run_ids: str) -> None:
    """See that runs succeed by themselves, and that there is one publication then."""
    for run_id in run_ids:
        run = airflow.ended(run_id)
        drill.expect(run.succeeded, f"run {run_id} ended as {run.state}")
    drill.recovered()
    drill.expect(drill.publications(night) == 1, f"{drill.publications(night)} versions publish the night")


def _orphaned(drill: Drill, night: str) -> tuple[Airflow, str, Hit]:
    """Start a run, and kill the supervisor of the task that is about to commit; the task itself lives on."""
    airflow = _airflow(drill, night)
    hit = airflow.aim(Aim("may commit", "wait", orphan=True))
    run_id = airflow.trigger(night)
    supervisor = hit.until().parent()
    if supervisor is None:
        raise DrillFailed("the task has no supervisor")
    supervisor.kill()
    psutil.wait_procs([supervisor], timeout=10.0)
    if not hit.lives:
        raise DrillFailed("the task died with its supervisor, so there is no orphan")
    drill.broken()
    return airflow, run_id, hit


def _supervisor(drill: Drill) -> str:
    """The orphan holds the key, and renews it, while Airflow believes it dead and tries again."""
    airflow, run_id, hit = _orphaned(drill, ORPHANED)
    airflow.until_deferred(run_id, "publish")
    second = airflow.task(run_id, "publish").try_number
    hit.go_on()
    _ends_well(drill, airflow, ORPHANED, run_id)
    drill.expect(DONE in airflow.said(run_id, "publish"), "the second attempt does not say that it was done already")
    airflow.until(lambda: not hit.lives, "the orphan did not end")
    drill.expect("finished: " in hit.log.splitlines()[-1], f"the orphan did not finish; its log:\n{hit.log}")
    return f"try {second} waited for the orphan, which published, and took its result"


def _overtaken(drill: Drill) -> str:
    """The orphan stands still until its lease is over and the second attempt has published; then it commits, too."""
    airflow, run_id, hit = _orphaned(drill, OVERTAKEN)
    hit.stop()
    _ends_well(drill, airflow, OVERTAKEN, run_id)
    hit.go_on()
    airflow.until(lambda: not hit.lives, "the orphan did not end")
    drill.expect(drill.publications(OVERTAKEN) == 1, "the orphan published as well")
    drill.expect(REFUSED in hit.log, f"the orphan's commit was not refused by the table; its log:\n{hit.log}")
    return f"try {airflow.task(run_id, 'publish').try_number} took over and published; the orphan's commit was refused"


def _backfill(drill: Drill) -> str:
    airflow = _airflow(drill, TWICE)
    hit = airflow.aim(Aim("wrote the shard", "wait"))
    first = airflow.trigger(TWICE)
    hit.until()
    drill.broken()
    second = airflow.backfill(TWICE)
    airflow.until_deferred(second, "score")
    hit.go_on()
    _ends_well(drill, airflow, TWICE, first, second)
    told = [task for task in ("validate", "plan", "score", "publish") if DONE in airflow.said(second, task)]
    drill.expect("score" in told, "the backfill does not say that the shard was scored already")
    return f"the backfill waited; of {', '.join(told)} it says: {DONE}"


def _tree(drill: Drill) -> str:
    airflow = _airflow(drill, CRASHED)
    hit = airflow.aim(Aim("may commit", "wait"))
    run_id = airflow.trigger(CRASHED)
    hit.until()
    processes = airflow.kill()
    drill.broken()
    drill.expect(not hit.lives, "the task outlived the whole tree")
    airflow.start()
    _ends_well(drill, airflow, CRASHED, run_id)
    return f"{processes} processes killed; after a new start, with nobody's help, the night was published"


def _command_line(drill: Drill) -> str:
    airflow = _airflow(drill, SHARED)
    paused = Aim("wrote the shard", "wait")
    worker = drill.attempt(paused, night=SHARED)
    worker.until(paused)
    drill.broken()
    run_id = airflow.trigger(SHARED)
    airflow.until_deferred(run_id, "score")
    worker.go_on()
    outcome = worker.wait()
    drill.expect(outcome.worked, f"the command line: {outcome}")
    _ends_well(drill, airflow, SHARED, run_id)
    drill.expect(DONE in airflow.said(run_id, "score"), "Airflow's task does not say that the shard was scored already")
    return "Airflow's task waited without a worker for the command line, and took its result"


def _cleared(drill: Drill) -> str:
    airflow = _airflow(drill, CLEARED)
    hit = airflow.aim(Aim("may commit", "wait"))
    run_id = airflow.trigger(CLEARED)
    hit.until()
    drill.broken()
    airflow.clear(run_id, "publish")
    airflow.until(lambda: not hit.lives, "Airflow did not end the cleared task")
    _ends_well(drill, airflow, CLEARED, run_id)
    return f"Airflow ended the first attempt; try {airflow.task(run_id, 'publish').try_number} published"


FAULTS = (
    Fault(
        "airflow-supervisor-killed",
        "kill -9 of a task's supervisor in Airflow; the orphan goes on beside Airflow's second attempt",
        "one waits for the other, one publication",
        _supervisor,
        needs=("airflow",),
    ),
    Fault(
        "airflow-orphan-overtaken",
        "the same; the orphan stands still past its lease, and commits after the second attempt has published",
        "the stale commit is refused, one publication",
        _overtaken,
        needs=("airflow",),
    ),
    Fault(
        "backfill-against-schedule",
        "Airflow runs a night, and a backfill of the same night begins",
        "one works, both runs succeed, one publication",
        _backfill,
        needs=("airflow",),
    ),
    Fault(
        "command-line-against-scheduler",
        "nightshift score works on a night, and Airflow runs the same night",
        "Airflow's task waits, one publication",
        _command_line,
        needs=("airflow",),
    ),
    Fault(
        "cleared-during-run",
        "a task is cleared in the UI while it is about to commit",
        "the night is published once",
        _cleared,
        needs=("airflow",),
    ),
    Fault(
        "tree-killed",
        "kill -9 of everything in the middle of a night: scheduler, workers, tasks, servers; then a new start",
        "the night is published once, by itself",
        _tree,
        needs=("airflow",),
    ),
)
