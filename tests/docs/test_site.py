"""The site is built from the pages without a warning, its links lead somewhere, and it needs nobody else to be read."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from filelock import FileLock

import nightshift
from tests.support.clone import REPOSITORY

LOADED = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src", "video": "src"}
"""What a browser fetches by itself; a link is only followed by a reader who wants to."""


@dataclass
class Page:
    """What stands in a page for others: its anchors, where its links lead, what it loads."""

    anchors: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attributes if value is not None}
        if "id" in given:
            self.page.anchors.add(given["id"])
        if tag == "a" and "href" in given:
            self.page.links.add(given["href"])
        if tag in LOADED and given.get(LOADED[tag]):
            self.page.loads.add(given[LOADED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The built site; processes that run tests side by side share one."""
    if worker_id == "master":
        return build(tmp_path_factory.mktemp("site"))
    root = tmp_path_factory.getbasetemp().parent / "site"
    with FileLock(f"{root}.lock"):
        return root / "html" if (root / "done").exists() else build(root)


def build(root: Path) -> Path:
    options = ["--fail-on-warning", "--keep-going", "--quiet", "-d", str(root / "cache")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(REPOSITORY / "docs"), str(root / "html")],
        env={**os.environ, "AIRFLOW_HOME": str(root / "airflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (root / "done").touch()
    return root / "html"


@pytest.fixture(scope="module")
def read(site: Path) -> dict[str, Page]:
    found = {}
    for path in sorted(site.rglob("*.html")):
        reader = Reader()
        reader.feed(path.read_text(encoding="utf-8"))
        found[path.relative_to(site).as_posix()] = reader.page
    return found


def test_every_document_is_a_page(site: Path) -> None:
    documents = {path.relative_to(REPOSITORY / "docs") for path in (REPOSITORY / "docs").rglob("*.md")}
    assert len(documents) > 40
    assert all((site / document.with_suffix(".html")).exists() for document in documents)


def test_every_link_leads_somewhere(site: Path, read: dict[str, Page]) -> None:
    wrong = []
    for name, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto"):
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            there = target.resolve().relative_to(site.resolve()).as_posix() if target.exists() else None
            if there is None or (
                parts.fragment and there in read and unquote(parts.fragment) not in read[there].anchors
            ):
                wrong.append(f"{name} leads to {link}")
    assert not wrong, "\n".join(wrong)


def test_links_to_elsewhere_are_listed_and_encrypted(read: dict[str, Page]) -> None:
    """They are not followed: a test needs no network, and a site that is down is not a mistake of ours."""
    elsewhere = sorted({link for page in read.values() for link in page.links if urlsplit(link).netloc})
    print(*elsewhere, sep="\n")  # noqa: T201 - `pytest -s` lists them
    assert not [
        link for link in elsewhere if urlsplit(link).scheme != "https" and urlsplit(link).hostname != "127.0.0.1"
    ]


def test_nothing_is_loaded_from_another_host(site: Path, read: dict[str, Page]) -> None:
    foreign = {f"{name}: {load}" for name, page in read.items() for load in page.loads if urlsplit(load).netloc}
    assert not foreign
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import\s)['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_every_public_name_has_its_text_in_the_reference(read: dict[str, Page]) -> None:
    anchors = read["reference/python.html"].anchors
    assert {f"nightshift.{name}" for name in nightshift.__all__} <= anchors
    assert {f"pipelines.engine.pipeline.{name}" for name in ("Pipeline", "Rows", "Labels", "Gate", "Window")} <= anchors


def test_every_command_has_its_text_in_the_reference(site: Path) -> None:
    from nightshift.cli import cli

    text = (site / "reference/command-line.html").read_text(encoding="utf-8")
    missing = [
        name for name in cli.commands if f"nightshift {name}" not in text and f'id="nightshift-{name}' not in text
    ]
    assert not missing


def test_every_variable_is_in_the_reference_with_its_meaning(site: Path) -> None:
    text = (site / "reference/settings.html").read_text(encoding="utf-8")
    read = set(re.findall(r"\"(NIGHTSHIFT_\w+)\"", (REPOSITORY / "pipelines/engine/settings.py").read_text()))
    assert {name for name in read if name not in text} == set()
    assert "sqlite:///$NIGHTSHIFT_HOME/ledger.db" in text
    assert str(REPOSITORY) not in text, "a default is not the place where the site was built"


def test_a_search_finds_words_without_a_server(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert all(word in index for word in ("quarantin", "fenc", "backfil"))
