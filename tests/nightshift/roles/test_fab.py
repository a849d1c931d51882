"""Logins and roles of FAB, over HTTP: what the table says is what Airflow and our pages do."""

from __future__ import annotations

import re

import httpx
import pytest

from nightshift.embedded.client import AirflowClient
from nightshift.embedded.errors import ApiError
from nightshift.embedded.logins import Login
from nightshift.pages.app import fastapi_app
from nightshift.roles import table
from nightshift.roles.table import DEEDS, ROLE_OF_LOGIN, may
from tests.nightshift.pages.routes import routes_of
from tests.nightshift.roles.conftest import DATABASE_PASSWORD, LOGINS
from tests.pipelines.engine.steps.places import champion
from tests.support.schemas import answer_of

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

WHY = "too high in the north"
DAG = "/api/v2/dags/tides_scoring"
SPAN = {"dag_id": "tides_scoring", "from_date": "2026-11-01T00:00:00Z", "to_date": "2026-11-02T00:00:00Z"}
ANSWER = {"chosen_options": ["Approve"], "params_input": {}}
ASKS = {
    table.LOOK: [("GET", path, None) for path in ("/nightshift/", "/api/v2/dags", "/api/v2/plugins", f"{DAG}/dagRuns")],
    table.PAUSE: [("PATCH", f"{DAG}?update_mask=is_paused", {"is_paused": False})],
    table.TRIGGER: [("POST", f"{DAG}/dagRuns", {"logical_date": None})],
    table.CLEAR: [("POST", f"{DAG}/clearTaskInstances", {"dry_run": True, "only_failed": False})],
    table.BACKFILL: [("POST", "/api/v2/backfills/dry_run", SPAN), ("POST", "/api/v2/backfills", SPAN)],
    table.APPROVE: [("PATCH", f"{DAG}/dagRuns/none/taskInstances/validate/-1/hitlDetails", ANSWER)],
    table.MOVE: [("POST", "/nightshift/models/tides/roll-back", {"expected": "7", "reason": WHY})],
    table.INCIDENT: [("POST", "/nightshift/incidents/{incident}/end-silence", {})],
    table.SETTINGS: [("GET", path, None) for path in ("/api/v2/variables", "/api/v2/eventLogs", "/api/v2/providers")],
    table.CONNECTIONS: [
        ("GET", "/api/v2/connections", None),
        ("POST", "/api/v2/variables", {"key": "a", "value": "b"}),
    ],
    table.DELETE: [("DELETE", "/api/v2/dags/none", None)],
    table.PEOPLE: [("POST", "/auth/fab/v1/users", {})],
}
"""What each deed asks of the server; what is asked in vain, once it is allowed, is answered 404, 409 or 422."""


@pytest.fixture(scope="module")
def clients(airflow_served):
    return {name: airflow_served.client(name) for name in LOGINS}


def test_every_deed_is_asked_for():
    assert set(ASKS) == set(DEEDS) - {table.OWN_PASSWORD}  # a form, see below


def test_roles_and_people_are_made_once_and_their_passwords_are_said_nowhere(airflow_served):
    lines = [line.split() for line in airflow_served.said.splitlines() if line.split()[:1] in (["role"], ["user"])]
    assert [came_of_it for *_, came_of_it in lines] == ["made"] * 7
    [again] = re.findall(r"^\[\n.*?^\]", airflow_served.said, re.MULTILINE | re.DOTALL)
    assert [change["came_of_it"] for change in answer_of("roles sync", again)] == ["kept"] * 7
    log = airflow_served.log.read_text()
    for password in (*LOGINS.values(), DATABASE_PASSWORD):
        assert password not in airflow_served.said
        assert password not in log


def test_nobody_sees_a_page_without_a_login(airflow_served):
    routes = routes_of(fastapi_app()["app"])
    assert len(routes) > 20
    with airflow_served.client() as anonymous:
        answers = {
            (method, path): anonymous.request(method, f"/nightshift{path}", json={}).status_code
            for method, path in routes
        }
    assert {route: status for route, status in answers.items() if status != 401} == {}


@pytest.mark.parametrize("deed", ASKS, ids=lambda deed: deed.words)
def test_airflow_allows_a_deed_to_whom_the_table_says(airflow_served, clients, deed):
    refused = {name: set() for name in LOGINS}
    for method, path, body in ASKS[deed]:
        for name, client in clients.items():
            answer = client.request(method, path.format(incident=airflow_served.incident), json=body)
            assert answer.status_code < 500, answer.text
            refused[name].add(answer.status_code == 403)
    assert refused == {name: {not may(ROLE_OF_LOGIN[name], deed)} for name in LOGINS}


def test_an_author_is_told_whom_to_ask_and_an_operator_rolls_back_in_the_own_name(airflow_served, clients):
    back, body = "/nightshift/models/tides/roll-back", {"expected": "2", "reason": WHY}
    refused = clients["author"].post(back, json=body)
    assert (refused.status_code, champion(airflow_served.place)) == (403, "2")
    assert "does not let author promote and roll back" in refused.json()["detail"]
    assert "NightshiftOperator" in refused.json()["detail"]
    done = clients["operator"].post(back, json=body)
    assert (done.status_code, champion(airflow_served.place)) == (200, "1")
    assert airflow_served.place.runtime.registry.journal("tides")[-1].actor == "operator"


def test_buttons_are_shown_to_whom_they_obey(clients):
    shown = {name: "roll-back" in client.get("/nightshift/models/tides").text for name, client in clients.items()}
    assert shown == {"admin": True, "operator": True, "author": False, "viewer": False}


def test_our_client_logs_in(airflow_served):
    with AirflowClient(airflow_served.url, login=Login("operator", LOGINS["operator"])) as client:
        assert [dag.dag_id for dag in client.dags()] == ["tides_scoring"]
    stranger = AirflowClient(airflow_served.url, login=Login("operator", "a-wrong-password"))
    with stranger, pytest.raises(ApiError, match="gave no token: Invalid credentials") as caught:
        stranger.dags()
    assert "a-wrong-password" not in str(caught.value)
    with AirflowClient(airflow_served.url) as client, pytest.raises(ApiError, match="wants a name and a password"):
        client.dags()


def test_people_log_in_by_the_form_see_our_pages_and_change_their_own_password(airflow_served):
    with httpx.Client(base_url=airflow_served.url, follow_redirects=True, timeout=60.0, trust_env=False) as browser:
        form = browser.get("/auth/login/")
        [token] = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', form.text)
        said = {"username": "viewer", "password": LOGINS["viewer"], "csrf_token": token}
        browser.post("/auth/login/", data=said, headers={"Referer": f"{airflow_served.url}/auth/login/"})
        page = browser.get("/nightshift/models")
        assert (page.status_code, "tides" in page.text) == (200, True)
        assert "default-src" in page.headers["Content-Security-Policy"]
        assert "Reset" in browser.get("/auth/resetmypassword/form").text
