"""A publication whose place a newer one has taken says so; one that readers see does not."""

from __future__ import annotations

from pipelines.engine.publication.superseded import superseded_by
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import run_night

NIGHT = tides.NIGHTS[0]


def deliver(place, seed):
    tides.write(tides.make_rows(NIGHT, seed=seed), place.rows(NIGHT))


def replaced(place, key):
    entry = place.ledger.entry(key)
    return superseded_by(entry, place.ledger.alike(entry))


def test_the_publication_that_readers_see_is_not_superseded(place):
    done = run_night(place, NIGHT)
    assert replaced(place, done.published["key"]) is None


def test_an_older_publication_says_what_took_its_place_and_what_is_other(place):
    first = run_night(place, NIGHT)
    deliver(place, seed=1)
    second = run_night(place, NIGHT)
    found = replaced(place, first.published["key"])
    assert found.key == second.published["key"]
    assert found.because == ("inputs.checked", "inputs.scores")
    assert str(found).startswith(f"superseded by {found.key[:12]} at 20")


def test_scores_that_are_shown_again_are_not_called_superseded(place):
    first = run_night(place, NIGHT)
    for seed in (1, 0):
        deliver(place, seed)
        last = run_night(place, NIGHT)
    assert first.scored[0]["key"] == last.scored[0]["key"]
    assert replaced(place, last.scored[0]["key"]) is None
    assert replaced(place, last.published["key"]) is None
    assert replaced(place, first.published["key"]).key == last.published["key"]


def test_other_nights_and_unfinished_keys_supersede_nothing(place):
    first = run_night(place, NIGHT)
    run_night(place, tides.NIGHTS[1])
    place.ledger.force(first.published["key"], holder="test", reason="a test")
    assert replaced(place, first.published["key"]) is None
