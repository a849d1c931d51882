"""Processes that want the same key at the same moment, and processes that die holding it."""

import json

from pipelines.engine.ledger import Ledger
from tests.pipelines.engine.processes import Race, wait_until
from tests.pipelines.engine.worker import FENCES_TO_KILL, KEYS, key_of

PROCESSES = 8


def names_of(url, key):
    return [(event.event, event.fence) for event in Ledger(url).history(key.digest)]


def test_of_eight_processes_exactly_one_does_the_work_of_each_key(ledger_url, tmp_path):
    with Race("worker.py", ["race", ledger_url], tmp_path, PROCESSES) as race:
        answers = race.answers().values()
    assert len(answers) == PROCESSES
    for key in map(key_of, range(KEYS)):
        assert len((tmp_path / f"effects-{key.partition}").read_text().splitlines()) == 1
        assert len({answer[key.partition][0] for answer in answers}) == 1
        assert sum(answer[key.partition][1] for answer in answers) == 1
        assert names_of(ledger_url, key) == [("claimed", 1), ("finished", 1)]


def test_key_of_a_killed_holder_is_taken_over_and_finished_once(ledger_url, tmp_path):
    def effects():
        path = tmp_path / "effects"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    with Race("worker.py", ["die", ledger_url], tmp_path, 4) as race:
        for fence in range(1, FENCES_TO_KILL + 1):
            holder = wait_until(lambda fence=fence: next((e for e in effects() if e["fence"] == fence), None))
            race.kill(holder["pid"])
        answers = race.answers()
    fences = [effect["fence"] for effect in effects()]
    assert fences == sorted(set(fences))
    assert fences[:FENCES_TO_KILL] == list(range(1, FENCES_TO_KILL + 1))
    assert len(answers) == 4 - FENCES_TO_KILL
    assert len({json.dumps(answer["result"]) for answer in answers.values()}) == 1
    assert {answer["fence"] for answer in answers.values()} == {fences[-1]}
    assert {answer["result"]["by"] for answer in answers.values()} == {effects()[-1]["pid"]}
    history = names_of(ledger_url, key_of(0))
    assert [event for event in history if event[0] == "finished"] == [("finished", fences[-1])]
    assert [event[0] for event in history] == ["claimed", *["taken_over"] * (fences[-1] - 1), "finished"]


def test_exclusive_lets_one_process_in_at_a_time(ledger_url, tmp_path):
    (tmp_path / "counter").touch()
    with Race("worker.py", ["alone", ledger_url], tmp_path, 4) as race:
        race.answers()
    assert int((tmp_path / "counter").read_text()) == 4 * KEYS
