"""`hardening.toml`: risks that somebody took, for a reason and until a day.

[[accepted]]
check = "https"
reason = "TLS ends at the load balancer"
until = 2027-06-30
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.engine.errors import DeclarationError, nearest

KEYS = ("check", "reason", "until")
FILE = "hardening.toml"


@dataclass(frozen=True)
class Accepted:
    """A risk that was taken: why, and the last day on which that counts."""

    reason: str
    until: date

    def holds(self, today: date) -> bool:
        """Whether it still counts."""
        return today <= self.until


def read_accepted(path: Path, checks: Collection[str], *, must_exist: bool) -> Mapping[str, Accepted]:
    """Read the risks that were taken, by check; none if there is no such file.

    Args:
        path: Of the file.
        checks: Names of all checks.
        must_exist: Whether somebody named it.

    Raises:
        DeclarationError: It cannot be read, or has mistakes.
    """
    if not must_exist and not path.exists():
        return {}
    try:
        return parse_accepted(path.read_text(encoding="utf-8"), str(path), checks)
    except OSError as error:
        raise DeclarationError(f"{path} cannot be read: {error.strerror}. It says which risks were taken.") from None


def parse_accepted(text: str, file: str, checks: Collection[str]) -> Mapping[str, Accepted]:
    """Read the risks that were taken.

    Args:
        text: TOML.
        file: What it is called in errors.
        checks: Names of all checks.

    Raises:
        DeclarationError: Everything that is wrong with it.
    """
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(f"{file} is not TOML: {error}") from None
    entries = read.get("accepted", [])
    wrong = [f"there is a table {name!r}; expected [[accepted]]" for name in read if name != "accepted"]
    if not isinstance(entries, list):
        entries, wrong = [], [*wrong, "expected [[accepted]], with two brackets"]
    found: dict[str, Accepted] = {}
    for number, entry in enumerate(entries, 1):
        wrong += [f"entry {number}: {mistake}" for mistake in _mistakes(entry, checks)]
        if not wrong:
            found[entry["check"]] = Accepted(entry["reason"], entry["until"])
    if wrong:
        raise DeclarationError(f"{file} has mistakes:\n" + "\n".join(f"  {mistake}" for mistake in wrong))
    return found


def _mistakes(entry: Mapping[str, Any], checks: Collection[str]) -> list[str]:
    wrong = [f"{key!r} is none of {', '.join(KEYS)}" for key in entry if key not in KEYS]
    check = entry.get("check")
    if check not in checks:
        wrong.append(f"there is no check {check!r}.{nearest(str(check), checks)}")
    if not isinstance(entry.get("reason"), str) or not entry["reason"].strip():
        wrong.append('say why: reason = "..."')
    if type(entry.get("until")) is not date:
        wrong.append("say until when: until = 2027-06-30, a day without quotes")
    return wrong
