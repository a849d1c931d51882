"""Promises on Airflow's own objects: any DAG, any task, and what Airflow keeps of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from airflow.exceptions import AirflowClusterPolicyViolation
from airflow.models.deadline_alert import DeadlineAlert as DeadlineAlertRow
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, CronPartitionTimetable, DeadlineAlert, DeadlineReference, SyncCallback, task
from airflow.serialization.serialized_objects import DagSerialization
from sqlalchemy import create_engine
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from nightshift import PublishOperator, ScoreOperator, ValidateOperator, due_within, promise, scoring_dag, training_dag
from nightshift.deadlines import PromiseAlert, PromisedTime, ask_the_watch, repair_dag_test
from nightshift.declared import declaration_of
from nightshift.policies import dag_policy
from nightshift.timetables import schedule_of, zone_name
from pipelines.engine.clock import Clock
from pipelines.engine.errors import DeclarationError
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.promises.values import Declaration, Promise, Task
from pipelines.flights import flights

NEW_YORK = "America/New_York"
TWENTY = timedelta(minutes=20)
NIGHTLY = Declaration("nightly", schedule="0 2 * * *", timezone=NEW_YORK, partitioned=True)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    return


def nightly(dag_id: str = "nightly", **given: Any) -> DAG:
    timetable = CronPartitionTimetable("0 2 * * *", timezone=NEW_YORK, run_offset=0, key_format="%Y-%m-%d")
    return DAG(dag_id, schedule=timetable, start_date=datetime(2024, 1, 1, tzinfo=UTC), **given)


class TestAnyDag:
    def test_it_promises_with_airflow_s_own_argument(self) -> None:
        dag = nightly(deadline=promise(finish_by="06:00", timezone=NEW_YORK, finish_within=timedelta(hours=3)))
        assert declaration_of(dag).promises == (
            Promise("finish_by", "nightly", at="06:00", timezone=NEW_YORK),
            Promise("finish_within", "nightly", within_seconds=10_800.0),
        )
        assert [alert.name for alert in dag.deadline] == [f"finished by 06:00 {NEW_YORK}", "finished within 3 h"]

    def test_other_deadlines_may_stand_beside_it(self) -> None:
        other = DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, TWENTY, SyncCallback("builtins.print"))
        dag = nightly(deadline=[other, *promise(finish_within=TWENTY)])
        assert [made.kind for made in declaration_of(dag).promises] == ["finish_within"]

    def test_what_cannot_be_meant_is_refused_where_it_is_written(self) -> None:
        with pytest.raises(DeclarationError, match=r'promise\(\) cannot promise this:\n.*Did you mean "06:00"'):
            promise(finish_by="6am", timezone=NEW_YORK)
        with pytest.raises(DeclarationError, match="promises nothing"):
            promise()

    def test_what_does_not_fit_is_refused_when_airflow_reads_the_file(self) -> None:
        dag = DAG("unfit", schedule=None, deadline=promise(finish_by="06:00", timezone=NEW_YORK))
        with pytest.raises(AirflowClusterPolicyViolation, match="needs a cron schedule"):
            dag_policy(dag)
        dag_policy(nightly(deadline=promise(finish_by="06:00", timezone=NEW_YORK)))

    def test_a_dag_that_we_cannot_read_is_left_to_its_owner(self, caplog: pytest.LogCaptureFixture) -> None:
        dag_policy(SimpleNamespace(dag_id="strange"))  # type: ignore[arg-type]
        assert "the promises of strange could not be checked" in caplog.text

    def test_a_hand_drawn_night_is_known_by_its_operators(self) -> None:
        with nightly(default_args={"owner": "us"}) as dag:
            checked = ValidateOperator(task_id="look", pipeline=flights)
            scored = ScoreOperator.partial(task_id="score", pipeline="flights").expand(shard=[{}, {}])
            PublishOperator(task_id="show", pipeline="flights", checked=checked.output, scored=scored.output)
        found = declaration_of(dag)
        assert (found.kind, found.pipeline, found.delivers, found.owner) == ("scoring", "flights", "show", "us")
        assert Task("score", (), mapped=True) in found.tasks

    def test_without_partition_keys_only_the_pipeline_is_known(self) -> None:
        with DAG("by_hand", schedule=None) as dag:
            PublishOperator(task_id="show", pipeline=flights, checked={}, scored=[])
        found = declaration_of(dag)
        assert (found.kind, found.pipeline, found.delivers, found.owner) == ("other", "flights", None, "airflow")


class TestAnyTask:
    def test_operators_mapped_ones_and_functions_promise_alike(self) -> None:
        with nightly() as dag:

            @task
            def part(number: int) -> int:
                return number

            plain = due_within(BashOperator(task_id="plain", bash_command="true"), TWENTY)
            due_within(part.expand(number=[1, 2]), TWENTY)
            due_within(BashOperator.partial(task_id="many").expand(bash_command=["true"]), TWENTY)
            plain >> due_within(part.override(task_id="once")(3), TWENTY)
        kept = {made.task_id: made.within_seconds for made in declaration_of(dag).promises}
        assert kept == {"plain": 1200.0, "part": 1200.0, "many": 1200.0, "once": 1200.0}
        assert all("**Promise:** finished within 20 min" in dag.task_dict[task_id].doc_md for task_id in kept)

    def test_our_operators_take_it_as_an_argument_mapped_ones_too(self) -> None:
        with nightly() as dag:
            ValidateOperator(task_id="validate", pipeline=flights, due_within=TWENTY)
            ScoreOperator.partial(task_id="score", pipeline="flights", due_within=TWENTY).expand(shard=[{}])
        assert {made.task_id for made in declaration_of(dag).promises} == {"validate", "score"}

    @pytest.mark.parametrize("given", [7200, None, timedelta(0)])
    def test_what_is_no_span_is_refused(self, given: Any) -> None:
        with nightly(), pytest.raises(DeclarationError, match="due_within of 'validate'"):
            due_within(BashOperator(task_id="validate", bash_command="true"), given)

    def test_what_is_no_task_is_refused(self) -> None:
        with pytest.raises(DeclarationError, match="expected a task"):
            due_within("validate", TWENTY)


class TestFactories:
    def test_every_promise_of_a_night_is_shown_and_kept(self) -> None:
        dag = scoring_dag(
            flights,
            schedule="0 2 * * *",
            timezone=NEW_YORK,
            owner="us",
            doc_md="# Flights",
            finish_by="06:00",
            fresh_within=timedelta(hours=26),
            due_within={"score": TWENTY},
        )
        assert [made.id for made in declaration_of(dag).promises] == [
            "flights_scoring/finish_by",
            "flights_scoring/fresh_within",
            "flights_scoring/score/due_within",
        ]
        assert dag.doc_md.startswith("# Flights\n\n**Promises:**\n\n* finished by 06:00 America/New_York\n")

    def test_mistakes_are_found_when_the_file_is_parsed_all_at_once(self) -> None:
        with pytest.raises(DeclarationError) as caught:
            training_dag(
                flights,
                schedule="0 4 * * MON",
                owner="us",
                finish_within=timedelta(hours=1),
                due_within={"trian": 2 * TWENTY * 3},
            )
        assert "Did you mean 'train'?" in str(caught.value)
        assert "longer than finish_within" in str(caught.value)

    def test_a_dag_without_promises_has_no_deadline(self) -> None:
        dag = training_dag(flights, schedule="0 4 * * MON", owner="us")
        assert (dag.deadline, dag.doc_md) == (None, None)


class TestSchedules:
    @pytest.mark.parametrize(
        ("schedule", "expected"), [("0 2 * * *", "0 2 * * *"), ("@daily", "0 0 * * *"), (None, None)]
    )
    def test_airflow_s_schedules_are_read(self, schedule: str | None, expected: str | None) -> None:
        dag = DAG("x", schedule=schedule, start_date=datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")))
        assert declaration_of(dag).schedule == expected

    def test_a_timetable_that_is_no_cron_expression_has_none(self) -> None:
        dag = DAG("x", schedule=timedelta(days=1), start_date=datetime(2024, 1, 1, tzinfo=UTC))
        assert schedule_of("x", dag.timetable) == Declaration("x")

    def test_time_zones_without_a_name_are_named_or_left_alone(self) -> None:
        import pendulum

        assert zone_name(pendulum.timezone("Europe/Berlin")) == "Europe/Berlin"
        assert zone_name(pendulum.FixedTimezone(7200)) == "Etc/GMT-2"
        assert zone_name(pendulum.FixedTimezone(1800)) is None


class TestDeadlines:
    """When Airflow's deadline of a run is; Airflow itself asks in `test_promised_runs.py`."""

    @pytest.fixture(autouse=True)
    def schedule(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("nightshift.deadlines._schedule_in", lambda *_: NIGHTLY)

    def due(self, promised: Promise, **run: Any) -> datetime | None:
        given = {"run_type": "manual", "partition_key": None, "run_after": datetime.now(UTC), "dag_id": "nightly"}
        return PromisedTime.of(promised)._due(SimpleNamespace(**given | run), None)

    def test_it_comes_back_from_airflow_s_database_as_it_was(self) -> None:
        alert = PromiseAlert(Promise("finish_by", "nightly", at="06:00", timezone=NEW_YORK, backfills=True))
        kept = json.loads(json.dumps(alert.reference.serialize_reference()))
        assert PromisedTime.deserialize_reference({**kept, "of a later version": 1}) == alert.reference
        assert alert.promise("nightly").id == "nightly/finish_by"

    def test_it_counts_from_the_night_that_the_run_works_on(self) -> None:
        tomorrow = (datetime.now(ZoneInfo(NEW_YORK)) + timedelta(days=1)).date()
        due = self.due(Promise("finish_by", "", at="06:00", timezone=NEW_YORK), partition_key=tomorrow.isoformat())
        assert due == datetime(tomorrow.year, tomorrow.month, tomorrow.day, 6, tzinfo=ZoneInfo(NEW_YORK))

    @pytest.mark.parametrize("kind", ["manual", "scheduled"])
    def test_a_night_that_was_due_before_its_run_began_has_none(self, kind: str) -> None:
        old = {"partition_key": "2013-11-19", "run_after": datetime(2013, 11, 19, 7, tzinfo=UTC), "run_type": kind}
        assert self.due(Promise("finish_by", "", at="06:00", timezone=NEW_YORK), **old) is None

    def test_a_backfilled_night_has_none_unless_it_is_asked_for(self) -> None:
        within = Promise("finish_within", "", within_seconds=3600.0)
        assert self.due(within, run_type="backfill") is None
        assert self.due(Promise("finish_within", "", within_seconds=3600.0, backfills=True), run_type="backfill")
        assert self.due(within) is not None

    @pytest.mark.parametrize("kind", ["finish_by", "fresh_within", "succeed"])
    def test_a_run_that_no_clock_asked_for_is_due_at_no_time_of_day(self, kind: Any) -> None:
        assert self.due(Promise(kind, "", at="06:00", within_seconds=60.0, timezone=NEW_YORK)) is None

    def test_a_replay_that_is_faster_is_due_sooner(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = datetime.now(UTC).timestamp()
        monkeypatch.setattr("nightshift.deadlines.read_clock", lambda _: Clock(now, now, 600.0))
        due = self.due(Promise("finish_within", "", within_seconds=3600.0))
        assert due is not None
        assert due.timestamp() - now == pytest.approx(6.0, abs=2.0)

    def test_what_goes_wrong_costs_the_deadline_and_never_the_run(self, caplog: pytest.LogCaptureFixture) -> None:
        class Broken:
            def scalar(self, _: object) -> None:
                raise RuntimeError("no database")

        reference = PromisedTime("finish_within", within_seconds=60.0)
        assert reference._evaluate_with(session=Broken(), dag_id="nightly", run_id="x") is None  # type: ignore[arg-type]
        assert "has no deadline in Airflow; the watch judges it" in caplog.text


class TestDagTest:
    """What `repair_dag_test` mends; that it does is seen in `test_promised_runs.py`."""

    def test_airflow_still_takes_the_copy_of_a_deadline_for_the_id_of_a_row(self) -> None:
        # When this fails, Airflow was mended, and nightshift.deadlines.repair_dag_test can go.
        dag = nightly(deadline=promise(finish_within=TWENTY))
        (copied,) = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).deadline
        with (
            Session(create_engine("sqlite://")) as session,
            pytest.raises(StatementError, match="has no attribute 'hex'"),
        ):
            DeadlineAlertRow.get_by_id(copied, session=session)

    def test_our_dags_have_no_deadline_meanwhile_and_others_are_left_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Any] = []
        monkeypatch.setattr(DAG, "test", lambda self: seen.append(self.deadline))
        repair_dag_test()
        ours = nightly(deadline=promise(finish_within=TWENTY))
        others = nightly(
            deadline=DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, TWENTY, SyncCallback("builtins.print"))
        )
        promised, theirs = ours.deadline, others.deadline
        ours.test()
        others.test()
        assert seen == [None, theirs]
        assert ours.deadline == promised


class TestAskTheWatch:
    """What the triggerer does when a deadline has passed."""

    CONTEXT: ClassVar[dict[str, Any]] = {"dag_run": {"dag_id": "rates", "dag_run_id": "r1"}}

    def test_a_run_that_began_later_than_it_was_made_is_looked_at_again_when_it_is_due(
        self, sqlite_ledger_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", sqlite_ledger_url)
        ledger = Observations(sqlite_ledger_url)
        promised = Promise("finish_within", "rates", within_seconds=1.0)
        ledger.declare([Declaration("rates", owner="us", tasks=(Task("fetch"),), promises=(promised,)).to_json()])
        ledger.tell_run("rates", "r1", state="running", kind="manual", partition_key=None, run_after=None)
        assert asyncio.run(ask_the_watch(self.CONTEXT, "finish_within")) == "judged: late"

    def test_a_ledger_that_is_not_there_is_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        assert asyncio.run(ask_the_watch(self.CONTEXT, "finish_within")).startswith("not judged: the ledger at")
        assert "the judge could not be asked" in caplog.text
