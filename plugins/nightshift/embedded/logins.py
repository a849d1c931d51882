"""Who may log in to an embedded Airflow that asks for it: two names, with passwords made once for this home.

The file is in the form that Airflow's simple auth manager reads, in plain text, as it wants it: it is readable by the owner
alone, and the passwords are of no use elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightshift.embedded.errors import SecretsDamaged

if TYPE_CHECKING:
    from pathlib import Path

ROLES = {"admin": "admin", "viewer": "viewer"}
"""Name to Airflow's role. A viewer looks, and changes nothing."""


@dataclass(frozen=True, slots=True)
class Login:
    """A name with its password, which no log can hold."""

    name: str
    password: str = field(repr=False)


def login_settings(path: Path) -> dict[str, str]:
    """The variables that make Airflow ask who one is."""
    return {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in ROLES.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(path),
    }


def load_or_make_logins(path: Path) -> dict[str, Login]:
    """The logins kept in `path` (mode 0600), by name, made on the first call.

    Raises:
        SecretsDamaged: the file is there and holds something else.
    """
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({name: secrets.token_urlsafe(16) for name in ROLES}, file)
    try:
        path.chmod(0o600)  # it may have been restored from somewhere that keeps no modes
        kept = json.loads(path.read_text())
        return {name: Login(name, kept[name]) for name in ROLES}
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = (
            f"The file of logins {path} cannot be used.\n"
            f"Expected: a JSON object with {' and '.join(ROLES)}.\nGot: {error.__class__.__name__}.\n"
            "Do: delete it to get new passwords."
        )
        raise SecretsDamaged(message) from error


def admin_of(path: Path) -> Login | None:
    """The administrator's login, for our own client; None where Airflow never asked for one."""
    return load_or_make_logins(path)["admin"] if path.exists() else None
