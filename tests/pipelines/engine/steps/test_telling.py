"""A real night tells of each of its steps, wherever its shards are scored."""

from structlog.contextvars import get_contextvars

from nightshift.telemetry.json_logs import LogFields
from pipelines.engine.scoring_engines.local import LOCAL
from pipelines.engine.steps import NIGHT_STEPS
from pipelines.engine.steps.score_night import score_night
from pipelines.engine.telemetry.seam import fields, told_to
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import plan, run_night, validate
from tests.pipelines.engine.telemetry.listening import Listener

NIGHT = tides.NIGHTS[1]  # the first is the one as of which was trained


class Elsewhere:
    """Scores two shards at a time, here, and calls itself a cluster."""

    name = "spark"
    at_once = 2

    def __init__(self):
        self.seen = []

    def score(self, work):
        self.seen.append(get_contextvars())
        return LOCAL.score(work)

    def stop(self):
        """Nothing runs elsewhere."""

    def close(self):
        """Nothing is open."""


def test_night_tells_of_each_step_what_it_did_and_cost(place):
    heard = Listener()
    with told_to(heard):
        run_night(place, NIGHT)

    assert [span.name for span in heard.spans if span.parent is None] == [f"nightshift.{step}" for step in NIGHT_STEPS]
    assert [span.name for span in heard.spans if span.parent == "nightshift.score"] == [
        "nightshift.score.load",
        "nightshift.score.rows",
    ]
    assert heard.outcomes() == {("tides", step, "done"): 1 for step in NIGHT_STEPS}
    rows = {labels[2:]: number for labels, number in heard.counted.items() if labels[0] == "nightshift.rows"}
    assert rows["validate", "in"] == rows["score", "scored"] == rows["publish", "published"] > 0
    [score] = [span.attributes for span in heard.spans if span.name == "nightshift.score"]
    assert (score["nightshift.engine"], score["nightshift.model_version"]) == ("local", "1")
    assert score["nightshift.bytes_written"] > 0
    assert score["nightshift.cache_hits"] + score["nightshift.cache_misses"] >= 1
    costs = {entry.step: entry.cost for entry in place.ledger.entries(pipeline="tides", partition=NIGHT)}
    assert costs.keys() == set(NIGHT_STEPS)
    assert all(cost.cpu_seconds >= 0 and cost.elsewhere is None for cost in costs.values())


def test_shards_that_are_scored_elsewhere_keep_the_fields_of_who_asked_and_have_no_known_cost(place):
    engine, cut = Elsewhere(), place.declared(shard_bytes=1, most_shards=3)
    shards = plan(cut, validate(cut, NIGHT))
    with told_to(LogFields()), fields(asked_by="a task"):
        scored = score_night(cut.runtime, cut.pipeline, shards, engine)

    assert {seen["asked_by"] for seen in engine.seen} == {"a task"}
    assert {seen["key"] for seen in engine.seen} == {shard["key"] for shard in scored}
    costs = [cut.ledger.entry(shard["key"]).cost.to_json() for shard in scored]
    assert costs == [{"elsewhere": "spark"}] * len(shards)
