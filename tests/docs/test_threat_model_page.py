"""Claims of the threat model name tests and lines of the checklist that exist."""

from __future__ import annotations

import re

from tests.support.clone import REPOSITORY

TEXT = (REPOSITORY / "docs/threat-model.md").read_text()
ROW = re.compile(r"^\| (?!claim|---)(.+?) \| (.+?) \|$", re.MULTILINE)


def test_tests_that_are_named_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
    assert len(named) > 20
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (REPOSITORY / file).is_file()
        or not re.search(rf"^\s*(async )?def {test}\(", (REPOSITORY / file).read_text(), re.MULTILINE)
    ]
    assert not missing


def test_every_claim_names_what_shows_it() -> None:
    tables = re.findall(r"^\| claim \| shown by \|\n(?:\|.*\n)+", TEXT, re.MULTILINE)
    rows = [row for table in tables for row in ROW.findall(table)]
    assert len(rows) > 25
    bare = [claim for claim, shown in rows if "tests/" not in shown and ".md" not in shown and "docker/" not in shown]
    assert not bare


def test_each_actor_says_what_is_not_defended() -> None:
    sections = TEXT.split("\n## ")[1:]
    silent = [section.splitlines()[0] for section in sections if "**Not defended.**" not in section]
    assert silent == ["What is worth something", "Who there is"]
