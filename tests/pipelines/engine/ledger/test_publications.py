"""The ledger names the newest version that readers were promised, of each pipeline."""

from __future__ import annotations

from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.publications import promised_versions


def publish(ledger, night, version, *, pipeline="flights", step="publish", finish=True):
    key = TaskKey(pipeline=pipeline, step=step, partition=night, inputs={"replaces": version}, code="c")
    claim = ledger.claim(key, holder="a")
    if finish:
        ledger.finish(claim, {"delta_version": version})


def test_last_finished_publication_of_each_night_counts(ledger):
    publish(ledger, "2013-11-01", 9)  # of a table that was begun anew since
    publish(ledger, "2013-11-01", 2)
    publish(ledger, "2013-11-02", 1)
    publish(ledger, "2013-11-03", 7, finish=False)
    publish(ledger, "2013-11-03", 8, step="score")
    publish(ledger, "2013-11-01", 5, pipeline="weather")
    assert promised_versions(ledger) == {"flights": 2, "weather": 5}


def test_empty_ledger_promises_nothing(ledger):
    assert promised_versions(ledger) == {}
