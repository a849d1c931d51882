"""Keys: what Airflow signs and encrypts with."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from nightshift.hardening.options import Options, variable
from nightshift.hardening.secrecy import weakness
from nightshift.hardening.values import Check, Fault

FERNET_BYTES = 32
"""https://github.com/fernet/spec: 16 bytes to sign, 16 to encrypt."""
JWT_CHARACTERS = 64
"""Tokens are signed with HS512, whose keys have 64 bytes at least (RFC 7518, 3.2)."""
API_CHARACTERS = 32
MAKE_THEM = "Make one with `nightshift secrets init`, give the same to every process, and start them anew"


def judge_fernet(options: Options) -> Iterator[Fault]:
    """Whether connections and variables are encrypted with a real key."""
    who = f"Airflow's fernet key ({variable('core', 'fernet_key')})"
    if not options.is_set("core", "fernet_key"):
        yield Fault(who, "a key of its own", "none: passwords of connections are kept as they are", MAKE_THEM)
        return
    for key in options.value("core", "fernet_key").split(","):  # the first encrypts, the others are being rotated out
        wrong = _wrong_fernet(key.strip())
        if wrong:
            yield Fault(who, f"{FERNET_BYTES} random bytes in URL-safe base64", wrong, MAKE_THEM)


def _wrong_fernet(key: str) -> str:
    try:
        found = base64.b64decode(key.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return "something else"
    if len(found) != FERNET_BYTES:
        return f"{len(found)} bytes"
    return "bytes that hardly differ" if len(set(found)) < FERNET_BYTES // 2 else ""


def judge_jwt(options: Options) -> Iterator[Fault]:
    """Whether nobody can sign tokens but Airflow, and every one of its processes can."""
    who = f"the key of Airflow's tokens ({variable('api_auth', 'jwt_secret')})"
    expected = f"a random secret of at least {JWT_CHARACTERS} characters"
    if not options.is_set("api_auth", "jwt_secret"):
        yield Fault(who, expected, "none: each process makes up its own, and refuses the others' tokens", MAKE_THEM)
        return
    secret = options.value("api_auth", "jwt_secret")
    wrong = weakness(secret, JWT_CHARACTERS)
    if wrong:
        yield Fault(who, expected, wrong, MAKE_THEM)
    elif secret == options.value("api", "secret_key"):
        yield Fault(who, "a secret of its own", "the same as [api] secret_key", MAKE_THEM)


def judge_api_key(options: Options) -> Iterator[Fault]:
    """Whether sessions and requests for logs are signed with a real key."""
    who = f"the key of Airflow's sessions ({variable('api', 'secret_key')})"
    expected = f"a random secret of at least {API_CHARACTERS} characters"
    if not options.is_set("api", "secret_key"):
        yield Fault(who, expected, "none: each API server makes up its own", MAKE_THEM)
        return
    wrong = weakness(options.value("api", "secret_key"), API_CHARACTERS)
    if wrong:
        yield Fault(who, expected, wrong, MAKE_THEM)


CHECKS = (
    Check(
        "fernet-key",
        "Keys",
        "connections are encrypted with a key of our own",
        "AIRFLOW__CORE__FERNET_KEY or _CMD",
        lambda sight: sight.options,
        judge_fernet,
    ),
    Check(
        "jwt-secret",
        "Keys",
        "tokens are signed with a long random secret",
        "AIRFLOW__API_AUTH__JWT_SECRET or _CMD",
        lambda sight: sight.options,
        judge_jwt,
    ),
    Check(
        "api-secret-key",
        "Keys",
        "sessions are signed with a random secret",
        "AIRFLOW__API__SECRET_KEY or _CMD",
        lambda sight: sight.options,
        judge_api_key,
    ),
)
