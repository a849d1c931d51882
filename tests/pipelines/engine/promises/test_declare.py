"""From words to promises: what is taken, and every mistake by its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.errors import DeclarationError
from pipelines.engine.promises.declare import Words, check, complete, declare, promises_of, said
from pipelines.engine.promises.values import Declaration, Promise, Task

NEW_YORK = "America/New_York"
SCORING = Declaration(
    "flights_scoring",
    kind="scoring",
    pipeline="flights",
    schedule="0 2 * * *",
    timezone=NEW_YORK,
    partitioned=True,
    tasks=(Task("validate"), Task("score", ("validate",), mapped=True)),
)
HOUR = timedelta(hours=1)


def mistakes_of(words: Words, declaration: Declaration = SCORING) -> list[str]:
    with pytest.raises(DeclarationError) as caught:
        declare(declaration, words)
    head, *mistakes = str(caught.value).splitlines()
    assert head == f"DAG {declaration.dag_id!r} cannot promise this:"
    return [mistake.removeprefix("  - ") for mistake in mistakes]


def test_everything_that_can_be_promised_is_kept() -> None:
    words = Words(
        finish_by=time(6),
        timezone=NEW_YORK,
        finish_within=3 * HOUR,
        fresh_within=26 * HOUR,
        due_within={"score": timedelta(minutes=40)},
        backfills=True,
    )
    assert declare(SCORING, words).promises == (
        Promise("finish_by", "flights_scoring", at="06:00", timezone=NEW_YORK, backfills=True),
        Promise("finish_within", "flights_scoring", within_seconds=10_800, backfills=True),
        Promise("fresh_within", "flights_scoring", within_seconds=93_600, backfills=True),
        Promise("due_within", "flights_scoring", "score", within_seconds=2_400, backfills=True),
    )


@pytest.mark.parametrize(
    ("value", "said_of_it"),
    [
        ("6am", 'Did you mean "06:00"?'),
        ("6:30 pm", 'Did you mean "18:30"?'),
        ("6:00", 'Did you mean "06:00"?'),
        ("06:00:00", 'Did you mean "06:00"?'),
        ("24:00", 'such as "06:00"'),
        ("tomorrow", 'such as "06:00"'),
        ("", 'such as "06:00"'),
        (6, "6 (int)"),
        (date(2020, 1, 1), "which passes once"),
        (datetime(2020, 1, 1, 6), "which passes once"),  # noqa: DTZ001 - that is the mistake
        (time(6, 0, 30), "minutes are the smallest unit"),
        (time(6, tzinfo=timezone(HOUR)), "give the zone by its name"),
    ],
)
def test_time_of_day_that_is_none_is_refused_with_what_may_be_meant(value: object, said_of_it: str) -> None:
    (mistake,) = mistakes_of(Words(finish_by=value, timezone=NEW_YORK))  # type: ignore[arg-type]
    assert said_of_it in mistake


@pytest.mark.parametrize(
    ("zone", "said_of_it"),
    [
        ("New York", "Did you mean 'America/New_York'?"),
        ("America/New_Yrok", "Did you mean 'America/New_York'?"),
        ("Europe", "is not known"),
        ("../etc/passwd", "is not known"),
        ("", "is not known"),
        (None, "has no time zone"),
        (timezone(HOUR), "expected its name"),
    ],
)
def test_time_zone_that_nobody_knows_is_refused_with_the_nearest(zone: object, said_of_it: str) -> None:
    (mistake,) = mistakes_of(Words(finish_by="06:00", timezone=zone))  # type: ignore[arg-type]
    assert said_of_it in mistake


@pytest.mark.parametrize("word", ["finish_within", "fresh_within"])
@pytest.mark.parametrize(
    ("span", "said_of_it"),
    [
        (7200, "7200 (int)"),
        ("2h", "expected a timedelta"),
        (timedelta(0), "more than 0"),
        (-HOUR, "has passed before anything begins"),
        (timedelta(days=800), "at most"),
    ],
)
def test_span_that_is_none_is_refused(word: str, span: object, said_of_it: str) -> None:
    (mistake,) = mistakes_of(Words(**{word: span}))  # type: ignore[arg-type]
    assert mistake.startswith(word)
    assert said_of_it in mistake


def test_all_mistakes_are_said_at_once() -> None:
    words = Words(finish_by="6am", timezone="Berlin", finish_within=-HOUR, due_within={"score": None})  # type: ignore[dict-item]
    assert len(mistakes_of(words)) == 4


def test_finish_within_that_could_never_matter_is_refused_with_both_numbers() -> None:
    (mistake,) = mistakes_of(Words(finish_by="06:00", timezone=NEW_YORK, finish_within=5 * HOUR))
    assert "finish_within is 5 h" in mistake
    assert "06:00 comes at most 4 h after" in mistake


@settings(max_examples=30)
@given(minutes=st.integers(1, 31 * 24 * 60), hour=st.integers(0, 23))
def test_finish_within_is_taken_if_and_only_if_it_can_be_the_first_to_be_broken(minutes: int, hour: int) -> None:
    utc = replace(SCORING, timezone="UTC")
    words = Words(finish_by=time(hour), timezone="UTC", finish_within=timedelta(minutes=minutes))
    between = (hour - 2) % 24 or 24
    if minutes < between * 60:
        assert len(declare(utc, words).promises) == 2
    else:
        assert "could never matter" in mistakes_of(words, utc)[0]


def test_finish_by_needs_a_schedule_of_a_clock() -> None:
    (mistake,) = mistakes_of(Words(finish_by="06:00", timezone=NEW_YORK), replace(SCORING, schedule=None))
    assert "Use finish_within" in mistake


@pytest.mark.parametrize(
    "declaration",
    [replace(SCORING, kind="other", pipeline=None), replace(SCORING, kind="training")],
    ids=["nobody publishes", "a training publishes nothing"],
)
def test_fresh_within_needs_somebody_who_publishes(declaration: Declaration) -> None:
    (mistake,) = mistakes_of(Words(fresh_within=26 * HOUR), declaration)
    assert "PublishOperator" in mistake


@pytest.mark.parametrize(
    ("schedule", "hours", "taken"),
    [("0 2 * * *", 26, True), ("0 2 * * *", 25, False), ("0 2 * * MON-FRI", 26, False), ("0 2 * * MON-FRI", 74, True)],
)
def test_fresh_within_must_be_longer_than_two_nights_are_apart(schedule: str, hours: int, taken: bool) -> None:
    declaration, words = replace(SCORING, schedule=schedule), Words(fresh_within=hours * HOUR)
    if taken:
        assert len(declare(declaration, words).promises) == 1
    else:
        assert "broken while all is well" in mistakes_of(words, declaration)[0]


def test_task_that_does_not_exist_is_refused_with_the_nearest() -> None:
    (mistake,) = mistakes_of(Words(due_within={"scor": HOUR}))
    assert mistake == "due_within names the task 'scor'; there are: validate, score. Did you mean 'score'?"


def test_task_may_not_take_longer_than_its_run() -> None:
    (mistake,) = mistakes_of(Words(finish_within=HOUR, due_within={"score": 2 * HOUR}))
    assert "due_within of 'score' is 2 h, longer than finish_within, 60 min" in mistake


def test_nothing_is_promised_twice() -> None:
    promised = declare(SCORING, Words(finish_within=HOUR))
    (mistake,) = mistakes_of(Words(finish_within=2 * HOUR), promised)
    assert mistake.startswith("finish_within is promised twice")


def test_promises_are_checked_again_against_the_dag_that_makes_them() -> None:
    (promise,) = promises_of("flights_scoring", Words(finish_by="06:00", timezone=NEW_YORK))
    check(replace(SCORING, promises=(promise,)))
    with pytest.raises(DeclarationError, match="needs a cron schedule"):
        check(replace(SCORING, schedule=None, promises=(promise,)))


def test_every_dag_promises_to_succeed_unless_it_promises_more() -> None:
    assert [promise.kind for promise in complete(SCORING).promises] == ["succeed"]
    fresh = declare(SCORING, Words(fresh_within=26 * HOUR))
    assert [promise.kind for promise in complete(fresh).promises] == ["fresh_within", "succeed"]
    timed = declare(SCORING, Words(finish_within=HOUR))
    assert complete(timed) == timed


def test_promises_are_said_in_words() -> None:
    words = Words(finish_by="06:00", timezone=NEW_YORK, fresh_within=26 * HOUR, due_within={"score": HOUR})
    assert [said(promise) for promise in promises_of("x", words)] == [
        "finished by 06:00 America/New_York",
        "the newest night published within 26 h",
        "score finished within 60 min of the run's beginning",
    ]


@given(st.text(max_size=12))
def test_no_text_is_taken_for_a_time_of_day_that_python_does_not_read(text: str) -> None:
    try:
        (promise,) = promises_of("x", Words(finish_by=text, timezone="UTC"))
    except DeclarationError:
        return
    assert time.fromisoformat(text).strftime("%H:%M") == promise.at == text
