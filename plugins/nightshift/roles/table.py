"""Who may do what: the deeds, the permissions that each takes under FAB, and the roles that are made of them.

A permission is FAB's: an action on a resource. Airflow's resources have Airflow's names; two are ours, and stand for what
the pages do: `CHAMPIONS` and `INCIDENTS`. Airflow's own role Admin may do everything, these two included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Permission = tuple[str, str]
"""An action, such as `can_edit`, and the resource that it is done to."""

OurResource = Literal["Nightshift Champions", "Nightshift Incidents"]
CHAMPIONS: Final = "Nightshift Champions"
"""To edit it is to promote a version and to roll back."""
INCIDENTS: Final = "Nightshift Incidents"
"""To edit it is to take incidents up, to silence them and to close them."""

ADMIN = "Admin"
"""Airflow's own role, whose permissions are Airflow's business: all there are."""


@dataclass(frozen=True)
class Deed:
    """Something that people do.

    Attributes:
        words: As docs/roles.md has it.
        needs: All of these are needed for it.
    """

    words: str
    needs: frozenset[Permission]


def _on(actions: str, *resources: str) -> set[Permission]:
    return {(action, resource) for action in actions.split() for resource in resources}


_LOOK = _on(
    "can_read",
    *(
        "DAGs",
        "DAG Code",
        "DAG Dependencies",
        "DAG Runs",
        "DAG Versions",
        "DAG Warnings",
        "Task Instances",
        "Task Logs",
    ),
    *("XComs", "Assets", "Asset Aliases", "Backfills", "HITL Detail", "ImportError", "Jobs", "Pools"),
    *("Cluster Activity", "Website"),
    "Plugins",  # or Airflow's menu and DAG pages do not show that our pages are there
) | _on(
    "menu_access",
    *("Browse", "DAGs", "DAG Dependencies", "DAG Runs", "Task Instances", "Assets", "Cluster Activity", "Jobs"),
    *("HITL Detail", "Docs", "Documentation"),
)

LOOK = Deed("look at DAGs, runs, logs, assets and all of Nightshift's pages", frozenset(_LOOK))
OWN_PASSWORD = Deed(
    "change the own password and profile", frozenset(_on("can_read can_edit", "My Password", "My Profile"))
)
PAUSE = Deed("pause a DAG, and let it run again", frozenset(_on("can_edit", "DAGs")))
TRIGGER = Deed(
    "trigger a DAG, and produce an asset by hand",
    frozenset(_on("can_edit", "DAGs") | _on("can_create", "DAG Runs", "Assets")),
)
CLEAR = Deed(
    "clear tasks and runs, and set their state",
    frozenset(_on("can_edit", "DAGs", "DAG Runs", "Task Instances") | _on("can_create", "Task Instances")),
)
BACKFILL = Deed(
    "ask for a backfill, pause and cancel it",
    frozenset(_on("can_edit", "DAGs") | _on("can_create can_edit", "DAG Runs", "Backfills")),
)
APPROVE = Deed("answer what a run asks for: approve a model", frozenset(_on("can_edit", "DAGs", "HITL Detail")))
MOVE = Deed("promote a version, roll back", frozenset(_on("can_edit", "DAGs", CHAMPIONS)))
INCIDENT = Deed("take an incident up, silence it, close it", frozenset(_on("can_edit", "DAGs", INCIDENTS)))
SETTINGS = Deed(
    "look at variables, providers and the audit log",
    frozenset(
        _on("can_read", "Variables", "Providers", "Audit Logs")
        | _on("menu_access", "Admin", "Variables", "Pools", "Plugins", "Providers", "Audit Logs")
    ),
)
CONNECTIONS = Deed(
    "look at connections and configuration, and change them, pools and variables",
    frozenset(
        _on("can_read", "Connections", "Configurations")
        | _on("can_create can_edit can_delete", "Connections", "Pools", "Variables")
    ),
)
DELETE = Deed("delete DAGs and runs with their history", frozenset(_on("can_delete", "DAGs", "DAG Runs")))
PEOPLE = Deed("add people, give them roles", frozenset(_on("can_create can_edit can_delete", "Users", "Roles")))

DEEDS = (
    *(LOOK, OWN_PASSWORD, PAUSE, TRIGGER, CLEAR, BACKFILL),
    *(APPROVE, MOVE, INCIDENT, SETTINGS, CONNECTIONS, DELETE, PEOPLE),
)
"""All of them, from what everybody may to what nobody but an administrator may."""

_VIEWER = (LOOK, OWN_PASSWORD)
_AUTHOR = (*_VIEWER, PAUSE, TRIGGER, CLEAR, BACKFILL)
_OPERATOR = (*_AUTHOR, APPROVE, MOVE, INCIDENT, SETTINGS)

ROLES: Mapping[str, frozenset[Permission]] = {
    role: frozenset[Permission]().union(*(deed.needs for deed in deeds))
    for role, deeds in {
        "NightshiftViewer": _VIEWER,
        "NightshiftAuthor": _AUTHOR,
        "NightshiftOperator": _OPERATOR,
    }.items()
}
"""Our roles and the permissions of each; a later one has all that the one before has."""

OPERATOR = "NightshiftOperator"

ROLE_OF_LOGIN: Mapping[str, str] = {
    "admin": ADMIN,
    "operator": OPERATOR,
    "author": "NightshiftAuthor",
    "viewer": "NightshiftViewer",
}
"""The role of each login that a file of logins may name."""


def may(role: str, deed: Deed) -> bool:
    """Whether a role may do a deed."""
    return role == ADMIN or deed.needs <= ROLES[role]


def settled(role: str, had: frozenset[Permission]) -> frozenset[Permission]:
    """What a role of ours shall have where it has something already.

    What the table says, and what it was given on single DAGs (a DAG's `access_control`), which is no business of the table.
    """
    return ROLES[role] | {(action, resource) for action, resource in had if resource.startswith(("DAG:", "DAG Run:"))}
