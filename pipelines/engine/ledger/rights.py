"""What the role that asks may do in the ledger's database, as Postgres itself answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from pipelines.engine.ledger.schema import VERSION_TABLE, metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pipelines.engine.ledger.database import Database

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER")


@dataclass(frozen=True)
class Rights:
    """The rights of a role.

    Attributes:
        role: Its name.
        powers: Of the server: `superuser`, `create roles`, `create databases`, `replication`, `bypass row security`.
        owns: Tables of the ledger that it, or a role that it is a member of, owns, and so may drop.
        may: What it may do with each of the ledger's tables.
        makes_tables: Whether it may make tables beside them.
        others: Other databases of the server that it may connect to; templates aside.
    """

    role: str
    powers: tuple[str, ...]
    owns: tuple[str, ...]
    may: dict[str, tuple[str, ...]]
    makes_tables: bool
    others: tuple[str, ...]


def read_rights(database: Database) -> Rights | None:
    """Return the rights of the role that the ledger's URL names; None for SQLite, which has no roles.

    Raises:
        LedgerUnavailable: The database does not answer.
    """
    return database.do(_read)


def _read(connection: Connection) -> Rights | None:
    if connection.dialect.name != "postgresql":
        return None
    role = connection.execute(text("SELECT * FROM pg_roles WHERE rolname = current_user")).mappings().one()
    powers = {
        "superuser": role["rolsuper"],
        "create roles": role["rolcreaterole"],
        "create databases": role["rolcreatedb"],
        "replication": role["rolreplication"],
        "bypass row security": role["rolbypassrls"],
    }
    # https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-ACCESS
    tables = connection.execute(
        text(
            "SELECT relname, pg_has_role(current_user, relowner, 'USAGE') AS owned, ARRAY(SELECT p FROM unnest(:privileges) p"
            " WHERE has_table_privilege(current_user, pg_class.oid, p)) AS may"
            " FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname = ANY(:tables)"
        ),
        {"privileges": list(PRIVILEGES), "tables": [*metadata.tables, VERSION_TABLE]},
    ).all()
    others = connection.scalars(
        text(
            "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> current_database()"
            " AND has_database_privilege(current_user, datname, 'CONNECT') ORDER BY datname"
        )
    ).all()
    makes = connection.scalar(text("SELECT has_schema_privilege(current_user, current_schema(), 'CREATE')"))
    return Rights(
        role=role["rolname"],
        powers=tuple(name for name, has in powers.items() if has),
        owns=tuple(sorted(table.relname for table in tables if table.owned)),
        may={table.relname: tuple(table.may) for table in tables},
        makes_tables=bool(makes),
        others=tuple(others),
    )
