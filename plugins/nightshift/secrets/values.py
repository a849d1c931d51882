"""Which secrets there are, and how each is made of random bytes."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping

Dice = Callable[[int], bytes]
"""Gives as many random bytes as it is asked for; `secrets.token_bytes`, or a test's."""
Values = Mapping[str, str]
"""Secrets by name."""

ROLES = ("airflow", "ledger_owner", "ledger", "mlflow", "celery")
"""Roles of Postgres that log in with a password of their own; `postgres`, the superuser, gets its own from the server's image."""
LOGINS = ("admin", "operator", "author", "viewer")
"""People of Airflow's pages, one for each role there is."""


def password(dice: Dice) -> str:
    """Return 192 random bits in hexadecimal: no sign of it means anything to a URL, a shell, an INI file or SQL."""
    return dice(24).hex()


def long_key(dice: Dice) -> str:
    """Return 512 random bits: Airflow signs with SHA-512, whose key should be as long."""
    return dice(64).hex()


def fernet_key(dice: Dice) -> str:
    """Return a key as `cryptography.fernet.Fernet.generate_key` makes it: 32 bytes, URL-safe base64."""
    return urlsafe_b64encode(dice(32)).decode()


def access_key_id(dice: Dice) -> str:
    """Return a name for the object store's key, 20 signs like Amazon's; it is no secret, and not to be guessed either."""
    return dice(10).hex().upper()


MAKERS: Mapping[str, Callable[[Dice], str]] = {
    "postgres": password,
    **dict.fromkeys(ROLES, password),
    "redis": password,
    "fernet_key": fernet_key,
    "api_secret_key": long_key,
    "jwt_secret": long_key,
    "object_store_id": access_key_id,
    "object_store": password,
    "mlflow_admin": password,
    "mlflow_client": password,
    "mlflow_secret_key": long_key,
    **{f"login_{login}": password for login in LOGINS},
    "grafana": password,
}
"""Every secret, and what makes it."""

TOGETHER: Mapping[str, tuple[str, ...]] = {"object_store": ("object_store_id", "object_store")}
"""Secrets that are only changed with another one."""
ROTATABLE = tuple(name for name in MAKERS if name != "object_store_id")

SHORTEST = 16
WELL_KNOWN = frozenset(
    [
        "admin",
        "airflow",
        "celery",
        "change",
        "changeit",
        "changeme",
        "grafana",
        "ledger",
        "letmein",
        "minio",
        "mlflow",
        "nightshift",
        "operator",
        "password",
        "postgres",
        "redis",
        "root",
        "secret",
        "test",
        "user",
        "viewer",
    ]
)


def weakness(value: str) -> str | None:
    """Say what is wrong with a secret that somebody chose, or None; the words do not show it."""
    plain = "".join(sign for sign in value.lower() if sign.isalpha())
    if not value:
        return "is empty"
    if any({plain[:at], plain[at:]} <= {*WELL_KNOWN, ""} for at in range(len(plain)) if plain):
        return "is a default that everybody knows"
    if len(value) < SHORTEST:
        return f"has fewer than {SHORTEST} characters"
    if len(set(value)) < SHORTEST // 2:
        return "hardly has two signs that differ"
    return None


def renewed(name: str, old: str | None, dice: Dice) -> str:
    """Return what follows a secret when it is rotated.

    Airflow reads what was encrypted with the key before as long as that stands behind the new one.
    """
    new = MAKERS[name](dice)
    return f"{new},{old.split(',')[0]}" if name == "fernet_key" and old else new
