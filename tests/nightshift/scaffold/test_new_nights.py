"""From data to a published night with nothing edited: `nightshift new`, then what it says to type next."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from tests.nightshift.scaffold.tables import LAST, NIGHTS, PER_NIGHT, write_leaves, write_rentals, write_visits
from tests.support.clone import REPOSITORY, make_clone

CALL = """
import json, sys
from nightshift.cli import cli
for words in json.loads(sys.argv[1]):
    cli(words, standalone_mode=False)
"""


@dataclass
class House:
    """A copy of the repository in which somebody makes pipelines."""

    root: Path
    written: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, *words: str, **more: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))}
        path = f"{self.root}{os.pathsep}{self.root / 'plugins'}"
        environment = {**kept, "PYTHONPATH": path, "AIRFLOW_HOME": str(self.root / "airflow"), **more}
        command = [sys.executable, *words]
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def nightshift(self, *commands: list[str], **more: str) -> str:
        """Run commands one after the other in one process: what they import is imported once."""
        return self.run("-c", CALL, json.dumps(commands), **more)

    def new(self, name: str, *words: str) -> dict[str, Any]:
        made = json.loads(self.nightshift(["new", name, *words, "--owner", "test-team", "--json"]))
        self.written[name] = made
        return made

    def follow(self, name: str) -> list[dict[str, Any]]:
        """Type what `new` said, and return how the nights stand."""
        words = [shlex.split(command) for command in self.written[name]["next"]]
        told = dict(said[1].split("=", 1) for said in words if said[0] == "export")
        self.nightshift(*(said[1:] for said in words if said[0] == "nightshift"), **told)
        return json.loads(self.nightshift(["status", name, "--json"]))

    def predictions(self, name: str) -> Any:
        return DeltaTable(str(self.root / f".nightshift/tables/{name}/predictions")).to_pandas()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    root = make_clone(tmp_path_factory.mktemp("new") / "house")
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    (root / "tests/dags").mkdir(parents=True)
    for name in ("conftest.py", "airflow_home.py"):
        shutil.copy(REPOSITORY / "tests/dags" / name, root / "tests/dags")
    data = root.parent / "data"
    data.mkdir()
    house = House(root)
    named = ("--partition", "day", "--label")
    house.new(
        "visits", "--data", str(write_visits(data)), "--id", "patient", *named, "outcome", "--positive", "came back"
    )
    house.new(
        "leaves",
        "--data",
        str(write_leaves(data)),
        "--id",
        "leaf_id",
        "--partition",
        "measured_at",
        "--label",
        "species",
    )
    url = write_rentals(data)
    house.new("rentals", "--data", url, "--table", "rentals", "--id", "shop", *named, "bikes", "--kind", "regression")
    return house


def assert_published(nights: list[dict[str, Any]]) -> None:
    [night] = nights
    assert (night["night"], night["state"]) == (LAST, "published"), night
    assert night["rows_in"] == PER_NIGHT == night["rows_scored"] + night["rows_quarantined"]


def test_a_csv_file_with_two_outcomes_becomes_a_published_night(house: House) -> None:
    made = house.written["visits"]
    assert (made["kind"], made["nights"], made["metric"]) == ("binary", NIGHTS, "roc_auc")
    assert set(made["left_out"]) == {"note"}
    assert made["slices"] == ["clinic", "postcode"]
    assert_published(house.follow("visits"))
    predicted = house.predictions("visits")
    assert sorted(predicted["patient"]) == list(range(1000, 1000 + PER_NIGHT))
    assert predicted["score"].between(0, 1).all()


def test_a_folder_of_parquet_files_with_three_classes_becomes_a_published_night(house: House) -> None:
    made = house.written["leaves"]
    assert (made["kind"], made["metric"]) == ("multiclass", "accuracy")
    assert_published(house.follow("leaves"))
    assert set(house.predictions("leaves")["prediction"]) == {"ash", "elm", "oak"}


def test_a_table_of_a_database_with_an_amount_becomes_a_published_night(house: House) -> None:
    made = house.written["rentals"]
    assert (made["kind"], made["metric"]) == ("regression", "rmse")
    assert_published(house.follow("rentals"))
    assert house.predictions("rentals")["score"].between(-20, 120).all()


def test_no_file_that_is_written_says_where_a_database_is(house: House) -> None:
    texts = [(house.root / file).read_text() for file in house.written["rentals"]["files"]]
    assert not any("shops.db" in text for text in texts)
    assert any("NIGHTSHIFT_SOURCE_RENTALS" in text for text in texts)


def test_what_is_written_passes_lint_as_it_is(house: House) -> None:
    files = [file for made in house.written.values() for file in made["files"]]
    house.run("-m", "ruff", "check", "--no-cache", *files)
    house.run("-m", "ruff", "format", "--no-cache", "--check", *files)
    packages = [f"pipelines/{name}" for name in house.written]
    house.run("-m", "mypy", "--cache-dir", str(house.root / ".mypy_cache"), *packages, "data_checks/suites")
    house.run("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache")


def test_what_is_written_passes_the_doctor_as_it_is(house: House) -> None:
    (house.root / "dags/parcels.py").unlink(missing_ok=True)  # the README's own, whose time is over
    for name in (
        "parcels_by_hand",
        "parcels_on_sagemaker",
        "parcels_on_vertex",
        "parcels_on_emr",
        "parcels_on_dataproc",
    ):
        (house.root / f"dags/{name}.py").unlink(missing_ok=True)
    assert json.loads(house.nightshift(["doctor", "--json"])) == []


def test_the_tests_that_are_written_pass_as_they_are(house: House) -> None:
    files = [file for made in house.written.values() for file in made["files"] if file.startswith("tests/")]
    said = house.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    assert "23 passed" in said, said
