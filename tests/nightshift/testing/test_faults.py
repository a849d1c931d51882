"""Faults: what a task does when something breaks at the worst moment, on a real ledger and a real table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nightshift import ValidateOperator, scoring_dag, training_dag
from nightshift.testing import Killed, faults, run_dag, run_operator
from nightshift.testing.faults import MOMENTS
from pipelines.engine.errors import UsageError
from tests.nightshift.testing.conftest import with_tides
from tests.pipelines.engine.steps import tides

NIGHT = tides.NIGHTS[0]
RUN = {"partition_key": NIGHT}
OWNED = {"owner": "us"}
PASSED_BY_A_NIGHT = ("claimed", "scored a batch", "wrote the shard", "may commit", "committed", "finishing")
LONGER_THAN_A_LEASE = timedelta(minutes=5)


def night_of(house):
    return scoring_dag(house.pipeline("tides"), schedule="0 2 * * *", **OWNED)


def validate(**arguments):
    return ValidateOperator(task_id="validate", pipeline="tides", retries=3, **arguments)


def published_once(house):
    frame = house.predictions("tides", NIGHT)
    return len(frame) == frame["buoy"].nunique() == tides.PER_NIGHT


def commits(house):
    from deltalake import DeltaTable

    return DeltaTable(str(house.runtime.predictions(house.pipeline("tides")))).version()


@pytest.mark.parametrize("moment", PASSED_BY_A_NIGHT)
def test_a_night_that_is_killed_at_any_moment_is_published_once(tidal, moment):
    with faults.kill_after(moment):
        ran = run_dag(night_of(tidal), **RUN).succeeded()
    assert published_once(tidal)
    assert commits(tidal) == 1  # the table was made, then the night
    assert max(one.try_number for one in ran) == 2


def test_a_killed_attempt_leaves_its_key_claimed_and_says_nothing_to_anybody(tidal):
    with faults.kill_after("claimed"):
        ran = run_operator(validate(), **RUN)
    assert (ran.state, type(ran.error)) == ("up_for_retry", Killed)
    assert [(claim.step, claim.state, claim.fence) for claim in ran.claimed] == [("validate", "claimed", 1)]
    assert run_operator(validate(), **RUN).state == "deferred"
    tidal.clock.advance(LONGER_THAN_A_LEASE)
    assert [claim.fence for claim in run_operator(validate(), **RUN).succeeded().claimed] == [2]


def test_a_kill_that_hit_nobody_is_a_mistake_of_the_test(tidal):
    with (
        pytest.raises(UsageError, match="nothing was killed: no attempt passed 'committed'"),
        faults.kill_after("committed"),
    ):
        run_operator(validate(), **RUN)


def test_an_unknown_moment_names_the_nearest():
    with (
        pytest.raises(UsageError, match=r"there is no moment 'commited'.*Did you mean 'committed'"),
        faults.kill_after("commited"),
    ):
        pass


@pytest.mark.parametrize("moment", PASSED_BY_A_NIGHT)
def test_an_attempt_that_is_overtaken_publishes_nothing_of_its_own(tidal, moment):
    with faults.twice(moment, after=LONGER_THAN_A_LEASE) as seconds:
        run_dag(night_of(tidal), **RUN).succeeded()
    assert [second.state for second in seconds] == ["success"]
    assert published_once(tidal)
    assert commits(tidal) == 1


def test_a_second_delivery_of_a_running_task_waits_for_the_first(tidal):
    with faults.twice("claimed") as seconds:
        assert run_operator(validate(), **RUN).state == "success"
    assert [second.state for second in seconds] == ["deferred"]


@pytest.mark.parametrize("reply", ["claim", "finish", "commit"])
def test_a_lost_reply_of_ledger_or_table_changes_nothing(tidal, reply):
    with faults.lost_reply(reply):
        ran = run_dag(night_of(tidal), **RUN).succeeded()
    assert published_once(tidal)
    assert commits(tidal) == 1
    assert {one.try_number for one in ran} == {1}


@pytest.fixture
def untrained(house):
    """A house with labelled nights and no model."""
    pipeline = house.pipeline(tides.declare())
    for night in tides.LABELLED:
        rows = tides.make_rows(night)
        house.deliver(pipeline, night, rows=rows, labels=tides.make_labels(rows))
    house.clock.at("2024-03-06T12:00:00Z")
    return house


@pytest.mark.parametrize("reply", ["log_training", "register_once", "promote"])
def test_a_lost_reply_of_the_registry_makes_no_second_model(untrained, reply):
    dag = training_dag(untrained.pipeline("tides"), schedule="0 4 * * MON", **OWNED)
    with faults.lost_reply(reply):
        ran = run_dag(dag, partition_key=tides.AS_OF).succeeded()
    assert [version.version for version in untrained.registry.versions("tides")] == ["1"]
    assert [move.moved_to for move in untrained.registry.journal("tides")] == ["1"]
    assert len(untrained.registry.runs) == 1
    assert {one.try_number for one in ran} == {1, 2}


@pytest.mark.parametrize("moment", ["logged the run", "registered"])
def test_a_training_that_is_killed_makes_one_model(untrained, moment):
    dag = training_dag(untrained.pipeline("tides"), schedule="0 4 * * MON", **OWNED)
    with faults.kill_after(moment):
        run_dag(dag, partition_key=tides.AS_OF).succeeded()
    assert untrained.registry.resolve("tides", "champion").version == "1"
    assert len(untrained.registry.runs) == 1


def test_a_busy_key_defers_the_task_and_the_holder_s_result_is_taken(tidal):
    with faults.busy_key("validate", partition=NIGHT) as held:
        assert run_operator(validate(), **RUN).state == "deferred"
        held.finish({"night": NIGHT, "quarantine": None, "told": "by somebody else"})
        assert run_operator(validate(), **RUN).result["told"] == "by somebody else"


def test_a_holder_that_does_nothing_more_is_waited_for_and_taken_over_from(tidal):
    with faults.busy_key("validate"):
        ran = run_dag(night_of(tidal), **RUN).succeeded()
    assert 60 <= ran["validate"].waited < 70
    assert ran["validate"].claimed[0].fence == 2


def test_a_registry_that_is_down_is_asked_again(tidal):
    dag = night_of(tidal)
    with faults.registry_down():
        ran = run_dag(dag, **RUN)
    assert (ran.state, ran["validate"].state, ran["validate"].try_number) == ("failed", "failed", 4)
    assert ran["validate"].waited == 20 + 40 + 80
    assert "the model registry does not answer" in ran.explain()
    run_dag(dag, **RUN).succeeded()


def test_a_full_disk_fails_in_words_and_the_old_night_stays(tidal):
    dag = night_of(tidal)
    run_dag(dag, **RUN).succeeded()
    tidal.deliver("tides", NIGHT, rows=tides.make_rows(NIGHT, seed=1))
    before = tidal.predictions("tides", NIGHT)
    with faults.disk_full():
        ran = run_dag(dag, **RUN)
    assert "StorageFull: no space left for" in ran.explain()
    assert tidal.predictions("tides", NIGHT).equals(before)
    run_dag(dag, **RUN).succeeded()
    assert not tidal.predictions("tides", NIGHT).equals(before)


def test_faults_need_a_house():
    with pytest.raises(UsageError, match="needs an open house: use the fixture `house`"), faults.registry_down():
        pass


def test_every_moment_of_a_night_and_of_a_training_is_tried_here():
    elsewhere = {"measured a fold", "may submit", "submitted"}  # of a search, and of trainings in a cloud
    assert {*PASSED_BY_A_NIGHT, "logged the run", "registered", *elsewhere} == set(MOMENTS)


def test_operators_one_by_one_are_killed_too(house):
    """The operators of a night, each with what the one before returned."""
    with_tides(house)
    dag = night_of(house)
    checked = run_operator(dag.get_task("validate"), **RUN).succeeded().result
    planned = run_operator(dag.get_task("plan"), **RUN, xcoms={"validate": checked}).succeeded().result
    with faults.kill_after("wrote the shard"):
        assert run_operator(dag.get_task("score"), **RUN, xcoms={"plan": planned}, map_index=0).state == "up_for_retry"
    house.clock.advance(LONGER_THAN_A_LEASE)
    scored = run_operator(dag.get_task("score"), **RUN, xcoms={"plan": planned}, map_index=0).succeeded().result
    given = {"validate": checked, "score": [scored]}
    published = run_operator(dag.get_task("publish"), **RUN, xcoms=given).succeeded()
    assert published.assets == ("tides_predictions",)
