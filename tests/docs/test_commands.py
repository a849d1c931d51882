"""Commands in the documents: those that can be run are run, in a clone, on real flights; all others say why not.

One test runs them all, one after the other, as a reader would: they share a home, and the model that was trained in it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clone import REPOSITORY, make_clone
from tests.support.command_line import check_command
from tests.support.documents import Block, blocks, commands_in, pages, shell_blocks, text_of

SHORTER = {"2013-12-01..2013-12-31": "2013-12-01..2013-12-03"}
"""A whole month is thirty times the same."""
FINDS = ("nightshift check-pipeline", "nightshift doctor")
"""They end with 1 when they find something, and in pipelines of one afternoon there is something to be found."""
INCIDENT, KEY = "3f9a1c", "3f9a1c0d2b44"
"""What pages call an incident and a key; in the clone they have other names."""
LONGEST = 300.0
FIRST_NIGHT = "2013-09-15"
"""Of the year that is delivered: enough to learn from, and a quarter of the time."""


class House:
    """A clone with a home of its own, in which a model of the flights is trained and nights are published."""

    def __init__(self, root: Path) -> None:
        self.root = make_clone(root)
        shutil.copytree(REPOSITORY / "docker", root / "docker")
        programs = {"nightshift": '-c "from nightshift.cli import main; main()"', "python": ""}
        (root / "bin").mkdir()
        for name, words in programs.items():
            program = root / "bin" / name
            program.write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
            program.chmod(0o755)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))},
            "PYTHONPATH": f"{root}{os.pathsep}{root / 'plugins'}",
            "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(root / "airflow"),
        }
        self.names: dict[str, str] = dict(SHORTER)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command line as bash would, and return how it ended."""
        for name, ours in self.names.items():
            command = command.replace(name, ours)
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.root,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
            stdin=subprocess.DEVNULL,
        )

    def must(self, command: str) -> str:
        done = self.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def live_in(self) -> None:
        """Train, publish three nights, and let one of them be in trouble, so that every page finds what it speaks of."""
        self.must("nightshift migrate")
        self.must("nightshift data flights")
        for path in (self.root / ".nightshift/data/flights").glob("*/*.parquet"):
            if path.stem < FIRST_NIGHT:
                path.unlink()
        self.must("nightshift train flights --as-of 2013-11-01")
        self.must("nightshift score flights 2013-11-17..2013-11-19")
        [key, *_] = json.loads(self.must("nightshift keys list flights --night 2013-11-19 --step publish --json"))
        self.names |= {KEY: key["key"][: len(KEY)], INCIDENT: self._trouble(key["key"]), "2026-11-": "2013-11-"}

    def _trouble(self, key: str) -> str:
        from tests.pipelines.engine.incidents.nights import DUE, ID, verdict
        from tests.pipelines.engine.incidents.shop import Shop

        shop = Shop(f"sqlite:///{self.root / '.nightshift' / 'ledger.db'}")
        shop.settle(verdict("failed", key=key, step="publish", reason="the disk is full"), now=DUE)
        shop.close()
        return ID[:12]


@pytest.mark.timeout(1200)
def test_every_shell_block_is_run_or_says_why_not(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.live_in()
    done: set[str] = set()
    trouble = []
    for block in (block for page in pages() for block in shell_blocks(page)):
        for command in block.run:
            if command in done:  # many pages begin with the same look around
                continue
            done.add(command)
            ended = house.run(command)
            if ended.returncode > command.startswith(FINDS) or "Traceback" in ended.stderr:
                trouble.append(f"{block}: {command}\nended with {ended.returncode}: {ended.stdout}{ended.stderr}")
    assert not trouble, "\n\n".join(trouble)
    assert len(done) > 30
    nights = json.loads(house.must("nightshift status parcels --json"))
    assert [night["night"] for night in nights] == ["2026-02-20", "2026-02-21", "2026-02-22"]
    assert all(night["state"] == "published" for night in nights)
    assert all(night["rows_in"] == night["rows_scored"] + night["rows_quarantined"] == 400 for night in nights)


@pytest.mark.parametrize("page", pages())
def test_a_mark_names_lines_that_are_there(page: str) -> None:
    for block in shell_blocks(page):
        for beginning in block.only:
            assert any(command.startswith(beginning) for command in block.commands), f"{block}: nothing begins so"


@pytest.mark.parametrize("page", pages())
def test_commands_stand_in_blocks_that_say_they_are_shell(page: str) -> None:
    for block in blocks(page):
        if block.language in (None, ""):
            begin = [line for line in block.text.splitlines() if line.startswith("nightshift ")]
            assert not begin, f"{block}: put it between ```sh and ```: {begin[0]}"


@pytest.mark.parametrize("page", pages())
def test_every_command_of_a_page_exists_with_its_options(page: str) -> None:
    in_blocks = {" ".join(words) for block in shell_blocks(page) for words in commands_in(block.text)}
    for words in commands_in(text_of(page)):
        line = " ".join(words)
        check_command(words[1:], f"{page}: {line}", whole=line in in_blocks)


def test_blocks_are_found_and_marks_are_read() -> None:
    found = [block for page in pages() for block in shell_blocks(page)]
    assert len(found) > 40
    assert all(isinstance(block, Block) for block in found)
    assert all(len(block.why_not) > 9 for block in found if block.why_not), "a reason is a sentence"
