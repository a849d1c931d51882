"""The page of the hardening checklist has a section for each check, and for nothing else."""

from __future__ import annotations

import re
import tomllib

from nightshift.hardening import CHECKS
from nightshift.hardening.accepted import parse_accepted
from tests.support.clone import REPOSITORY

TEXT = (REPOSITORY / "docs/hardening.md").read_text()


def test_each_check_has_its_section_below_its_theme_in_the_same_order() -> None:
    sections = re.findall(r"^(##|###) (.+)$", TEXT, re.MULTILINE)
    theme, found = "", []
    for level, title in sections:
        if level == "##":
            theme = title
        else:
            found.append((theme, title))
    assert found == [(check.theme, check.id) for check in CHECKS]


def test_risks_of_the_page_are_written_as_they_are_read() -> None:
    [block] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert len(tomllib.loads(block)["accepted"]) == len(parse_accepted(block, "hardening.md", [c.id for c in CHECKS]))


def test_every_section_says_something() -> None:
    parts = re.split(r"^### .+$", TEXT, flags=re.MULTILINE)[1:]
    assert all(len(re.split(r"^## ", part, flags=re.MULTILINE)[0].split()) > 8 for part in parts)
