"""The page's tables are written between its marks, and its words are left alone."""

import re
from pathlib import Path

import pytest

from benchmarks.capacity.page import KNOWN, filled, measured_by
from benchmarks.results import Found, Results
from pipelines.engine.settings import REPOSITORY

PAGE = (REPOSITORY / "docs" / "capacity.md").read_text()
ROWS = {
    "parsing": {"a file": {"cpu_ms": 35.0}},
    "processor": {"10 files": {"cpu_ms_per_file": 130.0}, "1,000 files": {"cpu_ms_per_file": 120.0}},
    "scheduler": {"1,000 pipelines": {"cpu_ms_per_run": 40.0, "kb_per_run": 12.0}},
    "promises": {"10 pipelines": {"sync_s": 5.0}},
    "claims": {"PostgreSQL": {"keys_per_s": 400.0}},
    "ledger": {"1,000 pipelines, 90 nights each": {"kb_per_night": 16.0}},
    "looking": {"1,000 pipelines, 90 nights each": {"turn_cpu_s": 0.6, "watch_mb": 460.0}},
}
RESULTS = Results(
    {"cores": "2"}, {name: Found(name, rows, [], ["a note"]) for name, rows in ROWS.items()}, {}, "2026-11-20 20:00"
)


def test_every_part_that_is_measured_has_its_place_on_the_page():
    marks = re.findall(r"<!-- measured: (\S+) -->", PAGE)
    assert sorted(marks) == sorted(["machine", "sizing", *KNOWN])
    assert PAGE.count("<!-- end -->") == len(marks)


def test_tables_are_written_and_words_are_kept():
    page = filled(PAGE, RESULTS)
    assert "| PostgreSQL | 400 |" in page
    assert "- a note" in page
    assert "Measured 2026-11-20 20:00 UTC on cores: 2." in page
    assert "| schedulers | 1 | 2 | 2 |" in page
    assert "Not measured yet" not in page
    without = re.compile(r"(<!-- measured: \S+ -->).*?(<!-- end -->)", re.DOTALL)
    assert without.sub("", page) == without.sub("", PAGE)
    assert filled(page, RESULTS) == page


def test_what_was_not_measured_says_so():
    nothing = filled(PAGE, Results({}, {}))
    assert nothing.count("Not measured yet") == len(KNOWN) + 2


def test_mark_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="'speed'; known: machine"):
        filled("<!-- measured: speed -->\n\n<!-- end -->", RESULTS)


def test_sizes_come_from_the_largest_house():
    measured = measured_by(RESULTS)
    assert measured is not None
    assert (measured.file_cpu_s, measured.run_cpu_s, measured.turn_cpu_s_per_pipeline) == (0.12, 0.04, 0.0006)
    assert measured.watch_mb_per_pipeline == pytest.approx(0.4)


def test_page_is_in_the_guide():
    assert "\ncapacity\n" in Path(REPOSITORY / "docs" / "index.md").read_text()
