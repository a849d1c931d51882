import tempfile
from pathlib import Path

import pytest
from great_expectations.expectations import core as gxe
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from data_checks import ParquetRows, RowsDamaged, runner
from data_checks.declare import critical, quarantine
from tests.data_checks.files import expectations
from tests.data_checks.files.suite import (
    INSTANTS,
    KINDS,
    NOON,
    NUMBERS,
    TEXTS,
    WHOLE,
    assert_alike,
    named,
    on_files,
    on_pandas,
    table_of,
)
from tests.data_checks.frames import context

LINE = {"s": "a", "t": "b", "x": 1.0, "y": 2.0, "i": 1, "j": 2, "at": NOON, "before": NOON}
TABLES = {
    "no row": [[]],
    "one row": [[LINE]],
    "nothing known": [[dict.fromkeys(KINDS) | {"i": 0}] * 4],
    "the same rows in two files": [[LINE, LINE | {"s": None}], [LINE, LINE | {"x": float("nan")}]],
    "every value, in three files": [
        [
            {
                "s": TEXTS[n % 10],
                "t": TEXTS[n % 7],
                "x": NUMBERS[n % 10],
                "y": NUMBERS[(n * 3) % 9],
                "i": WHOLE[n % 6],
                "j": (*WHOLE, None)[n % 7],
                "at": INSTANTS[n % 5],
                "before": INSTANTS[(n * 2) % 4],
            }
            for n in range(start, start + 17)
        ]
        for start in (0, 17, 34)
    ],
    "infinities alone": [[LINE | {"x": value} for value in (float("inf"), float("-inf"), float("inf"))]],
}
LINES = st.fixed_dictionaries(
    {
        "s": st.sampled_from(TEXTS),
        "t": st.sampled_from(TEXTS),
        "x": st.sampled_from(NUMBERS),
        "y": st.sampled_from(NUMBERS),
        "i": st.sampled_from(WHOLE),
        "j": st.sampled_from((*WHOLE, None)),
        "at": st.sampled_from(INSTANTS),
        "before": st.sampled_from(INSTANTS),
    }
)


@pytest.fixture
def judged(monkeypatch, tmp_path):
    """What both say of some tables, ours first."""

    def run(lines, make):
        tables = [table_of(part) for part in lines]
        ours = on_files(named(monkeypatch, make()), tables, tmp_path)
        return ours, on_pandas(named(monkeypatch, make()), tables)

    return run


@pytest.mark.parametrize("name", TABLES)
def test_files_are_judged_as_pandas_judges_them(judged, name):
    # All expectations on the table that has everything; on the others, each of them sees some.
    some = slice(None) if name.startswith("every") else slice(list(TABLES).index(name) % 5, None, 5)
    ours, stock = judged(TABLES[name], lambda: expectations.suite()[some])

    assert_alike(ours, stock)
    assert ours.by_pandas == ()


@pytest.mark.parametrize("name", ["no row", "nothing known", "infinities alone"])
def test_columns_without_an_answer_are_judged_as_pandas_judges_them(judged, name):
    make = lambda: [critical(f"column {n}", one) for n, one in enumerate(expectations.of_columns())]  # noqa: E731
    ours, stock = judged(TABLES[name], make)

    assert_alike(ours, stock)


@settings(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(first=st.lists(LINES, max_size=9), second=st.lists(LINES, min_size=1, max_size=9), start=st.integers(0, 9))
def test_any_rows_are_judged_as_pandas_judges_them(first, second, start):
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        tables = [table_of(first), table_of(second)]
        ours = on_files(named(patch, expectations.suite()[start::10]), tables, Path(folder))
        stock = on_pandas(named(patch, expectations.suite()[start::10]), tables)

    assert_alike(ours, stock)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: gxe.ExpectColumnValuesToMatchRegex(column="s", regex="a(?=b)"), "column_values.match_regex (s)"),
        (lambda: gxe.ExpectColumnValuesToMatchStrftimeFormat(column="s", strftime_format="%Y"), "(s)"),
        (lambda: gxe.ExpectColumnValuesToBeInSet(column="at", value_set=[NOON]), "column_values.in_set (at)"),
    ],
    ids=["regex of Python alone", "unknown to us", "set of instants"],
)
def test_what_duckdb_cannot_answer_is_answered_by_pandas_and_told(judged, make, told):
    ours, stock = judged(TABLES["every value, in three files"], lambda: [quarantine("it holds", make())])

    assert_alike(ours, stock)
    assert told in ours.by_pandas[0]
    assert told in ours.summary()["by_pandas"]
    assert told in ours.html()


def test_an_expectation_that_duckdb_fails_on_is_answered_by_pandas_and_spares_the_others(judged):
    huge = [[LINE | {"i": 2**63 - 1, "j": 2**63 - 1}, LINE]]
    total = {"column_list": ["i", "j"], "sum_total": 3}
    ours, stock = judged(
        huge,
        lambda: [
            quarantine("the sum is 3", gxe.ExpectMulticolumnSumToEqual(**total)),
            quarantine("x is above 1", gxe.ExpectColumnValuesToBeBetween(column="x", min_value=1, strict_min=True)),
        ],
    )

    assert_alike(ours, stock)
    assert ours.by_pandas == ("multicolumn_sum.equal (i, j)",)


@pytest.mark.parametrize(
    "make",
    [
        lambda: gxe.ExpectColumnValuesToBeBetween(column="absent", max_value=1),
        lambda: gxe.ExpectColumnValuesToBeBetween(column="s", max_value=1),
        lambda: gxe.ExpectColumnMeanToBeBetween(column="absent", max_value=1),
    ],
    ids=["no such column", "wrong values", "no such column for a mean"],
)
def test_an_expectation_that_raises_is_critical_and_spares_the_others(judged, make):
    ours, stock = judged(
        TABLES["every value, in three files"],
        lambda: [critical("broken", make()), critical("fine", gxe.ExpectColumnValuesToNotBeNull(column="i"))],
    )

    assert [(one.raised, one.passed) for one in ours.outcomes] == [(True, False), (False, True)]
    assert [one.raised for one in stock.outcomes] == [True, False]


def test_a_suite_reads_the_files_once(monkeypatch, tmp_path):
    from data_checks.files.view import View

    scans = []
    ask, aggregate = View.ask, View.aggregate
    monkeypatch.setattr(View, "ask", lambda view, sql: scans.append(sql) or ask(view, sql))
    monkeypatch.setattr(View, "aggregate", lambda view, asked: scans.append(asked) or aggregate(view, asked))
    checks = [
        *(gxe.ExpectColumnValuesToNotBeNull(column=column) for column in "stij"),
        gxe.ExpectColumnValuesToBeBetween(column="x", max_value=3),
        gxe.ExpectColumnValuesToMatchRegex(column="s", regex="a"),
        gxe.ExpectColumnMeanToBeBetween(column="x", max_value=3),
        gxe.ExpectTableRowCountToBeBetween(max_value=3),
    ]
    made = named(monkeypatch, [critical(f"check {n}", one) for n, one in enumerate(checks)])
    result = on_files(made, [table_of([LINE])], tmp_path)

    assert result.status == "passed"
    assert len([asked for asked in scans if isinstance(asked, list) and asked]) == 1


def test_a_damaged_file_is_named(monkeypatch, tmp_path):
    import pyarrow.parquet as pq

    path = tmp_path / "rows.parquet"
    pq.write_table(table_of([LINE | {"s": f"a{n}"} for n in range(5000)]), path)
    content = bytearray(path.read_bytes())
    content[100:4000] = bytes(3900)
    path.write_bytes(content)
    made = named(monkeypatch, [critical("known", gxe.ExpectColumnValuesToMatchRegex(column="s", regex="a"))])

    with pytest.raises(RowsDamaged, match=r"rows\.parquet is damaged inside") as found:
        runner.run("suite", made, ParquetRows((path,), KINDS), context())
    assert found.value.path == path
