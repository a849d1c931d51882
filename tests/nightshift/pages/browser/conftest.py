"""One embedded Airflow that asks for a login, with nights to look at, and a browser: once for all tests of this folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from nightshift.embedded.client import AirflowClient
from nightshift.embedded.logins import load_or_make_logins
from nightshift.embedded.tree import AirflowTree
from tests.nightshift.pages.browser import stage
from tests.support.clone import REPOSITORY, make_clone

SCREENSHOTS = REPOSITORY / "build" / "screenshots"
"""Kept by CI, for people to look at."""
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@dataclass(frozen=True)
class House:
    """A copy of the repository whose Airflow is running."""

    root: Path
    url: str
    client: AirflowClient

    @property
    def pages(self) -> str:
        return f"{self.url}/nightshift"

    @property
    def environment(self) -> dict[str, str]:
        return environment_of(self.root)

    def nightshift(self, *words: str) -> str:
        command = [sys.executable, "-c", "from nightshift.cli import main; main()", *words]
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def free_port() -> int:
    """One of its own: the usual one may be taken by another test's Airflow a moment later."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def environment_of(root: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))}
    path = os.pathsep.join([str(root), str(root / "plugins")])
    return {**kept, "PYTHONPATH": path, "NIGHTSHIFT_HOME": str(root / ".nightshift"), "NIGHTSHIFT_COMPILE": "0"}


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Nights are made while Airflow starts; its ledger is there before both."""
    from pipelines.engine.ledger.migrate import migrate

    root = make_clone(tmp_path_factory.mktemp("house"))
    for other in {*(root / "dags").glob("*.py")} - {root / "dags/flights.py"}:
        other.unlink()
    ours = environment_of(root)
    shutil.copytree(REPOSITORY / "docs/runbooks", root / "docs/runbooks")
    (root / ".nightshift").mkdir()
    migrate(f"sqlite:///{root / '.nightshift/ledger.db'}")
    with (root / "stage.log").open("w") as log:
        making = subprocess.Popen([sys.executable, stage.__file__], cwd=root, env=ours, stdout=log, stderr=log)
        extra = {name: ours[name] for name in ("PYTHONPATH", "NIGHTSHIFT_HOME", "NIGHTSHIFT_COMPILE")}
        try:
            with AirflowTree(root / ".nightshift", root, port=free_port(), extra=extra, login=True) as tree:
                ready = tree.start()
                assert ready.import_errors == ()
                assert making.wait(300) == 0, (root / "stage.log").read_text()
                yield House(root, tree.url, tree.client)
        finally:
            making.kill()
            making.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass
class Visit:
    """A page in the browser, and what it said and asked for."""

    page: Page
    house: House
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: said.type in ("error", "warning") and self.troubles.append(said.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda asked: self._note_strangers(asked.url))

    def to(self, path: str) -> Page:
        """Open one of our pages, and wait until it is complete."""
        answer = self.page.goto(f"{self.house.pages}/{path}")
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        self.page.wait_for_load_state("networkidle")
        expect(self.page.get_by_text("Drawing the chart")).to_have_count(0)
        return self.page

    def _note_strangers(self, url: str) -> None:
        if not url.startswith((self.house.url, "data:", "blob:")):
            self.troubles.append(f"asked a stranger: {url}")


def logged_in(browser: Browser, house: House, name: str) -> BrowserContext:
    """Log in through Airflow's own form."""
    login = load_or_make_logins(house.root / ".nightshift/airflow/logins.json")[name]
    context = browser.new_context(viewport=WIDE, color_scheme="light")
    page = context.new_page()
    page.goto(f"{house.url}/auth/login")
    page.fill("input[name=username]", login.name)
    page.fill("input[name=password]", login.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/auth/login" not in url)
    page.close()
    return context


@pytest.fixture(scope="session")
def admin_context(browser: Browser, house: House) -> Iterator[BrowserContext]:
    context = logged_in(browser, house, "admin")
    yield context
    context.close()


@pytest.fixture(scope="session")
def viewer_context(browser: Browser, house: House) -> Iterator[BrowserContext]:
    context = logged_in(browser, house, "viewer")
    yield context
    context.close()


@pytest.fixture
def admin(admin_context: BrowserContext, house: House) -> Iterator[Visit]:
    """Whoever may do everything."""
    page = admin_context.new_page()
    yield Visit(page, house)
    page.close()


@pytest.fixture
def viewer(viewer_context: BrowserContext, house: House) -> Iterator[Visit]:
    """Whoever may look."""
    page = viewer_context.new_page()
    yield Visit(page, house)
    page.close()
