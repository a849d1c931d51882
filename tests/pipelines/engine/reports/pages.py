"""Reads a report as a browser would: well-formed, and needing nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "br"}


class Page(HTMLParser):
    """A report: its text, and where it leads.

    Attributes:
        text: What a person reads, with single spaces.
        links: Where its links lead.
        loaded: What it would load from elsewhere.
        named: The text alternatives of its charts.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.html = "", html
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.named: list[str | None] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.text = " ".join(self.text.split())
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.links += [given["href"]] if tag == "a" else []
        self.loaded += [str(given[name]) for name in ("src", "srcset", "data") if name in given]
        self.loaded += [tag] if tag in ("script", "link", "iframe", "object", "img") else []
        if given.get("role") == "img":
            self.named.append(given.get("aria-label"))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open[-1] == tag, f"</{tag}> where <{self._open[-1]}> is open"
        self._open.pop()

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += f"{data} "


def read(path: str) -> Page:
    """The page in a file, which loads nothing and whose charts can be read aloud."""
    page = Page(Path(path).read_text())
    assert page.loaded == []
    assert "url(" not in page.html
    assert "@import" not in page.html
    assert all(page.named)
    assert re.search(r"<html lang=\"en\">", page.html)
    return page
