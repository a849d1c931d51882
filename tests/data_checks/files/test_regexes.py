import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks.files.literals import literal
from data_checks.files.regexes import as_re2

PIECES = ("a", "b", r"\d", "[ab]", "[^a]", "(?:a|b)", ".", "?", "*", "{2}", "^", r"\.", "-", "|", "(", ")", "$", r"\\")


@pytest.mark.parametrize(
    "regex", ["a(?=b)", r"\w", r"\bx", "(?i)a", "a$b", "a$|b$", "{,2}a", "[[:alpha:]]", "é", r"\Z"]
)
def test_what_may_mean_something_else_is_left_to_python(regex):
    assert as_re2(regex) is None


@given(regex=st.lists(st.sampled_from(PIECES), max_size=6).map("".join), value=st.text("ab.-\\\n7٣é", max_size=5))
def test_what_is_translated_finds_what_python_finds(regex, value):
    translated = as_re2(regex)
    try:
        expected = re.search(regex, value) is not None
    except re.error:
        return
    if translated is None:
        return
    query = f"SELECT regexp_matches({literal(value, 'string')}, {literal(translated, 'string')})"
    try:
        found = duckdb.sql(query).fetchall()
    except duckdb.Error:  # an expression that RE2 refuses goes to pandas
        return
    assert found == [(expected,)]
