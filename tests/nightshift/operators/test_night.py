"""The operators of a night, run as Airflow's worker runs them, on a real ledger, registry and table."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from airflow.sdk.execution_time.comms import DeferTask

from nightshift import MonitorOperator, PlanShardsOperator, PublishOperator, ScoreOperator, ValidateOperator
from nightshift.triggers import KeyFreeTrigger
from pipelines.engine.keys import TaskKey
from tests.nightshift.operators.worker import in_dag, run_task
from tests.pipelines.engine.steps import places, tides

NIGHT = tides.NIGHTS[0]


def key_link(key):
    return f"/nightshift/keys/{key}"


def test_a_night_of_operators_is_published_and_each_result_is_small_xcom(place, at):
    at(place.declared(shard_bytes=1, most_shards=3))
    checked = run_task(in_dag(ValidateOperator))
    planned = run_task(in_dag(PlanShardsOperator, checked=checked.result))
    scored = [run_task(in_dag(ScoreOperator, shard=shard)) for shard in planned.result]
    results = [one.result for one in scored]
    published = run_task(in_dag(PublishOperator, checked=checked.result, scored=results))
    seen = run_task(in_dag(MonitorOperator, checked=checked.result, published=published.result))
    assert {ran.state for ran in (checked, planned, *scored, published, seen)} == {"success"}
    assert len(planned.result) == 3
    assert published.result["rows_scored"] == 300
    assert len(place.published(NIGHT)) == 300
    assert published.links["KeyLink"] == key_link(published.result["key"])
    report = seen.links["NightReportLink"].removeprefix("/nightshift/reports/")
    assert "300 of 300 rows were scored" in (Path(place.settings.reports) / report).read_text()
    assert planned.links["KeyLink"] == key_link(planned.result[0]["plan_key"])


def test_the_second_run_of_a_task_answers_with_the_first_one_s_result(place, at):
    at(place)
    first = run_task(in_dag(ValidateOperator))
    since = place.ledger.now()
    assert run_task(in_dag(ValidateOperator)).result == first.result
    assert place.ledger.claims_since(since) == 0


def test_links_lead_to_the_report_and_to_the_key(place, at):
    at(place)
    ran = run_task(in_dag(ValidateOperator))
    assert ran.links["KeyLink"] == key_link(ran.result["key"])
    report = ran.links["ReportLink"]
    assert report.startswith(f"/nightshift/reports/tides/{NIGHT}/checks-")
    assert (Path(place.settings.reports) / report.removeprefix("/nightshift/reports/")).is_file()


def test_the_night_may_be_given_by_a_template(place, at):
    at(place)
    operator = in_dag(ValidateOperator, night="{{ partition_key[:8] }}07")
    assert run_task(operator).result["night"] == "2024-03-07"


@pytest.mark.parametrize("partition_key", [None, ""])
def test_a_run_without_partition_key_fails_with_a_sentence(place, at, partition_key):
    at(place)
    ran = run_task(in_dag(ValidateOperator), partition_key=partition_key)
    assert ran.state == "failed"
    assert "this run of tides_scoring has no partition key, so there is no night to work on" in str(ran.error)
    assert "Partition Key, such as 2013-11-19" in str(ran.error)


@pytest.mark.parametrize(
    "partition_key",
    [
        "../../etc",
        "/etc/passwd",
        "%2e%2e%2f%2e%2e",
        "2024-03-06/../../x",
        "2024-03-06\0",
        "2024-03-06\n",
        "2024-03-06#0",
        "２０２４-０３-０６",
        "2024-03-\udcff06",
        "' OR 1=1 --",
        "9" * 5000,
    ],
)
def test_a_partition_key_that_is_no_night_fails_in_words_and_writes_nothing(place, at, partition_key):
    at(place)
    before = files_in(place.home)
    ran = run_task(in_dag(ValidateOperator), partition_key=partition_key)
    assert (ran.state, type(ran.error).__name__) == ("failed", "UnknownNight")
    assert "expected a date such as 2013-11-19" in str(ran.error)
    assert len(str(ran.error)) < 400
    assert files_in(place.home) == before


def files_in(home):
    """Every file of a home and beside it, less what SQLite keeps while it is open."""
    return {path for path in home.parent.rglob("*") if not path.name.endswith(("-wal", "-shm"))}


@pytest.mark.parametrize(
    "noted",
    [
        {"report": "/etc/passwd"},
        {"report": "{reports}/../secret.html"},
        {"report": "{reports}-of-others/x.html"},
        {"report": "javascript:alert(1)"},
        {"run": "javascript:alert(1)"},
        {"run": "data:text/html,x"},
        {"run": "//evil.example/x"},
    ],
)
def test_what_a_record_says_becomes_a_link_only_to_reports_and_web_pages(place, at, noted):
    at(place)
    operator = in_dag(ValidateOperator)
    operator.note(**{name: value.format(reports=place.settings.reports) for name, value in noted.items()})
    assert operator.link_targets == {}


def test_a_link_to_a_report_is_a_quoted_address(place, at):
    at(place)
    operator = in_dag(ValidateOperator)
    operator.note(report=f"{place.settings.reports}/tides/a b?#.html", key="../x")
    assert operator.link_targets == {
        "report": "/nightshift/reports/tides/a%20b%3F%23.html",
        "key": "/nightshift/keys/..%2Fx",
    }


def test_bad_data_fails_without_retry_and_the_report_is_linked(place, at):
    at(place)
    rows = tides.make_rows(NIGHT)
    rows["buoy"] = "the same"
    tides.write(rows, place.rows(NIGHT))
    ran = run_task(in_dag(ValidateOperator))
    assert ran.state == "failed"
    assert "buoy is unique" in str(ran.error)
    report = ran.links["ReportLink"].removeprefix("/nightshift/reports/")
    assert "buoy is unique" in (Path(place.settings.reports) / report).read_text()
    assert list(place.failed()) == ["validate"]


def test_missing_rows_fail_without_retry(place, at):
    at(place)
    place.rows(NIGHT).unlink()
    ran = run_task(in_dag(ValidateOperator))
    assert (ran.state, type(ran.error).__name__) == ("failed", "RowsMissing")


def test_no_champion_fails_without_retry(fresh, at):
    at(fresh)
    checked = run_task(in_dag(ValidateOperator))
    assert checked.state == "success"
    ran = run_task(in_dag(PlanShardsOperator, checked=checked.result))
    assert (ran.state, type(ran.error).__name__) == ("failed", "NoChampion")


def test_a_dead_mlflow_is_tried_again(place, at, monkeypatch):
    at(place)
    monkeypatch.setenv("NIGHTSHIFT_TRACKING_URI", "http://127.0.0.1:9")
    ran = run_task(in_dag(ValidateOperator))
    assert (ran.state, type(ran.error).__name__) == ("up_for_retry", "RegistryUnavailable")


def test_a_ledger_that_was_never_migrated_fails_without_retry(place, at, monkeypatch):
    at(place)
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", f"sqlite:///{place.home}/none.db")
    ran = run_task(in_dag(ValidateOperator))
    assert (ran.state, type(ran.error).__name__) == ("failed", "LedgerNotMigrated")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda place, patch: place.rows(NIGHT).unlink(), "no rows for night"),
        (lambda place, patch: patch.setenv("NIGHTSHIFT_TRACKING_URI", "http://127.0.0.1:9"), "does not answer"),
    ],
    ids=["ours", "the registry's"],
)
def test_the_sentence_is_logged_before_the_traceback(place, at, monkeypatch, caplog, spoil, said):
    at(place)
    spoil(place, monkeypatch)
    run_task(in_dag(ValidateOperator))
    assert [
        record for record in caplog.records if record.name == "nightshift.operators.base" and said in record.message
    ]


def hold(place, partition=NIGHT):
    """Claim the validation of a night as somebody else does, and return the claim."""
    places.validate(place, partition)
    (entry,) = place.ledger.entries(step="validate", partition=partition)
    place.ledger.force(entry.key, holder="test", reason="to hold it")
    return place.ledger.claim(TaskKey(**entry.identity), holder="somebody else")


def test_a_busy_key_defers_and_goes_on_when_it_is_free(place, at):
    at(place)
    claim = hold(place)
    operator = in_dag(ValidateOperator)
    waiting = run_task(operator)
    assert waiting.state == "deferred"
    assert isinstance(waiting.message, DeferTask)
    assert waiting.message.classpath == "nightshift.triggers.KeyFreeTrigger"
    assert waiting.message.next_method == "resume"
    assert waiting.message.trigger_kwargs["key"] == claim.key

    place.ledger.finish(claim, {"night": NIGHT, "quarantine": None, "told": "by somebody else"})
    went_on = run_task(in_dag(ValidateOperator), resumed_by={"key": claim.key})
    assert went_on.state == "success"
    assert went_on.result["told"] == "by somebody else"


def test_a_key_that_is_busy_again_after_the_wait_defers_again(place, at):
    at(place)
    claim = hold(place)
    assert run_task(in_dag(ValidateOperator), resumed_by={"key": claim.key}).state == "deferred"


async def _fired(trigger):
    async for event in trigger.run():
        return event.payload
    return None


ENDS = {
    "finished": lambda ledger, claim: ledger.finish(claim, {"done": True}),
    "failed": lambda ledger, claim: ledger.fail(claim, "it broke"),
    "released": lambda ledger, claim: ledger.release(claim, "given back"),
    "forced": lambda ledger, claim: ledger.force(claim.key, holder="test", reason="on purpose"),
}


@pytest.mark.parametrize("how", ENDS)
def test_the_trigger_fires_when_the_key_is_free(place, at, how):
    at(place)
    claim = hold(place)
    asked = threading.Event()

    async def wait() -> object:
        waiting = asyncio.ensure_future(_fired(KeyFreeTrigger(claim.key, poll_seconds=0.01)))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        asked.set()
        ENDS[how](place.ledger, claim)
        return await asyncio.wait_for(waiting, 20)

    assert asyncio.run(wait()) == {"key": claim.key}
    assert asked.is_set()


def test_the_trigger_fires_when_the_lease_has_run_out(place, at):
    at(place)
    claim = hold(place.changed(lease_seconds=1.0))
    assert place.ledger.entry(claim.key).state == "claimed"
    assert asyncio.run(_fired(KeyFreeTrigger(claim.key, poll_seconds=0.01))) == {"key": claim.key}
    entry = place.ledger.entry(claim.key)
    assert entry.state == "claimed"
    assert entry.lease_until <= place.ledger.now()


def test_the_trigger_fires_at_once_for_a_key_that_nobody_knows(place, at):
    at(place)
    assert asyncio.run(_fired(KeyFreeTrigger("0" * 64))) == {"key": "0" * 64}


def test_the_trigger_can_be_stored_and_made_again():
    path, arguments = KeyFreeTrigger("abc", poll_seconds=3.0).serialize()
    module, _, name = path.rpartition(".")
    assert (module, name) == (KeyFreeTrigger.__module__, "KeyFreeTrigger")
    assert KeyFreeTrigger(**arguments).serialize() == (path, arguments)
