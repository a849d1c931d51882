"""Shard files in the predictions tables: those that no version within the retention names, and those of lost fences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from pipelines.engine.pipeline import Pipeline
from pipelines.engine.publication.delta import named_files, open_table
from pipelines.engine.publication.names import ShardName, read_shard_path
from pipelines.engine.storage import Location
from pipelines.engine.storage.store import Found
from pipelines.engine.tidy.giving_up import give_up
from pipelines.engine.tidy.shard_rules import WHY, Shard, judge_shard, key_of
from pipelines.engine.tidy.values import Limits, Scene, Waste


class Shards:
    """Deltalake's own vacuum says which files no version needs; it knows nothing of nights that are under way."""

    def find(self, scene: Scene) -> list[Waste]:
        """Look through each pipeline's table."""
        return [waste for pipeline in scene.pipelines for waste in _find(scene, pipeline)]

    def remove(self, scene: Scene, found: Sequence[Waste], check: Callable[[], None]) -> list[Waste]:
        """Give the replaced ones up before they go; a lost fence's can be published by nobody."""
        gone = []
        for pipeline in scene.pipelines:
            folder = scene.runtime.predictions(pipeline)
            ours = [waste for waste in found if waste.what == pipeline.name]
            check()
            for waste in _given_up(folder, ours):
                check()
                (folder / waste.name).delete()
                gone.append(waste)
        return gone


def _find(scene: Scene, pipeline: Pipeline) -> Iterator[Waste]:
    ledger, folder = scene.runtime.ledger, scene.runtime.predictions(pipeline)
    named, expired = _look_at_table(folder, scene.limits)
    unnamed = ((path, read_shard_path(path), found) for path, found in folder.walk() if path not in named)
    ours = [(name, path, found) for path, name, found in unnamed if name is not None]
    for night, files in groupby(sorted(ours, key=_by_night), key=lambda file: file[0].night):
        entries = ledger.entries(pipeline=pipeline.name, partition=night)
        for name, path, found in files:
            entry = key_of(name, entries)
            written_at = found.modified_ns / 1e9
            events = ledger.history(entry.key) if entry else []
            kind = judge_shard(Shard(name, written_at, path in expired), entries, events, scene.limits)
            if kind:
                yield Waste(kind, pipeline.name, path, written_at, WHY[kind], found.size)


def _by_night(file: tuple[ShardName, str, Found]) -> tuple[str, str]:
    return file[0].night, file[1]


def _look_at_table(folder: Location, limits: Limits) -> tuple[frozenset[str], frozenset[str]]:
    """Return the files that the newest version names, and those that no version within the retention does."""
    try:
        table = open_table(folder)
        if table is None:
            return frozenset(), frozenset()
        hours = math.ceil(limits.retention_days * 24)
        # Only asked: it would remove every strange file, too, and what a running task wrote before the retention.
        expired = table.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True)
        return named_files(table), frozenset(expired)
    except OSError as error:
        raise folder.in_words(error) from error


def _given_up(folder: Location, found: Sequence[Waste]) -> list[Waste]:
    """Make sure that nobody publishes what is about to go, and return what may go now."""
    floors: dict[str, int] = {}
    for waste in found:
        name = read_shard_path(waste.name)
        if waste.kind == "replaced shards" and name:
            floors[name.night] = max(name.claimed_ms, floors.get(name.night, 0))
    named = named_files(give_up(folder, floors)) if floors else frozenset()
    return [waste for waste in found if waste.name not in named]
