"""Reports and quarantined rows of checks and trainings that later ones superseded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pipelines.engine.ledger.values import Entry
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.runtime import Runtime
from pipelines.engine.storage import Location
from pipelines.engine.tidy.check_rules import Place, read_name, why_check_may_go
from pipelines.engine.tidy.values import Scene, Waste

PLACES: tuple[Place, ...] = ("quarantine", "reports")
STEPS = ("validate", "validate_training", "train", "register", "publish", "monitor")


class Checks:
    """Both places are read alike: by the key in each file's name."""

    def find(self, scene: Scene) -> list[Waste]:
        """Look through each pipeline's quarantine and reports."""
        return [waste for pipeline in scene.pipelines for waste in _find(scene, pipeline)]

    def remove(self, scene: Scene, found: Sequence[Waste], check: Callable[[], None]) -> list[Waste]:
        """Remove the files one by one."""
        folders = {(name, p.name): _folder(scene.runtime, p, name) for p in scene.pipelines for name in PLACES}
        for waste in found:
            check()
            (folders[_place(waste), waste.what] / waste.name).delete()
        return list(found)


def _place(waste: Waste) -> Place:
    return "quarantine" if waste.kind == "quarantine" else "reports"


def _folder(runtime: Runtime, pipeline: Pipeline, place: Place) -> Location:
    if place == "quarantine":
        return runtime.quarantine(pipeline)
    return runtime.storage.at(runtime.settings.reports) / pipeline.name


def _find(scene: Scene, pipeline: Pipeline) -> Iterator[Waste]:
    entries: list[Entry] | None = None
    for place in PLACES:
        for path, found in _folder(scene.runtime, pipeline, place).walk():
            file, written_at = read_name(place, path), found.modified_ns / 1e9
            if file is None or written_at >= scene.limits.old:
                continue
            if entries is None:
                entries = [
                    each for step in STEPS for each in scene.runtime.ledger.entries(pipeline=pipeline.name, step=step)
                ]
            why = why_check_may_go(file, [entry for entry in entries if entry.partition == file.partition])
            if why:
                yield Waste(place, pipeline.name, path, written_at, why, found.size)
