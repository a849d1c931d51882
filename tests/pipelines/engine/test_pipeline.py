"""A declaration that is wrong cannot be imported, and says everything that is wrong with it at once."""

from dataclasses import FrozenInstanceError, replace

import pytest

from pipelines.engine.errors import DeclarationError
from pipelines.engine.pipeline import Checks, Gate, Labels, Pipeline, Rows, Window
from pipelines.engine.sql_table import SqlTable

ROWS = {"flight_id": "string", "carrier": "string", "distance": "double", "month": "int64", "departs": "timestamp"}
LABELS = {"flight_id": "string", "late": "int64", "outcome": "string"}


def fit(features, target, *, trees=100, rate=0.1):
    raise AssertionError("a declaration fits nothing")


RIGHT = {
    "name": "flights",
    "question": "How likely is each flight to be late?",
    "rows": Rows(columns=ROWS),
    "labels": Labels(columns=LABELS, target="late", lag_nights=2),
    "id_columns": ["flight_id"],
    "features": ["carrier", "distance", "month"],
    "fit": fit,
    "checks": Checks(rows="flights_rows", labels="flights_labels"),
    "window": Window(nights=30, holdout=7),
    "gate": Gate(metric="roc_auc", threshold=0.6),
    "slices": ["carrier"],
}


def mistakes_of(**changes):
    with pytest.raises(DeclarationError) as caught:
        Pipeline(**{**RIGHT, **changes})
    first, *listed = str(caught.value).splitlines()
    assert first.endswith("cannot be used:")
    return [line.removeprefix("  - ") for line in listed]


def only_mistake_of(**changes):
    (mistake,) = mistakes_of(**changes)
    return mistake


def labels(**changes):
    return replace(RIGHT["labels"], **changes)


def test_right_declaration_is_frozen_and_knows_its_knobs():
    flights = Pipeline(**RIGHT)
    assert dict(flights.parameters) == {"trees": 100, "rate": 0.1}
    assert flights.features == ("carrier", "distance", "month")
    assert flights.string_features == ("carrier",)
    assert flights.module == __name__
    with pytest.raises(FrozenInstanceError):
        flights.name = "trains"
    with pytest.raises(TypeError):
        flights.parameters["trees"] = 7


def test_declared_example_is_right():
    from pipelines.flights import flights

    assert flights.name == "flights"


def test_sensitive_column_that_would_name_slices():
    said = only_mistake_of(rows=Rows(columns=ROWS, sensitive=["carrier"]))
    assert said.startswith("slices has 'carrier', which is sensitive: its values would name the slices")


def test_limits_are_sentences_and_no_text():
    assert only_mistake_of(limits="Not for trains.") == "limits is a text; expected a list of sentences"
    assert Pipeline(**{**RIGHT, "limits": ["Not for trains."]}).limits == ("Not for trains.",)


@pytest.mark.parametrize("name", ["Flights", "2flights", "my-flights", "", "flights "])
def test_name_that_is_no_lower_case_word(name):
    assert f"name is {name!r}; expected a lower-case word" in only_mistake_of(name=name)


def test_name_of_another_folder():
    def foreign(features, target): ...

    foreign.__module__ = "pipelines.trains.model"
    assert "its `fit` lies in pipelines/trains/, so its name must be 'trains'" in only_mistake_of(fit=foreign)


@pytest.mark.parametrize("word", ["id_columns", "features", "slices"])
def test_unknown_column_names_the_nearest(word):
    columns = [*RIGHT[word], "carier"]
    assert f"{word} has 'carier', which is no column of rows. Did you mean 'carrier'?" in mistakes_of(**{word: columns})


def test_unknown_column_that_is_near_to_nothing():
    assert only_mistake_of(features=["zzz"]) == "features has 'zzz', which is no column of rows."


@pytest.mark.parametrize("word", ["id_columns", "features", "slices"])
def test_column_that_is_there_twice(word):
    column = RIGHT[word][0]
    assert only_mistake_of(**{word: [column, column]}) == f"{word} has {column!r} 2 times"


@pytest.mark.parametrize("word", ["id_columns", "features"])
def test_empty_list_of_columns(word):
    assert only_mistake_of(**{word: []}) == f"{word} is empty; expected at least one column of rows"


def test_text_where_a_list_belongs():
    assert "slices is the text 'carrier'; expected a list of column names: ['carrier']" in mistakes_of(slices="carrier")


def test_feature_of_a_type_that_no_model_sees():
    assert only_mistake_of(features=["departs"]).startswith(
        "features has 'departs', a timestamp; a model sees string, int64"
    )


@pytest.mark.parametrize("word", ["rows", "labels"])
def test_unknown_type_names_the_nearest(word):
    wrong = replace(RIGHT[word], columns={**RIGHT[word].columns, "delay": "int46"})
    assert only_mistake_of(**{word: wrong}) == (
        f"{word}: column 'delay' has type 'int46'; known types: string, int64, double, bool, timestamp. Did you mean 'int64'?"
    )


def test_target_that_is_no_column():
    wrong = only_mistake_of(labels=labels(target="lat"))
    assert wrong == "labels.target is 'lat', which is no column of labels. Did you mean 'late'?"


def test_target_of_a_type_that_cannot_be_learned():
    wrong = only_mistake_of(labels=labels(target="outcome"))
    assert wrong == (
        "labels.target 'outcome' is a string; expected int64 or bool, 1 for the event. "
        "The kind is 'binary'; a string can be learned by kind='multiclass'"
    )


@pytest.mark.parametrize(
    ("kind", "target", "metric"),
    [("multiclass", "outcome", "macro_f1"), ("regression", "minutes", "mae"), ("binary", "late", "log_loss")],
)
def test_each_kind_has_its_targets_and_metrics(kind, target, metric):
    labels = Labels(columns={**LABELS, "minutes": "double"}, target=target)
    declared = Pipeline(**{**RIGHT, "kind": kind, "labels": labels, "gate": Gate(metric=metric, threshold=0.5)})
    assert declared.kind == kind


def test_kind_that_nobody_knows():
    assert only_mistake_of(kind="regresion").endswith(
        "expected one of: binary, multiclass, regression. Did you mean 'regression'?"
    )


def test_metric_of_another_kind():
    wrong = only_mistake_of(kind="regression", gate=Gate(metric="roc_auc", threshold=0.6))
    assert wrong.startswith(
        "gate.metric is 'roc_auc'; known metrics of kind 'regression': rmse, mae, median_absolute_error, r2"
    )


def test_id_column_that_only_a_multiclass_table_uses_itself():
    named = {"rows": Rows(columns={**ROWS, "prediction": "string"}), "id_columns": ["prediction"]}
    named["labels"] = labels(columns={**LABELS, "prediction": "string"})
    assert Pipeline(**{**RIGHT, **named}).id_columns == ("prediction",)
    wrong = only_mistake_of(**named, kind="multiclass", gate=Gate(metric="accuracy", threshold=0.6))
    assert "id_columns has 'prediction', which the predictions table uses itself" in wrong


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"table": "a; drop"}, "rows.source.table is 'a; drop'; expected a name such as"),
        ({"night": ""}, "rows.source.night is empty"),
        ({"connection": "postgresql://me:pw@host/db"}, "the address and the password stay outside of the code"),
    ],
)
def test_table_that_cannot_be_read(changes, said):
    source = SqlTable(**{"table": "lake.flights", "night": "night", "connection": "lake", **changes})
    assert said in only_mistake_of(rows=Rows(columns=ROWS, source=source))


def test_source_that_is_no_table():
    assert "labels.source is 'lake.labels'; expected SqlTable(" in only_mistake_of(labels=labels(source="lake.labels"))


def test_target_among_the_features():
    rows = Rows(columns={**ROWS, "late": "int64"})
    assert "the model would learn the answer by heart" in only_mistake_of(rows=rows, features=["late"])


def test_labels_that_cannot_be_joined():
    wrong = only_mistake_of(labels=labels(columns={"late": "int64"}))
    assert wrong == "labels lack the id column 'flight_id', so they cannot be joined to the rows"


@pytest.mark.parametrize("lag", [0, -1])
def test_labels_from_the_future(lag):
    assert f"labels.lag_nights is {lag}" in only_mistake_of(labels=labels(lag_nights=lag))


def without_names(*everything): ...


def with_other_names(data, label): ...


def with_more_names(features, target, trees=100): ...


def with_star(features, target, *rest): ...


def with_two_stars(features, target, **knobs): ...


def without_default(features, target, *, trees): ...


def with_odd_default(features, target, *, trees={1, 2}): ...  # noqa: B006


def with_nan(features, target, *, rate=float("nan")): ...


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (None, "fit is None; expected a function fit(features, target, *, knob=default, ...)"),
        (with_other_names, "fit takes (data, label); expected (features, target), then knobs after a *"),
        (with_more_names, "fit takes (features, target, trees); expected (features, target), then knobs after a *"),
        (with_star, "fit takes *rest; expected each knob by its own name, with a default"),
        (with_two_stars, "fit takes **knobs; expected each knob by its own name, with a default"),
        (without_default, "fit's knob 'trees' needs a default that JSON can hold (a number, a text, a list ...)"),
        (with_odd_default, "fit's knob 'trees' needs a default that JSON can hold (a number, a text, a list ...)"),
        (with_nan, "fit's knob 'rate' needs a default that JSON can hold (a number, a text, a list ...)"),
    ],
)
def test_fit_of_another_form(wrong, expected):
    assert only_mistake_of(fit=wrong) == expected


def test_fit_without_any_names_has_two_mistakes():
    assert [mistake.split(";")[0] for mistake in mistakes_of(fit=without_names)] == [
        "fit takes ()",
        "fit takes *everything",
    ]


@pytest.mark.parametrize("word", ["rows", "labels"])
def test_unknown_suite_names_the_nearest(word):
    checks = replace(RIGHT["checks"], **{word: f"flight_{word}"})
    wrong = only_mistake_of(checks=checks)
    assert wrong.startswith(f"checks.{word} names the suite 'flight_{word}'; there are: ")
    assert wrong.endswith(f"Did you mean 'flights_{word}'?")


@pytest.mark.parametrize("share", [-0.1, 1, 20, float("nan")])
def test_share_of_refused_rows_that_is_no_share(share):
    assert f"checks.refuse_at_most is {share}" in only_mistake_of(checks=replace(RIGHT["checks"], refuse_at_most=share))


@pytest.mark.parametrize(("nights", "holdout"), [(30, 30), (30, 0), (30, -1), (7, 30), (0, 0)])
def test_window_without_nights_to_learn_from_or_to_hold_out(nights, holdout):
    wrong = only_mistake_of(window=Window(nights=nights, holdout=holdout))
    assert wrong.startswith(f"window has {holdout} holdout nights out of {nights}")


def test_gate_on_an_unknown_metric_names_the_nearest():
    wrong = only_mistake_of(gate=Gate(metric="roc-auc", threshold=0.6))
    assert wrong.startswith("gate.metric is 'roc-auc'; known metrics of kind 'binary': roc_auc, ")
    assert wrong.endswith("Did you mean 'roc_auc'?")


@pytest.mark.parametrize("tolerance", [-0.1, float("nan"), float("inf")])
def test_gate_with_a_tolerance_that_is_no_distance(tolerance):
    wrong = only_mistake_of(gate=Gate(metric="roc_auc", threshold=0.6, tolerance=tolerance))
    assert wrong == f"gate.tolerance is {tolerance}; expected a number from 0 on"


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), float("-inf")])
def test_gate_with_a_threshold_that_is_no_number(threshold):
    wrong = only_mistake_of(gate=Gate(metric="roc_auc", threshold=threshold))
    assert wrong == f"gate.threshold is {threshold}; expected a number"


@pytest.mark.parametrize("size", [0, -5])
def test_shard_without_bytes(size):
    assert only_mistake_of(shard_bytes=size) == f"shard_bytes is {size}; a shard holds at least 1 byte"


@pytest.mark.parametrize("number", [0, 1025])
def test_more_shards_than_can_be_mapped(number):
    wrong = only_mistake_of(most_shards=number)
    assert wrong == f"most_shards is {number}; expected 1 to 1024, Airflow's limit for mapped tasks"


def test_all_mistakes_are_told_at_once():
    mistakes = mistakes_of(
        name="Flights",
        features=["carier"],
        fit=None,
        window=Window(nights=1, holdout=1),
        gate=Gate(metric="auc", threshold=0.6, tolerance=-1),
        shard_bytes=0,
    )
    assert len(mistakes) == 7
