"""A person moves the champion: once per request, never past what she saw, and never half."""

from __future__ import annotations

import dataclasses
import shutil
import threading

import pytest

from model_registry import NoSuchVersion, TamperedModel, aliases
from pipelines.engine.errors import KeyBusy, ModelError, NoChampion, UsageError
from pipelines.engine.moments import listening
from pipelines.engine.steps.move import LONGEST_REASON, promote_by_hand, roll_back
from pipelines.engine.views.house import House
from tests.pipelines.engine.steps import places, tides
from tests.pipelines.engine.steps.places import Place, champion

NIGHT = tides.NIGHTS[0]
WHY = {"actor": "ada", "reason": "the scores are too high in the north"}


class KilledError(BaseException):
    """Stands for `kill -9`: nothing that the process would do on its way out is done."""


def alias(place: Place, name: str) -> str:
    return place.runtime.registry.resolve("tides", name).version


def told(place: Place) -> list[tuple[str | None, str | None, str]]:
    """Every move of the champion that the journal tells."""
    moves = place.runtime.registry.journal("tides")
    return [(move.moved_from, move.moved_to, move.actor) for move in moves if move.alias == "champion"]


def remembered(place: Place) -> tuple[str | None, str | None]:
    """Champion and previous, as the pages show them."""
    view = House(place.settings).model("tides")
    return view.champion, view.previous


def back(place: Place, **changes):
    return roll_back(place.runtime, place.pipeline, **{**WHY, **changes})


def by_hand(place: Place, version: str, **changes):
    return promote_by_hand(place.runtime, place.pipeline, version, **{**WHY, **changes})


def test_rolled_back_the_previous_champion_scores_the_next_night(moved):
    first = places.run_night(moved, NIGHT)
    done = back(moved, expected="2")
    assert {name: done[name] for name in ("version", "replaced", "action", "actor", "reason")} == {
        "version": "1",
        "replaced": "2",
        "action": "roll back",
        **WHY,
    }
    assert (champion(moved), alias(moved, "previous")) == ("1", "2")
    assert told(moved)[-1] == ("2", "1", "ada")
    assert remembered(moved) == ("1", "2")
    next_night = places.run_night(moved, tides.NIGHTS[1])
    assert (first.published["model_version"], next_night.published["model_version"]) == ("2", "1")


def test_a_night_that_is_planned_keeps_its_champion(moved):
    checked = places.validate(moved, NIGHT)
    planned = places.plan(moved, checked)
    back(moved)
    published = places.publish(moved, checked, [places.score(moved, shard) for shard in planned])
    assert published["model_version"] == "2"


def test_a_double_click_moves_once_and_gets_the_same_answer_twice(moved):
    answers = [back(moved, expected="2") for _ in range(2)]
    assert answers[0] == answers[1]
    assert champion(moved) == "1"
    assert len(told(moved)) == 3
    again = [by_hand(moved, "2", expected="1") for _ in range(2)]
    assert again[0] == again[1]
    assert told(moved)[3:] == [("1", "2", "ada")]


def test_two_clicks_at_once_move_once(moved):
    start, came = threading.Barrier(2), []

    def click():
        start.wait()
        try:
            came.append(back(moved, expected="2")["version"])
        except KeyBusy:
            came.append("busy")

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(came) <= {"1", "busy"}
    assert "1" in came
    assert told(moved)[2:] == [("2", "1", "ada")]


def test_a_stale_page_moves_nothing(moved):
    back(moved, expected="2")
    with pytest.raises(ModelError, match="is version 1 now, and not version 2 as you saw it: nothing was moved"):
        back(moved, expected="2", actor="grace")
    with pytest.raises(ModelError, match="nothing was moved"):
        by_hand(moved, "3", expected="2", despite_gate=True)
    assert champion(moved) == "1"
    assert len(told(moved)) == 3


def test_the_same_words_later_are_a_new_request(moved):
    back(moved, expected="2")
    by_hand(moved, "2", expected="1", reason="it was the data")
    back(moved, expected="2")
    assert champion(moved) == "1"
    assert [move[:2] for move in told(moved)[2:]] == [("2", "1"), ("1", "2"), ("2", "1")]


def test_rolling_back_twice_on_purpose_leads_to_where_it_began(moved):
    back(moved)
    back(moved)
    assert (champion(moved), alias(moved, "previous")) == ("2", "1")


def test_the_first_champion_cannot_be_rolled_back(place):
    with pytest.raises(UsageError, match="version 1 is the first one, so there is nothing to roll back to"):
        back(place)
    assert champion(place) == "1"


def test_without_a_champion_there_is_nothing_to_roll_back(fresh):
    with pytest.raises(NoChampion, match="tides has no champion yet"):
        back(fresh)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_no_reason_no_move(moved, reason):
    with pytest.raises(UsageError, match="a reason is needed"):
        back(moved, reason=reason)
    assert champion(moved) == "2"


def test_a_reason_is_kept_whatever_characters_it_holds(moved):
    done = back(moved, reason='odd \0 \ud800 <script>"')
    assert done["reason"] == 'odd ? ? <script>"'
    assert House(moved.settings).model("tides").moves[0].reason == done["reason"]


def test_a_reason_is_no_novel(moved):
    with pytest.raises(UsageError, match=f"keeps up to {LONGEST_REASON}"):
        back(moved, reason="x" * (LONGEST_REASON + 1))
    back(moved, reason="x" * LONGEST_REASON)


def test_a_damaged_previous_champion_is_not_brought_back(fresh):
    places.run_training(fresh)
    places.run_training(fresh.declared(fit=tides.fit_linear))
    shutil.rmtree(fresh.settings.cache)
    for model in (fresh.home / "mlflow").rglob("model.txt"):
        model.write_text(model.read_text().replace("leaf_value=", "leaf_value=9", 1))
    with pytest.raises(TamperedModel):
        back(fresh)
    assert champion(fresh) == "2"
    assert len(told(fresh)) == 2


def test_what_the_gate_refused_is_promoted_only_on_purpose(moved):
    with pytest.raises(ModelError, match="the gate refused version 3 of tides"):
        by_hand(moved, "3")
    assert champion(moved) == "2"
    done = by_hand(moved, "3", despite_gate=True)
    assert (done["version"], done["replaced"], champion(moved)) == ("3", "2", "3")
    assert remembered(moved) == ("3", "2")


def test_a_version_that_there_is_not_is_said(moved):
    with pytest.raises(NoSuchVersion):
        by_hand(moved, "9")


def test_the_champion_cannot_be_promoted(moved):
    with pytest.raises(UsageError, match="version 2 is the champion of tides already"):
        by_hand(moved, "2")


def killed_before_champion(patch):
    def set_or_die(client, name, alias, to):
        if alias == "champion":
            raise KilledError
        real(client, name, alias, to)

    real = aliases._set
    patch.setattr(aliases, "_set", set_or_die)


def killed_before_journal(patch):
    def append_or_die(client, mover, alias, moved_from, to):
        if alias == "champion":
            raise KilledError
        real(client, mover, alias, moved_from, to)

    real = aliases._append
    patch.setattr(aliases, "_append", append_or_die)


def killed_before_ledger(patch):
    """The moment `finishing` is passed when the registry has everything."""


def killed(place: Place, where, ask) -> None:
    """Do what is asked, and die at a moment: the ledger is told nothing, and leases stay until they end."""

    def die(moment):
        if moment == "finishing" and where is killed_before_ledger:
            raise KilledError

    place.runtime.ledger.lease_seconds = 0.5
    with pytest.MonkeyPatch.context() as patch, listening(die):
        where(patch)
        for way_out in ("fail", "release"):
            if where is not killed_before_ledger or way_out == "fail":
                patch.setattr(place.runtime.ledger, way_out, lambda *_: None)
        with pytest.raises(KilledError):
            ask(place)


def patient(place: Place) -> Place:
    """The same place, where whoever comes next waits for leases of the dead."""
    waiting = place.changed()
    waiting._runtime = dataclasses.replace(place.runtime, wait=True)
    return waiting


MOMENTS = [killed_before_champion, killed_before_journal, killed_before_ledger]


@pytest.mark.parametrize("expected", ["2", None])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_roll_back_that_was_killed_is_brought_to_its_end_by_asking_again(moved, moment, expected):
    killed(moved, moment, lambda place: back(place, expected=expected))
    done = back(patient(moved), expected=expected)
    assert (done["version"], done["replaced"]) == ("1", "2")
    assert (champion(moved), alias(moved, "previous")) == ("1", "2")
    assert told(moved)[2:] == [("2", "1", "ada")]
    assert remembered(moved) == ("1", "2")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_promotion_that_was_killed_is_brought_to_its_end_by_asking_again(moved, moment):
    killed(moved, moment, lambda place: by_hand(place, "3", expected="2", despite_gate=True))
    by_hand(patient(moved), "3", expected="2", despite_gate=True)
    assert (champion(moved), alias(moved, "previous")) == ("3", "2")
    assert told(moved)[2:] == [("2", "3", "ada")]
    assert remembered(moved) == ("3", "2")


@pytest.mark.parametrize("moment", [killed_before_journal, killed_before_ledger])
def test_a_killed_move_keeps_the_name_of_whoever_began_it(moved, moment):
    killed(moved, moment, lambda place: back(place, expected="2"))
    with pytest.raises(ModelError, match="is version 1 now"):
        back(patient(moved), expected="2", actor="grace")
    assert told(moved)[2:] == [("2", "1", "ada")]
    back(patient(moved), expected="1", actor="grace")
    assert told(moved)[3:] == [("1", "2", "grace")]
    assert remembered(moved) == ("2", "1")
