"""Rows lost, rows doubled, work undecided, and everything else that is not as promised."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nightshift.drill.oracle.delta_log import Commit, files_of, read_log
from nightshift.drill.oracle.files import Files
from nightshift.drill.oracle.ledger import Book, Key, read_ledger
from nightshift.drill.oracle.models import Database, champions, doubled_versions


@dataclass(frozen=True)
class Scene:
    """Where to look.

    Attributes:
        rows: Folder of this machine to which rows are delivered.
        tables: The files below the root of all tables.
        tables_url: How the ledger writes that root.
        table: The published table, below that root.
        ledger_url: The ledger's database.
        mlflow: MLflow's database: a file, or a URL of Postgres.
        model: The model's name.
        id_column: Names a row of a night.
    """

    rows: Path
    tables: Files
    tables_url: str
    ledger_url: str
    mlflow: Database
    model: str
    table: str
    id_column: str


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        rows_lost: Delivered rows that are neither published nor in quarantine.
        rows_doubled: Published rows beyond the first of each id.
        undecided: Nights without a finished publication, and keys that are still held.
        complaints: Everything that is not as promised, in words.
    """

    rows_lost: int
    rows_doubled: int
    undecided: int
    complaints: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether all is as promised."""
        return not (self.rows_lost or self.rows_doubled or self.undecided or self.complaints)


def judge(scene: Scene, nights: Sequence[str]) -> Verdict:
    """Look at everything, and say what is wrong.

    Args:
        scene: Where to look.
        nights: Those that should be published by now.
    """
    book = read_ledger(scene.ledger_url)
    commits = read_log(scene.tables, scene.table)
    seen = [_night(scene, book, commits, night) for night in nights]
    held = [key for key in book.keys if key.state == "claimed" and key.step != "aliases"]
    complaints = [
        *(line for night in seen for line in night.complaints),
        *(f"key {key.key[:12]} ({key.step} {key.partition}) is still held" for key in held),
        *_about_commits(commits),
        *_about_finishes(book),
        *_about_models(scene),
    ]
    return Verdict(
        rows_lost=sum(night.rows_lost for night in seen),
        rows_doubled=sum(night.rows_doubled for night in seen),
        undecided=sum(night.undecided for night in seen) + len(held),
        complaints=tuple(complaints),
    )


def published_ids(scene: Scene, commits: Sequence[Commit], night: str, *, version: int | None = None) -> list[str]:
    """Return the id of each row that a version of the table, the newest by default, shows for a night."""
    named = files_of(commits, night, version=version)
    return _ids(scene, [scene.tables.read(f"{scene.table}/{name}") for name in named])


def delivered_ids(scene: Scene, night: str) -> list[str]:
    """Return the id of each row that lies delivered for a night."""
    single = scene.rows / f"{night}.parquet"
    files = [single] if single.exists() else sorted((scene.rows / night).glob("*.parquet"))
    return _ids(scene, [file.read_bytes() for file in files])


def _night(scene: Scene, book: Book, commits: Sequence[Commit], night: str) -> Verdict:
    finished = book.published(night)
    if finished is None:
        return Verdict(0, 0, 1, (f"night {night} has no finished publication",))
    delivered, published = delivered_ids(scene, night), published_ids(scene, commits, night)
    refused = _refused_ids(scene, book, finished)
    lost = Counter(delivered) - Counter(published) - Counter(refused)
    doubled = sum(count - 1 for count in Counter(published).values())
    complaints = [
        *_unless(not lost, f"night {night}: {lost.total()} rows are lost, such as {next(iter(lost), None)}"),
        *_unless(not doubled, f"night {night}: {doubled} rows are doubled"),
        *_unless(
            set(published) <= set(delivered), f"night {night}: rows are published that are not in the delivered file"
        ),
        *_unless(not set(published) & set(refused), f"night {night}: refused rows are published"),
        *_about_counts(night, finished, len(delivered), len(published), len(refused)),
        *_about_agreement(night, finished, commits),
    ]
    return Verdict(lost.total(), doubled, 0, tuple(complaints))


def _unless(true: bool, complaint: str) -> list[str]:
    return [] if true else [complaint]


def _about_counts(night: str, finished: Key, delivered: int, published: int, refused: int) -> Iterable[str]:
    said = finished.result or {}
    for name, count in (("rows_in", delivered), ("rows_scored", published), ("rows_quarantined", refused)):
        if said.get(name) != count:
            yield f"night {night}: the ledger says {name} {said.get(name)}, and there are {count}"


def _about_agreement(night: str, finished: Key, commits: Sequence[Commit]) -> Iterable[str]:
    """Do readers see what the last finished publication says that it published?"""
    newest = [commit for commit in commits if commit.night == night][-1:]
    if not newest:
        yield f"night {night} is finished, and no version of the table publishes it"
        return
    mine = f"nightshift/{finished.key}/"
    if not (newest[0].publication or "").startswith(mine):
        yield f"night {night}: readers see version {newest[0].version}, which is not of the finished publication: a stale one"
    wanted = finished.identity["inputs"]["scores"]
    shown = files_of(commits, night)
    if shown and _digest(sorted(shown)) != wanted:
        yield f"night {night}: readers see other shards than the finished publication names"
    if (finished.result or {}).get("delta_version") != newest[0].version:
        yield f"night {night}: the ledger says version {(finished.result or {}).get('delta_version')}, the log {newest[0].version}"


def _about_commits(commits: Sequence[Commit]) -> Iterable[str]:
    names = Counter(commit.publication for commit in commits if commit.publication)
    yield from (f"{count} versions carry the publication {name}" for name, count in names.items() if count > 1)
    versions = [commit.version for commit in commits]
    if versions != list(range(len(versions))):
        yield f"the log has gaps: {versions}"


def _about_finishes(book: Book) -> Iterable[str]:
    finishes = Counter((event.key, event.generation) for event in book.events if event.event == "finished")
    for (key, generation), count in finishes.items():
        if count > 1:
            yield f"key {key[:12]} was finished {count} times in generation {generation}"
    for known in book.keys:
        fences = [event.fence for event in book.events if event.key == known.key]
        if fences != sorted(fences):
            yield f"key {known.key[:12]} was used under an older fence after a newer one: {fences}"


def _about_models(scene: Scene) -> Iterable[str]:
    for key in doubled_versions(scene.mlflow):
        yield f"the model of key {key[:12]} is registered more than once"
    found = champions(scene.mlflow, scene.model)
    if len(found) != 1:
        yield f"{scene.model} has {len(found)} champions"


def _refused_ids(scene: Scene, book: Book, finished: Key) -> list[str]:
    checked = finished.identity["inputs"]["checked"]
    validation = next((key for key in book.keys if key.key == checked), None)
    kept = (validation.result or {}).get("quarantine") if validation else None
    if not kept:
        return []
    return _ids(scene, [scene.tables.read(kept.removeprefix(scene.tables_url).lstrip("/"))])


def _ids(scene: Scene, contents: Sequence[bytes]) -> list[str]:
    """Read the ids of Parquet files with DuckDB; the engine reads and writes with Arrow."""
    import duckdb

    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="nightshift-oracle-") as folder, duckdb.connect() as connection:
        for number, content in enumerate(contents):
            file = Path(folder) / f"{number}.parquet"
            file.write_bytes(content)
            rows = connection.read_parquet(str(file), hive_partitioning=False)
            found += [str(row[0]) for row in rows.select(duckdb.ColumnExpression(scene.id_column)).fetchall()]
    return found


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
