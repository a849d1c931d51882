"""`nightshift migrate`: bring the ledger's tables to this version, or back."""

from __future__ import annotations

from pathlib import Path

import click

from nightshift.commands.show import json_option, print_json


@click.command(short_help="Create or upgrade the ledger's tables; go back with --to.")
@click.option(
    "--to", metavar="REVISION", help="Another revision than this version's own, such as 0003; an earlier one goes back."
)
@click.option(
    "--grants",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="SQL that gives rights on the tables, to be run with them: docker/postgres/ledger_grants.sql.",
)
@click.option("--discard", is_flag=True, help="Going back: lose what the earlier revision has no place for.")
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if there is something to do.")
@click.option("--sql", is_flag=True, help="Change nothing; print the SQL, for whoever runs it by hand.")
@json_option
def migrate(to: str | None, grants: Path | None, discard: bool, check: bool, sql: bool, as_json: bool) -> None:
    """Create or upgrade the ledger's tables. Safe to run again, by two at once, and while workers work.

    All steps are one transaction. Going back refuses to lose rows, unless told to with --discard.

    \b
    Examples:  nightshift migrate
               nightshift migrate --check
               nightshift migrate --to 0004
    """
    from pipelines.engine.errors import UsageError
    from pipelines.engine.ledger.migrate import look, written_down
    from pipelines.engine.ledger.migrate import migrate as migrate_ledger
    from pipelines.engine.ledger.schema import REVISION
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.settings import read_settings

    if sum((check, sql, discard)) > 1:
        raise UsageError("--check and --sql change nothing, and --discard belongs to a change: give one of them")
    url, wanted = read_settings().ledger_url, to or REVISION
    rights = grants.read_text(encoding="utf-8") if grants else None
    found = look(url, to=wanted) if check or sql else migrate_ledger(url, to=wanted, discard=discard, grants=rights)
    if sql:
        click.echo(written_down(url, found), nl=False)
    elif as_json:
        print_json(found)
    else:
        _say(Ledger(url).where, found.steps, found.to, back=found.back, check=check)
    if check and found.steps:
        raise SystemExit(1)


def _say(where: str, steps: tuple[str, ...], to: str, *, back: bool, check: bool) -> None:
    if not steps or not check:
        click.echo(f"The ledger at {where} is ready{'' if not back else f', at revision {to}'}.")
    else:
        click.echo(f"The ledger at {where} is not at revision {to}: {'undo' if back else 'apply'} {', '.join(steps)}.")
