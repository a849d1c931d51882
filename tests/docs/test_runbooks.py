"""Every alert has a page that says what to do, and what it says to type exists."""

import re
import shlex
from typing import get_args

import click
import pytest

from nightshift.cli import cli
from pipelines.engine.incidents.message import Context, runbook_of, write_message
from pipelines.engine.incidents.values import SEVERITY_OF
from pipelines.engine.promises.values import Declaration
from pipelines.engine.promises.verdicts import AlertKind
from tests.pipelines.engine.incidents.nights import DUE, ID, Book, verdict
from tests.support.clone import REPOSITORY

HEADINGS = ["Meaning", "First look", "Mend", "How to tell users", "How to see that it is over"]
ALERTS = get_args(AlertKind)
PAGES = sorted((REPOSITORY / "docs/runbooks").glob("*.md"))
AIRFLOW = "airflow"


def commands_of(text: str) -> list[list[str]]:
    """Return the words of every `nightshift ...` in a page's code."""
    code = re.findall(r"^(nightshift .*)$", text, re.MULTILINE) + re.findall(r"`(nightshift [^`]+)`", text)
    return [shlex.split(line, comments=True) for line in code]


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_its_page(alert):
    assert (REPOSITORY / runbook_of(alert)).is_file()
    assert alert in SEVERITY_OF


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_has_the_five_headings_and_text_under_each(page):
    text = page.read_text()
    assert text.startswith("# ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert all(len(part.strip()) > 60 for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:])
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_every_page_exist(page):
    commands = commands_of(page.read_text())
    for words in commands:
        _check(words[1:], " ".join(words))


def _check(words: list[str], line: str) -> None:
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no command: {line}"
        command, words = found, words[1:]
    if command.name == AIRFLOW:
        _check_airflow(words, line)
        return
    # Read as click would read it, and not run.
    parsed = command.make_context(command.name, list(words), resilient_parsing=False)
    assert parsed.params is not None


def _check_airflow(words: list[str], line: str) -> None:
    from airflow.cli.cli_parser import get_parser

    try:
        get_parser().parse_args(words)
    except SystemExit as ended:
        raise AssertionError(f"Airflow does not know: {line}") from ended


@pytest.mark.parametrize("kind", ["scoring", "training", "other"])
@pytest.mark.parametrize("alert", ALERTS)
def test_commands_of_every_message_exist(alert, kind):
    declaration = Declaration("flights_scoring", kind=kind, pipeline=None if kind == "other" else "flights")
    book = Book()
    book.settle(verdict("failed", alert=alert, key="3f9a1c0d2b44ff", step="score"), now=DUE)
    message = write_message(book.incidents[ID], alert, Context(declaration), DUE)
    commands = commands_of(message.text.replace("Yours? ", ""))
    assert len(commands) >= 2
    for words in commands:
        _check(words[1:], " ".join(words))


def test_examples_of_the_help_are_commands_that_exist():
    for name, command in cli.commands.items():
        for line in re.findall(rf"^.*?(nightshift {name} [^#\n\\]*)$", str(command.help), re.MULTILINE):
            if "|" not in line and name != AIRFLOW:
                _check(shlex.split(line)[1:], line)
