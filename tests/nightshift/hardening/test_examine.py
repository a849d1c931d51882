"""Going through the checklist: what nobody could look at counts, accepted risks end, secrets are in no answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from nightshift.hardening import CHECKS, STOPS
from nightshift.hardening.accepted import parse_accepted, read_accepted
from nightshift.hardening.examine import examine
from nightshift.hardening.options import Option, Options
from nightshift.hardening.secrecy import concealed, weakness
from nightshift.hardening.sight import Sight
from nightshift.hardening.values import AnyCheck, Check, Fault, NotUsed, Unseen
from pipelines.engine.errors import DeclarationError
from pipelines.engine.runtime import no_progress
from pipelines.engine.settings import read_settings

TODAY = date(2026, 11, 20)
CANARY = "c4nary-pa55word"
GRAVE = Fault("a thing", "good", f"bad, with {CANARY}", "Mend it")
MILD = Fault("a thing", "good", "not bad", "Mend it", grave=False)


def raising(error: Exception) -> Callable[[Any], Any]:
    def look(_: Any) -> Any:
        raise error

    return look


def check(look: Callable[[Any], Any], judge: Callable[[Any], Iterable[Fault]] = lambda facts: facts) -> AnyCheck:
    return Check("a-check", "Things", "a thing is good", "a variable", look, judge)


@pytest.fixture
def sight(tmp_path: Path) -> Sight:
    environment = {"NIGHTSHIFT_HOME": str(tmp_path), "NIGHTSHIFT_LEDGER_URL": f"postgresql://ledger:{CANARY}@db/ledger"}
    return Sight(read_settings(environment), environment)


def taken(until: str) -> Any:
    return parse_accepted(f'[[accepted]]\ncheck = "a-check"\nreason = "we know"\nuntil = {until}', "file", ["a-check"])


@pytest.mark.parametrize(
    ("look", "state"),
    [
        (lambda _: [], "green"),
        (lambda _: [MILD], "warning"),
        (lambda _: [MILD, GRAVE], "red"),
        (raising(Unseen("no answer")), "unseen"),
        (raising(NotUsed("there is none")), "not_used"),
        (raising(RuntimeError("anything")), "unseen"),
        (lambda _: 7, "unseen"),
    ],
)
def test_state_follows_from_what_was_seen(sight: Sight, look: Callable[[Any], Any], state: str) -> None:
    [found] = examine(sight, [check(look)], no_progress, today=TODAY)
    assert found.state == state
    assert found.link == "docs/hardening.md#a-check"
    assert bool(found.why) == (state in ("unseen", "not_used"))


def test_what_nobody_could_look_at_counts_as_red() -> None:
    assert set(STOPS) == {"red", "unseen"}


@pytest.mark.parametrize("look", [lambda _: [GRAVE], lambda _: [MILD], raising(Unseen("no answer"))])
def test_accepted_risk_is_shown_as_such_until_its_last_day(sight: Sight, look: Callable[[Any], Any]) -> None:
    [found] = examine(sight, [check(look)], no_progress, taken("2026-11-20"), today=TODAY)
    assert (found.state, found.accepted, found.until) == ("accepted", "we know", "2026-11-20")
    [later] = examine(sight, [check(look)], no_progress, taken("2026-11-19"), today=TODAY)
    assert later.state != "accepted"
    assert "2026-11-19 (we know), which is over" in later.why


def test_risk_that_is_none_needs_no_acceptance(sight: Sight) -> None:
    [found] = examine(sight, [check(lambda _: [])], no_progress, taken("2027-01-01"), today=TODAY)
    assert (found.state, found.accepted) == ("green", "")


def test_passwords_are_in_no_answer(sight: Sight) -> None:
    key = "a-key-that-signs-everything"
    sight.__dict__["options"] = Options({("api", "secret_key"): Option(key, "env var")})
    looks = [lambda _: [GRAVE], raising(Unseen(f"refused {CANARY}")), raising(ValueError(f"{key} is wrong"))]
    found = examine(sight, [check(look) for look in looks], no_progress, today=TODAY)
    assert "***" in repr(found)
    assert CANARY not in repr(found)
    assert key not in repr(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accepted", "not TOML"),
        ('[[accepted]]\ncheck = "a-chek"\nreason = "x"\nuntil = 2027-01-01', "'a-check'"),
        ('[[accepted]]\ncheck = "a-check"\nuntil = 2027-01-01', "say why"),
        ('[[accepted]]\ncheck = "a-check"\nreason = " "\nuntil = 2027-01-01', "say why"),
        ('[[accepted]]\ncheck = "a-check"\nreason = "x"', "say until when"),
        ('[[accepted]]\ncheck = "a-check"\nreason = "x"\nuntil = "2027-01-01"', "say until when"),
        ('[[accepted]]\ncheck = "a-check"\nreason = "x"\nuntil = 2027-01-01\nwho = "me"', "'who'"),
        ('[accepted]\ncheck = "a-check"', "two brackets"),
        ("[other]", "'other'"),
    ],
)
def test_mistake_in_the_file_of_risks_is_said(text: str, said: str) -> None:
    with pytest.raises(DeclarationError, match=r"hardening\.toml") as error:
        parse_accepted(text, "hardening.toml", ["a-check"])
    assert said in str(error.value)


def test_file_of_risks_may_be_missing_unless_it_was_named(tmp_path: Path) -> None:
    assert read_accepted(tmp_path / "hardening.toml", [], must_exist=False) == {}
    with pytest.raises(DeclarationError, match="cannot be read"):
        read_accepted(tmp_path / "hardening.toml", [], must_exist=True)


def test_names_of_checks_are_used_once() -> None:
    names = [each.id for each in CHECKS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("secret", "weak"),
    [("", True), ("Airflow", True), ("k3G9-x", True), ("aaaaaaaaaaaaaaaaaaaa", True), ("q7Rk0ZtV-3xLm_9BnYw2", False)],
)
def test_weak_secrets_are_told_from_random_ones(secret: str, weak: bool) -> None:
    assert bool(weakness(secret, 16)) == weak
    assert not secret or secret not in weakness(secret, 16)


def test_longer_secrets_are_hidden_before_those_that_they_begin_with() -> None:
    assert concealed("pass-word and pass-", ["pass-", "pass-word"]) == "*** and ***"
