"""Houses that are made up are houses: their DAG files can be read, and their histories are whole."""

import pytest

from benchmarks.capacity.repository import write_bare_files, write_repository
from benchmarks.capacity.years import WRITTEN, write_years
from benchmarks.claimers import claimers
from nightshift.declarations import read_declarations
from nightshift.drill.servers import DatabaseServer
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.settings import read_settings
from pipelines.engine.views.house import House


def test_pipelines_are_written_as_their_authors_would(tmp_path):
    names = write_repository(tmp_path, 3)
    assert names == ["pipeline_0001", "pipeline_0002", "pipeline_0003"]
    for name in names:
        compile((tmp_path / "pipelines" / name / "__init__.py").read_text(), name, "exec")
        text = (tmp_path / "dags" / f"{name}.py").read_text()
        assert f"from pipelines.{name} import {name}" in text
    assert {path.name for path in (tmp_path / "pipelines").iterdir()} == {"__init__.py", "engine", *names}
    assert (tmp_path / "plugins" / "nightshift_plugin.py").exists()


def test_bare_files_have_as_many_tasks_as_ours(tmp_path):
    write_bare_files(tmp_path, 2)
    read = read_declarations(tmp_path)
    assert not read.problems
    assert [len(declaration.tasks) for declaration in read.declarations] == [5] * 4
    assert [sum(task.mapped for task in declaration.tasks) for declaration in read.declarations] == [1, 0, 1, 0]


@pytest.fixture
def history(postgres: DatabaseServer):
    name = postgres.create()
    yield name
    postgres.drop(name)


@pytest.mark.postgres
def test_pipelines_that_are_copied_have_nights_like_those_that_are_written(postgres, history, tmp_path):
    newest = write_years(postgres, history, pipelines=WRITTEN + 3, nights=8)
    url = postgres.url(history)
    house = House(read_settings({"NIGHTSHIFT_LEDGER_URL": url, "NIGHTSHIFT_HOME": str(tmp_path)}))
    strips = {strip.pipeline: strip for strip in house.strips() if strip.pipeline.startswith("pipeline_")}
    assert len(strips) == WRITTEN + 3
    written, copied = strips["pipeline_001"], strips[f"pipeline_{WRITTEN + 1:03}"]
    assert copied.nights == written.nights
    assert (len(copied.nights), copied.nights[-1].night, copied.promise) == (8, newest, written.promise)
    ledger = Ledger(url)
    [key] = [entry for entry in ledger.entries(pipeline=copied.pipeline, step="publish") if entry.partition == newest]
    assert [event.event for event in ledger.history(key.key)] == ["claimed", "finished"]
    assert key.identity["pipeline"] == copied.pipeline


@pytest.mark.postgres
def test_eight_who_ask_for_the_same_keys_win_each_once(postgres_ledger_url):
    with claimers(postgres_ledger_url, 3) as ask:
        done = ask("test", 30, True)
    assert len(done.finish_ms) == 30
    assert len(done.claim_ms) > 30  # some were wanted by two
    assert {
        entry.state
        for entry in Ledger(postgres_ledger_url).entries(pipeline="flights", step="score")
        if "test" in entry.partition
    } == {"done"}
