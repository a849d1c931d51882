"""Processes that die without a word."""

from __future__ import annotations

import time

from nightshift.drill import jobs
from nightshift.drill.aim import Aim
from nightshift.drill.faults.base import NIGHT, Drill, Fault

TIMES = 6
LONGEST_LIFE_SECONDS = 1.5


def _inside_the_write(drill: Drill) -> str:
    before = drill.commits()
    worker = drill.attempt(Aim("scored a batch", "kill"))
    drill.expect(worker.wait().code == -9, "the scoring process was not killed")
    drill.broken()
    drill.expect(drill.commits() == before, "the table changed though nothing was published")
    drill.recover()
    return (
        f"old version {before[-1].version} stayed readable; the retry published version {drill.commits()[-1].version}"
    )


def _between_commit_and_finish(drill: Drill) -> str:
    worker = drill.attempt(Aim("committed", "kill"))
    drill.expect(worker.wait().code == -9, "the publishing process was not killed")
    drill.broken()
    drill.expect(drill.publications() == 1, "the commit is not there")
    drill.recover()
    drill.expect(drill.publications() == 1, "the night was committed a second time")
    return "the retry found its own commit, and made no second one"


def _at_random_moments(drill: Drill) -> str:
    """Score a night over and over; each attempt is killed after a time drawn by lot, until one survives."""
    lives = [drill.chance.uniform(0.1, LONGEST_LIFE_SECONDS) for _ in range(TIMES)]
    killed = 0
    for life in lives:
        worker = drill.attempt()
        time.sleep(life)
        worker.end()
        killed += worker.wait().code == -9
        drill.expect(drill.publications() <= 1, "the night was committed twice")
    drill.expect(killed, "every attempt was quicker than its death")
    drill.broken()
    drill.recover()
    return f"{killed} of {TIMES} attempts died, after {min(lives):.1f} to {max(lives):.1f} s; one version publishes the night"


def _supervisor(drill: Drill) -> str:
    """Airflow starts a second attempt when a task's supervisor dies, though the task itself may go on."""
    paused = Aim("wrote the shard", "wait")
    supervisor = drill.sandbox.start(jobs.supervise, NIGHT, aims=[paused])
    supervisor.until(paused)
    supervisor.kill()
    drill.broken()
    second = drill.attempt()
    second.until_true(lambda: "waiting:" in second.log, "the second attempt did not wait for the first")
    supervisor.let_go()
    outcome = second.wait()
    drill.expect(outcome.worked, f"the second attempt: {outcome}")
    drill.recovered()
    drill.expect(drill.publications() == 1, "both attempts published")
    return "the second attempt waited for the orphan, and one of them published"


FAULTS = (
    Fault(
        "kill-inside-write",
        "kill -9 while a shard is half written",
        "the old version stays, the retry publishes once",
        _inside_the_write,
    ),
    Fault(
        "kill-between-commit-and-finish",
        "kill -9 after the commit, before the ledger knows",
        "the retry finds its own commit",
        _between_commit_and_finish,
    ),
    Fault(
        "kill-at-random-moments",
        f"kill -9 of {TIMES} attempts, at moments drawn by lot",
        "one publication in the end",
        _at_random_moments,
    ),
    Fault(
        "supervisor-killed",
        "kill -9 of a task's supervisor; the orphan goes on while a second attempt begins",
        "one waits for the other, one publication",
        _supervisor,
    ),
)
