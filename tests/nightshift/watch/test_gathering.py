"""What the watch remembers is what it would read: whatever happened since, and in whatever order it was heard of."""

import random
from dataclasses import replace

import pytest

from nightshift.watch import gathering, nights
from nightshift.watch.gathering import Gathering
from nightshift.watch.nights import due
from pipelines.engine.clock import REAL
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.ledger.values import Claimed
from tests.pipelines.engine.promises.nights import DAG, declared

STEPS = ("validate", "plan", "score", "publish", "monitor", "train", "promote")
PIPELINES = ("tides", "rates")
RESULT = {
    "rows_in": 5,
    "shards": 2,
    "warnings": ["it drifts"],
    "promoted": False,
    "version": "3",
    "reasons": ["closed"],
}


class World:
    """A ledger to which things happen, and a watch that looks now and then."""

    def __init__(self, url: str, seed: int) -> None:
        self.ledger, self.observations = Ledger(url), Observations(url)
        self.dice = random.Random(seed)  # noqa: S311
        self.held: list[Claimed] = []

    def happens(self) -> None:
        """Let one thing happen."""
        self.dice.choice(
            [self.claims, self.claims, self.ends, self.ends, self.forces, self.runs, self.tasks, self.tasks]
        )()

    def claims(self) -> None:
        step, night = self.dice.choice(STEPS), f"2026-11-{self.dice.randint(10, 14)}"
        partition = f"{night}#{self.dice.randint(0, 2)}" if step == "score" else night
        key = TaskKey(
            pipeline=self.dice.choice(PIPELINES), step=step, partition=partition, inputs={"n": self.dice.randint(0, 1)}
        )
        answer = self.ledger.claim(key, holder=f"holder-{self.dice.random()}")
        if isinstance(answer, Claimed):
            self.held.append(answer)

    def ends(self) -> None:
        if self.held:
            claim = self.held.pop(self.dice.randrange(len(self.held)))
            how = self.dice.choice(["finish", "fail", "release"])
            if how == "finish":
                self.ledger.finish(claim, RESULT)
            else:
                getattr(self.ledger, how)(claim, "ChecksFailed: too many nulls")

    def forces(self) -> None:
        known = self.ledger.entries(limit=3)
        if known:
            self.held = [claim for claim in self.held if claim.key != known[0].key]
            self.ledger.force(known[0].key, holder="somebody", reason="again")

    def runs(self) -> None:
        night, state = f"2026-11-{self.dice.randint(10, 14)}", self.dice.choice(["running", "success", "failed"])
        dag = self.dice.choice([DAG, "rates_scoring"])
        self.observations.tell_run(
            dag, f"scheduled__{night}", state=state, kind="scheduled", partition_key=night, run_after=None
        )

    def tasks(self) -> None:
        night, state = f"2026-11-{self.dice.randint(10, 14)}", self.dice.choice(["running", "success", "failed"])
        dag = self.dice.choice([DAG, "rates_scoring"])
        task, number = self.dice.choice(STEPS[:5]), self.dice.randint(-1, 1)
        self.observations.tell_task(dag, f"scheduled__{night}", task, number, state=state, try_number=1)


def facts(watching: Gathering, pipelines=PIPELINES):
    dags = [
        replace(declared(), dag_id=dag, pipeline=pipeline)
        for dag, pipeline in ((DAG, "tides"), ("rates_scoring", "rates"))
    ]
    found = watching.facts([dag for dag in dags if dag.pipeline in pipelines], {}, REAL)
    runs_of = {dag_id: {run.run_id: replace(run, tasks=()) for run in mine} for dag_id, mine in found.runs.items()}
    tasks = {
        (dag_id, run.run_id): {(task.task_id, task.map_index): task for task in run.tasks}
        for dag_id, mine in found.runs.items()
        for run in mine
        if run.ended_at is None
    }
    return runs_of, tasks, found.nights, found.newest


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_what_is_remembered_is_what_would_be_read(database, seed, request, monkeypatch):
    url = request.getfixturevalue(f"{database}_ledger_url")
    if seed % 2:
        monkeypatch.setattr(nights, "MANY", 1)
    world = World(url, seed)
    watching = Gathering(world.ledger, world.observations)
    for _ in range(15):
        for _ in range(world.dice.randint(0, 6)):
            world.happens()
        assert facts(watching) == facts(Gathering(world.ledger, world.observations))
    assert len(facts(watching)[2]) > 3


def test_second_look_reads_nothing_that_did_not_change(sqlite_ledger_url, monkeypatch):
    world = World(sqlite_ledger_url, 1)
    for _ in range(60):
        world.happens()
    watching = Gathering(world.ledger, world.observations)
    before = facts(watching)
    forbidden = lambda *_, **__: pytest.fail("it was read again")  # noqa: E731
    monkeypatch.setattr(nights, "briefs_of", forbidden)
    monkeypatch.setattr(nights, "briefs_of_night", forbidden)
    monkeypatch.setattr(world.observations, "runs", forbidden)
    assert facts(watching) == before


def test_pipelines_that_are_not_asked_for_are_forgotten_and_read_again(sqlite_ledger_url):
    world = World(sqlite_ledger_url, 2)
    watching = Gathering(world.ledger, world.observations)
    for _ in range(30):
        world.happens()
    facts(watching)
    facts(watching, pipelines=("tides",))
    for _ in range(30):
        world.happens()
    assert facts(watching) == facts(Gathering(world.ledger, world.observations))


def test_another_clock_reads_everything_anew(sqlite_ledger_url):
    world = World(sqlite_ledger_url, 3)
    for _ in range(40):
        world.happens()
    watching = Gathering(world.ledger, world.observations)
    facts(watching)
    later = REAL.going_on(world.observations.now(), world.observations.now() + 3600, 1.0)
    dag = replace(declared(), pipeline="tides")
    fresh = Gathering(world.ledger, world.observations).facts([dag], {}, later)
    assert watching.facts([dag], {}, later) == fresh


def test_table_that_does_not_show_the_newest_night_counts_by_what_it_shows(sqlite_ledger_url):
    ledger = Ledger(sqlite_ledger_url)
    for night in ("2026-11-12", "2026-11-13"):
        claim = ledger.claim(TaskKey(pipeline="tides", step="publish", partition=night, inputs={}), holder="a")
        ledger.finish(claim, {})
    asked = []

    def shown(pipeline, published):
        asked.append((pipeline, list(published)))
        return "2026-11-12"

    watching = gathering.Gathering(ledger, Observations(sqlite_ledger_url), shown)
    found = watching.facts([replace(declared(), pipeline="tides")], {}, REAL)
    assert asked == [("tides", ["2026-11-13", "2026-11-12"])]
    assert found.newest["tides"][0] == "2026-11-12"


def test_declaration_is_read_again_when_its_file_was(sqlite_ledger_url):
    observations = Observations(sqlite_ledger_url)
    watching = Gathering(Ledger(sqlite_ledger_url), observations)
    observations.declare([declared().to_json()])
    assert [one.owner for one in watching.declarations(REAL)[0]] == [declared().owner]
    observations.declare([replace(declared(), owner="tide-watchers").to_json()])
    assert [one.owner for one in watching.declarations(REAL)[0]] == ["tide-watchers"]
    observations.declare([], files=[declared().file])
    assert watching.declarations(REAL) == ([], {})


def test_few_are_read_whole_in_a_turn_and_all_of_them_within_some():
    read = [(float(number), f"p{number}") for number in range(1500)]
    assert due(read, now=1000.0) == []
    assert due(read, now=1499.0 + nights.WHOLE_EVERY_SECONDS) == ["p0", "p1", "p2"]
