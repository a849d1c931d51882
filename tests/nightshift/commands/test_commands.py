"""The command line as a user meets it, on the real flights."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from nightshift.cli import cli
from nightshift.commands import COMMANDS
from pipelines.engine.sizes import readable

NIGHT_FIELDS = {
    "night",
    "state",
    "rows_in",
    "rows_scored",
    "rows_quarantined",
    "model_version",
    "delta_version",
    "published_at",
    "due_at",
    "margin_seconds",
    "error",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("NIGHTSHIFT_")]:
            patch.delenv(name)
        patch.setenv("NIGHTSHIFT_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def nightshift(home: Path) -> Callable[..., Result]:
    def invoke(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture(scope="module")
def trained(nightshift: Callable[..., Result]) -> Callable[..., Result]:
    nightshift("data", "flights")
    found = json.loads(nightshift("train", "flights", "--as-of", "2013-11-01", "--json").stdout)
    assert found["promoted"]
    assert found["keys_claimed"] > 0
    return nightshift


def test_unmigrated_ledger_says_which_command_to_run(nightshift: Callable[..., Result], home: Path) -> None:
    if (home / "ledger.db").exists():
        pytest.fail("this test must come first")
    result = nightshift("status", "flights", code=1)
    assert "nightshift migrate" in result.stderr
    assert "Traceback" not in result.output


def test_data_again_writes_nothing(trained: Callable[..., Result]) -> None:
    assert "0 files written, 730 right already" in trained("data", "flights").stdout


def test_training_again_claims_nothing_and_keeps_the_version(trained: Callable[..., Result]) -> None:
    again = trained("train", "flights", "--as-of", "2013-11-01")
    assert "Version 1 of flights" in again.stdout
    assert "0 keys claimed anew" in again.stdout


def test_score_publishes_nights_and_status_shows_them(trained: Callable[..., Result]) -> None:
    published = json.loads(trained("score", "flights", "2013-11-05..2013-11-06", "--json").stdout)
    assert [night["night"] for night in published] == ["2013-11-05", "2013-11-06"]
    shown = {n["night"]: n for n in json.loads(trained("status", "flights", "--json").stdout)}
    for night in published:
        status = shown[night["night"]]
        assert set(status) == NIGHT_FIELDS
        assert status["state"] == "published"
        assert status["rows_in"] == status["rows_scored"] + status["rows_quarantined"] == night["rows_in"]
        assert status["delta_version"] == night["delta_version"]
        assert status["published_at"].endswith("Z")


def test_score_again_says_that_everything_was_done(trained: Callable[..., Result]) -> None:
    trained("score", "flights", "2013-11-05")
    before = trained("status", "flights", "--json").stdout
    assert "0 keys claimed anew: everything was already done" in trained("score", "flights", "2013-11-05").stdout
    assert trained("status", "flights", "--json").stdout == before


def test_check_publishes_nothing(trained: Callable[..., Result]) -> None:
    [checked] = json.loads(trained("check", "flights", "2013-11-09", "--json").stdout)
    assert checked["summary"]["status"] == "passed"
    assert Path(checked["report"]).read_text().startswith("<!doctype html>")
    shown = {n["night"]: n for n in json.loads(trained("status", "flights", "--json").stdout)}
    assert shown["2013-11-09"]["state"] == "unfinished"
    assert shown["2013-11-09"]["delta_version"] is None


def test_corrupt_file_fails_the_night_and_status_tells_why(trained: Callable[..., Result], home: Path) -> None:
    rows = home / "data/flights/rows/2013-11-12.parquet"
    rows.write_bytes(rows.read_bytes()[:-100])
    result = trained("score", "flights", "2013-11-12", code=1)
    assert "cannot be read as Parquet" in result.stderr
    assert "Traceback" not in result.output
    shown = {n["night"]: n for n in json.loads(trained("status", "flights", "--json").stdout)}
    assert shown["2013-11-12"]["state"] == "failed"
    assert "cannot be read as Parquet" in shown["2013-11-12"]["error"]
    trained("data", "flights")  # delivers it again
    trained("score", "flights", "2013-11-12")
    shown = {n["night"]: n for n in json.loads(trained("status", "flights", "--json").stdout)}
    assert shown["2013-11-12"]["state"] == "published"


def test_keys_are_listed_shown_and_forced(trained: Callable[..., Result]) -> None:
    trained("score", "flights", "2013-11-05")
    [key] = json.loads(
        trained("keys", "list", "flights", "--step", "monitor", "--night", "2013-11-05", "--json").stdout
    )
    assert "finished it" in trained("keys", "show", key["key"][:12]).stdout
    assert "is open" in trained("keys", "force", key["key"][:12], "--reason", "a test").stdout
    assert "1 keys claimed anew" in trained("score", "flights", "2013-11-05").stdout
    history = json.loads(trained("keys", "show", key["key"], "--json").stdout)["history"]
    assert [event["event"] for event in history] == ["claimed", "finished", "forced", "claimed", "finished"]


def test_tidy_says_what_may_go_and_removes_it_when_told_to(trained: Callable[..., Result], home: Path) -> None:
    trained("score", "flights", "2013-11-05")
    left = home / "tables/flights/predictions/night=2013-11-05/.x.parquet.77.part"
    left.write_text("half")
    os.utime(left, (0, 0))
    shown = trained("tidy", "flights", "--retention", "6w")
    assert "unfinished files" in shown.stdout
    assert "4 bytes may go; nothing was removed" in shown.stdout
    assert shown.stdout.rstrip().endswith("nightshift tidy flights --retention 6w --apply")
    assert left.exists()
    removed = json.loads(trained("tidy", "flights", "--apply", "--json").stdout)
    assert [(row["kind"], row["count"], row["bytes"]) for row in removed["found"]] == [("unfinished files", 1, 4)]
    assert not left.exists()
    assert "There is nothing to tidy up" in trained("tidy").stdout
    assert "0 keys claimed anew" in trained("score", "flights", "2013-11-05").stdout


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2 * 10**15, "2000.0 TB")]
)
def test_sizes_are_for_people(size: int, said: str) -> None:
    assert readable(size) == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("score", "flihgts", "2013-11-05"), "Did you mean 'flights'?"),
        (("score", "flights", "yesterday"), "'yesterday' is not a night"),
        (("score", "flights", "2013-11-06..2013-11-05"), "did you mean 2013-11-05..2013-11-06?"),
        (("score", "flights", "2999-01-01"), "lies in the future"),
        (("train", "flights"), "--as-of"),
        (("keys", "show", "0000000000"), "no key that begins with"),
        (("airflow", "dags", "list"), "there is no Airflow here yet"),
        (("stauts", "flights"), "No such command"),
        (("tidy", "--retention", "1d", "--apply"), "too short; expected at least 7d"),
        (("tidy", "flihgts"), "Did you mean 'flights'?"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(
    trained: Callable[..., Result], words: tuple[str, ...], said: str
) -> None:
    result = trained(*words, code=2)
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_night_without_rows_says_which_nights_there_are(trained: Callable[..., Result]) -> None:
    result = trained("score", "flights", "2014-06-01", code=1)
    assert "2013-01-01 to 2013-12-31" in result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_of_every_command_says_what_it_does(nightshift: Callable[..., Result], command: click.Command) -> None:
    if command.name == "airflow":
        assert "backfill create" in str(command.help)
        return
    assert str(command.help).splitlines()[0] in nightshift(str(command.name), "--help").stdout.replace("\n  ", " ")


def test_help_and_status_start_without_heavy_libraries() -> None:
    code = """
import sys
from nightshift.cli import cli
cli(["tidy", "--help"], standalone_mode=False)
cli(["status", "--help"], standalone_mode=False)
heavy = ("airflow", "mlflow", "great_expectations", "pandas", "numpy", "sklearn", "lightgbm", "pyarrow", "duckdb", "rich")
sys.exit(",".join(name for name in heavy if name in sys.modules) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
