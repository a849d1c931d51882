"""`nightshift live` and `up --live`: what they refuse, in sentences."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from nightshift.cli import cli
from pipelines.engine.replay import begin, interrupt, keep, run
from pipelines.engine.settings import read_settings
from pipelines.flights.live import recording

NOW = 1_795_168_358.0


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    return read_settings()


@pytest.fixture
def replay(home):
    return keep(home, run(begin(recording, "flights", now=NOW, speed=600.0), NOW))


def said(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == code, done.output
    return done.output


def test_without_a_replay_there_is_nothing_to_look_at(home):
    assert "Begin one: nightshift up --live" in said("live", "status", code=2)


def test_an_interrupted_replay_can_go_on(home, replay):
    interrupt(home)
    assert "Go on with it: nightshift up --live" in said("live", "status", code=2)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("slow", "2026-11-24", "--by", "soon"), "is no duration"),
        (("slow", "2026-11-24", "--by", "3h", "--task", "scor"), "Did you mean 'score'"),
        (("slow", "2013-11-24", "--by", "3h"), "not in the replay"),
        (("hold", "tomorrow"), "is not a night"),
    ],
)
def test_orders_that_cannot_be_are_refused(home, replay, words, reason):
    assert reason in said("live", *words, code=2)


def test_orders_are_given_shown_and_taken_back(home, replay):
    said("migrate")
    assert "18 s in real time" in said("live", "slow", "2026-11-24", "--by", "3h")
    said("live", "hold", "2026-11-25")
    assert '"held": {\n      "2026-11-25"' in said("live", "status", "--json")
    said("live", "release", "2026-11-25")
    assert '"held": {}' in said("live", "status", "--json")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--speed", "600"), "give --live as well"),
        (("--restart",), "give --live as well"),
        (("--live", "--at", "noon"), "is no time of day"),
        (("--live", "--at", "12:00"), "give a --speed as well"),
        (("--live", "--speed", "0"), "expected 1"),
    ],
)
def test_what_up_cannot_do_is_refused_before_anything_starts(home, words, reason):
    assert reason in said("up", *words, code=2)


def test_a_replay_at_another_speed_is_not_changed_by_the_way(home, replay):
    assert "goes on where it was" in said("up", "--live", "--speed", "60", code=2)
