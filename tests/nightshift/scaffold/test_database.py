"""A table of a database as the source of a new pipeline."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from nightshift.drill.servers import DatabaseServer
from nightshift.scaffold.choices import design
from nightshift.scaffold.create import Created
from nightshift.scaffold.database import export
from nightshift.scaffold.looking import look
from nightshift.scaffold.opening import columns_at, opened, shown
from nightshift.scaffold.values import Design, Wishes
from pipelines.engine.errors import RowsMissing, SchemaMismatch, SourceUnavailable, UsageError
from tests.nightshift.scaffold.tables import NIGHTS, PER_NIGHT, rentals, write_rentals

WISHES = Wishes(
    name="rentals",
    source="",
    table="rentals",
    ids=("shop",),
    label="bikes",
    partition="day",
    task="regression",
    owner="us",
)


def designed(wishes: Wishes) -> Design:
    with opened(wishes) as data:
        return design(wishes, look(data.connection, wishes, data.unread))


@pytest.fixture
def wishes(tmp_path) -> Wishes:
    return replace(WISHES, source=write_rentals(tmp_path))


def alter(wishes: Wishes, *statements: str) -> None:
    engine = sa.create_engine(wishes.source)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def test_a_table_is_looked_at_and_kept_as_it_is(wishes):
    made = designed(wishes)
    assert (made.seen.rows, len(made.seen.nights)) == (NIGHTS * PER_NIGHT, NIGHTS)
    assert made.rows == {"shop": "string", "town": "string", "temperature": "double", "is_holiday": "int64"}
    assert made.labels == {"shop": "string", "bikes": "double"}


def test_whole_numbers_with_gaps_stay_whole_and_the_suite_is_told(wishes):
    alter(wishes, "UPDATE rentals SET is_holiday = NULL WHERE shop = 'shop-001'")
    made = designed(wishes)
    assert (made.rows["is_holiday"], made.gaps) == ("int64", ("is_holiday",))


@pytest.mark.postgres
def test_the_same_holds_for_postgres_and_no_password_is_shown(postgres: DatabaseServer):
    name = postgres.create()
    url = postgres.url(name)
    frame = rentals().assign(opened_at="2026-01-01T00:00:00Z")
    engine = sa.create_engine(url)
    frame.to_sql("rentals", engine, index=False)
    wishes = replace(WISHES, source=url)
    alter(
        wishes,
        "ALTER TABLE rentals ALTER day TYPE date USING day::date",
        "ALTER TABLE rentals ALTER opened_at TYPE timestamptz USING opened_at::timestamptz",
        "ALTER TABLE rentals ALTER temperature TYPE numeric(6, 1)",
    )
    try:
        made = designed(wishes)
        assert made.rows == {"shop": "string", "town": "string", "temperature": "double", "is_holiday": "int64"}
        assert made.left_out["opened_at"].startswith("is a time")
        assert columns_at(url, "rentals")["day"] == "timestamp"
    finally:
        engine.dispose()
        postgres.drop(name)


def test_the_next_command_says_where_the_database_is_and_hides_the_password(wishes, tmp_path):
    first = Created(designed(wishes), ()).next_commands[0]
    assert first == f"export NIGHTSHIFT_SOURCE_RENTALS=sqlite:///{tmp_path}/shops.db"
    secret = replace(wishes, source="postgresql://ada:geheim123@db.example.org/shops")
    assert "geheim123" not in export(secret) + shown(secret)
    assert "db.example.org/shops" in export(secret)


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["UPDATE rentals SET bikes = NULL WHERE day > '2026-03-15'"], "bikes' is missing in 240 rows.*--labels-table"),
        (["DELETE FROM rentals WHERE day > '2026-03-03'"], "there are 2 nights"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused_in_words(wishes, statements, words):
    alter(wishes, *statements)
    with pytest.raises(UsageError, match=words):
        designed(wishes)


def test_labels_that_come_later_are_read_from_a_view(wishes):
    alter(wishes, "UPDATE rentals SET bikes = NULL WHERE day > '2026-03-15'")
    assert designed(replace(wishes, labels_table="known_rentals")).seen.labelled == (NIGHTS - 2) * PER_NIGHT


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"table": None}, UsageError, "say --table as well"),
        ({"table": "rental"}, SchemaMismatch, "Did you mean 'rentals'"),
        ({"table": "rentals; DROP TABLE rentals"}, UsageError, "expected a name"),
        ({"partition": "dya"}, UsageError, "--partition 'dya': no such column. Did you mean 'day'"),
        ({"partition": "temperature"}, UsageError, "must be a date, or text"),
        ({"ids": ("day", "shop")}, UsageError, "is the night itself"),
        ({"source": "rentals.csv"}, UsageError, "--table is for databases"),
        ({"source": "sqlite:////nowhere/shops.db"}, SourceUnavailable, "there is no file"),
        ({"source": "mysql://host/shops"}, UsageError, "leads to mysql"),
    ],
)
def test_a_database_that_cannot_be_read_is_refused_in_words(wishes, changes, error, words):
    with pytest.raises(error, match=words):
        designed(replace(wishes, **changes))


def test_an_empty_table_is_said(wishes):
    alter(wishes, "DELETE FROM rentals")
    with pytest.raises(RowsMissing, match="table 'rentals' holds no row"):
        designed(wishes)
