"""The secrets of one home: made once, never printed, never on a command line."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from nightshift.embedded.errors import SecretsDamaged

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Keys:
    """What Airflow signs and encrypts with. Kept out of `repr`, so that no log can hold them."""

    jwt: str = field(repr=False)
    """Signs the tokens of tasks and users: HS512, so 64 bytes at least."""
    api: str = field(repr=False)
    """Signs the session cookies of the UI."""
    fernet: str = field(repr=False)
    """Encrypts connections and variables: 32 bytes, URL-safe base64."""


def make_keys() -> Keys:
    """Fresh random keys."""
    return Keys(
        jwt=secrets.token_urlsafe(64),
        api=secrets.token_urlsafe(48),
        fernet=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    )


def load_or_make_keys(path: Path) -> Keys:
    """The keys kept in `path` (mode 0600), made on the first call.

    Raises:
        SecretsDamaged: the file is there but does not hold the three keys. It is not replaced silently,
            because connections saved with the old key would become unreadable.
    """
    with contextlib.suppress(FileExistsError):
        _write_new(path, make_keys())
    with contextlib.suppress(OSError):
        path.chmod(0o600)  # it may have been restored from somewhere that keeps no modes
    try:
        return Keys(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        message = (
            f"The secrets file {path} cannot be used.\n"
            f"Expected: a JSON object with jwt, api and fernet.\nGot: {error.__class__.__name__}.\n"
            "Do: restore it, or delete it to get new keys (connections saved in the UI must then be entered again)."
        )
        raise SecretsDamaged(message) from error


def _write_new(path: Path, keys: Keys) -> None:
    """Write whole or not at all: the file appears under its name only when it is complete."""
    if path.exists():
        raise FileExistsError(path)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(keys), file)
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
