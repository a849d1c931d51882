"""What killed writers left half written beside the files that they meant to write, on this machine's disks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pipelines.engine.files import UNFINISHED, intended
from pipelines.engine.publication.names import read_shard_path
from pipelines.engine.storage import Location, here
from pipelines.engine.tidy.shard_rules import is_held, key_of
from pipelines.engine.tidy.values import Scene, Waste


class Leftovers:
    """An object store never shows half a file; what waited for its upload lies in this machine's cache."""

    def find(self, scene: Scene) -> list[Waste]:
        """Look beside tables and reports, and into the outgoing files."""
        return [waste for what, folder in _folders(scene) for waste in _find(scene, what, folder)]

    def remove(self, scene: Scene, found: Sequence[Waste], check: Callable[[], None]) -> list[Waste]:
        """Remove the files one by one."""
        folders = dict(_folders(scene))
        for waste in found:
            check()
            Path(folders[waste.what].path, waste.name).unlink(missing_ok=True)
        return list(found)


def _folders(scene: Scene) -> Iterator[tuple[str, Location]]:
    runtime, settings = scene.runtime, scene.runtime.settings
    for pipeline in scene.pipelines:
        for what, root in (("tables", settings.tables), ("reports", settings.reports)):
            folder = runtime.storage.at(root) / pipeline.name
            if folder.is_here:
                yield f"{pipeline.name} {what}", folder
    if scene.everything:
        yield "uploads", here(settings.cache / "outgoing")


def _find(scene: Scene, what: str, folder: Location) -> Iterator[Waste]:
    for path, found in folder.walk():
        written_at = found.modified_ns / 1e9
        is_ours = fnmatchcase(path.rpartition("/")[2], UNFINISHED)
        if is_ours and written_at < scene.limits.stale and not _is_being_written(scene, what.partition(" ")[0], path):
            yield Waste("unfinished files", what, path, written_at, "its writer was killed", found.size)


def _is_being_written(scene: Scene, pipeline: str, path: str) -> bool:
    """Whether the present holder of a score key may be writing it; a scorer may stand still for days."""
    parent, _, hidden = path.rpartition("/")
    name = read_shard_path(f"{parent.rpartition('/')[2]}/{intended(hidden)}")
    if name is None:
        return False
    entries = scene.runtime.ledger.entries(pipeline=pipeline, partition=name.night)
    return is_held(name, key_of(name, entries))
