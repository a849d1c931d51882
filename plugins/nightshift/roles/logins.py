"""The file of logins: a JSON object of names and passwords, as `nightshift secrets init` writes it."""

from __future__ import annotations

import json
from pathlib import Path

from nightshift.embedded.logins import Login
from nightshift.roles.errors import LoginsUnreadable
from nightshift.roles.table import ROLE_OF_LOGIN

SHORTEST = 12
"""Characters of the shortest password: whoever can open the login page may try."""


def read_logins(path: Path) -> tuple[Login, ...]:
    """Return the logins of a file, in the file's order.

    Raises:
        LoginsUnreadable: It is not there, is no such object, names a login that has no role, or has a short password.
    """
    expected = f"a JSON object with some of {', '.join(ROLE_OF_LOGIN)} and their passwords"
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no JSON"
        raise _unreadable(path, expected, str(reason)) from None  # an error of JSON shows what it read
    if not isinstance(kept, dict) or not kept:
        raise _unreadable(path, expected, "an empty one" if kept == {} else "something else")
    for name, password in kept.items():
        if name not in ROLE_OF_LOGIN:
            raise _unreadable(path, expected, f"the login {name[:40]!r}, which has no role")
        if not isinstance(password, str) or len(password) < SHORTEST:
            raise _unreadable(path, expected, f"a password of {name} that is shorter than {SHORTEST} characters")
    return tuple(Login(name, password) for name, password in kept.items())


def _unreadable(path: Path, expected: str, got: str) -> LoginsUnreadable:
    return LoginsUnreadable(
        f"The file of logins {path} cannot be used.\nExpected: {expected}.\nGot: {got}.\n"
        "Do: have one written by `nightshift secrets init`, or mend it."
    )
