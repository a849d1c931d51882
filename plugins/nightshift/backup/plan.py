"""Which parts a backup has, and in which order they are copied. Nothing here opens anything.

The parts cannot be copied at one moment, so the order decides what a restored world believes. Whoever relies on another is
copied first: Airflow says that a task succeeded because the ledger says that its key is done, the ledger because the table
shows the commit, the table because its files and the model version are there, MLflow because the artifacts are. Then
everything that a part believes is in the parts that were copied after it. What these have besides is work whose record was
not copied: it is adopted, or done again and shown once. In the opposite order a finished key would answer "done already"
for a commit that nobody has. Restoring goes the other way, so that what is there never relies on what is not there yet.

The decision and what it rests on: docs/decisions/2026-11-20-who-relies-is-copied-first.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from model_registry.addresses import default_artifact_root, is_server, without_credentials
from pipelines.engine.errors import UsageError, nearest

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings

Kind = Literal["database", "folder"]
LEDGER, TABLES, MLFLOW, AIRFLOW = "ledger", "tables", "mlflow", "airflow"
RANKS = {AIRFLOW: 0, LEDGER: 1, TABLES: 2, "reports": 3}
OTHER_RANKS: Mapping[Kind, int] = {"database": 4, "folder": 5}
"""MLflow's databases, then its artifacts and the delivered rows."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


@dataclass(frozen=True)
class Part:
    """One thing to copy.

    Attributes:
        name: What it is called in a backup.
        kind: A database, or a folder of this machine or of an object store.
        address: Its URL or path; never shown as it is, because it may hold a password.
    """

    name: str
    kind: Kind
    address: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The address without user, password and secret parameters."""
        return without_credentials(self.address)


def in_order(parts: Iterable[Part]) -> list[Part]:
    """Return parts in the order in which they are copied: whoever relies on another comes before it."""
    return sorted(parts, key=lambda part: (RANKS.get(part.name, OTHER_RANKS[part.kind]), part.name))


def parts_of(
    settings: Settings,
    *,
    databases: Mapping[str, str] | None = None,
    folders: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
) -> list[Part]:
    """Return the parts that the settings know, with more or other ones, in the order in which they are copied.

    Args:
        settings: Where things are.
        databases: Name to URL; a name that the settings know gets another address, such as that of the tables' owner.
        folders: Name to path or URL, likewise.
        without: Names to leave out.

    Raises:
        UsageError: A name cannot be one, is there as both kinds, or is left out and not there.
    """
    found = {part.name: part for part in _known(settings)}
    kinds: tuple[tuple[Kind, Mapping[str, str]], ...] = (("database", databases or {}), ("folder", folders or {}))
    for kind, given in kinds:
        for name, address in given.items():
            if not NAME.fullmatch(name) or not address:
                raise UsageError(f"{name}={without_credentials(address)} names no part; expected NAME=ADDRESS")
            if name in found and found[name].kind != kind:
                raise UsageError(f"{name} is a {found[name].kind}, and cannot be a {kind}, too")
            found[name] = Part(name, kind, address)
    for name in without:
        if name not in found:
            raise UsageError(f"there is no part {name!r}; there are {', '.join(found)}.{nearest(name, found)}")
        del found[name]
    return in_order(found.values())


def _known(settings: Settings) -> Iterable[Part]:
    yield Part(LEDGER, "database", settings.ledger_url)
    for name, address in (("tables", settings.tables), ("reports", settings.reports), ("data", settings.data)):
        yield Part(name, "folder", address)
    if not is_server(settings.tracking_uri):
        yield Part(MLFLOW, "database", settings.tracking_uri)
        artifacts = settings.artifacts or default_artifact_root(settings.tracking_uri)
        if artifacts:
            yield Part("artifacts", "folder", artifacts)
    embedded = settings.home / "airflow" / "airflow.db"
    if embedded.exists():
        yield Part(AIRFLOW, "database", f"sqlite:///{embedded}")


def not_covered(parts: Sequence[Part]) -> list[str]:
    """Say in words what a backup of these parts does not hold."""
    names = {part.name for part in parts}
    said = {
        MLFLOW: "MLflow is a server: name its database and artifacts (--database mlflow=URL --folder artifacts=URL)",
        AIRFLOW: "Airflow's database is not named (--database airflow=URL): runs and connections typed into its pages",
        "data": "delivered rows: whoever delivered them must be able to do so again",
    }
    missing = [words for name, words in said.items() if name not in names]
    return [*missing, "secrets: password files, Fernet and signing keys; keep them where secrets are kept"]


def believing_too_much(restored: Iterable[str]) -> list[str]:
    """Say in words who was left as it is, and believes what is no longer there, when only some parts were restored."""
    names = set(restored)
    found = []
    if LEDGER not in names and names & {TABLES, MLFLOW, "artifacts"}:
        found.append(
            "the ledger was left as it is: what it finished since the backup answers 'done already' for what is gone. Restore it "
            "from the same backup as well, or open those keys (`nightshift keys force`)"
        )
    if LEDGER in names and AIRFLOW not in names:
        found.append(
            "Airflow was left as it is: for nights since the backup it shows success, and does not run them by itself"
        )
    return found


def delta_versions(paths: Iterable[str]) -> dict[str, int]:
    """Return the newest version of each Delta table, by its folder, from the names of files."""
    found: dict[str, int] = {}
    for path in paths:
        entry = log_entry(path)
        if entry:
            table, version = entry
            found[table] = max(version, found.get(table, -1))
    return found


LOG = "_delta_log/"
_ENTRY = re.compile(r"(?:(.*)/)?_delta_log/(\d{20})\.(json|checkpoint\..+)")


def log_entry(path: str) -> tuple[str, int] | None:
    """Return the table's folder and the version, if a path names a commit of a Delta log."""
    match = _ENTRY.fullmatch(path)
    return (match[1] or "", int(match[2])) if match and match[3] == "json" else None


def is_log(path: str) -> bool:
    """Whether a file belongs to a table's log."""
    return f"/{LOG}" in f"/{path}"


def whole_logs(paths: Sequence[str]) -> list[str]:
    """Return the files of tables' logs, each log as far as no version is missing, without the hint at its checkpoint.

    A folder that is listed while somebody commits may show a version and not the one before it; both are of a later moment
    than the ledger's copy, and left out. The hint (`_last_checkpoint`) is written in place, and readers do without.
    """
    end: dict[str, int] = {}
    for table, version in sorted(filter(None, map(log_entry, paths))):
        if version == end.get(table, version - 1) + 1:
            end[table] = version
    logs = [path for path in paths if is_log(path) and not path.endswith("_last_checkpoint")]
    return [path for path in logs if not _is_beyond(path, end)]


def _is_beyond(path: str, end: Mapping[str, int]) -> bool:
    match = _ENTRY.fullmatch(path)
    return match is not None and int(match[2]) > end.get(match[1] or "", -1)


def inside_of(folder: Path, parts: Sequence[Part]) -> Part | None:
    """Return the part that a folder of this machine lies in, or None."""
    for part in parts:
        if part.kind == "folder" and "://" not in part.address.removeprefix("file://"):
            root = Path(part.address.removeprefix("file://")).resolve()
            if root == folder.resolve() or root in folder.resolve().parents:
                return part
    return None
