"""The page is made from results alone: figures, targets that do not hold, failures, pictures."""

import pytest

from benchmarks.page import figure, table, write_page
from benchmarks.results import Found, Results, Target

ROWS = {
    "script written by hand": {"wall_s": 10.0, "cpu_s": 12.0, "peak_mb": 600.0, "rounds": 3, "cpu_ratio": 1.0},
    "Nightshift": {
        "wall_s": 5.0,
        "cpu_s": 6.04,
        "cpu_s_min": 5.5,
        "cpu_s_max": 7.0,
        "peak_mb": 640.0,
        "rounds": 3,
        "cpu_ratio": 0.5,
        "cpu_ratio_min": 0.45,
        "cpu_ratio_max": 0.6,
    },
}
TARGETS = [Target("CPU / script", 0.75, 0.5), Target("claims per second", 1000, 900, at_least=True, note="two cores")]


@pytest.fixture
def page(tmp_path) -> str:
    found = Found("Scoring, 2M rows", ROWS, TARGETS, ["Spark: local[2]"], {"Ray": "Ray was killed by signal 9"})
    other = Found("Ledger", {"SQLite": {"claim_ms": 1.234}}, [])
    results = Results(
        {"cores": "2", "libraries": "x 1", "peers": "y 2"},
        {"scoring": found, "ledger": other},
        {"nights": "no"},
        "then",
    )
    write_page(results, tmp_path / "performance.md", tmp_path / "images")
    return (tmp_path / "performance.md").read_text()


def test_page_shows_figures_with_their_spread(page) -> None:
    assert "| | wall s | CPU s | CPU ratio | peak MB |" in page
    assert "| Nightshift | 5.00 | 6.04 (5.50 to 7.00) | 0.50 (0.45 to 0.60) | 640 |" in page


def test_page_says_what_holds_and_what_does_not(page) -> None:
    assert "| CPU / script | at most 0.75 | 0.50 | holds |" in page
    assert "| claims per second | at least 1,000 | 900 | **does not hold** (two cores) |" in page


def test_page_names_failures_settings_and_studies_that_broke(page) -> None:
    assert "**Ray failed** and is missing above" in page
    assert "Ray was killed by signal 9" in page
    assert "- Spark: local[2]" in page
    assert "The study `nights`: no" in page


def test_picture_is_drawn_where_there_are_bars_to_draw(page, tmp_path) -> None:
    assert "(images/performance-scoring.svg)" in page
    assert (tmp_path / "images/performance-scoring.svg").read_text().startswith("<?xml")
    assert "performance-ledger.svg" not in page


def test_same_results_give_the_same_files(page, tmp_path) -> None:
    first = (tmp_path / "images/performance-scoring.svg").read_bytes()
    found = Found("Scoring, 2M rows", ROWS, TARGETS)
    write_page(Results({}, {"scoring": found}), tmp_path / "again.md", tmp_path / "again")
    assert (tmp_path / "again/performance-scoring.svg").read_bytes() == first


def test_study_with_figures_of_its_own_has_its_own_columns() -> None:
    lines = table(
        Found("Ledger", {"SQLite": {"claim_ms": 1.234}, "Postgres": {"claims_per_s": 2000.0}}, [])
    ).splitlines()
    assert lines[0] == "| | claim ms | claims per s |"
    assert lines[2:] == ["| SQLite | 1.23 |  |", "| Postgres |  | 2,000 |"]


@pytest.mark.parametrize(
    ("value", "words"),
    [(1234.5, "1,234"), (12.34, "12.3"), (1.234, "1.23"), (0.5, "0.50"), (0.0123, "0.012"), (0, "0.00")],
)
def test_figures_have_few_digits(value, words) -> None:
    assert figure(value) == words
