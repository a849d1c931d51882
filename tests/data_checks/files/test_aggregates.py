import math

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_checks.files.aggregates import bin_counts, bins_of

ODD = (0.0, -0.0, 0.1, 1.0, math.nextafter(1.0, 2.0), 5e-324, -1e300, 1.7976931348623157e308, 2.0**53)
FINITE = st.one_of(st.sampled_from(ODD), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.one_of(FINITE, st.sampled_from((math.inf, -math.inf, None)))


@settings(max_examples=60, deadline=None)
@given(edges=st.lists(FINITE, min_size=2, max_size=6, unique=True).map(sorted), values=st.lists(VALUES, max_size=12))
def test_values_are_counted_in_the_bins_of_numpy(edges, values):
    values = [*values, *(value for edge in edges for value in (edge, math.nextafter(edge, -math.inf)))]
    known = np.array([value for value in values if value is not None])
    told = bin_counts("x", edges)
    with duckdb.connect() as connection:
        [(found,)] = connection.execute(f"SELECT {told} FROM (SELECT unnest($1::DOUBLE[]) AS x)", [values]).fetchall()

    below, *inside, above = bins_of(found, edges)
    assert inside == np.histogram(known, edges)[0].tolist()
    assert (below, above) == ((known < edges[0]).sum(), (known > edges[-1]).sum())


def test_no_value_lies_in_no_bin():
    found = duckdb.sql(f"SELECT {bin_counts('x', [0, 1, 2])} FROM (SELECT 1 AS x WHERE FALSE)").fetchall()

    assert bins_of(found[0][0], [0, 1, 2]) == [0, 0, 0, 0]


@pytest.mark.parametrize("edges", [[1.0], [1.0, 1.0], [2.0, 1.0], [0.0, math.inf], [math.nan, 1.0]])
def test_bins_that_only_numpy_can_tell_are_not_counted(edges):
    assert bin_counts("x", edges) is None
