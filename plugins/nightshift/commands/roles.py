"""`nightshift roles`: who may do what, where Airflow and MLflow ask for a login."""

from __future__ import annotations

from pathlib import Path

import click

from nightshift.commands.show import print_table


@click.group
def roles() -> None:
    """Logins and roles of a shared Airflow and of MLflow's server."""


@roles.command
@click.option(
    "--logins",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Make these people, too: a JSON object of admin, operator, author, viewer and their passwords.",
)
def sync(logins: Path | None) -> None:
    """Tell Airflow's FAB auth manager our roles, and who has them. Safe to run again.

    The roles are NightshiftViewer, NightshiftAuthor and NightshiftOperator; what each may do is in docs/roles.md. Each login
    of FILE gets its role and its password; passwords are shown nowhere. Other roles and other people stay as they are.

    \b
    Example:  nightshift roles sync --logins docker/secrets/logins.json
    """
    from nightshift.roles.fab import sync as sync_with_fab
    from nightshift.roles.logins import read_logins

    changes = sync_with_fab(read_logins(logins) if logins else ())
    print_table(("what", "name", "came of it"), [(change.what, change.name, change.came_of_it) for change in changes])
