"""What the model says happens is what the real ledger and the real table do, step by step."""

from __future__ import annotations

import dataclasses
import shutil

import pytest

from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import Place, known_suites
from tests.protocol.explorer import explore, told, wander
from tests.protocol.model import COSTS, FREE, step
from tests.protocol.real import RealWorld
from tests.protocol.scenarios import PLANTED
from tests.protocol.values import KNOWN_FLAWS, SHARD, Budget, Scenario, beginning
from tests.protocol.worker import STEPS

SAMPLES = range(60)
EVERYTHING = Budget(crashes=1, lost=2, delays=1, errors=1, interrupts=1, expiries=2, forces=1, foreign=1)
JOBS = (
    ((("A",), ("A",)), None),
    ((("A",), ("B",)), None),
    ((("B",), ("A",)), "A"),
    ((("A", "B"), ("B",), ("A",)), None),
    (((SHARD,), (SHARD,)), None),
)


@pytest.fixture(autouse=True)
def _suites():
    with known_suites():
        yield


@pytest.fixture
def place(tmp_path, migrated_file):
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(migrated_file, home / "ledger.db")
    return Place(home, tides.declare())


def sampled(seed):
    """Return a scenario as the code of today plays it, and a schedule of it."""
    jobs, shown = JOBS[seed % len(JOBS)]
    scenario = Scenario(jobs, EVERYTHING, shown, waits=bool(seed // len(JOBS) % 2), flaws=KNOWN_FLAWS)
    schedule, _ = wander(scenario, seed)
    return scenario, schedule


def play(place, scenario, schedule):
    """Play a schedule in the model and in reality; return the first difference, told with the way to it, or None."""
    world = beginning(scenario)
    with RealWorld(place, scenario) as real:
        for done, action in enumerate(schedule, start=1):
            before, world = world, step(scenario, world, action)
            real.play(before, action)
            note_keys(real, world)
            difference = next(differences(real, before, world), None)
            if difference:
                return "\n".join([difference, *told(scenario, schedule[:done])])
    return None


def note_keys(real, world):
    """Remember which digest a key of the model has; the real keys must be as different as the model's."""
    for worker, actual in zip(world.workers, real.workers, strict=True):
        if worker.key and actual.ledger.asked:
            real.digests.setdefault(worker.key, actual.ledger.asked.digest)


def differences(real, before, world):
    expected = [LOOKS.get(worker.at, worker.at) for worker in world.workers]
    found = [worker.turn.at for worker in real.workers]
    if found != expected:
        yield f"the model's workers are at {expected}, the real ones at {found}"
    if len(set(real.digests.values())) < len(real.digests):
        yield f"two keys of the model have one digest: {real.digests}"
    rows = {real.digests[key]: (row.state, row.fence, row.generation, row.result) for key, row in world.rows}
    real_rows = {entry.key: real_row(entry) for entry in real.ledger.entries()}
    if rows != real_rows:
        yield f"the model's ledger says {rows}, the real one {real_rows}"
    table = (len(world.table) - 1, world.table[-1].files)
    if world.table != before.table and table != real.shown():
        yield f"the model's table shows {table}, the real one {real.shown()}"
    yield from wrong_answers(real, before, world)


def wrong_answers(real, before, world):
    """A worker that is done in the model has an answer in reality, and it is what the ledger has on record."""
    for number, worker in enumerate(world.workers):
        answer = real.workers[number].answer
        if worker.turn <= before.workers[number].turn:
            continue
        recorded = dict(world.rows)[before.workers[number].key].result
        if answer is None or answer["delta_version"] != recorded:
            yield f"worker {number} should have been told version {recorded}, and was told {answer}"
        elif "rows_in" in answer and answer["rows_in"] != answer["rows_scored"] + answer["rows_quarantined"]:
            yield f"the counts of worker {number} do not add up: {answer}"


def real_row(entry):
    result = entry.result["delta_version"] if entry.result else None
    return entry.state, entry.fence, entry.generation, result


LOOKS = {"second look": "look", "open": "look", "doubt": "look", "end": "first look"}
"""Where a real worker stands when the model's is there: it looks at the table, or asks what is in the ledger."""


@pytest.mark.parametrize("seed", SAMPLES)
def test_real_parts_do_what_the_model_does(place, seed):
    scenario, schedule = sampled(seed)
    difference = play(place, scenario, schedule)
    assert not difference, difference


def test_sampled_schedules_come_by_every_step_and_every_fault():
    whats, ats = set(), set()
    for scenario, schedule in map(sampled, SAMPLES):
        world = beginning(scenario)
        for action in schedule:
            whats.add(action.what)
            ats |= {world.workers[action.whom].at} if action.what == "step" else set()
            world = step(scenario, world, action)
    assert whats == {*COSTS, *FREE, "heartbeat"}
    assert ats == STEPS.keys() - {"find"}, "`find` belongs to a flaw that the code does not have"


@pytest.mark.parametrize("name", ["no fence check", "finish without the fence", "unconditional commit, two deliveries"])
def test_model_without_a_guard_is_not_what_the_real_parts_do(place, name):
    bug = PLANTED[name]
    scenario = dataclasses.replace(bug.scenario, flaws=KNOWN_FLAWS | bug.flaws)
    schedule = explore(scenario).violation.schedule
    assert play(place, scenario, schedule)


@pytest.mark.parametrize(
    "name", sorted(name for name, bug in PLANTED.items() if len(bug.flaws) == 1 and name in bug.flaws)
)
def test_real_parts_have_the_known_flaws_and_no_others(place, name):
    scenario = dataclasses.replace(PLANTED[name].scenario, flaws=KNOWN_FLAWS | {name})
    schedule = explore(scenario).violation.schedule
    assert (play(place, scenario, schedule) is None) == (name in KNOWN_FLAWS)
