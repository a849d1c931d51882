"""Processes that end by themselves: started anew, later each time, and given up in the end if nights rest upon them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from nightshift.embedded.mending import LONGEST_PAUSE_SECONDS, MOST_RESTARTS, WINDOW_SECONDS, mending
from nightshift.embedded.tree import AirflowTree
from tests.nightshift.embedded.trees import eventually

STAND_IN = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(600)\n"


def test_each_restart_waits_twice_as_long():
    pauses = [mending([100.0] * count, essential=True).at - 100.0 for count in range(1, MOST_RESTARTS + 1)]
    assert pauses == [1.0, 2.0, 4.0]


def test_what_nights_rest_upon_is_given_up_when_it_keeps_dying():
    assert mending([100.0] * (MOST_RESTARTS + 1), essential=True).at is None


def test_deaths_of_long_ago_do_not_count():
    deaths = [0.0, 1.0, 2.0, 3.0, 3.0 + WINDOW_SECONDS]
    assert mending(deaths, essential=True).at == deaths[-1] + 1.0


def test_a_companion_is_never_given_up():
    assert mending([50.0] * 1000, essential=False).at == 50.0 + LONGEST_PAUSE_SECONDS


@pytest.fixture
def tree(tmp_path):
    """A tree of which only the companion runs."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    pids = tmp_path / "pids"
    tree = AirflowTree(tmp_path / "home", tmp_path, companions={"watch": ("stand_in", str(pids))})
    tree.environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    tree._spawn("watch")
    with tree:
        yield tree


def test_a_companion_that_dies_is_started_anew_and_takes_nothing_with_it(tree, tmp_path):
    pids: Path = tmp_path / "pids"
    told: list[str] = []

    def started(count: int) -> bool:
        tree.mend(told.append)
        return pids.exists() and len(pids.read_text().splitlines()) == count

    assert eventually(lambda: started(1), 20)
    os.kill(int(pids.read_text()), signal.SIGKILL)
    assert eventually(lambda: started(2), 20)
    assert "The watch ended by signal 9" in told[0]
    assert told[-1] == "watch was started anew"
    tree.check()


def test_a_companion_ends_with_the_tree(tree, tmp_path):
    pids: Path = tmp_path / "pids"
    assert eventually(pids.exists, 20)
    tree.stop()
    assert not Path(f"/proc/{pids.read_text().strip()}").exists()
