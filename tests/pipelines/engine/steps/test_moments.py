from pipelines.engine.moments import listening, reached
from tests.pipelines.engine.steps import places

NIGHT = "2024-03-07"


def test_nobody_listens_by_default():
    reached("claimed")


def test_listener_hears_only_inside_its_block():
    heard = []
    with listening(heard.append):
        reached("committed")
    reached("finishing")
    assert heard == ["committed"]


def test_night_passes_every_moment_of_its_protocol_in_order(place):
    heard = []
    checked = places.validate(place, NIGHT)
    planned = places.plan(place, checked)
    with listening(heard.append):
        scored = [places.score(place, shard) for shard in planned]
        places.publish(place, checked, scored)
    steps = list(dict.fromkeys(heard))  # a shard has several batches
    assert steps == ["claimed", "scored a batch", "wrote the shard", "finishing", "may commit", "committed"]
    assert heard[-4:] == ["claimed", "may commit", "committed", "finishing"]
