"""The judge sees what is wrong, each thing by itself; and nothing where nothing is."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pandas as pd
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from nightshift.drill.oracle.delta_log import files_of, read_log
from nightshift.drill.oracle.files import Folder
from nightshift.drill.oracle.verdict import Scene, judge
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import run_night

NIGHT, OTHER = tides.NIGHTS[:2]


def scene(place):
    tables = place.home / "tables"
    return Scene(
        rows=place.home / "data/tides/rows",
        tables=Folder(tables),
        tables_url=str(tables),
        ledger_url=place.settings.ledger_url,
        mlflow=place.home / "mlflow/mlflow.db",
        model="tides",
        table="tides/predictions",
        id_column="buoy",
    )


@pytest.fixture
def night(place):
    """A place with a published night, three of its rows in quarantine."""
    rows = tides.make_rows(NIGHT)
    rows.loc[[3, 120, 299], "wind"] = 50.0
    tides.write(rows, place.rows(NIGHT))
    run_night(place, NIGHT)
    return place


def shard_of(place):
    (path,) = place.predictions.glob(f"night={NIGHT}/*.parquet")
    return path


def rewrite(place, change):
    """Put other rows into the published file, behind everybody's back."""
    path = shard_of(place)
    table = pq.read_table(path, partitioning=None)
    path.unlink()
    pq.write_table(change(table), path)


def tell_ledger(place, *statements):
    with closing(sqlite3.connect(place.home / "ledger.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_night_as_it_should_be_is_clean(night):
    assert judge(scene(night), [NIGHT]).clean


def test_a_night_that_was_never_published_is_undecided(night):
    verdict = judge(scene(night), [NIGHT, OTHER])
    assert (verdict.undecided, verdict.clean) == (1, False)


def test_lost_rows_are_counted(night):
    rewrite(night, lambda table: table.slice(5))
    assert judge(scene(night), [NIGHT]).rows_lost == 5


def test_doubled_rows_are_counted(night):
    import pyarrow as pa

    rewrite(night, lambda table: pa.concat_tables([table, table.slice(0, 4)]))
    verdict = judge(scene(night), [NIGHT])
    assert (verdict.rows_lost, verdict.rows_doubled) == (0, 4)


def test_a_second_file_with_the_same_rows_is_seen_in_the_log(night):
    copy = shard_of(night).with_name("copy.parquet")
    shutil.copy(shard_of(night), copy)
    rows = pd.read_parquet(copy).assign(night=NIGHT)
    rows["scored_at"] = rows["scored_at"].astype("datetime64[us, UTC]")
    write_deltalake(str(night.predictions), rows, mode="append", partition_by=["night"])
    verdict = judge(scene(night), [NIGHT])
    assert verdict.rows_doubled == 297
    assert any("other shards than the finished publication names" in line for line in verdict.complaints)


def test_refused_rows_that_are_published_are_seen(night):
    quarantine = next((night.home / "tables/tides/quarantine").rglob("*.parquet"))
    table = pq.read_table(quarantine, partitioning=None)
    published = pq.read_table(shard_of(night), partitioning=None)["buoy"]
    quarantine.unlink()
    pq.write_table(table.set_column(table.schema.get_field_index("buoy"), "buoy", published.slice(0, 3)), quarantine)
    assert any("refused rows are published" in line for line in judge(scene(night), [NIGHT]).complaints)


def test_rows_that_nobody_delivered_are_seen(night):
    rows = tides.make_rows(NIGHT)[:200]
    tides.write(rows, night.rows(NIGHT))
    assert any("not in the delivered file" in line for line in judge(scene(night), [NIGHT]).complaints)


def test_an_old_publication_in_a_newer_ones_place_is_called_stale(night):
    old = files_of(read_log(Folder(night.home / "tables"), "tides/predictions"), NIGHT)
    tides.write(tides.make_rows(NIGHT, seed=4), night.rows(NIGHT))
    run_night(night, NIGHT)
    DeltaTable(str(night.predictions)).restore(1)
    commits = read_log(Folder(night.home / "tables"), "tides/predictions")
    assert files_of(commits, NIGHT) == old
    assert any("other shards than the finished" in line for line in judge(scene(night), [NIGHT]).complaints)


def test_a_key_that_is_still_held_is_undecided(night):
    tell_ledger(night, "UPDATE task_keys SET state = 'claimed' WHERE step = 'monitor'")
    assert judge(scene(night), [NIGHT]).undecided == 1


def test_a_key_that_was_finished_twice_or_under_an_older_fence_is_seen(night):
    columns = "key, at, event, fence, generation, holder, detail"
    tell_ledger(
        night,
        f"INSERT INTO task_events ({columns}) SELECT key, at, event, fence - 1, generation, holder, detail "
        "FROM task_events WHERE event = 'finished' ORDER BY id DESC LIMIT 1",
    )
    complaints = "; ".join(judge(scene(night), [NIGHT]).complaints)
    assert "was finished 2 times in generation 1" in complaints
    assert "under an older fence after a newer one" in complaints


def test_a_model_that_is_registered_twice_and_a_second_champion_are_seen(night):
    with closing(sqlite3.connect(night.home / "mlflow/mlflow.db")) as connection:
        connection.execute("DELETE FROM registered_model_aliases WHERE alias = 'champion'")
        columns = [row[1] for row in connection.execute("PRAGMA table_info(model_version_tags)")]
        values = ", ".join("99" if name == "version" else name for name in columns)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(
            f"INSERT INTO model_version_tags ({', '.join(columns)}) SELECT {values} FROM model_version_tags WHERE key = 'nightshift.key'"
        )
        connection.commit()
    complaints = "; ".join(judge(scene(night), [NIGHT]).complaints)
    assert "registered more than once" in complaints
    assert "tides has 0 champions" in complaints
