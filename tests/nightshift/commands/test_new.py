"""`nightshift new` and `check-pipeline` as somebody types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nightshift.cli import cli
from pipelines.engine.settings import REPOSITORY
from tests.nightshift.scaffold.tables import LAST, visits, write_rentals


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("NIGHTSHIFT_")]:
            patch.delenv(name)
        patch.setenv("NIGHTSHIFT_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def source(home: Path) -> str:
    visits().to_csv(home / "visits.csv", index=False)
    return str(home / "visits.csv")


def nightshift(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_a_dry_run_says_what_it_sees_and_what_it_would_write(source: str) -> None:
    said = nightshift(
        *("new", "visits_again", "--data", source, "--id", "patient", "--partition", "day", "--label", "outcome"),
        "--dry-run",
    ).stdout
    assert "1,920 rows of 16 nights, 2026-03-02 to 2026-03-17" in said
    assert "left out: note is a text with about" in said
    assert "would be written:\n  pipelines/visits_again/__init__.py" in said
    assert not (REPOSITORY / "pipelines/visits_again").exists()


def test_json_says_the_same_to_a_program(source: str) -> None:
    words = ("new", "visits_again", "--data", source, "--id", "patient", "--partition", "day", "--label", "outcome")
    made = json.loads(nightshift(*words, "--dry-run", "--json").stdout)
    assert set(made) == {
        *("name", "written", "files", "kind", "features", "left_out", "slices", "nights", "window", "holdout"),
        *("metric", "threshold", "notes", "next"),
    }
    assert (made["written"], made["kind"], made["nights"]) == (False, "binary", 16)
    assert made["next"] == [
        "nightshift data visits_again",
        f"nightshift train visits_again --as-of {LAST}",
        f"nightshift score visits_again {LAST}",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Visits",), "expected a lower-case word"),
        (("visits_again",), "say --data as well"),
        (
            ("visits_again", "--data", "{source}"),
            "say --id, --label, --partition as well. The columns are: patient (int64)",
        ),
        (("visits_again", "--data", "gone.csv", "--id", "x"), "there is no gone.csv"),
        (("flights", "--data", "{source}"), "pipelines/flights/__init__.py"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_way_out(source: str, words: tuple[str, ...], said: str) -> None:
    rest = ("--id", "patient", "--partition", "day", "--label", "outcome") if words[0] == "flights" else ()
    code = 1 if "gone.csv" in words else 2
    assert said in nightshift("new", *(word.format(source=source) for word in words), *rest, code=code).output


def test_what_was_not_said_is_asked_for_at_a_terminal(source: str, home: Path) -> None:
    ours, theirs = os.openpty()
    answers = f"{source}\n\npatient\noutcome\nclinic-science\n"
    os.write(ours, answers.encode())
    path = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", "from nightshift.cli import main; main()", "new", "visits_again", "--dry-run", "--json"],
        env={**os.environ, "PYTHONPATH": path, "NIGHTSHIFT_HOME": str(home)},
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["kind"] == "binary"
    assert "Which column says to which night a row belongs? [day]" in done.stderr


def test_check_pipeline_says_what_flights_lacks_before_production(home: Path) -> None:
    nightshift("migrate")
    found = json.loads(nightshift("check-pipeline", "flights", "--json", code=1).stdout)
    assert (found["pipeline"], found["ready"]) == ("flights", False)
    assert {gap["rule"] for gap in found["missing"]} == {"only_logged", "no_labels", "no_champion"}
    assert {gap["rule"] for gap in found["notes"]} == {"makes_its_rows", "ledger_is_a_file", "tracking_is_a_file"}
    assert set(found["missing"][0]) == {"rule", "text", "way_out", "file", "line", "blocks"}
    said = nightshift("check-pipeline", "flights", code=1).stdout
    assert "no version has earned the right to score\n    Run `nightshift train flights" in said
    assert said.endswith("3 things are missing before flights may go to production\n")


def test_check_pipeline_names_the_nearest_of_an_unknown_pipeline(home: Path) -> None:
    assert "Did you mean 'flights'?" in nightshift("check-pipeline", "flihgts", code=2).output


def test_labels_may_lie_in_a_table_of_their_own(home: Path) -> None:
    words = ("--table", "rentals", "--id", "shop", "--partition", "day", "--label", "bikes", "--labels-table", "known")
    made = json.loads(nightshift("new", "rentals", "--data", write_rentals(home), *words, "--dry-run", "--json").stdout)
    assert made["kind"] == "regression"
    assert made["next"][-4].startswith("export NIGHTSHIFT_SOURCE_RENTALS=sqlite:///")
