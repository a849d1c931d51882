"""Incidents in words: severe ones first, without secrets, and with what was told to whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.engine.incidents.outbox import Pending
from pipelines.engine.incidents.values import Incident, IncidentEvent, Silence
from pipelines.engine.promises.verdicts import Verdict
from pipelines.engine.views.at_a_glance import of_incidents
from pipelines.engine.views.incidents import EVENTS, history_lines, incident_line, incidents_view
from tests.pipelines.engine.promises.nights import DAG, declared

NOW = 1_771_000_000.0
VERDICT = Verdict(f"{DAG}/succeed", DAG, "2026-11-19", "failed", "failed", reason="no rows", key="abc")
INCIDENT = Incident(
    id="a" * 32,
    promise_id=f"{DAG}/succeed",
    dag_id=DAG,
    night="2026-11-19",
    owner="tide-science",
    state="failed",
    alert="failed",
    severity="critical",
    version=1,
    opened_at=NOW - 60,
    changed_at=NOW - 60,
    told_at=None,
    due_at=None,
    resolved_at=None,
    acknowledged_at=None,
    acknowledged_by=None,
    escalated_at=None,
    verdict=VERDICT.to_json(),
)
DRIFT = replace(INCIDENT, id="b" * 32, alert="drift", state="noticed", severity="warning", opened_at=NOW)
OVER = replace(INCIDENT, id="c" * 32, state="resolved", resolved_at=NOW)


def view(*found, silences=(), pending=()):
    return incidents_view(found, silences, pending, {DAG: declared()}, NOW)


def test_open_ones_come_by_severity_and_those_that_are_over_apart():
    shown = view(OVER, DRIFT, INCIDENT)
    assert [line.severity for line in shown.open] == ["critical", "warning"]
    assert [line.id for line in shown.resolved] == [OVER.id]


def test_a_line_says_what_is_wrong_and_what_to_do():
    line = incident_line(INCIDENT, (), declared(), NOW)
    assert line.title == f"{DAG}, night 2026-11-19: failed"
    assert line.next_steps[0] == "read what went wrong: `nightshift keys show abc`"
    assert (line.pipeline, line.runbook) == ("tides", "failed")
    assert incident_line(OVER, (), declared(), NOW).next_steps == ()


def test_a_night_that_cannot_be_told_in_full_is_told_plainly():
    line = incident_line(replace(INCIDENT, due_at=1e20), (), declared(), NOW)
    assert f"{DAG}, 2026-11-19" in line.title


def test_an_incident_of_which_little_was_written_down_is_told():
    line = incident_line(replace(INCIDENT, verdict={}), (), declared(), NOW)
    assert (line.reason, line.runbook) == ("", "failed")


def test_no_password_is_shown():
    secret = "postgresql://us:hunter22@host/ledger"
    told = replace(INCIDENT, verdict=replace(VERDICT, reason=f"cannot reach {secret}").to_json())
    assert "hunter22" not in str(incident_line(told, (), declared(), NOW, (secret,)))


@pytest.mark.parametrize("matches", [INCIDENT.id, INCIDENT.promise_id, DAG])
def test_a_silence_is_found_by_incident_promise_and_dag(matches):
    silence = Silence(1, matches, NOW, NOW + 60, "ada", "quiet please")
    assert incident_line(INCIDENT, [silence], declared(), NOW).silence.reason == "quiet please"
    assert incident_line(INCIDENT, [replace(silence, matches="other")], declared(), NOW).silence is None


@pytest.mark.parametrize(
    ("incidents", "tone", "said"),
    [
        ((), "good", "No incident is open."),
        ((OVER,), "good", "No incident is open."),
        ((DRIFT,), "notice", "One incident is open; nobody has taken it up."),
        ((INCIDENT, DRIFT), "bad", "2 incidents are open; nobody has taken them up."),
        (
            (INCIDENT, replace(DRIFT, acknowledged_by="ada")),
            "bad",
            "2 incidents are open; nobody has taken up 1 of them.",
        ),
        ((replace(INCIDENT, acknowledged_by="ada"),), "bad", "One incident is open."),
    ],
)
def test_one_sentence_says_whether_somebody_is_at_it(incidents, tone, said):
    glance = of_incidents(view(*incidents))
    assert (glance.tone, glance.sentence) == (tone, said)


def test_messages_that_were_not_delivered_spoil_good_news():
    shown = view(pending=(Pending("mail", 2, 0, 90.0, "refused"), Pending("log", 1, 0, 1.0, None)))
    assert [one.route for one in shown.undelivered] == ["mail"]
    glance = of_incidents(shown)
    assert (glance.tone, glance.lines[0]) == (
        "notice",
        "2 messages were not delivered: somebody may not know. See below.",
    )


@pytest.mark.parametrize("event", [*EVENTS, "something_new"])
def test_every_event_is_told_in_words(event):
    [line] = history_lines([IncidentEvent(1, INCIDENT.id, NOW, event, "ada", {"what": "late", "why": "silenced"})])
    assert line.sentence
    assert "{" not in line.sentence


def test_what_was_told_names_its_routes():
    detail = {"told": "failed", "occasion": "failed-2", "routes": ["mail", "log"], "reason": "no rows"}
    [line] = history_lines([IncidentEvent(1, INCIDENT.id, NOW, "failed", "nightshift", detail)])
    assert (line.told, line.routes, line.reason) == ("failed-2", ("mail", "log"), "no rows")
