"""Tabs on Airflow's pages lead to our page about the same thing."""

from __future__ import annotations

import pytest

from pipelines.engine.ledger.observations import Observations
from pipelines.engine.promises.values import Declaration
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import run_night

NIGHT = tides.NIGHTS[0]
RUN = "manual__2024-03-06T02:00:00+00:00"
SCORING, TRAINING, OTHER = "tides_scoring", "tides_training", "bookkeeping"


@pytest.fixture
def house(place, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(place.home))
    declared = (
        Declaration(SCORING, kind="scoring", pipeline="tides"),
        Declaration(TRAINING, kind="training", pipeline="tides"),
        Declaration(OTHER),
    )
    Observations(place.settings.ledger_url).declare([each.to_json() for each in declared])
    return place


@pytest.fixture(params=[SCORING, TRAINING])
def run(request, airflow_app):
    """A run in Airflow's own database whose partition is the night."""
    from datetime import UTC, datetime

    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    with create_session() as session:
        made = DagRun(
            dag_id=request.param,
            run_id=RUN,
            run_type=DagRunType.MANUAL,
            run_after=datetime(2024, 3, 6, tzinfo=UTC),
            state=DagRunState.SUCCESS,
            triggered_by=DagRunTriggeredByType.TEST,
            partition_key=NIGHT,
        )
        session.add(made)
    yield request.param
    with create_session() as session:
        session.delete(session.merge(made))


def leads_to(viewer, path, **asked):
    answer = viewer.get(f"/nightshift/{path}", params=asked, follow_redirects=False)
    return answer.headers["location"] if answer.status_code == 303 else answer.text


def test_dag_leads_to_its_nights_or_its_model(viewer, house):
    assert leads_to(viewer, "of-dag", dag_id=SCORING) == "/nightshift/nights/tides"
    assert leads_to(viewer, "of-dag", dag_id=TRAINING) == "/nightshift/models/tides"


@pytest.mark.parametrize("dag_id", [OTHER, "never heard of", "<b>"])
def test_dag_of_no_pipeline_is_told_so(viewer, house, dag_id):
    said = leads_to(viewer, "of-dag", dag_id=dag_id)
    assert "belongs to no pipeline of Nightshift" in said
    assert "<b>" not in said


@pytest.mark.parametrize("run", [SCORING], indirect=True)
def test_run_leads_to_its_night(viewer, house, run):
    assert leads_to(viewer, "of-run", dag_id=SCORING, run_id=RUN) == f"/nightshift/nights/tides/{NIGHT}"


@pytest.mark.parametrize("run", [TRAINING], indirect=True)
def test_run_of_a_training_leads_to_the_model(viewer, house, run):
    assert leads_to(viewer, "of-run", dag_id=TRAINING, run_id=RUN) == "/nightshift/models/tides"


def test_run_that_airflow_forgot_leads_to_all_nights(viewer, house):
    assert leads_to(viewer, "of-run", dag_id=SCORING, run_id="none") == "/nightshift/nights/tides"


@pytest.mark.parametrize("run", [SCORING], indirect=True)
def test_task_leads_to_its_key_and_a_mapped_one_to_its_shards(viewer, house, run):
    asked = {"dag_id": SCORING, "run_id": RUN}
    assert leads_to(viewer, "of-task", **asked, task_id="publish", map_index="{MAP_INDEX}").endswith(f"/{NIGHT}")
    night = run_night(house, NIGHT)
    unmapped = leads_to(viewer, "of-task", **asked, task_id="publish", map_index="{MAP_INDEX}")
    mapped = leads_to(viewer, "of-task", **asked, task_id="score", map_index="0")
    assert unmapped == f"/nightshift/keys/{night.published['key']}"
    assert mapped == f"/nightshift/keys/{night.scored[0]['key']}"
    assert leads_to(viewer, "of-task", **asked, task_id="score", map_index="77").endswith(f"/{NIGHT}")


def test_airflow_knows_an_entry_and_three_tabs(viewer):
    found = viewer.get("/api/v2/plugins").json()["plugins"]
    [ours] = [plugin for plugin in found if plugin["name"] == "nightshift"]
    assert [(view["destination"], view["name"]) for view in ours["external_views"]] == [
        ("nav", "Nightshift"),
        ("dag", "Nights"),
        ("dag_run", "Night"),
        ("task_instance", "Key"),
    ]
