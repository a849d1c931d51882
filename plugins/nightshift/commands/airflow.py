"""`nightshift airflow`: Airflow's own command line, for the Airflow that `nightshift up` starts."""

from __future__ import annotations

import click


@click.command(
    short_help="Run Airflow's own command line on it.",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def airflow(arguments: tuple[str, ...]) -> None:
    """Run Airflow's own command line on the Airflow that `nightshift up` started.

    \b
    Examples:  nightshift airflow --help
               nightshift airflow backfill create --dag-id flights_scoring \\
                   --from-date 2013-11-08 --to-date 2013-11-11    (the nights 8, 9 and 10)
    """
    import os
    import sys
    from pathlib import Path

    from nightshift.embedded.layout import Layout
    from pipelines.engine.errors import UsageError
    from pipelines.engine.settings import REPOSITORY, read_settings

    layout = Layout(read_settings().home, REPOSITORY)
    if not layout.configuration.exists():
        raise UsageError("there is no Airflow here yet. Run `nightshift up` (or `nightshift demo`) first.")
    program = Path(sys.executable).with_name("airflow")
    environment = {**os.environ, "AIRFLOW_HOME": str(layout.airflow_home)}
    os.execve(program, ["airflow", *arguments], environment)  # noqa: S606 - the program of our own environment
