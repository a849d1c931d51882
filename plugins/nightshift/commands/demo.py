"""`nightshift demo`: a model and a week of nights, through real Airflow."""

from __future__ import annotations

import click

from nightshift.commands.tree import port_option, tasks_option


@click.command(short_help="Train on real flights and score a week, through real Airflow.")
@port_option
@tasks_option
@click.option("--stack", is_flag=True, help="Through the stack that `nightshift stack up` started.")
def demo(port: int | None, tasks: int, stack: bool) -> None:
    """Train a model on real flights and score a week of nights, through real Airflow on this machine.

    Run it again: nothing is done twice, and it says so.
    """
    if stack:
        from nightshift.stack.demonstration import run_on_stack
        from nightshift.stack.run import Stack
        from pipelines.engine.settings import read_settings

        run_on_stack(Stack(read_settings().home))
        return
    from nightshift.demonstration import run_demonstration, show_summary

    show_summary(run_demonstration(port=port, tasks=tasks))
