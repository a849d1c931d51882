"""`nightshift migrate`: bring the ledger's tables to this version."""

from __future__ import annotations

from pathlib import Path

import click


@click.command
@click.option(
    "--grants",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="SQL that gives rights on the tables, to be run with them: docker/postgres/ledger_grants.sql.",
)
def migrate(grants: Path | None) -> None:
    """Create or upgrade the ledger's tables. Safe to run again, and by two at once."""
    from pipelines.engine.ledger.migrate import migrate as migrate_ledger
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.settings import read_settings

    url = read_settings().ledger_url
    migrate_ledger(url, grants=grants.read_text(encoding="utf-8") if grants else None)
    click.echo(f"The ledger at {Ledger(url).where} is ready.")
