"""Incidents: open first, taken up, silenced and closed from the page, and what was told to whom."""

from __future__ import annotations

import pytest

from pipelines.engine.incidents.message import Context
from pipelines.engine.incidents.outbox import Outbox
from pipelines.engine.incidents.store import Incidents
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.promises.verdicts import Verdict
from tests.nightshift.pages.houses import client_of
from tests.pipelines.engine.promises.nights import DAG, declared

NIGHT = "2026-11-19"
ACTIONS = {"acknowledge": {}, "silence": {"what": "dag", "duration": "2h", "reason": "why"}, "end-silence": {}}


@pytest.fixture
def store(ledger, sqlite_ledger_url):
    Observations(sqlite_ledger_url).declare([declared().to_json()])
    return Incidents(sqlite_ledger_url)


@pytest.fixture
def admin(airflow_app):
    return client_of(airflow_app, "admin")


@pytest.fixture
def looker(airflow_app):
    return client_of(airflow_app, "viewer")


def trouble(store, state="failed", night=NIGHT, **more):
    verdict = Verdict(f"{DAG}/succeed", DAG, night, state, "failed" if state == "failed" else "late", **more)
    [change] = store.settle(
        [verdict], owner_of=lambda _: "tide-science", routes_for=lambda _: ["paper"], context=lambda _: Context()
    )
    return change.after.id


def test_nothing_open_is_good_news(viewer, store):
    page = viewer.get("/nightshift/incidents")
    assert (page.status_code, "No incident is open." in page.text) == (200, True)


def test_an_open_incident_says_what_is_wrong_and_what_to_do_next(viewer, store):
    trouble(store, reason="RowsMissing: <b>no file</b>", step="validate")
    page = viewer.get("/nightshift/incidents").text
    assert "One incident is open; nobody has taken it up." in page
    assert f"{DAG}, night {NIGHT}: failed at validate" in page
    assert "RowsMissing: &lt;b&gt;no file" in page
    assert f"<code>nightshift keys list tides --night {NIGHT}</code>" in page
    assert 'href="/nightshift/runbooks/failed"' in page
    assert f'href="/nightshift/nights/tides/{NIGHT}"' in page


def test_the_most_severe_come_first(viewer, store):
    trouble(store, night="2026-11-18")
    verdict = Verdict(f"{DAG}/drift", DAG, "2026-11-19", "noticed", "drift")
    store.settle([verdict], owner_of=lambda _: "", routes_for=lambda _: [], context=lambda _: Context())
    page = viewer.get("/nightshift/incidents").text
    assert page.index("2026-11-18") < page.index("2026-11-19")
    assert "2 incidents are open" in page


@pytest.mark.parametrize(("role", "status"), [("user", 403), ("op", 200)])
def test_who_runs_dags_and_no_more_takes_nothing_up(airflow_app, store, role, status):
    which, client = trouble(store), client_of(airflow_app, "somebody", role)
    assert ("I take it up" in client.get("/nightshift/incidents").text) == (status == 200)
    answers = [client.post(f"/nightshift/incidents/{which}/{do}", json=body) for do, body in ACTIONS.items()]
    assert [answer.status_code for answer in answers] == [status] * len(ACTIONS)
    assert store.get(which).acknowledged_by == (None if status == 403 else "somebody")


def test_taken_up_by_an_admin_it_says_so_and_again_changes_nothing(admin, store):
    which = trouble(store)
    answers = [admin.post(f"/nightshift/incidents/{which}/acknowledge", json={}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert store.get(which).acknowledged_by == "admin"
    assert [event.event for event in store.history(which)].count("acknowledged") == 1
    assert "taken up by admin" in admin.get("/nightshift/incidents").text


def test_a_silence_holds_for_what_was_chosen_and_is_ended(admin, store):
    which = trouble(store)
    body = {"what": "dag", "duration": "2h", "reason": "rows come late"}
    answer = admin.post(f"/nightshift/incidents/{which}/silence", json=body)
    assert "Nothing is told of it until" in answer.json()["sentence"]
    [silence] = store.silences()
    assert (silence.matches, silence.by, silence.reason) == (DAG, "admin", "rows come late")
    assert 7190 < silence.until - silence.since < 7210
    assert "rows come late" in admin.get("/nightshift/incidents").text
    assert admin.post(f"/nightshift/incidents/{which}/end-silence", json={}).status_code == 200
    assert store.silences() == []


def test_closed_by_hand_it_is_over_and_keeps_the_reason(admin, store):
    which = trouble(store)
    assert admin.post(f"/nightshift/incidents/{which}/close", json={"reason": "no such night"}).status_code == 200
    assert store.get(which).state == "resolved"
    page = admin.get(f"/nightshift/incidents/{which[:12]}").text
    assert "admin closed it by hand" in page
    assert "no such night" in page
    assert "data-action" not in page


@pytest.mark.parametrize("action", ["acknowledge", "silence", "end-silence", "close"])
def test_a_viewer_is_offered_nothing_and_changes_nothing(looker, store, action):
    which = trouble(store)
    body = {**ACTIONS, "close": {"reason": "why"}}[action]
    assert looker.post(f"/nightshift/incidents/{which}/{action}", json=body).status_code == 403
    assert (store.get(which).state, store.get(which).acknowledged_by, store.silences()) == ("failed", None, [])
    assert "data-action" not in looker.get("/nightshift/incidents").text


@pytest.mark.parametrize("action", ["silence", "close"])
def test_a_reason_is_asked_for(admin, store, action):
    which = trouble(store)
    body = {**ACTIONS, "close": {}}[action] | {"reason": " "}
    answer = admin.post(f"/nightshift/incidents/{which}/{action}", json=body, headers={"Accept": "application/json"})
    assert (answer.status_code, "a reason is needed" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize("which", ["zz", "%00", "0" * 40, "'--"])
def test_an_incident_that_there_is_not_is_a_sentence(viewer, store, which):
    answer = viewer.get(f"/nightshift/incidents/{which}", headers={"Accept": "application/json"})
    assert (answer.status_code, "there is no incident" in answer.json()["detail"]) == (404, True)


def test_history_says_what_was_told_to_whom(viewer, store):
    which = trouble(store)
    page = viewer.get(f"/nightshift/incidents/{which[:12]}").text
    assert "failed to paper" in page


def test_messages_that_were_not_delivered_are_shown(viewer, store, sqlite_ledger_url):
    trouble(store)
    outbox = Outbox(sqlite_ledger_url)
    [letter] = outbox.take("me", limit=1, lease_seconds=60)
    outbox.give_up(letter.id, "me", "the paper is out of ink")
    page = viewer.get("/nightshift/incidents").text
    assert "Messages that were not delivered" in page
    assert "the paper is out of ink" in page
    assert "/nightshift/runbooks/outbox-stuck" in page


@pytest.mark.parametrize(
    "name", ["absent", "at-risk", "checks-failed", "drift", "failed", "gate-refused", "late", "model-tampered", "stale"]
)
def test_every_alert_has_its_runbook_as_a_page(viewer, store, name):
    page = viewer.get(f"/nightshift/runbooks/{name}")
    assert page.status_code == 200
    assert "<h2>Mend</h2>" in page.text


def test_a_runbook_leads_to_another_by_its_page(viewer, store):
    assert 'href="absent"' in viewer.get("/nightshift/runbooks/late").text


@pytest.mark.parametrize("name", ["none", "..%2f..%2fREADME", "%2e%2e", "late.md"])
def test_what_is_no_runbook_is_a_sentence(viewer, store, name):
    answer = viewer.get(f"/nightshift/runbooks/{name}", headers={"Accept": "application/json"})
    assert answer.status_code == 404
