"""What a backup is made of, as a value and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nightshift.backup.errors import BackupDamaged
from nightshift.backup.plan import LEDGER, TABLES, Kind

FORMAT = 1


@dataclass(frozen=True)
class Kept:
    """One file of a part.

    Attributes:
        path: Relative to the part's folder; of a database, the name of its dump.
        size: In bytes.
        modified_ns: When the source was last written, in nanoseconds since 1970.
        sha256: Of its bytes, and the name of the object that holds them.
    """

    path: str
    size: int
    modified_ns: int
    sha256: str


@dataclass(frozen=True)
class KeptPart:
    """A part as it was copied.

    Attributes:
        name: Of the part.
        kind: `database` or `folder`.
        address: Where it was, without passwords.
        files: What it holds.
    """

    name: str
    kind: Kind
    address: str
    files: tuple[Kept, ...]

    @property
    def bytes(self) -> int:
        """How many bytes its files have."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Manifest:
    """A backup.

    Attributes:
        name: Of the backup, made of its time.
        at: When it was begun, in seconds since 1970 by the clock of the ledger's database: what was finished before is in it.
        code: The version of Nightshift that made it.
        ledger_revision: Of the ledger's tables; None if the ledger is not in it.
        promised: By pipeline: the newest version of its table that a finished publication names.
        tables: By table: the version that was copied.
        parts: In the order in which they were copied.
    """

    name: str
    at: float
    code: str
    ledger_revision: str | None
    promised: Mapping[str, int]
    tables: Mapping[str, int]
    parts: tuple[KeptPart, ...]

    def part(self, name: str) -> KeptPart | None:
        """Return a part by its name, or None."""
        return next((part for part in self.parts if part.name == name), None)

    @property
    def bytes(self) -> int:
        """How many bytes all files have; the vault holds what several of them share once."""
        return sum(part.bytes for part in self.parts)

    def to_json(self) -> str:
        """Return the text of the manifest."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1)


def read_manifest(text: str, name: str) -> Manifest:
    """Read the text of a manifest.

    Raises:
        BackupDamaged: It is none, or of a newer kind.
    """
    try:
        told: dict[str, Any] = json.loads(text)
        if told.pop("format") != FORMAT:
            raise BackupDamaged(f"the backup {name} was made by a newer Nightshift; use that one to read it")
        parts = tuple(
            KeptPart(**{**part, "files": tuple(Kept(**file) for file in part["files"])}) for part in told.pop("parts")
        )
        return Manifest(**told, parts=parts)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupDamaged(
            f"the manifest of the backup {name} cannot be read: {error!r}. Take another backup (`nightshift backup list`)."
        ) from error


def disagreements(manifest: Manifest) -> list[str]:
    """Say where the ledger's copy believes what the tables' copy does not have; empty in a backup as it should be."""
    if manifest.part(LEDGER) is None or manifest.part(TABLES) is None:
        return []
    found = []
    for pipeline, promised in manifest.promised.items():
        there = manifest.tables.get(f"{pipeline}/predictions", -1)
        if there < promised:
            found.append(
                f"the ledger says that version {promised} of {pipeline}'s table was published, and the table's copy ends at "
                f"{'none' if there < 0 else there}: those nights would answer 'done already', and show nothing"
            )
    return found
