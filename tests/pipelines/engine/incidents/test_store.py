"""Incidents in a database: what is written together, who wins a race, and what people may ask for."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.engine.errors import UsageError
from pipelines.engine.incidents.lifecycle import Policy, incident_id
from pipelines.engine.promises.verdicts import Verdict
from tests.pipelines.engine.incidents.nights import DUE, FORECAST, ID, MINUTE, PROMISE, verdict
from tests.pipelines.engine.processes import Race


def test_incident_its_history_and_its_messages_are_written_together(shop):
    shop.settle(verdict("at_risk", forecast=FORECAST), now=DUE - 80 * MINUTE)
    shop.settle(verdict("late", at=DUE), now=DUE + 1)
    shop.settle(verdict("done", at=DUE + 840, late_by=840.0), now=DUE + 840)
    incidents = shop.at(DUE + 900)
    assert incidents.find() == []
    [incident] = incidents.find(resolved=True)
    assert (incident.id, incident.state, incident.owner) == (ID, "resolved", "ada")
    assert Verdict.from_json(incident.verdict) == verdict("done", at=DUE + 840, late_by=840.0)
    events = incidents.history(ID[:8])
    assert [event.event for event in events] == ["at_risk", "late", "resolved"]
    assert events[0].detail["routes"] == ["mail", "chat"]
    assert shop.occasions("mail") == shop.occasions("chat") == ["at_risk", "late", "resolved"]
    assert "late by 14 min" in shop.rows()[-1].message["title"]


def test_same_verdicts_again_write_nothing(shop):
    said = [verdict("late"), verdict("done", night="2026-11-18", at=DUE)]
    assert len(shop.settle(*said, now=DUE)) == 1
    assert shop.settle(*said, now=DUE + 100) == []
    assert len(shop.rows()) == 2


def test_restart_repeats_nothing(shop):
    """Each `settle` of these tests opens the database anew, as a watch does that was killed."""
    shop.settle(verdict("late"), now=DUE)
    assert shop.settle(verdict("late"), now=DUE + 5) == []


def test_routes_that_fail_leave_nothing_behind(shop):
    def broken(message):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shop.settle(verdict("late"), now=DUE, routes_for=broken)
    assert shop.at(DUE).find(resolved=True) == []
    assert shop.rows() == []


def test_end_is_told_to_those_who_heard_of_the_trouble(small_shop):
    small_shop.settle(verdict("late"), now=DUE, routes_for=lambda message: ["mail"])
    small_shop.settle(verdict("done", late_by=9.0), now=DUE + 9, routes_for=lambda message: ["other"])
    assert [(row.route, row.occasion) for row in small_shop.rows()] == [("mail", "late"), ("mail", "resolved")]


def test_escalation_goes_to_routes_that_ask_for_it_and_so_does_the_end(small_shop):
    small_shop.settle(verdict("late"), now=DUE)
    small_shop.settle(now=DUE + 31 * MINUTE)
    small_shop.settle(verdict("done", late_by=9.0), now=DUE + 40 * MINUTE)
    assert small_shop.occasions("boss") == ["escalated", "resolved"]


def test_message_that_no_route_wants_is_said_in_the_log(small_shop, caplog):
    small_shop.settle(verdict("late"), now=DUE, routes_for=lambda message: [])
    assert "no route wants to hear" in caplog.text


def test_backfill_of_many_nights_is_written_at_once(shop):
    nights = [f"2025-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    said = [verdict("late", night=night) for night in nights] + [
        verdict("done", night=f"2024-{day:03}", at=DUE) for day in range(600)
    ]
    assert len(shop.settle(*said, now=DUE)) == len(nights)
    assert shop.settle(*said, now=DUE + 5) == []
    assert shop.at(DUE).counts() == {("flights_scoring", "ada", "late", "critical"): len(nights)}
    assert sorted(shop.at(DUE).open_nights()[PROMISE]) == sorted(nights)


def test_of_settlers_that_race_exactly_one_tells(shop):
    """Threads with connections of their own, all with the same verdicts."""

    def one(number):
        said = [verdict("late", night=f"2026-11-{day:02}") for day in range(1, 9)]
        return len(shop.settle(*said, now=DUE + number))

    with ThreadPoolExecutor(6) as pool:
        changes = sum(pool.map(one, range(6)))
    assert changes == 8
    assert len(shop.rows()) == 16
    assert all(len(shop.at(DUE).history(incident.id)) == 1 for incident in shop.at(DUE).find())


def test_of_processes_that_race_through_a_night_nobody_repeats_another(shop, tmp_path):
    with Race("incidents/settler.py", [shop.url], tmp_path, 3) as race:
        race.answers()
    [incident] = shop.at(DUE).find(resolved=True)
    assert incident.state == "resolved"
    assert [event.event for event in shop.at(DUE).history(ID)] == ["at_risk", "late", "failed", "resolved"]
    assert shop.occasions("mail") == ["at_risk", "late", "failed", "resolved"]


def test_acknowledged_incident_says_by_whom_and_is_not_escalated(shop):
    shop.settle(verdict("late"), now=DUE)
    assert shop.at(DUE + 60).acknowledge(ID[:6], by="ada").acknowledged_by == "ada"
    assert shop.at(DUE + 90).acknowledge(ID, by="bob").acknowledged_by == "ada"
    assert shop.settle(verdict("late"), now=DUE + 60 * MINUTE) == []
    assert [event.event for event in shop.at(DUE).history(ID)] == ["late", "acknowledged"]


def test_silence_ends_by_itself_or_by_command(shop):
    silenced = shop.at(DUE - 60).silence("flights_scoring", seconds=3600, by="ada", reason="we know")
    assert (silenced.since, silenced.until) == (DUE - 60, DUE + 3540)
    shop.settle(verdict("late"), now=DUE)
    assert shop.rows() == []
    assert [one.reason for one in shop.at(DUE).silences()] == ["we know"]
    assert shop.at(DUE + 60).unsilence("flights_scoring") == 1
    assert shop.at(DUE + 60).unsilence("flights_scoring") == 0
    shop.settle(now=DUE + 61)
    assert shop.occasions("mail") == ["late"]


def test_resolution_that_a_silence_held_back_is_told_after_it(shop):
    shop.settle(verdict("late"), now=DUE)
    shop.at(DUE + 1).silence(ID, seconds=600, by="ada", reason="x")
    shop.settle(verdict("done", late_by=60.0), now=DUE + 60)
    assert shop.occasions("mail") == ["late"]
    shop.settle(now=DUE + 700)
    assert shop.occasions("mail") == ["late", "resolved"]


def test_closed_by_hand_stays_closed_and_the_history_says_by_whom(small_shop):
    small_shop.settle(verdict("failed"), now=DUE)
    closed = small_shop.at(DUE + 60).close(ID[:10], by="ada", reason="never delivered", context=small_shop.context)
    assert closed.state == "resolved"
    assert small_shop.settle(verdict("failed"), now=DUE + 9000) == []
    assert [(event.event, event.by) for event in small_shop.at(DUE).history(ID)][1:] == [
        ("closed", "ada"),
        ("resolved", "ada"),
    ]
    assert "never delivered" in small_shop.rows()[-1].message["title"]


def test_wrong_ids_get_the_nearest_right_one(small_shop):
    small_shop.settle(verdict("late"), now=DUE)
    incidents = small_shop.at(DUE)
    wrong = ID[:7] + ("0" if ID[7] != "0" else "1")
    with pytest.raises(UsageError, match=f"Did you mean '{ID[:8]}'"):
        incidents.get(wrong)
    for nothing in ("", "%", "\0", "zzzz"):
        with pytest.raises(UsageError, match="there is no incident"):
            incidents.get(nothing)
    small_shop.settle(verdict("done"), now=DUE + 1)
    with pytest.raises(UsageError, match="resolved already"):
        incidents.acknowledge(ID, by="ada")


def test_beginning_of_two_ids_is_refused(small_shop):
    nights = [f"n{number}" for number in range(40)]
    small_shop.settle(*(verdict("late", night=night) for night in nights), now=DUE)
    first = sorted(incident_id(PROMISE, night)[0] for night in nights)
    twice = next(digit for digit in first if first.count(digit) > 1)
    with pytest.raises(UsageError, match="more than one"):
        small_shop.at(DUE).get(twice)


def test_text_that_no_database_keeps_is_kept_in_part(shop):
    shop.settle(verdict("failed", reason="a\0b \ud800 c", step="sc\0re", night="2026-11-19"), now=DUE)
    [incident] = shop.at(DUE).find()
    assert json.dumps(shop.rows()[0].message)
    assert "a b ? c" in shop.rows()[0].message["text"]
    assert incident.state == "failed"


def test_forecast_without_an_end_is_kept(shop):
    from dataclasses import replace

    never = replace(FORECAST, finish_p50=float("inf"), finish_p90=float("inf"), slack_seconds=float("-inf"))
    said = verdict("at_risk", forecast=never)
    shop.settle(said, now=DUE - 60)
    assert shop.settle(said, now=DUE + 600) == []
    assert Verdict.from_json(shop.at(DUE).get(ID).verdict) == said


def test_patience_is_the_policy_that_is_given(small_shop):
    policy = Policy(cooldown_seconds=10.0, escalate_after_seconds=5.0)
    small_shop.settle(verdict("late"), now=DUE, policy=policy)
    small_shop.settle(now=DUE + 5, policy=policy)
    assert small_shop.occasions("boss") == ["escalated"]


def test_night_whose_times_cannot_be_shown_is_told_all_the_same(small_shop, caplog):
    never = verdict("late", due_at=1e30, night="2026-11-20")
    small_shop.settle(never, verdict("late"), now=DUE)
    told = {row.message["night"]: row.message["title"] for row in small_shop.rows()}
    assert told["2026-11-20"] == "flights_scoring, 2026-11-20: late, late"
    assert told["2026-11-19"].endswith("not finished by 11:00 UTC")
    assert "could not be written in full" in caplog.text
