"""May a check's or a night's report, or quarantined rows, go? Rules on what a file's name and the ledger say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.engine.ledger.values import Entry

Place = Literal["quarantine", "reports"]
DATE = r"\d{4}-\d{2}-\d{2}"
SHORT = r"[0-9a-f]{12}"
PATTERNS: dict[Place, dict[str, re.Pattern[str]]] = {
    "quarantine": {
        "validate": re.compile(rf"night=({DATE})/({SHORT})-(\d+)\.parquet"),
        "validate_training": re.compile(rf"training=({DATE})/(?:rows|labels)-({SHORT})-(\d+)\.parquet"),
    },
    "reports": {
        "validate": re.compile(rf"({DATE})/checks-({SHORT})-(\d+)\.html"),
        "validate_training": re.compile(rf"training-({DATE})/(?:rows|labels)-({SHORT})-(\d+)\.html"),
        "monitor": re.compile(rf"({DATE})/night-({SHORT})-(\d+)\.html"),
        "register": re.compile(rf"training-({DATE})/card-({SHORT})-(\d+)\.html"),
        "train": re.compile(rf"training-({DATE})/({SHORT})/[a-z_]+\.png()"),
    },
}


@dataclass(frozen=True)
class CheckFile:
    """What a file's name says: which step wrote it for which partition, under which key and, if it says so, fence."""

    place: Place
    step: str
    partition: str
    key: str
    fence: int | None


def read_name(place: Place, path: str) -> CheckFile | None:
    """Return what a path below a pipeline's quarantine or reports says, or None if no step writes such a one."""
    for step, pattern in PATTERNS[place].items():
        match = pattern.fullmatch(path)
        if match:
            return CheckFile(place, step, match[1], match[2], int(match[3]) if match[3] else None)
    return None


def why_check_may_go(file: CheckFile, entries: Sequence[Entry]) -> str | None:
    """Return why an old file may go, or None if it must stay.

    What a publication counted on stays as long as its night, and so does what the newest run of a step wrote. Model cards
    stay with their versions, which nobody removes. A key that the ledger does not know is none of our business.

    Args:
        file: What its name says.
        entries: All keys of its pipeline and partition.
    """
    same_step = [entry for entry in entries if entry.step == file.step]
    entry = next((entry for entry in same_step if entry.key.startswith(file.key)), None)
    if entry is None or entry.state == "claimed":
        return None
    was_published = entry.key in _checked_by_publications(entries)
    if was_published and file.place == "quarantine":
        return None
    if file.step != "register" and not was_published and entry is not max(same_step, key=lambda each: each.claimed_at):
        return "superseded by a later run"
    return "written under an older fence" if file.fence is not None and file.fence != entry.fence else None


def _checked_by_publications(entries: Sequence[Entry]) -> set[str]:
    publications = (entry for entry in entries if entry.step == "publish" and entry.state == "done")
    return {entry.identity["inputs"]["checked"] for entry in publications}
