"""Sizes follow from one number, and every study has a name."""

import pytest

from benchmarks.studies import QUICK, STUDIES
from benchmarks.studies.scale import Scale, words
from benchmarks.studies.validation import last_line


def test_all_sizes_follow_from_the_rows_of_the_scoring_study() -> None:
    full = Scale()
    assert [words(size) for size in (full.small, full.rows, full.large, full.huge)] == ["1M", "2M", "10M", "50M"]
    assert [words(size) for size in (Scale(200_000).small, Scale(200_000).large)] == ["100k", "1M"]


def test_quick_run_takes_studies_that_there_are() -> None:
    assert set(QUICK) < set(STUDIES)


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ('reading\n{"cpu_seconds": 1.5, "counts": [0, 3]}\n', [0, 3]),
        ('{"counts": [1]}\na warning after it', [1]),
        ("nothing\n3\n{}", None),
    ],
)
def test_counts_of_a_validation_are_read_from_what_it_prints(said, counts, tmp_path) -> None:
    (tmp_path / "log").write_text(said)
    line = last_line(tmp_path / "log")
    assert (line and line["counts"]) == counts
