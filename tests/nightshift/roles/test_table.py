"""The table of roles: what it says, and that docs/roles.md says the same."""

from __future__ import annotations

import pytest

from nightshift.roles.table import (
    ADMIN,
    CHAMPIONS,
    CONNECTIONS,
    DEEDS,
    DELETE,
    INCIDENT,
    LOOK,
    MOVE,
    PEOPLE,
    ROLE_OF_LOGIN,
    ROLES,
    TRIGGER,
    may,
    settled,
)
from tests.support.clone import REPOSITORY

VIEWER, AUTHOR, OPERATOR = ROLES


def test_each_role_may_all_that_the_one_before_may():
    assert ROLES[VIEWER] < ROLES[AUTHOR] < ROLES[OPERATOR]


def test_a_viewer_changes_nothing_but_the_own_password():
    assert {resource for action, resource in ROLES[VIEWER] if action not in ("can_read", "menu_access")} == {
        "My Password",
        "My Profile",
    }


def test_an_author_runs_nights_and_moves_no_champion():
    assert may(AUTHOR, TRIGGER)
    assert not may(AUTHOR, MOVE)
    assert not may(AUTHOR, INCIDENT)


def test_an_operator_moves_champions_and_sees_no_connection():
    assert may(OPERATOR, MOVE)
    assert not any(resource == "Connections" for _, resource in ROLES[OPERATOR])


def test_only_administrators_delete_and_give_rights():
    for deed in (CONNECTIONS, DELETE, PEOPLE):
        assert [role for role in (*ROLES, ADMIN) if may(role, deed)] == [ADMIN]


def test_every_login_has_a_role_of_its_own():
    assert sorted(ROLE_OF_LOGIN.values()) == sorted((*ROLES, ADMIN))


def test_what_somebody_added_goes_and_rights_on_single_dags_stay():
    had = ROLES[VIEWER] | {("can_edit", CHAMPIONS), ("can_edit", "DAG:tides_scoring"), ("can_read", "DAG Run:tides")}
    after = settled(VIEWER, frozenset(had - LOOK.needs))
    assert after == ROLES[VIEWER] | {("can_edit", "DAG:tides_scoring"), ("can_read", "DAG Run:tides")}


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.words)
def test_the_document_says_who_may(deed):
    text = (REPOSITORY / "docs/roles.md").read_text()
    header = f"| | {' | '.join(f'`{role}`' for role in (*ROLES, ADMIN))} |"
    assert header in text
    marks = " | ".join("yes" if may(role, deed) else "" for role in (*ROLES, ADMIN))
    assert f"| {deed.words} | {marks} |".replace("  ", " ") in text
