from datetime import date

import pytest

from data_checks import PartitionMistake, SuiteContext
from data_checks.context import nights_of


def test_partition_names_one_night_or_a_window():
    assert nights_of("2013-11-19") == (date(2013, 11, 19), date(2013, 11, 19))
    assert SuiteContext("2013-05-01..2013-10-31", 184, ("id",)).window == (date(2013, 5, 1), date(2013, 10, 31))


@pytest.mark.parametrize("partition", ["", "tonight", "2013-11-31", "2013-11-19..", "..2013-11-19", "2013-05-01..soon"])
def test_malformed_partition_says_what_is_expected(partition):
    with pytest.raises(PartitionMistake, match=r"'YYYY-MM-DD' or 'YYYY-MM-DD\.\.YYYY-MM-DD', got"):
        nights_of(partition)


def test_window_that_runs_backwards_is_refused():
    with pytest.raises(PartitionMistake, match="ends before it begins"):
        nights_of("2013-10-31..2013-05-01")


def test_rows_of_no_night_cannot_be_judged():
    with pytest.raises(PartitionMistake, match="needs nights >= 1, got 0"):
        SuiteContext("2013-11-19", 0, ("id",))
