"""The table of roles, and the people of a file of logins, told to Airflow's FAB auth manager; telling it twice changes nothing.

FAB keeps all of it in Airflow's own database. Its objects are used as `airflow roles` and `airflow users` use them.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nightshift.roles.errors import OtherAuthManager, RolesNotKept
from nightshift.roles.table import ROLE_OF_LOGIN, ROLES, Permission, settled

if TYPE_CHECKING:
    from nightshift.embedded.logins import Login

NOBODYS_MAIL = "nightshift.invalid"
"""FAB wants an address for each user; in this domain nobody has one (RFC 2606)."""

CameOfIt = Literal["made", "changed", "kept"]


@dataclass(frozen=True)
class Change:
    """What came of a role or a user.

    Attributes:
        what: Which of both it is.
        name: Its name.
        came_of_it: What was done to it.
    """

    what: Literal["role", "user"]
    name: str
    came_of_it: CameOfIt


def sync(logins: Sequence[Login]) -> tuple[Change, ...]:
    """Bring our roles to what the table says, and each login to its password and its one role.

    Permissions that somebody added to our roles are taken away, those on single DAGs are left. Other roles, and other
    people, are nobody's business here.

    Raises:
        OtherAuthManager: FAB is not who Airflow asks.
        RolesNotKept: FAB did not keep it.
    """
    with _security_manager() as fab:
        fab.sync_roles()  # Airflow's own ones, which nobody has made yet on a new database
        roles = [_settle_role(fab, name) for name in ROLES]
        fab.update_admin_permission()  # Admin may do all there is, our two resources included
        return (*roles, *(_settle_user(fab, login) for login in logins))


@contextmanager
def _security_manager() -> Iterator[Any]:
    """FAB's keeper of roles and users, in an application of its own that serves nobody."""
    from airflow.configuration import conf
    from airflow.providers_manager import ProvidersManager

    ProvidersManager().initialize_providers_configuration()  # type: ignore[no-untyped-call]
    manager = conf.get("core", "auth_manager")
    if not manager.endswith(".FabAuthManager"):
        raise OtherAuthManager(
            "Roles are kept by Airflow's FAB auth manager, and this Airflow has another one.\n"
            f"Expected: [core] auth_manager ends with FabAuthManager.\nGot: {manager}.\n"
            "Do: set it (docs/roles.md); on a laptop `nightshift up --login` has its own two logins."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries about each other, and that nobody's logins are counted in memory
        from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

        logging.getLogger("airflow.providers.fab").setLevel(logging.WARNING)  # a line for each permission otherwise
        with get_application_builder() as builder:
            yield builder.sm


def _settle_role(fab: Any, name: str) -> Change:
    role = fab.find_role(name)
    made = role is None
    if made:
        role = fab.add_role(name)
    if role is None:
        raise RolesNotKept(f"Airflow did not keep the role {name}. Do: read what it logged above, then try again.")
    had = frozenset((kept.action.name, kept.resource.name) for kept in role.permissions)
    wanted = settled(name, had)
    if wanted != had:
        role.permissions = [_permission(fab, permission) for permission in sorted(wanted)]
        fab.session.commit()  # all of a role at once: nobody has half of it
    return Change("role", name, "made" if made else "kept" if wanted == had else "changed")


def _permission(fab: Any, permission: Permission) -> Any:
    kept = fab.create_permission(*permission)
    if kept is None:
        action, resource = permission
        raise RolesNotKept(
            f"Airflow did not keep the permission {action} on {resource}. Do: read what it logged above."
        )
    return kept


def _settle_user(fab: Any, login: Login) -> Change:
    role = fab.find_role(ROLE_OF_LOGIN[login.name])
    user = fab.find_user(username=login.name)
    if user is not None:
        return Change("user", login.name, _renew(fab, user, role, login))
    mail = f"{login.name}@{NOBODYS_MAIL}"
    _kept(fab.add_user(login.name, login.name.capitalize(), "(Nightshift)", mail, role, password=login.password), login)
    return Change("user", login.name, "made")


def _renew(fab: Any, user: Any, role: Any, login: Login) -> CameOfIt:
    """A user that is there already: the password is set where it is another one, which ends the user's sessions."""
    right = user.active and [mine.name for mine in user.roles] == [role.name]
    if not right:
        user.roles, user.active = [role], True
        _kept(fab.update_user(user), login)
    if not fab.check_password(login.name, login.password):
        _kept(fab.reset_password(user.id, login.password), login)
        right = False
    return "kept" if right else "changed"


def _kept(answer: object, login: Login) -> None:
    """FAB logs what it could not keep, and says no more than that it could not."""
    if not answer:
        raise RolesNotKept(
            f"Airflow did not keep the user {login.name}. Do: read what it logged above, then try again."
        )
