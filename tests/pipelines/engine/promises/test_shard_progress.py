"""What is known of a mapped step that runs: which shards are through, how long they took, how long the others have been at it."""

from pipelines.engine.promises.facts import NightFact, RunFact, TaskFact
from pipelines.engine.promises.history import progress_of
from pipelines.engine.promises.values import Declaration, Task

DECLARATION = Declaration("flights", tasks=(Task("plan"), Task("score", ("plan",), mapped=True)))


def progress(*shards, now):
    tasks = (TaskFact("plan", -1, "success", 0.0, 10.0), *shards)
    return progress_of(
        DECLARATION,
        RunFact("flights", "r", "n", "scheduled", "running", 0.0, None, tasks),
        NightFact(shards=4),
        0.0,
        now,
    )


def test_running_shards_say_how_long_they_have_been_at_work():
    found = progress(
        TaskFact("score", 0, "success", 10.0, 30.0),
        TaskFact("score", 1, "success", 10.0, 50.0),
        TaskFact("score", 2, "up_for_retry", 40.0),
        now=60.0,
    )
    assert found.shards_done == {"score": (2, 4)}
    assert found.shards_running == {"score": (20.0,)}
    assert found.shard_seconds == {"score": 30.0}
    assert found.running == {"score": 50.0}


def test_no_finished_shard_has_no_usual_time():
    found = progress(TaskFact("score", 0, "running", 12.0), now=60.0)
    assert found.shards_done == {"score": (0, 4)}
    assert found.shards_running == {"score": (48.0,)}
    assert found.shard_seconds == {}
