"""Incidents that were resolved long ago; see `pipelines.engine.incidents.forgetting`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipelines.engine.incidents.forgetting import count_old, forget_some
from pipelines.engine.tidy.values import Scene, Waste

WHY = "resolved longer ago than the retention, and every message was sent or given up"


class OldIncidents:
    """Counted, and removed some hundred at once. They belong to DAGs, not to pipelines: only a look at everything finds them."""

    def find(self, scene: Scene) -> list[Waste]:
        """Count the incidents that may go."""
        if not scene.everything:
            return []
        old = scene.runtime.ledger.do(lambda connection: count_old(connection, scene.limits.old))
        if old.oldest is None:
            return []
        return [Waste("incidents", "ledger", "ledger", old.oldest, WHY, count=old.number)]

    def remove(self, scene: Scene, found: Sequence[Waste], check: Callable[[], None]) -> list[Waste]:
        """Remove them."""
        for _ in found:
            check()
            while scene.runtime.ledger.do(lambda connection: forget_some(connection, scene.limits.old)):
                check()
        return list(found)
