"""What follows from data: pure rules, each with its reason in words."""

from datetime import date, timedelta

import pytest

from nightshift.scaffold.asking import missing_mistake, suggest
from nightshift.scaffold.bounds import learn, range_of
from nightshift.scaffold.choices import choose_nights, design
from nightshift.scaffold.names import check_name
from nightshift.scaffold.review import MARK, marked
from nightshift.scaffold.target import gate_for, target_of
from nightshift.scaffold.values import Column, Seen, Wishes
from pipelines.engine.errors import UsageError
from pipelines.engine.nights import training_nights
from pipelines.engine.pipeline import Window

ROWS = 2000
WISHES = Wishes(name="visits", source="visits.csv", ids=("visit",), label="left", partition="day", owner="us")


def column(name="left", kind="int64", values=None, **changes):
    known = sum(values.values()) if values else ROWS
    words = {"sql_type": str(kind), "known": known, "distinct": len(values or ()) or 1500, "values": values or {}}
    return Column(name, kind, **{**words, **changes})


def seen(*columns, nights=20, **changes):
    named = {each.name: each for each in (column("visit", "string"), column("day", "timestamp"), *columns)}
    days = {str(date(2026, 3, 1) + timedelta(days=day)): ROWS // nights for day in range(nights)}
    words = {"rows": ROWS, "columns": named, "nights": days, "repeated": False, "labelled": ROWS, "spread": 2.0}
    return Seen(**{**words, **changes})


YES_NO = column(values={0: 1500, 1: 500})
AGE = column("age", low=1, high=94)


@pytest.mark.parametrize(
    ("label", "kind", "one_where", "column_type"),
    [
        (YES_NO, "binary", None, "int64"),
        (column(kind="bool", values={False: 1500, True: 500}), "binary", None, "int64"),
        (column(kind="string", values={"no": 1500, "yes": 500}), "binary", "yes", "int64"),
        (column(kind="string", values={"stays": 1500, "leaves": 500}), "binary", "leaves", "int64"),
        (column(values={2: 1500, 1: 500}), "binary", 1, "int64"),
        (column(kind="string", values={"a": 900, "b": 900, "c": 200}), "multiclass", None, "string"),
        (column(values={1: 900, 2: 900, 3: 200}), "multiclass", None, "int64"),
        (column(values=dict.fromkeys(range(30), 60), low=0.0, high=29.0), "regression", None, "int64"),
        (column(kind="double", low=0.0, high=9.5), "regression", None, "double"),
    ],
)
def test_the_kind_is_guessed_from_the_label_and_said(label, kind, one_where, column_type):
    target = target_of(WISHES, seen(label))
    assert (target.kind, target.one_where, target.column_type) == (kind, one_where, column_type)
    assert "guessed" in target.said


@pytest.mark.parametrize(
    ("label", "changes", "words"),
    [
        (column(values={1: ROWS}), {}, "always 1: there is nothing to learn"),
        (column(known=0), {}, "missing in every row"),
        (column(kind="double", low=3.0, high=3.0), {}, "always the same number"),
        (column(kind="timestamp"), {}, "expected a number, a text or a truth value"),
        (column(kind="string", distinct=1800), {}, "about 1,800 values, and a classification takes at most 50"),
        (column(kind="string", values={"a": 1, "b": 1}), {"task": "regression"}, "expected a number"),
        (column(kind="double", values={0.5: 9, 1.5: 9, 2.5: 9}), {"task": "classification"}, "broken numbers"),
        (
            column(kind="string", values={"in": 9, "out": 9}),
            {"positive": "aut"},
            "has the values in, out. Did you mean",
        ),
    ],
)
def test_a_label_that_cannot_be_learned_is_refused_in_words(label, changes, words):
    wishes = Wishes(**{**WISHES.__dict__, **changes})
    with pytest.raises(UsageError, match=words):
        target_of(wishes, seen(label))


@pytest.mark.parametrize(
    ("label", "metric", "threshold"),
    [
        (YES_NO, "roc_auc", 0.55),
        (column(kind="string", values={"a": 1000, "b": 600, "c": 400}), "accuracy", 0.51),
        (column(kind="double", low=0.0, high=9.5), "rmse", 1.96),
    ],
)
def test_the_gate_asks_for_a_little_more_than_a_guess(label, metric, threshold):
    gate = gate_for(target_of(WISHES, seen(label)), label, seen(label))
    assert (gate.metric, gate.threshold) == (metric, threshold)


@pytest.mark.parametrize(("count", "window", "holdout"), [(3, 2, 1), (20, 19, 4), (400, 180, 28)])
def test_the_model_is_trained_before_the_last_night_and_scores_it(count, window, holdout):
    nights = [str(date(2025, 1, 1) + timedelta(days=day)) for day in range(count)]
    chosen = choose_nights(nights)
    assert (chosen.window, chosen.holdout) == (window, holdout)
    older, held = training_nights(chosen.as_of, Window(nights=chosen.window, holdout=chosen.holdout), 1)
    assert held[-1] == nights[-2]
    assert chosen.as_of == chosen.scored == nights[-1]
    assert {*older, *held} <= set(nights)


def test_every_night_of_the_holdout_is_there_even_if_weekends_are_not():
    days = [date(2026, 3, 2) + timedelta(days=day) for day in range(40)]
    nights = [str(day) for day in days if day.weekday() < 5]
    chosen = choose_nights(nights)
    _, held = training_nights(chosen.as_of, Window(nights=chosen.window, holdout=chosen.holdout), 1)
    assert set(held) <= set(nights)


def test_two_nights_are_too_few_and_it_says_what_three_are_for():
    with pytest.raises(
        UsageError, match=r"there are 2 nights .*one to learn from, one to measure on, and one to score"
    ):
        choose_nights(["2026-03-01", "2026-03-02"])


def test_columns_that_teach_nothing_are_left_out_with_the_reason():
    made = design(
        WISHES,
        seen(
            YES_NO,
            AGE,
            column("depot", "string", {"north": 1200, "south": 800}),
            column("note", "string", distinct=1990),
            column("one", "string", {"same": ROWS}),
            column("gone", known=0),
            column("ended_at", "timestamp"),
            column("tags", None, sql_type="VARCHAR[]"),
            column("a,b", low=0, high=1),
        ),
    )
    assert made.features == ("age", "depot")
    assert set(made.left_out) == {"note", "one", "gone", "ended_at", "tags", "a,b"}
    assert set(made.rows) == {"visit", "day", "age", "depot"}
    assert made.slices == ("depot",)


def test_whole_numbers_with_gaps_are_kept_as_pandas_has_them():
    made = design(WISHES, seen(YES_NO, AGE, column("children", known=1500, low=0, high=4)))
    assert (made.rows["children"], made.rows["age"]) == ("double", "int64")


def test_labels_have_the_night_where_the_same_ids_come_again():
    assert "day" not in design(WISHES, seen(YES_NO, AGE)).labels
    assert "day" in design(WISHES, seen(YES_NO, AGE, repeated=True)).labels


def test_a_column_that_echoes_the_label_is_told_and_kept():
    made = design(WISHES, seen(YES_NO, AGE, column("refund", low=0, high=9), tells={"refund": 0.99, "age": 0.2}))
    [note] = [note for note in made.notes if "alone explains" in note]
    assert note.startswith("refund alone explains 99% of left. Is it known before the night")
    assert "refund" in made.features


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nights": 5}, "5 nights are few"),
        ({"labelled": 100}, "100 labelled rows are few"),
        ({"labelled": 1900}, "100 of 2,000 rows have no left"),
    ],
)
def test_what_makes_a_first_model_doubtful_is_said(changes, words):
    assert any(words in note for note in design(WISHES, seen(YES_NO, AGE, **changes)).notes)


def test_data_without_a_feature_is_refused_with_every_reason():
    with pytest.raises(UsageError, match=r"no column is left.*\n  - note is a text with about 1,990 values"):
        design(WISHES, seen(YES_NO, column("note", "string", distinct=1990)))


@pytest.mark.parametrize(
    ("kind", "low", "high", "expected"),
    [
        ("double", 0.0, 1.0, (0, 1)),
        ("double", 0.2, 83.1, (0, 130)),
        ("double", -12.0, 38.0, (-37, 63)),
        ("int64", 3, 4, (2, 5)),
        ("int64", 5, 5, (2, 8)),
        ("double", 1013.0, 1020.0, (1000, 1100)),
    ],
)
def test_a_learnt_range_holds_what_was_seen_with_room(kind, low, high, expected):
    least, most = range_of(column("x", kind, low=low, high=high))
    assert least <= low <= high <= most
    assert (least, most) == expected


def test_a_suite_learns_what_was_always_and_what_was_usually_there():
    depot = column("depot", "string", {"north": 1200, "south": 800})
    bounds = learn(
        seen(depot, AGE, column("weight", "double", known=1000, low=1.5, high=70)), ["depot", "age", "weight"]
    )
    assert bounds.always_known == ("depot", "age")
    assert bounds.usually_known == {"weight": 0.4}
    assert bounds.values == {"depot": ("north", "south")}
    assert set(bounds.ranges) == {"age", "weight"}
    assert bounds.rows_possible[0] < bounds.rows_usual[0] < 100 < bounds.rows_usual[1] < bounds.rows_possible[1]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Visits", "expected a lower-case word"),
        ("../visits", "expected a lower-case word"),
        ("v" * 41, "at most 40 long"),
        ("class", "uses this word itself"),
        ("sum", "uses this word itself"),
        ("prepare", "uses this word itself"),
        ("json", "a Python package has this name"),
        ("pandas", "a Python package has this name"),
    ],
)
def test_a_name_that_would_break_something_is_refused(name, words):
    with pytest.raises(UsageError, match=words):
        check_name(name)


def test_columns_are_suggested_by_type_and_name():
    found = suggest(
        {"order_id": "int64", "day": "string", "price": "double", "paid_at": "timestamp", "returned": "bool"}
    )
    assert (found.partition, found.ids, found.label) == ("paid_at", "order_id", "returned")
    assert suggest({"price": "double"}).partition is None
    assert "price (double), tags (of a type that cannot be kept)" in str(
        missing_mistake(["--id"], {"price": "double", "tags": None})
    )


def test_marks_are_found_at_their_place():
    text = f'"""Suite.\n\n{MARK} learnt from 3 nights.\n"""\nx = 1  # {MARK} a guess\n'
    assert list(marked(text)) == [(3, "learnt from 3 nights."), (5, "a guess")]
