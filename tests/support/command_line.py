"""Whether a command that somebody wrote down exists, with its options: read as click would read it, and not run."""

from __future__ import annotations

import click

from nightshift.cli import cli

AIRFLOW = "airflow"


def check_command(words: list[str], line: str, *, whole: bool = True) -> None:
    """Assert that the command line has the command and each of its options.

    Args:
        words: After `nightshift`.
        line: To say what is wrong.
        whole: Whether it could be run as it stands; else arguments may be missing, as in a sentence about a command.
    """
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None and command.invoke_without_command:
            break
        assert found is not None, f"there is no command: {line}"
        command, context, words = found, click.Context(found, parent=context), words[1:]
    if command.name == AIRFLOW:
        check_airflow(words, line)
        return
    if isinstance(command, click.Group) and not command.invoke_without_command:
        assert not words or words[0] in ("-h", "--help", "--version"), f"there is no command: {line}"
        return
    try:
        command.make_context(command.name, list(words), resilient_parsing=False)
    except click.MissingParameter:
        assert not whole, f"a word is missing: {line}"
    except click.exceptions.Exit:  # --help
        pass
    except click.UsageError as error:
        raise AssertionError(f"{error.format_message()}: {line}") from error


def check_airflow(words: list[str], line: str) -> None:
    """Assert that Airflow's command line has the command and its options."""
    from airflow.cli.cli_parser import get_parser

    if not words:
        return
    try:
        get_parser().parse_args(words)
    except SystemExit as ended:
        raise AssertionError(f"Airflow does not know: {line}") from ended
