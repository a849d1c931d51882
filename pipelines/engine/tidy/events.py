"""The ledger's history. Keys stay for good; see `pipelines.engine.ledger.forgetting`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipelines.engine.tidy.values import Scene, Waste

WHY = "older than the retention, and not the last finish of its key"


class Events:
    """Counted, and removed by the ledger itself, some thousand at once."""

    def find(self, scene: Scene) -> list[Waste]:
        """Count the events that may go."""
        ledger, limits = scene.runtime.ledger, scene.limits
        counted = [(what, ledger.old_events(limits.old, pipelines=names)) for what, names in _whose(scene)]
        return [
            Waste("events", what, what, old.oldest, WHY, count=old.number)
            for what, old in counted
            if old.oldest is not None
        ]

    def remove(self, scene: Scene, found: Sequence[Waste], check: Callable[[], None]) -> list[Waste]:
        """Remove them."""
        names = dict(_whose(scene))
        for waste in found:
            check()
            scene.runtime.ledger.forget_events(scene.limits.old, pipelines=names[waste.what])
        return list(found)


def _whose(scene: Scene) -> list[tuple[str, list[str] | None]]:
    if scene.everything:
        return [("ledger", None)]
    return [(pipeline.name, [pipeline.name]) for pipeline in scene.pipelines]
