"""What was deleted in MLflow's pages; see `model_registry.trash`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from model_registry import Trash
from pipelines.engine.ledger.values import moment
from pipelines.engine.tidy.values import Scene, Waste

WORDS = {"run": "runs", "model": "logged models", "experiment": "experiments"}
WHY = "deleted in MLflow before the retention"


class MlflowTrash:
    """Only in experiments of our pipelines, and only where MLflow's database is ours to open."""

    def find(self, scene: Scene) -> list[Waste]:
        """Ask MLflow for what was deleted and is not needed by a registered version."""
        before = moment(scene.limits.old)
        found = scene.runtime.registry.trash([p.name for p in scene.pipelines], deleted_before=before)
        return [Waste("mlflow", WORDS[t.kind], f"{t.kind} {t.id}", t.deleted_at, WHY, t.bytes) for t in found]

    def remove(self, scene: Scene, found: Sequence[Waste], check: Callable[[], None]) -> list[Waste]:
        """Remove it with its files."""
        check()
        split = (waste.name.partition(" ") for waste in found)
        scene.runtime.registry.empty_trash([Trash(kind, each, "", 0.0) for kind, _, each in split])
        return list(found)
