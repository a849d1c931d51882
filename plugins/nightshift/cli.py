"""The command line: `nightshift`. Each command lives in `nightshift.commands` and imports what is heavy when it runs."""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from data_checks.errors import DataCheckError
from model_registry.errors import RegistryError
from nightshift.commands import COMMANDS
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


class Commands(click.Group):
    """Turns our own errors into sentences instead of tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except SPOKEN as error:
            raise Spoken(error) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer meets them."""
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("-v", "--verbose", is_flag=True, help="Show what each step does, as in a task log.")
@click.version_option(package_name="nightshift")
def cli(verbose: bool) -> None:
    """Score every night's rows exactly once, by a model that earned its place.

    \b
    Start here:   nightshift demo
    Then look:    nightshift up
    Your own:     nightshift score flights 2013-11-19
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its retries; what comes of them is said by us
    if verbose:
        logging.getLogger("pipelines").setLevel(logging.INFO)
    open_home(read_settings().home)


for _command in COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run `nightshift`."""
    cli()
