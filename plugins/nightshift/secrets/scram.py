"""What PostgreSQL keeps of a password: a SCRAM-SHA-256 verifier, from which nobody can log in.

RFC 5802 has the protocol, RFC 7677 the digest; PostgreSQL writes `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`
and takes a `PASSWORD` that looks so as it is. So the SQL that sets passwords holds none, and neither does a server's log.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode

from pipelines.engine.errors import UsageError

ITERATIONS = 4096
"""PostgreSQL's own number; the passwords are random, and need no slow digest."""
SALT_BYTES = 16
VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+")


def verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """Return the verifier of a password.

    Raises:
        UsageError: It holds more than printable ASCII, which PostgreSQL would normalise first (RFC 4013).
    """
    if not password.isascii() or not password.isprintable():
        raise UsageError(
            "a password of PostgreSQL holds more than printable ASCII; rotate it: nightshift secrets rotate ROLE"
        )
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${iterations}:{salt_text}${stored_text}:{server_text}"


def vouches(known: str, password: str) -> bool:
    """Whether a verifier lets a password in."""
    parts = VERIFIER.fullmatch(known)
    return parts is not None and known == verifier(password, b64decode(parts[2]), int(parts[1]))
