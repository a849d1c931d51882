"""What a Delta table's log says, from its JSON files.

Source: the Delta transaction log protocol, sections "Delta Log Entries" and "Action Reconciliation". The tables of a
drill are too young for checkpoints.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from nightshift.drill.oracle.files import Files

Action = dict[str, Any]


@dataclass(frozen=True)
class Commit:
    """One version of the table.

    Attributes:
        version: Its number.
        actions: What it holds.
        night: The night that it says it publishes, or None.
    """

    version: int
    actions: Sequence[Action] = field(repr=False)

    @property
    def info(self) -> Action:
        """Who committed, and why."""
        return next((action["commitInfo"] for action in self.actions if "commitInfo" in action), {})

    @property
    def night(self) -> str | None:
        """The night that it says it publishes, or None."""
        return self.info.get("nightshift.night")

    @property
    def publication(self) -> str | None:
        """The application transaction that names the publication, or None if it is none, or does not carry its own."""
        named = self.info.get("nightshift.transaction")
        carried = [action["txn"]["appId"] for action in self.actions if "txn" in action]
        return named if named in carried else None


def read_log(files: Files, table: str) -> list[Commit]:
    """Return all versions of a table, oldest first; none if there is no table."""
    log = f"{table}/_delta_log"
    entries = [name for name in files.names(log) if name.endswith(".json") and name.count("/") == log.count("/") + 1]
    commits = []
    for name in entries:
        actions = [json.loads(line) for line in files.read(name).decode().splitlines() if line.strip()]
        commits.append(Commit(int(name.rsplit("/", 1)[1].split(".")[0]), actions))
    return commits


def files_of(commits: Sequence[Commit], night: str, *, version: int | None = None) -> list[str]:
    """Return the data files that a version, the newest by default, names for a night."""
    named: dict[str, None] = {}
    for commit in commits:
        if version is not None and commit.version > version:
            break
        for action in commit.actions:
            if "remove" in action:
                named.pop(unquote(action["remove"]["path"]), None)
            if "add" in action and action["add"]["partitionValues"].get("night") == night:
                named[unquote(action["add"]["path"])] = None
    return list(named)
