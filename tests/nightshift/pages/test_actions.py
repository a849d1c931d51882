"""Actions on models: who may, who may not, from where, and what is said when it cannot be."""

from __future__ import annotations

import shutil

import pytest

from pipelines.engine.views.house import House
from tests.nightshift.pages.houses import client_of, shown
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import champion, run_night

BACK = "/nightshift/models/tides/roll-back"
PROMOTE = "/nightshift/models/tides/promote"
WHY = "too high in the north"


@pytest.fixture
def house(moved, monkeypatch):
    return shown(moved, monkeypatch)


@pytest.fixture
def admin(airflow_app):
    return client_of(airflow_app, "admin")


@pytest.fixture
def looker(airflow_app):
    return client_of(airflow_app, "viewer")


def test_rolled_back_by_an_admin_the_journal_names_them_and_the_next_night_is_scored_by_it(admin, house):
    answer = admin.post(BACK, json={"expected": "2", "reason": WHY})
    assert (answer.status_code, answer.json()["version"]) == (200, "1")
    assert "Version 1 is the champion of tides now" in answer.json()["sentence"]
    assert champion(house) == "1"
    last = [move for move in house.runtime.registry.journal("tides") if move.alias == "champion"][-1]
    assert (last.moved_from, last.moved_to, last.actor, last.reason) == ("2", "1", "admin", WHY)
    assert House(house.settings).model("tides").moves[0].actor == "admin"
    assert run_night(house, tides.NIGHTS[0]).published["model_version"] == "1"


def test_a_double_click_moves_once(admin, house):
    answers = [admin.post(BACK, json={"expected": "2", "reason": WHY}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert len([move for move in house.runtime.registry.journal("tides") if move.alias == "champion"]) == 3


def test_a_viewer_moves_nothing(looker, house):
    for path, body in ((BACK, {"expected": "2"}), (PROMOTE, {"expected": "2", "version": "1"})):
        answer = looker.post(path, json={**body, "reason": WHY}, headers={"Accept": "application/json"})
        assert answer.status_code == 403
        assert "does not let viewer edit the DAGs of tides" in answer.json()["detail"]
    assert champion(house) == "2"


def test_who_runs_dags_and_no_more_moves_nothing_and_is_told_whom_to_ask(airflow_app, house):
    author = client_of(airflow_app, "author", "user")
    for path, body in ((BACK, {"expected": "2"}), (PROMOTE, {"expected": "2", "version": "1"})):
        answer = author.post(path, json={**body, "reason": WHY}, headers={"Accept": "application/json"})
        assert answer.status_code == 403
        assert "does not let author promote and roll back" in answer.json()["detail"]
    assert champion(house) == "2"
    assert "roll-back" not in author.get("/nightshift/models/tides").text


def test_an_operator_needs_not_be_an_administrator(airflow_app, house):
    operator = client_of(airflow_app, "operator", "op")
    assert "roll-back" in operator.get("/nightshift/models/tides").text
    assert operator.post(BACK, json={"expected": "2", "reason": WHY}).status_code == 200
    assert champion(house) == "1"


def test_nobody_moves_what_has_no_known_dags(admin, moved, monkeypatch):
    shown(moved, monkeypatch)
    for name, status in (("none", 404), ("flights", 403)):
        answer = admin.post(f"/nightshift/models/{name}/roll-back", json={"expected": "2", "reason": WHY})
        assert answer.status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
)
def test_a_page_of_somebody_else_moves_nothing(admin, house, headers):
    answer = admin.post(BACK, json={"expected": "2", "reason": WHY}, headers=headers)
    assert answer.status_code == 403
    assert champion(house) == "2"


@pytest.mark.parametrize(
    ("origin", "status"), [("http://testserver", 200), ("http://evil.example", 403), ("null", 403), (None, 403)]
)
def test_an_old_browser_is_believed_by_its_origin(admin, house, origin, status):
    del admin.headers["Sec-Fetch-Site"]
    headers = {"Origin": origin} if origin else {}
    assert admin.post(BACK, json={"expected": "2", "reason": WHY}, headers=headers).status_code == status
    assert champion(house) == ("1" if status == 200 else "2")


def test_a_program_with_a_token_of_its_own_needs_no_page(airflow_app, house):
    program = client_of(airflow_app, "admin")
    del program.headers["Sec-Fetch-Site"]
    program.headers["Authorization"] = f"Bearer {program.cookies['_token']}"
    program.cookies.clear()
    assert program.post(BACK, json={"expected": "2", "reason": WHY}).status_code == 200


def test_a_form_of_another_site_cannot_carry_an_action(admin, house):
    answer = admin.post(BACK, data={"expected": "2", "reason": WHY})
    assert answer.status_code == 415
    plain = admin.post(BACK, content='{"expected": "2", "reason": "x"}', headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415
    assert champion(house) == "2"


def test_a_stale_page_is_told_so(admin, house):
    answer = admin.post(BACK, json={"expected": "1", "reason": WHY}, headers={"Accept": "application/json"})
    assert answer.status_code == 409
    assert "is version 2 now, and not version 1 as you saw it: nothing was moved" in answer.json()["detail"]


def test_no_reason_no_move(admin, house):
    answer = admin.post(BACK, json={"expected": "2", "reason": "  "}, headers={"Accept": "application/json"})
    assert (answer.status_code, "a reason is needed" in answer.json()["detail"]) == (409, True)


def test_what_the_gate_refused_is_promoted_on_purpose_alone(admin, house):
    body = {"version": "3", "expected": "2", "reason": WHY}
    refused = admin.post(PROMOTE, json=body, headers={"Accept": "application/json"})
    assert (refused.status_code, "the gate refused version 3" in refused.json()["detail"]) == (409, True)
    assert admin.post(PROMOTE, json={**body, "despite_gate": True}).status_code == 200
    assert champion(house) == "3"


@pytest.mark.parametrize(
    "body", [{}, {"expected": "2"}, {"expected": "x", "reason": WHY}, {"expected": "2", "more": 1}]
)
def test_half_a_request_is_refused_in_words(admin, house, body):
    answer = admin.post(BACK, json=body, headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_a_damaged_model_is_said_and_not_promoted(admin, fresh, monkeypatch):
    from tests.pipelines.engine.steps.places import run_training

    house = shown(fresh, monkeypatch)
    run_training(house)
    run_training(house.declared(fit=tides.fit_linear))
    shutil.rmtree(house.settings.cache)
    for file in (house.home / "mlflow").rglob("model.txt"):
        file.write_text("another model")
    answer = admin.post(BACK, json={"expected": "2", "reason": WHY}, headers={"Accept": "application/json"})
    assert (answer.status_code, "model.txt" in answer.json()["detail"]) == (409, True)
    assert champion(house) == "2"


def test_an_mlflow_that_does_not_answer_is_said(admin, house, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    answer = admin.post(BACK, json={"expected": "2", "reason": WHY}, headers={"Accept": "application/json"})
    assert answer.status_code == 503
    assert "127.0.0.1:9" in answer.json()["detail"]
