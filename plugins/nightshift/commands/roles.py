"""`nightshift roles`: who may do what, where Airflow and MLflow ask for a login."""

from __future__ import annotations

from pathlib import Path

import click

from nightshift.commands.show import json_option, print_json, print_table

AUTH_CONFIG = "The server's own (MLFLOW_AUTH_CONFIG_PATH): database and administrator."
CREDENTIALS = "The pipelines' (as in ~/.mlflow/credentials): name and password."


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
@json_option
def sync(logins: Path | None, as_json: bool) -> None:
    """Tell Airflow's FAB auth manager our roles, and who has them. Safe to run again.

    The roles are NightshiftViewer, NightshiftAuthor and NightshiftOperator; what each may do is in docs/roles.md. Each login
    of FILE gets its role and its password; passwords are shown nowhere. Other roles and other people stay as they are.

    \b
    Example:  nightshift roles sync --logins docker/secrets/logins.json
    """
    from nightshift.roles.fab import sync as sync_with_fab
    from nightshift.roles.logins import read_logins

    changes = sync_with_fab(read_logins(logins) if logins else ())
    if as_json:
        print_json(changes)
        return
    print_table(("what", "name", "came of it"), [(change.what, change.name, change.came_of_it) for change in changes])


@roles.command
@click.option("--auth-config", type=click.Path(path_type=Path), required=True, metavar="FILE", help=AUTH_CONFIG)
@click.option("--credentials", type=click.Path(path_type=Path), required=True, metavar="FILE", help=CREDENTIALS)
@json_option
def mlflow(auth_config: Path, credentials: Path, as_json: bool) -> None:
    """Tell MLflow's server who may log in: its administrator and the pipelines. Safe to run again.

    Makes the tables of MLflow's logins or brings them to this version, and then both users, with the passwords of the files.
    It opens the database itself, so the server need not run, and one that runs notices within its cache's time.

    \b
    Example:  nightshift roles mlflow --auth-config docker/secrets/mlflow_auth.ini \\
                  --credentials docker/secrets/mlflow_credentials
    """
    from model_registry import settle_logins

    settled = settle_logins(auth_config, credentials)
    if as_json:
        print_json(settled)
        return
    print_table(("what", "name", "came of it"), [("user", login.name, login.came_of_it) for login in settled])
