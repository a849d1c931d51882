"""Why did it not start? A message from a dead process's log."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from nightshift.embedded.errors import NoDiskSpace
from nightshift.embedded.processes import last_lines

if TYPE_CHECKING:
    from pathlib import Path

MIN_FREE_MIB = 300
"""A fresh database with its write-ahead log, and the logs of a demonstration."""

CAUSES = {
    "address already in use": "its port was taken meanwhile: start again, or give another port",
    "no space left on device": "the disk is full: free some space",
    "disk is full": "the disk is full: free some space",
    "database is locked": "another program holds Airflow's database: close it (a database browser?) and start again",
    "readonly database": "the home is not writable for this user",
    "permission denied": "the home is not writable for this user",
    "no module named": "a package is missing: install requirements.txt again",
    "can't locate revision": "the database was made by a newer Airflow: use that one, or delete airflow.db in the home",
    "malformed": "the database is damaged: delete airflow.db in the home (the ledger is kept elsewhere)",
    "not a database": "the database is damaged: delete airflow.db in the home (the ledger is kept elsewhere)",
}
"""Words in a log and what they mean."""


def likely_causes(lines: list[str]) -> list[str]:
    """What the lines of a log hint at, each once."""
    text = "\n".join(lines).lower()
    return list(dict.fromkeys(cause for words, cause in CAUSES.items() if words in text))


def died(role: str, exit_code: int | None, log: Path, *, airflow: bool = True) -> str:
    """The message for a process that ended by itself: what, the last lines of its log, where, what to do.

    Args:
        role: What the process was for.
        exit_code: As `subprocess` tells it.
        log: Its output.
        airflow: Whether it was one of Airflow's.
    """
    how = f"with exit code {exit_code}" if (exit_code or 0) >= 0 else f"by signal {-(exit_code or 0)}"
    whose = "Airflow's" if airflow else "The"
    causes = likely_causes(last_lines(log, 60))
    lines = last_lines(log, 4)
    return "\n".join(
        [
            f"{whose} {role} ended {how}.",
            *(f"  | {line}" for line in lines),
            f"Log: {log}",
            f"Likely: {'; '.join(causes)}." if causes else "Do: read the log, then start again.",
        ]
    )


def check_disk(folder: Path) -> None:
    """Refuse to start where the database would not fit.

    Raises:
        NoDiskSpace: fewer than `MIN_FREE_MIB` MiB are free.
    """
    free = shutil.disk_usage(folder).free // 2**20
    if free < MIN_FREE_MIB:
        message = (
            f"No room for Airflow in {folder}.\nExpected: {MIN_FREE_MIB} MiB free.\nGot: {free} MiB.\n"
            "Do: free some space, or set NIGHTSHIFT_HOME to a folder on another disk."
        )
        raise NoDiskSpace(message)
