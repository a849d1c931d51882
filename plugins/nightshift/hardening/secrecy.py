"""How good a secret is: pure. No secret is in any answer."""

from __future__ import annotations

import math
from collections import Counter

WELL_KNOWN = (
    "",
    "admin",
    "airflow",
    "celery",
    "changeme",
    "default",
    "example",
    "ledger",
    "minioadmin",
    "mlflow",
    "nightshift",
    "password",
    "password1234",
    "postgres",
    "redis",
    "root",
    "secret",
    "temporary_key",
    "test",
)
"""Tried first by whoever tries: names of the parts, and what their documentation gives as an example."""
LEAST_BITS = 3.0
"""Of entropy for each character: random text in base64 or hexadecimal has more, `aaaa` and `changemechangeme` have less."""
LEAST_PASSWORD = 16
"""Characters of a password that no person has to type."""


def weakness(secret: str, at_least: int) -> str:
    """Say what is wrong with a secret; empty if nothing is.

    Args:
        secret: Never part of the answer.
        at_least: How many characters it must have.
    """
    if secret.lower() in WELL_KNOWN:
        return "a word that everybody knows" if secret else "nothing"
    if len(secret) < at_least:
        return f"{len(secret)} characters"
    if bits_per_character(secret) < LEAST_BITS:
        return f"{len(secret)} characters, few of them different"
    return ""


def bits_per_character(text: str) -> float:
    """Return Shannon's entropy of the characters of a text, in bits."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values()) if text else 0.0


def concealed(text: str, secrets: list[str]) -> str:
    """Return a text without any of some secrets, the longest first; those of fewer than four characters are left."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) > 3:
            text = text.replace(secret, "***")
    return text
