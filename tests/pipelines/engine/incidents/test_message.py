"""What a person reads."""

from dataclasses import replace

import pytest

from pipelines.engine.incidents.lifecycle import incident_id
from pipelines.engine.incidents.message import Context, runbook_of, write_message
from pipelines.engine.incidents.values import SEVERITY_OF, Message
from pipelines.engine.promises.values import Declaration, Promise, Task
from tests.pipelines.engine.incidents.nights import DUE, FORECAST, ID, MINUTE, NIGHT, Book, verdict

FINISH_BY = Promise("finish_by", "flights_scoring", at="06:00", timezone="America/New_York")
SHARDS = Promise("due_within", "flights_scoring", task_id="score", within_seconds=70 * MINUTE)
SCORING = Declaration(
    dag_id="flights_scoring",
    kind="scoring",
    pipeline="flights",
    timezone="America/New_York",
    tasks=(Task("validate"), Task("score", ("validate",), mapped=True)),
    promises=(FINISH_BY, SHARDS, Promise("fresh_within", "flights_scoring", within_seconds=26 * 3600.0)),
)
CONTEXT = Context(declaration=SCORING, ui="https://airflow.example.org/", runbooks="https://wiki.example.org/runbooks")
KEY = "3f9a1c0d2b44" + "0" * 52


def written(*verdicts, now, context=CONTEXT, occasion=None):
    """Return what is written after these verdicts."""
    book = Book()
    for number, said in enumerate(verdicts):
        told = book.settle(said, now=now - len(verdicts) + 1 + number)
    which = incident_id(verdicts[-1].promise_id, verdicts[-1].night)
    return write_message(book.incidents[which], occasion or told[-1], context, now)


def test_warning_says_what_until_when_why_what_is_affected_and_what_to_do():
    message = written(
        verdict(
            "at_risk",
            forecast=FORECAST,
            run_id="scheduled__2026-11-19T07:00:00+00:00",
            step="score",
            reason="score has taken 70 min; it usually takes 25 min",
        ),
        now=DUE - 80 * MINUTE,
    )
    assert message.title == "flights_scoring, night 2026-11-19: in danger of missing 06:00 EST (p90 06:25)"
    assert message.text.splitlines() == [
        message.title,
        "",
        "What: flights_scoring, night 2026-11-19, run scheduled__2026-11-19T07:00:00+00:00; owner ada",
        "Promised: finish by 06:00 (America/New_York), which is 2026-11-19 06:00 EST",
        "Time left: 80 min",
        "Why: score has taken 70 min; it usually takes 25 min",
        "Forecast: 12% chance to be in time, p50 06:10 EST, p90 06:25 EST; p90 of 21 nights",
        "Affected: readers of the predictions of flights: until night 2026-11-19 is published they see the nights before it",
        "Next: see what score waits for: `nightshift keys list flights --night 2026-11-19`",
        "     then: tell the readers of the data now",
        f"Yours? nightshift incidents ack {ID[:12]}",
        "Run: https://airflow.example.org/dags/flights_scoring/runs/scheduled__2026-11-19T07%3A00%3A00%2B00%3A00",
        "Runbook: https://wiki.example.org/runbooks/at-risk.md",
    ]
    assert (message.severity, message.occasion, message.state) == ("warning", "at_risk", "at_risk")


def test_late_shards_are_one_line():
    late = verdict("late", promise_id=SHARDS.id, step="score", members=(0, 4, 7), of=8, reason="3 of 8 shards are late")
    message = written(late, now=DUE + 14 * MINUTE)
    assert message.title == "flights_scoring, night 2026-11-19: late, 3 of 8 shards of score not finished by 06:00 EST"
    assert "late shards: 0, 4, 7 of 8" in message.text
    assert "Late so far: 14 min" in message.text


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ({"state": "late"}, "late, not finished by 06:00 EST"),
        ({"state": "absent"}, "has not begun, due by 06:00 EST"),
        ({"state": "failed", "step": "publish"}, "failed at publish"),
        ({"state": "failed", "alert": "checks_failed", "step": "validate"}, "stopped by its checks at validate"),
        (
            {"state": "failed", "alert": "model_tampered", "step": "score"},
            "stopped at score: the model's files are not those that were registered",
        ),
        (
            {"state": "stale", "promise_id": "flights_scoring/fresh_within"},
            "the published predictions are older than promised, since 06:00 EST",
        ),
        ({"state": "noticed", "alert": "gate_refused", "due_at": None}, "the gate refused the new model"),
        (
            {"state": "noticed", "alert": "drift", "due_at": None},
            "the scores do not look like those of the training",
        ),
    ],
)
def test_every_alert_has_a_line_a_next_step_and_a_runbook(said, title):
    message = written(verdict(**{"key": KEY, **said}), now=DUE + 60)
    assert message.title == f"flights_scoring, night {NIGHT}: {title}"
    assert "Next: " in message.text
    assert "nightshift incidents ack" in message.text
    assert message.links["key"] == f"https://airflow.example.org/nightshift/keys/{KEY}"
    assert message.runbook == runbook_of(message.alert, "https://wiki.example.org/runbooks")
    assert message.severity == SEVERITY_OF[message.alert]
    assert len(message.text.splitlines()) <= 20


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ({"at": DUE + 14 * MINUTE, "late_by": 14 * MINUTE}, "resolved, late by 14 min"),
        ({"at": DUE - 12 * MINUTE}, "resolved, in time, 12 min before 06:00 EST"),
        ({"reason": "nobody promises this any more"}, "resolved, nobody promises this any more"),
        ({"due_at": None}, "resolved"),
    ],
)
def test_resolution_says_how_it_ended_and_how_long_it_lasted(said, end):
    trouble = verdict("at_risk", due_at=said.get("due_at", DUE))
    message = written(trouble, verdict("done", **said), now=DUE)
    assert message.title.endswith(f": {end}")
    assert "Lasted: 1 s, since 2026-11-19 05:59 EST" in message.text
    assert "Next:" not in message.text


def test_lateness_that_nobody_watched_is_said_to_be_so():
    message = written(verdict("done", at=DUE + 60, late_by=60.0), now=DUE + 7200)
    assert message.title.endswith("resolved, late by 60 s")
    assert "Nobody was watching" in message.text


def test_escalation_says_that_nobody_has_taken_it_up():
    book = Book()
    book.settle(verdict("late"), now=DUE)
    [occasion] = book.settle(now=DUE + 30 * MINUTE)
    message = write_message(book.incident, occasion, CONTEXT, DUE + 30 * MINUTE)
    assert "nobody has taken this up: late, not finished by 06:00 EST" in message.title
    assert "Since: 30 min, and nobody has acknowledged it" in message.text


def test_secrets_and_control_characters_are_left_out():
    secret = "postgresql://nightshift:hunter2secret@db.internal/ledger"
    context = replace(CONTEXT, secrets=(secret,), ui="https://ada:pw123456@airflow.example.org")
    message = written(
        verdict("failed", reason=f"cannot reach {secret}\nor hunter2secret, or s3://x?token=abcdef \x1b[31m"),
        now=DUE,
        context=context,
    )
    shown = f"{message.title}{message.text}{message.links}"
    assert not any(word in shown for word in ("hunter2secret", "abcdef", "pw123456", "\x1b"))


def test_hostile_names_are_quoted_in_commands_and_links():
    night = "2026-11-19; rm -rf /"
    message = written(verdict("late", night=night, run_id="../../x?y=1"), now=DUE)
    assert f"--night '{night}'" in message.text
    assert message.links["run"].endswith("/runs/..%2F..%2Fx%3Fy%3D1")


def test_dag_that_is_not_of_a_pipeline_and_one_that_nobody_knows_any_more():
    for context in (Context(), Context(declaration=Declaration("flights_scoring"))):
        message = written(verdict("failed", due_at=None, night="manual__2026"), now=DUE, context=context)
        assert message.title == "flights_scoring, manual__2026: failed"
        assert "nightshift airflow dags list-runs flights_scoring" in message.text
        assert message.links == {}
        assert message.runbook == "docs/runbooks/failed.md"


def test_training_says_that_the_champion_goes_on():
    training = Declaration("flights_training", kind="training", pipeline="flights")
    message = written(verdict("failed"), now=DUE, context=Context(declaration=training))
    assert "the present champion of flights goes on scoring" in message.text
    assert "nightshift train flights --as-of 2026-11-19" in message.text


def test_long_reasons_are_cut_and_messages_survive_json():
    message = written(verdict("failed", reason="x" * 10_000), now=DUE)
    assert len(message.text) < 3000
    assert Message.from_json(message.to_json()) == message


def test_time_is_that_of_the_promise_on_both_days_when_clocks_change():
    for night, due, said in (("2026-03-08", 1772964000.0, "06:00 EDT"), ("2026-11-01", 1793530800.0, "06:00 EST")):
        assert written(verdict("late", night=night, due_at=due), now=due + 1).title.endswith(said)
