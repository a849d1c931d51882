"""What DAG files promise, read in a process of its own and kept in the ledger."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nightshift.cli import cli
from nightshift.declarations import DagsUnreadable, read_declarations, refresh_declarations
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.settings import Settings, read_settings

RATES = '''"""Rates."""
from datetime import timedelta
from airflow.sdk import DAG
from nightshift import promise

print("noise of a DAG file")
with DAG(
    "rates", schedule="0 4 * * *", doc_md=__doc__, default_args={"owner": "us"},
    deadline=promise(finish_by="06:00", timezone="Europe/Berlin"),
):
    pass
'''
PLAIN = 'from airflow.sdk import DAG\nwith DAG("plain", schedule=None):\n    pass\n'
WORDS = 'from nightshift import promise\n\npromise(finish_by="6am", timezone="UTC")\n'
UNFIT = RATES.replace('"0 4 * * *"', "None").replace('"rates"', '"unfit"')


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path):
    home = tmp_path_factory.mktemp("home")
    (home / "ledger.db").write_bytes(migrated_file.read_bytes())
    folder = tmp_path_factory.mktemp("repository") / "dags"
    folder.mkdir()
    for name, text in {"rates": RATES, "plain": PLAIN, "words": WORDS, "unfit": UNFIT}.items():
        (folder / f"{name}.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AIRFLOW_HOME", raising=False)
        for name in [name for name in os.environ if name.startswith("NIGHTSHIFT_")]:
            patch.delenv(name)
        patch.setenv("NIGHTSHIFT_HOME", str(home))
        settings = read_settings()
        yield settings, Observations(settings.ledger_url), folder


@pytest.fixture(scope="module")
def read(place: tuple[Settings, Observations, Path]):
    settings, observations, folder = place
    return refresh_declarations(settings, observations, folder=folder)


def ask(*words: str) -> Result:
    return CliRunner().invoke(cli, [*words])


def test_files_that_can_be_read_are_kept_and_the_others_are_named(place, read) -> None:
    _, observations, _ = place
    assert read == ["plain", "rates"]
    kept = {seen.dag_id: [made["kind"] for made in seen.content["promises"]] for seen in observations.declarations()}
    assert kept == {"plain": ["succeed"], "rates": ["finish_by"]}
    heard = observations.heartbeat("declarations")
    assert heard is not None
    assert "finish_by needs a cron schedule" in heard[1]["problems"]["unfit.py"]
    assert 'Did you mean "06:00"?' in heard[1]["problems"]["words.py"]


def test_nothing_is_read_again_while_no_file_changed(place, read) -> None:
    settings, observations, folder = place
    before = observations.heartbeat("declarations")
    assert refresh_declarations(settings, observations, folder=folder) == []
    assert observations.heartbeat("declarations") == before


def test_promises_are_listed_with_when_they_are_due_next(place, read) -> None:
    rows = json.loads(ask("promises", "list", "--json").stdout)
    assert [(row["id"], row["owner"], row["file"]) for row in rows] == [
        ("plain/succeed", "airflow", "plain.py"),
        ("rates/finish_by", "us", "rates.py"),
    ]
    assert rows[1]["due_next"] > place[1].now()
    shown = ask("promises", "list").stdout
    assert "finished by 06:00 Europe/Berlin" in shown


def test_broken_file_keeps_what_it_promised_and_a_deleted_one_does_not(place, read) -> None:
    _, observations, folder = place
    since = {seen.dag_id: seen.since for seen in observations.declarations()}
    (folder / "rates.py").write_text("this is no Python")
    (folder / "plain.py").unlink()
    done = ask("promises", "sync", "--dags", str(folder))
    assert done.exit_code == 1
    assert "Changed: plain" in done.stdout
    assert "rates.py cannot be read and keeps what it promised before" in done.output
    (seen,) = observations.declarations()
    assert (seen.dag_id, seen.since) == ("rates", since["rates"])


def test_folder_that_breaks_the_reader_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import os\nos._exit(3)\n")
    with pytest.raises(DagsUnreadable, match="cannot be read"):
        read_declarations(tmp_path)
