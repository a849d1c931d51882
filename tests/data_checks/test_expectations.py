import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from data_checks.expectations import kind_of, wrong_types

TIMES = pd.to_datetime(["2013-11-19"])


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (pd.Series(["a"]).dtype, "string"),
        (pd.StringDtype("pyarrow"), "string"),
        (pd.ArrowDtype(pa.string()), "string"),
        (np.dtype("int64"), "int64"),
        (pd.Int64Dtype(), "int64"),
        (np.dtype("float64"), "double"),
        (pd.ArrowDtype(pa.float64()), "double"),
        (TIMES.tz_localize("UTC").as_unit("us").dtype, "timestamp"),
        (TIMES.tz_localize("UTC").as_unit("ns").dtype, "timestamp"),
        (pd.ArrowDtype(pa.timestamp("us", "UTC")), "timestamp"),
    ],
)
def test_pandas_types_have_our_names(dtype, kind):
    assert kind_of(dtype) == kind


@pytest.mark.parametrize(
    "dtype", [TIMES.dtype, TIMES.tz_localize("America/New_York").dtype, np.dtype("int32"), np.dtype("bool"), object]
)
def test_anything_else_keeps_its_own_name(dtype):
    assert kind_of(dtype) not in ("string", "int64", "double", "timestamp")


def test_each_wrong_column_is_named_with_both_types():
    expected = {"a": "string", "b": "int64", "c": "double"}

    assert wrong_types(expected, {"a": "string", "b": "double"}) == [
        "b: expected int64, got double",
        "c: expected double, got no such column",
    ]
