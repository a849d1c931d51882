"""The command line: `nightshift`. Each command lives in `nightshift.commands` and imports what is heavy when it runs."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from data_checks.errors import DataCheckError
from model_registry.errors import RegistryError
from nightshift.commands import COMMANDS, SECTIONS
from nightshift.commands.failure import Failure, Told
from nightshift.commands.show import print_json
from nightshift.embedded.errors import EmbeddedError
from pipelines.engine.errors import DeclarationError, NightshiftError, UsageError
from pipelines.engine.home import open_home
from pipelines.engine.settings import read_settings

SPOKEN = (NightshiftError, RegistryError, DataCheckError, EmbeddedError)
WRONG_USAGE = (UsageError, DeclarationError)


class Spoken(click.ClickException):
    """An error that says what is wrong; exit code 2 for wrong usage, 1 for work that failed."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self._wrong_usage = isinstance(error, WRONG_USAGE)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return what a program sees."""
        return 2 if self._wrong_usage else 1


AS_JSON = "nightshift.as_json"


class Commands(click.Group):
    """Turns our own errors into sentences instead of tracebacks, and into JSON as well where JSON was asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of the command line."""
        ctx.meta[AS_JSON] = "--json" in args
        with _errors_told(as_json=ctx.meta[AS_JSON]):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _errors_told(as_json=ctx.meta[AS_JSON]):
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands by what they are for."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each thing that commands are for."""
        width = max(len(name) for name in self.commands)
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(f"{command.name:<{width}}", command.get_short_help_str(limit=80)) for command in commands]
                )


@contextmanager
def _errors_told(*, as_json: bool) -> Iterator[None]:
    """Say what is wrong on stderr; with `--json` a program finds the same on stdout."""
    try:
        yield
    except SPOKEN as error:
        spoken = Spoken(error)
        if as_json:
            print_json(Told(Failure(type(error).__name__, str(error), spoken.exit_code)))
        raise spoken from error
    except click.ClickException as error:
        if as_json:
            print_json(Told(Failure(type(error).__name__, error.format_message(), error.exit_code)))
        raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("-v", "--verbose", is_flag=True, help="Show what each step does, as in a task log.")
@click.version_option(package_name="nightshift")
def cli(verbose: bool) -> None:
    """Score every night's rows exactly once, by a model that earned its place.

    \b
    Start here:        nightshift demo
    Is all well?       nightshift status
    What went wrong?   nightshift incidents
                       nightshift night last
                       nightshift explain KEY
    Airflow's pages:   nightshift up

    Exit code 0: done. 1: the work failed, or something was found that needs somebody. 2: the command was not understood.
    """
    if os.environ.get("NO_COLOR"):
        click.get_current_context().color = False
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its retries; what comes of them is said by us
    warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")  # of a library that MLflow looks at
    if verbose:
        logging.getLogger("pipelines").setLevel(logging.INFO)
    settings = read_settings()
    open_home(settings.home)
    if settings.json_logs:
        from nightshift.telemetry.json_logs import json_lines

        click.get_current_context().with_resource(json_lines())


for _command in COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run `nightshift`."""
    cli()
