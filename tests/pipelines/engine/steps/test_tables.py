"""Nights that come from a table, of SQLite and of a real PostgreSQL: taken once for each delivery, whole or not at all."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from pipelines.engine.delivery import deliver
from pipelines.engine.errors import RowsMissing, SchemaMismatch, SourceUnavailable, UsageError
from pipelines.engine.pipeline import Labels, Rows
from pipelines.engine.runtime import no_progress
from pipelines.engine.sources import address_of
from pipelines.engine.sql_table import SqlTable
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import run_night, run_training, validate

NIGHT, LATER = tides.NIGHTS[:2]
PASSWORD = "swordfish-7"


def types(backend):
    """Columns as each database keeps them: SQLite has text for moments."""
    moment = sa.DateTime(timezone=True) if backend == "postgresql" else sa.Text()
    return {"buoy": sa.Text(), "sea": sa.Text(), "wind": sa.Float(), "depth": sa.Integer(), "measured_at": moment}


class Lake:
    """A database with the rows and labels of the small pipeline."""

    def __init__(self, url, night_type):
        self.url = url
        self.engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        self.backend = self.engine.dialect.name
        self.tables = sa.MetaData()
        night = sa.Column("night", night_type)
        kinds = types(self.backend)
        self.rows = sa.Table(
            "buoys",
            self.tables,
            night,
            *(sa.Column(name, kind) for name, kind in kinds.items()),
            sa.Column("note", sa.Text),
        )
        self.labels = sa.Table(
            "floods",
            self.tables,
            sa.Column("night", night_type),
            sa.Column("buoy", sa.Text),
            sa.Column("flooded", sa.Integer),
        )
        self.dates = isinstance(night_type, sa.Date)

    def night(self, night):
        return datetime.date.fromisoformat(night) if self.dates else night

    def fill(self):
        self.tables.create_all(self.engine)
        for night in (*tides.LABELLED, *tides.NIGHTS):
            rows = tides.make_rows(night)
            self.add(self.rows, night, rows)
            if night in tides.LABELLED:
                self.add(self.labels, night, tides.make_labels(rows))
        return self

    def add(self, table, night, frame):
        records = frame.sample(frac=1, random_state=1).to_dict("records")  # in no order
        for record in records:
            record["night"] = self.night(night)
            if "measured_at" in record:
                moment = record["measured_at"].to_pydatetime()
                record["measured_at"] = moment if self.backend == "postgresql" else moment.isoformat()
        with self.engine.begin() as connection:
            connection.execute(table.insert(), records)

    def run(self, statement, **values):
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)


@pytest.fixture(params=["sqlite", "postgres"])
def lake(request, tmp_path):
    """A filled database; its nights are text in SQLite and dates in PostgreSQL."""
    if request.param == "sqlite":
        yield Lake(f"sqlite:///{tmp_path / 'lake.db'}", sa.Text()).fill()
        return
    postgres = request.getfixturevalue("postgres")
    name = postgres.create()
    yield Lake(postgres.url(name), sa.Date()).fill()
    postgres.drop(name)


def declare(**changes):
    rows = Rows(columns=tides.declare().rows.columns, source=SqlTable(table="buoys", night="night", connection="lake"))
    labels = Labels(
        columns={"buoy": "string", "flooded": "int64"},
        target="flooded",
        source=SqlTable(table="floods", night="night", connection="lake"),
    )
    return tides.declare(**{"rows": rows, "labels": labels, **changes})


@pytest.fixture
def house(fresh, lake):
    """A place whose rows and labels lie in the database, and nowhere else."""
    for path in (fresh.home / "data" / "tides").rglob("*.parquet"):
        path.unlink()
    return fresh.changed(declare(), sources={"lake": lake.url})


def test_a_model_is_trained_and_a_night_published_from_tables_alone(house):
    assert run_training(house).promoted["promoted"]
    assert {path.stem for path in (house.home / "data/tides/rows").iterdir()} == {*tides.LABELLED}
    run_night(house, NIGHT)
    assert house.published(NIGHT)["buoy"].tolist() == sorted(tides.make_rows(NIGHT)["buoy"])


def test_what_is_taken_is_what_would_have_been_delivered(house):
    validate(house, NIGHT)
    taken = pq.read_table(house.rows(NIGHT))
    expected = pa.Table.from_pandas(tides.make_rows(NIGHT), schema=tides.SCHEMA, preserve_index=False)
    assert taken.equals(expected.sort_by("buoy"))


def test_the_same_rows_are_the_same_file_and_claim_nothing(house, lake):
    first = validate(house, NIGHT)
    before = house.rows(NIGHT).stat()
    lake.run("UPDATE buoys SET note = 'seen'")  # a column that nobody declared, and in PostgreSQL another order on disk
    since = house.ledger.now()
    assert validate(house, NIGHT) == first
    assert house.ledger.claims_since(since) == 0
    assert house.rows(NIGHT).stat().st_mtime_ns == before.st_mtime_ns


def test_a_night_that_changed_is_a_new_delivery(house, lake):
    run_training(house)
    run_night(house, NIGHT)
    lake.run("DELETE FROM buoys WHERE buoy = :buoy", buoy=f"{NIGHT}-00007")
    night = run_night(house, NIGHT)
    assert night.published["rows_in"] == tides.PER_NIGHT - 1
    assert f"{NIGHT}-00007" not in set(house.published(NIGHT)["buoy"])


def test_a_night_that_the_table_has_no_longer_stays_as_it_was_taken(house, lake):
    first = validate(house, NIGHT)
    lake.run("DELETE FROM buoys WHERE night = :night", night=lake.night(NIGHT))
    assert validate(house, NIGHT) == first


def test_a_night_that_never_was_is_said_with_those_there_are(house):
    with pytest.raises(RowsMissing, match=r"no row for night 2024-03-20. It has 9 nights, 2024-02-29 to 2024-03-08"):
        validate(house, "2024-03-20")
    assert "validate" in house.failed()


def test_training_takes_only_what_it_does_not_have(house, lake):
    run_training(house)
    lake.run("DROP TABLE floods")
    lake.run("DROP TABLE buoys")
    run_training(house)


def test_all_nights_are_taken_at_once(house, lake):
    made = deliver(house.settings, house.runtime.storage, house.pipeline, no_progress)
    assert (made.nights, made.written, made.unchanged, made.rows) == (9, 15, 0, 9 * tides.PER_NIGHT)
    assert (made.first, made.last) == (tides.LABELLED[0], tides.NIGHTS[-1])
    again = deliver(house.settings, house.runtime.storage, house.pipeline, no_progress)
    assert (again.written, again.unchanged) == (0, 15)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "ALTER TABLE buoys RENAME COLUMN wind TO winds",
            r"column 'wind' \(double\) is missing. Did you mean 'winds'\?",
        ),
        (
            "ALTER TABLE buoys RENAME COLUMN night TO nite",
            r"has no column 'night', which was to say the night. Did you mean 'nite'\?",
        ),
        (
            "ALTER TABLE buoys RENAME TO buoyz",
            r"table 'buoys' of connection 'lake' is not there. Did you mean 'buoyz'\?",
        ),
    ],
)
def test_a_table_that_is_not_as_declared(house, lake, change, said):
    lake.run(change)
    with pytest.raises(SchemaMismatch, match=said):
        validate(house, NIGHT)
    assert "validate" in house.failed()
    assert not house.rows(NIGHT).exists()


def test_a_column_of_another_type_is_said(house):
    columns = {**house.pipeline.rows.columns, "depth": "string"}
    wrong = house.changed(declare(rows=replace(house.pipeline.rows, columns=columns), features=["wind"]))
    with pytest.raises(SchemaMismatch, match="column 'depth': expected string, got int64"):
        validate(wrong, NIGHT)


def test_a_sensitive_value_of_another_type_is_not_quoted(house, lake):
    if lake.backend == "postgresql":
        lake.run("ALTER TABLE buoys ALTER COLUMN depth TYPE text")
    lake.run("UPDATE buoys SET depth = 'Ada Lovelace' WHERE buoy = :buoy", buoy=f"{NIGHT}-00290")
    secretive = house.changed(declare(rows=replace(house.pipeline.rows, sensitive=["depth"])))
    with pytest.raises(SchemaMismatch, match="column 'depth': expected int64, got") as stopped:
        validate(secretive, NIGHT)
    assert "Ada" not in str(stopped.value)


def test_a_value_of_another_type_in_sqlite_stops_the_night(house, lake):
    if lake.backend == "postgresql":
        lake.run("ALTER TABLE buoys ALTER COLUMN depth TYPE text")
    lake.run("UPDATE buoys SET depth = 'deep' WHERE buoy = :buoy", buoy=f"{NIGHT}-00290")
    with pytest.raises(SchemaMismatch, match=r"column 'depth': expected int64, got '?(deep|string)"):
        validate(house, NIGHT)
    assert not list((house.home / "data" / "tides" / "rows").iterdir())


def test_a_night_that_is_none(house, lake):
    if lake.backend == "postgresql":
        lake.run("ALTER TABLE floods ALTER COLUMN night TYPE text")
    lake.run("UPDATE floods SET night = 'tomorrow' WHERE buoy = :buoy", buoy=f"{tides.LABELLED[0]}-00001")
    with pytest.raises(SchemaMismatch, match="column 'night' holds 'tomorrow', which is no night"):
        run_training(house)


def test_a_database_that_is_down_can_be_tried_again(fresh):
    url = f"postgresql://me:{PASSWORD}@127.0.0.1:9/lake"
    house = fresh.changed(declare(), sources={"lake": url})
    with pytest.raises(
        SourceUnavailable, match=r"connection 'lake' does not give table 'buoys': .*the retry goes on"
    ) as caught:
        validate(house, NIGHT)
    assert caught.value.retryable
    assert PASSWORD not in str(caught.value)
    (entry,) = house.ledger.entries(step="validate", partition=NIGHT)
    assert "does not give table 'buoys'" in (entry.error or "")
    assert PASSWORD not in (entry.error or "")


def test_a_file_that_is_not_there_is_not_made(fresh, tmp_path):
    house = fresh.changed(declare(), sources={"lake": f"sqlite:///{tmp_path / 'nowhere.db'}"})
    with pytest.raises(SourceUnavailable, match="there is no file"):
        validate(house, NIGHT)
    assert not (tmp_path / "nowhere.db").exists()


def test_a_server_that_dies_in_the_middle_leaves_nothing(house, lake, monkeypatch):
    from pipelines.engine import sql_source

    monkeypatch.setattr(sql_source, "BATCH_ROWS", 50)
    array = sql_source.SqlReader._array
    seen = []

    def dying(self, values, field, kind, hidden):
        seen.append(field.name)
        if len(seen) == 8:
            raise sa.exc.OperationalError("SELECT", {}, Exception("server closed the connection unexpectedly"))
        return array(self, values, field, kind, hidden)

    with monkeypatch.context() as patch:
        patch.setattr(sql_source.SqlReader, "_array", dying)
        with pytest.raises(SourceUnavailable, match="server closed the connection"):
            validate(house, NIGHT)
    assert not (house.home / "data" / "tides" / "rows" / f"{NIGHT}.parquet").exists()
    assert validate(house, NIGHT)["rows_in"] == tides.PER_NIGHT, "in several batches"


@pytest.mark.parametrize(
    "url", ["mysql://me:swordfish-7@host/lake", "swordfish-7", "postgresql://me:swordfish-7@a@b:x/lake"]
)
def test_an_address_that_cannot_be(fresh, url):
    house = fresh.changed(declare(), sources={"lake": url})
    with pytest.raises((UsageError, SourceUnavailable), match="connection 'lake'") as caught:
        validate(house, NIGHT)
    assert PASSWORD not in str(caught.value)


def test_who_is_asked_where_a_database_is(fresh, tmp_path):
    settings = fresh.settings
    with pytest.raises(UsageError, match=r"Set NIGHTSHIFT_SOURCE_LAKE .* or add an Airflow connection 'lake'"):
        address_of(settings, "lake")
    assert address_of(settings, "lake", lambda name: f"postgresql://airflow/{name}") == "postgresql://airflow/lake"
    settings.databases.mkdir()
    (settings.databases / "lake.db").touch()
    assert address_of(settings, "lake", lambda name: "never asked") == f"sqlite:///{settings.databases / 'lake.db'}"
    said = replace(settings, sources={"lake": "sqlite:///said.db"})
    assert address_of(said, "lake") == "sqlite:///said.db"
    assert "said.db" not in repr(said), "it may hold a password"
