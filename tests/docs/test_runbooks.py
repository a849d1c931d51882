"""Every alert has a page that says what to do, and what its message says to type exists."""

import re
import shlex
from typing import get_args

import pytest

from nightshift.cli import cli
from pipelines.engine.incidents.message import Context, runbook_of, write_message
from pipelines.engine.incidents.values import SEVERITY_OF
from pipelines.engine.promises.values import Declaration
from pipelines.engine.promises.verdicts import AlertKind
from tests.pipelines.engine.incidents.nights import DUE, ID, Book, verdict
from tests.support.clone import REPOSITORY
from tests.support.command_line import AIRFLOW, check_command
from tests.support.documents import commands_in

HEADINGS = ["Meaning", "First look", "Mend", "How to tell users", "How to see that it is over"]
ALERTS = get_args(AlertKind)
PAGES = sorted((REPOSITORY / "docs/runbooks").glob("*.md"))


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


@pytest.mark.parametrize("kind", ["scoring", "training", "other"])
@pytest.mark.parametrize("alert", ALERTS)
def test_commands_of_every_message_exist(alert, kind):
    declaration = Declaration("flights_scoring", kind=kind, pipeline=None if kind == "other" else "flights")
    book = Book()
    book.settle(verdict("failed", alert=alert, key="3f9a1c0d2b44ff", step="score"), now=DUE)
    message = write_message(book.incidents[ID], alert, Context(declaration), DUE)
    commands = commands_in(message.text.replace("Yours? ", ""))
    assert len(commands) >= 2
    for words in commands:
        check_command(words[1:], " ".join(words))


def test_examples_of_the_help_are_commands_that_exist():
    for name, command in cli.commands.items():
        for line in re.findall(rf"^(?:[A-Z][\w ]*:)? *(nightshift {name} [^#\n\\]*)$", str(command.help), re.MULTILINE):
            if "|" not in line and name != AIRFLOW:
                check_command(shlex.split(line)[1:], line)
