"""Runbooks as pages: the same Markdown files that messages name, with their links leading to pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from pipelines.engine.errors import UsageError, nearest
from pipelines.engine.settings import REPOSITORY

FOLDER = REPOSITORY / "docs" / "runbooks"
_LINK = re.compile(r'href="(?!https?://|#)([^"]*?)([a-z-]+)\.md(#[^"]*)?"')


@dataclass(frozen=True)
class Runbook:
    """A page that says what to do about an alert."""

    name: str
    title: str
    body: Markup


def read_runbook(name: str) -> Runbook:
    """Return a runbook as HTML.

    Raises:
        UsageError: There is none of that name.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.md"))
    if name not in known:
        listed = f" There are: {', '.join(known)}." if known else " This installation has no docs/runbooks folder."
        raise UsageError(f"there is no runbook {name[:60]!r}.{nearest(name, known)}{listed}")
    return _rendered(name)


@cache
def _rendered(name: str) -> Runbook:
    from markdown_it import MarkdownIt

    text = (FOLDER / f"{name}.md").read_text()
    first, _, rest = text.partition("\n")
    made = MarkdownIt("commonmark", {"html": False}).enable("table").render(rest)
    return Runbook(name, first.lstrip("# ").strip(), Markup(_LINK.sub(_to_a_page, made)))  # noqa: S704 - our own files


def _to_a_page(link: re.Match[str]) -> str:
    """Lead from one runbook to another by its page; what is no runbook is named and not linked."""
    folder, name, _ = link.groups()
    return f'href="{name}"' if folder in ("", "./") and (FOLDER / f"{name}.md").exists() else ""
