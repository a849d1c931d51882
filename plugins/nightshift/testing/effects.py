"""What a piece of work left behind: files, keys, tables, models. Compared as values, told in words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nightshift.testing.house import House

KEPT_ELSEWHERE = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal")
"""Files that are compared by what stands in them."""
COPIES = ("cache", "registry", "airflow")
"""Folders of the house that hold copies, or what is compared as models."""
OURS = ("tables", "reports")
"""Folders where a killed attempt may leave what nobody looks at."""
COMMIT = re.compile(r"tables/(?P<pipeline>[^/]+)/(?P<table>[^/]+)/_delta_log/(?P<version>\d{20})\.json")


@dataclass(frozen=True)
class Key:
    """A task key: how it stands, and how often it was claimed."""

    step: str
    partition: str
    state: str
    fence: int

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.step} {self.partition}"


@dataclass(frozen=True)
class Effects:
    """Everything that can be seen from outside at one moment.

    Attributes:
        files: Digest of each file, by its path.
        keys: Task keys, by digest.
        models: Versions, aliases and length of the journal, by model and name.
        watched: What the author's own probes gave, by name.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, Key] = field(default_factory=dict)
    models: Mapping[str, Any] = field(default_factory=dict)
    watched: Mapping[str, Any] = field(default_factory=dict)


def effects_now(house: House | None, folders: Mapping[str, Path], watch: Mapping[str, Callable[[], Any]]) -> Effects:
    """Look at a house, at folders beside it, and at whatever the author's probes look at."""
    files: dict[str, str] = {}
    if house is not None:
        files.update(_files(house.home, leave_out=COPIES))
    for name, folder in folders.items():
        files.update({f"{name}/{path}": digest for path, digest in _files(folder).items()})
    keys = {}
    if house is not None:
        known = house.ledger.entries()
        keys = {entry.key: Key(entry.step, entry.partition, entry.state, entry.fence) for entry in known}
    models = _models(house) if house is not None else {}
    return Effects(files, keys, models, {name: look() for name, look in watch.items()})


def differences(before: Effects, after: Effects) -> list[str]:
    """Say in words what came after that was not there before; empty if nothing did."""
    return [
        *_file_differences(before.files, after.files),
        *_key_differences(before.keys, after.keys),
        *_named_differences(before.models, after.models),
        *_named_differences(before.watched, after.watched),
    ]


def as_if_once(once: Effects, interrupted: Effects) -> list[str]:
    """Say in words how effects differ from those of one undisturbed run; empty if nobody could tell.

    Fences, and files that no table names, may differ: that is what they are for.
    """
    return [
        *_file_differences(_authors(once.files), _authors(interrupted.files)),
        *_named_differences(_commits(once.files), _commits(interrupted.files)),
        *_named_differences(_finished(once.keys), _finished(interrupted.keys)),
        *_named_differences(once.models, interrupted.models),
        *_named_differences(once.watched, interrupted.watched),
    ]


def _files(folder: Path, leave_out: tuple[str, ...] = ()) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name.split("/")[0] not in leave_out and name not in KEPT_ELSEWHERE:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _models(house: House) -> dict[str, Any]:
    from model_registry import NoSuchModel

    told: dict[str, Any] = {}
    for name in sorted({entry.pipeline for entry in house.ledger.entries()} | set(house.pipelines)):
        try:
            versions, moves = house.registry.versions(name), house.registry.journal(name)
        except NoSuchModel:
            continue
        told[f"versions of the model {name}"] = [version.version for version in versions]
        told[f"moves of the aliases of {name}"] = [(move.alias, move.moved_from, move.moved_to) for move in moves]
    return told


def _file_differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        commit = COMMIT.fullmatch(name)
        if name not in before and commit:
            version = int(commit["version"])
            yield f"the table {commit['pipeline']}/{commit['table']} was committed again: it has a version {version} now"
        elif name not in before:
            yield f"the file {name} appeared"
        elif name not in after:
            yield f"the file {name} is gone"
        elif before[name] != after[name]:
            yield f"the file {name} was changed"


def _key_differences(before: Mapping[str, Key], after: Mapping[str, Key]) -> Iterator[str]:
    for digest, key in after.items():
        if digest not in before:
            yield f"the key of {key.name} is new ({digest[:12]}): something that is the same has another key"
        elif key.fence != before[digest].fence:
            yield f"the key of {key.name} was claimed again (fence {before[digest].fence}, then {key.fence})"


def _named_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"{name}: {_short(before.get(name))} before, {_short(after.get(name))} now"


def _authors(files: Mapping[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if name.split("/")[0] not in OURS}


def _commits(files: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for commit in filter(None, map(COMMIT.fullmatch, files)):
        name = f"commits of the table {commit['pipeline']}/{commit['table']}"
        found[name] = found.get(name, 0) + 1
    return found


def _finished(keys: Mapping[str, Key]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in keys.values():
        if key.state != "open":  # places to be alone in are left open by everybody
            found.setdefault(f"keys of {key.name}", []).append(key.state)
    return {name: sorted(states) for name, states in found.items()}


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
