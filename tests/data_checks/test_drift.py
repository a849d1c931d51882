import json
import math

import numpy as np
import pandas as pd
import pytest
from great_expectations.execution_engine.util import is_valid_partition_object
from hypothesis import given
from hypothesis import strategies as st

from data_checks import ProfileMistake, build_profile, drift, population_stability_index
from tests.data_checks.frames import make_rows

WEIGHT = st.floats(min_value=0, max_value=1e300)
PAIRS = st.lists(st.tuples(WEIGHT, WEIGHT), min_size=1, max_size=30).filter(
    lambda pairs: max(e for e, _ in pairs) > 0 and max(a for _, a in pairs) > 0
)
VALUES = st.lists(st.none() | st.floats(-1e9, 1e9) | st.just(math.inf), min_size=1, max_size=60)
COLUMNS = ["carrier", "origin", "departure_minute", "month", "aircraft_age_years", "aircraft_manufacturer"]


@given(PAIRS)
def test_stability_index_is_finite_symmetric_and_never_negative(pairs):
    expected, actual = zip(*pairs, strict=True)
    index = population_stability_index(expected, actual)

    assert 0 <= index < math.inf
    assert index == pytest.approx(population_stability_index(actual, expected))


@given(PAIRS, st.integers(0, 9))
def test_stability_index_is_zero_for_equal_shares_whatever_the_scale(pairs, power):
    weights = [weight for weight, _ in pairs]

    assert population_stability_index(weights, weights) == 0
    assert population_stability_index(weights, [weight * 2**power for weight in weights]) == pytest.approx(0, abs=1e-12)


def test_stability_index_follows_its_formula():
    expected = (0.7 - 0.5) * math.log(0.7 / 0.5) + (0.3 - 0.5) * math.log(0.3 / 0.5)

    assert population_stability_index([1, 1], [7, 3]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expected", "actual", "says"),
    [
        ([1, 2], [1], "2 expected and 1 actual"),
        ([1, -1], [1, 1], "expected weights"),
        ([1, 1], [0, 0], "actual weights"),
        ([], [], "not all 0"),
        ([1], [math.nan], "finite"),
    ],
)
def test_weights_that_are_none_are_refused(expected, actual, says):
    with pytest.raises(ProfileMistake, match=says):
        population_stability_index(expected, actual)


def test_profile_is_json_and_the_same_in_any_row_order(rows):
    profile = build_profile(rows, COLUMNS)
    shuffled = build_profile(rows.sample(frac=1, random_state=3), COLUMNS)

    assert json.dumps(profile) == json.dumps(shuffled)
    assert json.loads(json.dumps(profile)) == profile


def test_profile_entries_are_partition_objects_of_great_expectations(rows):
    for entry in build_profile(rows, COLUMNS)["columns"].values():
        assert is_valid_partition_object(entry["partition"])


def test_profile_counts_values_and_missing_ones(rows):
    columns = build_profile(rows, COLUMNS)["columns"]

    assert columns["carrier"]["kind"] == "categorical"
    assert columns["departure_minute"]["kind"] == "numeric"
    assert columns["aircraft_age_years"]["count"] == 750
    assert columns["aircraft_age_years"]["null_share"] == pytest.approx(1 / 6)
    assert columns["aircraft_manufacturer"]["partition"] == {"values": ["BOEING"], "weights": [1.0]}


def test_profile_keeps_the_fifty_most_frequent_values_and_the_share_of_the_rest():
    values = [f"v{number:03d}" for number in range(80) for _ in range(1 + (number < 10))]
    entry = build_profile(pd.DataFrame({"c": values}), ["c"])["columns"]["c"]

    assert entry["partition"]["values"] == [f"v{number:03d}" for number in range(50)]
    assert entry["other_share"] == pytest.approx(30 / 90)
    assert sum(entry["partition"]["weights"]) == pytest.approx(1)


def test_flag_has_a_bin_for_each_value():
    entry = build_profile(pd.DataFrame({"late": [0, 0, 0, 1]}), ["late"])["columns"]["late"]

    assert entry["partition"]["bins"] == [-0.5, 0.5, 1.5]
    assert entry["partition"]["weights"] == pytest.approx([3.5 / 6, 1.5 / 6])


@given(VALUES, VALUES)
def test_any_numbers_have_a_profile_and_a_finite_drift(training, tonight):
    profile = build_profile(pd.DataFrame({"x": pd.Series(training, dtype="float64")}), ["x"])
    entry = profile["columns"]["x"]
    index = drift(profile, pd.DataFrame({"x": pd.Series(tonight, dtype="float64")}), ["x"])["x"]

    assert entry["partition"] is None or is_valid_partition_object(entry["partition"])
    assert 0 <= index < math.inf


def test_same_rows_have_not_drifted_and_others_have(rows):
    profile = json.loads(json.dumps(build_profile(rows, COLUMNS)))
    moved = rows.assign(carrier="UA", origin=rows["origin"].replace("LGA", "PHL"), departure_minute=600, month=12)
    moved = moved.assign(aircraft_age_years=np.nan, aircraft_manufacturer=None)

    assert max(drift(profile, rows, COLUMNS).values()) < 0.01
    assert min(drift(profile, moved, COLUMNS).values()) > 0.25


def test_other_night_of_the_same_kind_is_stable(rows):
    profile = build_profile(rows, COLUMNS)

    assert max(drift(profile, make_rows(seed=2), COLUMNS).values()) < 0.1


def test_column_that_was_empty_in_training_drifts_when_it_appears():
    profile = build_profile(pd.DataFrame({"x": [None, None]}), ["x"])

    assert drift(profile, pd.DataFrame({"x": [None, None]}), ["x"]) == {"x": 0}
    assert drift(profile, pd.DataFrame({"x": ["a", "b"]}), ["x"])["x"] > 1


def test_no_rows_have_not_drifted(rows):
    assert drift(build_profile(rows, ["carrier"]), rows.iloc[:0], ["carrier"]) == {"carrier": 0}


def test_text_is_profiled_alike_as_a_dictionary_column(rows):
    assert build_profile(rows.astype({"carrier": "category"}), ["carrier"]) == build_profile(rows, ["carrier"])


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda rows: build_profile(rows, ["carier"]), "no such column. Did you mean 'carrier'?"),
        (lambda rows: build_profile(rows, ["known_at"]), "describes numbers and text"),
        (lambda rows: drift(build_profile(rows, ["carrier"]), rows, ["carier"]), "Did you mean 'carrier'?"),
        (lambda rows: drift({"format": 0}, rows, ["carrier"]), "has format 1, got 0"),
        (
            lambda rows: drift(build_profile(rows, ["month"]), rows.drop(columns="month"), ["month"]),
            "has no such column",
        ),
        (
            lambda rows: drift(build_profile(rows, ["month"]), rows.astype({"month": "str"}), ["month"]),
            "was numeric in",
        ),
    ],
)
def test_columns_that_do_not_fit_are_named(rows, ask, says):
    with pytest.raises(ProfileMistake) as caught:
        ask(rows)

    assert says in str(caught.value)
