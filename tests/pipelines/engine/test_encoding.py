"""Rows become the same numbers however Arrow holds them, in training and at night."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.encoding import Encoding

FEATURES = ("carrier", "distance", "month", "weekend")
CARRIERS = ("AA", "UA", "\N{SNOWMAN}")
NAN = float("nan")
ENCODING = Encoding(FEATURES, {"carrier": CARRIERS})

carriers = st.lists(st.sampled_from([*CARRIERS, "unknown", "", None]), max_size=20)


def table_of(names, text=None):
    """A table with these carriers, text held as `text` says."""
    number = len(names)
    column = pa.array(names, pa.string())
    return pa.table(
        {
            "other": pa.nulls(number),
            "month": pa.array(range(number), pa.int64()),
            "weekend": pa.array([None if n % 3 == 0 else n % 3 == 1 for n in range(number)], pa.bool_()),
            "carrier": column if text is None else text(column),
            "distance": pa.array([None if n % 4 == 0 else n / 2 for n in range(number)], pa.float64()),
        }
    )


def small_dictionary(column):
    return column.dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))


def dictionary_with_a_null_value(column):
    values = [*{value for value in column.to_pylist() if value is not None}, None]
    return pa.DictionaryArray.from_arrays(
        pa.array([values.index(value) for value in column.to_pylist()], pa.int32()), pa.array(values, pa.string())
    )


def chunks(column):
    middle = len(column) // 2
    return pa.chunked_array([column[:middle], column[middle:], column[:0]], pa.string())


def chunks_with_dictionaries_of_their_own(column):
    middle = len(column) // 2
    return pa.chunked_array([column[:middle].dictionary_encode(), column[middle:].dictionary_encode()])


FORMS = [
    lambda column: column.cast(pa.large_string()),
    lambda column: column.dictionary_encode(),
    small_dictionary,
    dictionary_with_a_null_value,
    chunks,
    chunks_with_dictionaries_of_their_own,
    lambda column: pa.chunked_array([], pa.string()) if not len(column) else column,
]


@given(names=carriers)
def test_every_form_of_text_gives_the_same_numbers(names):
    expected = ENCODING.matrix(table_of(names))
    for form in FORMS:
        np.testing.assert_array_equal(ENCODING.matrix(table_of(names, form)), expected)


@given(names=carriers, offset=st.integers(0, 5))
def test_slice_of_a_batch_gives_the_numbers_of_its_rows(names, offset):
    whole = table_of(names, lambda column: column.dictionary_encode())
    expected = ENCODING.matrix(whole)[offset:]
    for batch in whole.slice(offset).to_batches():
        np.testing.assert_array_equal(ENCODING.matrix(batch), expected)


@given(names=carriers)
def test_matrix_and_frame_agree(names):
    table = table_of(names)
    matrix, frame = ENCODING.matrix(table), ENCODING.frame(table)
    assert tuple(frame.columns) == FEATURES
    assert list(frame["carrier"].cat.categories) == list(CARRIERS)
    codes = frame["carrier"].cat.codes.astype(float).replace(-1, NAN)
    np.testing.assert_array_equal(matrix[:, 0], codes)
    for position, name in enumerate(FEATURES[1:], start=1):
        np.testing.assert_array_equal(matrix[:, position], frame[name])


def test_text_is_its_place_among_the_learned_values_and_all_else_is_missing():
    matrix = ENCODING.matrix(table_of(["UA", "AA", "new here", None, "\N{SNOWMAN}"]))
    assert matrix.shape == (5, 4)
    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix[:, 0], [1, 0, NAN, NAN, 2])
    np.testing.assert_array_equal(matrix[:, 1], [NAN, 0.5, 1.0, 1.5, NAN])
    np.testing.assert_array_equal(matrix[:, 3], [NAN, 1, 0, NAN, 1])


@pytest.mark.parametrize("index", [pa.int8(), pa.uint8()])
def test_dictionary_that_is_full_to_the_last_place(index):
    number = 128 if index == pa.int8() else 256
    values = [f"v{n:03}" for n in range(number)]
    column = pa.DictionaryArray.from_arrays(pa.array([*range(number), None], index), pa.array(values))
    encoding = Encoding(("name",), {"name": tuple(values)})
    np.testing.assert_array_equal(encoding.matrix(pa.table({"name": column}))[:, 0], [*range(number), NAN])


def test_learning_sorts_the_distinct_values_and_forgets_the_missing_ones():
    for form in (None, *FORMS):
        table = table_of(["UA", None, "AA", "UA"], form)
        assert Encoding.learn(table, FEATURES, ["carrier"]) == Encoding(FEATURES, {"carrier": ("AA", "UA")})


def test_no_rows_give_an_empty_matrix():
    assert ENCODING.matrix(table_of([])).shape == (0, 4)
    assert ENCODING.frame(table_of([])).shape == (0, 4)


def test_feature_that_was_never_seen_in_training_is_always_missing():
    encoding = Encoding(("carrier",), {"carrier": ()})
    assert np.isnan(encoding.matrix(table_of(["AA", None]))).all()
    assert encoding.frame(table_of(["AA", None]))["carrier"].isna().all()


def test_encoding_survives_json():
    assert Encoding.from_json(json.loads(json.dumps(ENCODING.to_json()))) == ENCODING


def test_frame_is_what_lightgbm_and_scikit_learn_take():
    frame = ENCODING.frame(table_of(["AA", "UA"]))
    assert isinstance(frame["carrier"].dtype, pd.CategoricalDtype)
    assert all(frame[name].dtype == np.float64 for name in FEATURES[1:])
