"""The documents as a program reads them: their pages, their shell blocks, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.support.clone import REPOSITORY

SHELL = ("sh", "bash", "console", "shell")
MARK = re.compile(r'<!-- not run(?: where it says (?P<lines>"[^"]+"(?:, "[^"]+")*))?: (?P<why>.+?) -->', re.DOTALL)
"""Stands before a shell block that no test runs, and says why; with a beginning in quotes, only lines that begin so."""


@dataclass(frozen=True)
class Block:
    """One fenced or indented block of code.

    Attributes:
        page: Path of the page in the repository.
        line: Where the block begins in it.
        language: As written behind the fence; None if it is indented.
        text: What stands in it.
        why_not: Why it is not run; None if it is.
        only: Of a block that is run in part: how lines begin that are not.
    """

    page: str
    line: int
    language: str | None
    text: str
    why_not: str | None = None
    only: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def run(self) -> list[str]:
        """The commands that a test runs."""
        if self.why_not and not self.only:
            return []
        return [command for command in self.commands if not command.startswith(self.only or ("\0",))]

    @property
    def commands(self) -> list[str]:
        """Its commands; one that goes over several lines is one."""
        commands, open_lines = [], ""
        for line in self.text.splitlines():
            open_lines += line + "\n"
            if _is_whole(open_lines):
                commands += filter(None, [_without_comment(open_lines.strip())])
                open_lines = ""
        assert not open_lines, f"{self}: a quote stays open"
        return commands


def _without_comment(command: str) -> str:
    """A command of one line without what is said beside it; longer ones are left as they are."""
    return command if "\n" in command else re.sub(r"(^|\s+)#.*$", "", command)


def _is_whole(text: str) -> bool:
    if text.rstrip().endswith("\\"):
        return False
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True


@cache
def pages() -> tuple[str, ...]:
    """Every page that people read, in the order in which a newcomer would."""
    first = ("README.md", "docs/index.md", "docs/tutorial.md")
    others = (*sorted((REPOSITORY / "docs").rglob("*.md")), REPOSITORY / "docker/README.md")
    found = (path.relative_to(REPOSITORY).as_posix() for path in others if path.exists())
    return (*first, *(page for page in found if page not in first))


def text_of(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


@cache
def blocks(page: str) -> tuple[Block, ...]:
    """The blocks of code of a page."""
    return tuple(_blocks(page, MarkdownIt("commonmark").enable("table").parse(text_of(page))))


def _blocks(page: str, tokens: list[Token]) -> Iterator[Block]:
    before: Token | None = None
    for token in tokens:
        if token.type in ("fence", "code_block"):
            language = token.info.split()[0] if token.info.strip() else ""
            mark = MARK.fullmatch(before.content.strip()) if before and before.type == "html_block" else None
            yield Block(
                page,
                (token.map or [0])[0] + 1,
                language if token.type == "fence" else None,
                token.content,
                " ".join(mark["why"].split()) if mark else None,
                tuple(re.findall(r'"([^"]+)"', mark["lines"] or "")) if mark else (),
            )
        before = token


def shell_blocks(page: str) -> list[Block]:
    return [block for block in blocks(page) if block.language in SHELL]


def commands_in(text: str) -> list[list[str]]:
    """Return the words of every `nightshift ...` in a text: lines of code that begin so, and code within sentences."""
    code = re.findall(r"^(nightshift .*)$", text, re.MULTILINE)
    code += [" ".join(line.split()) for line in re.findall(r"`(nightshift [^`]+)`", text)]
    return [words_of(line) for line in code]


def words_of(line: str) -> list[str]:
    """Return the words of a command up to a comment or a pipe."""
    words = shlex.split(line.replace("...", "x"), comments=True)
    return words[: words.index("|")] if "|" in words else words


def anchor_of(heading: str) -> str:
    """Return the anchor that code hosts, and MyST, give to a heading."""
    plain = re.sub(r"`|\*|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    return {anchor_of(line) for line in re.findall(r"^#{1,4} (.+)$", path.read_text(), re.MULTILINE)}
