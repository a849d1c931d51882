"""`nightshift migrate`: bring the ledger's tables to this version."""

from __future__ import annotations

import click


@click.command
def migrate() -> None:
    """Create or upgrade the ledger's tables. Safe to run again, and by two at once."""
    from pipelines.engine.ledger.migrate import migrate as migrate_ledger
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.settings import read_settings

    url = read_settings().ledger_url
    migrate_ledger(url)
    click.echo(f"The ledger at {Ledger(url).where} is ready.")
