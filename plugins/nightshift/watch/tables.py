"""What readers of a published table see. The ledger knows what was published; whether it is still there, only the table does."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings

log = logging.getLogger(__name__)
BETWEEN_LOOKS_SECONDS = 60.0
SHARE_OF_LOOKING = 0.1
"""A thousand tables in a bucket are not looked at within a minute: they are looked at less often then, so that it takes no more
of the watch's time than this."""
MOST_NIGHTS = 30


class Tables:
    """Looks at tables now and then, and remembers what it saw.

    Args:
        settings: Where the tables are.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: dict[str, tuple[float, str, str | None]] = {}
        self._took: dict[str, float] = {}

    @property
    def pause(self) -> float:
        """Seconds after which a table is looked at again."""
        return max(BETWEEN_LOOKS_SECONDS, sum(self._took.values()) / SHARE_OF_LOOKING)

    def shown(self, pipeline: str, nights: Sequence[str]) -> str | None:
        """Return the first of some nights that a pipeline's table shows; None if it shows none of them.

        Looks again after a minute (later where there are very many tables), or when another night has been published. A table that cannot be read just now is
        taken to show what the ledger says: an object store that is down is another trouble than a night that is gone.

        Args:
            pipeline: Whose table.
            nights: Published nights, the newest first.
        """
        looked_at, newest, answer = self._seen.get(pipeline, (0.0, "", None))
        if nights[0] == newest and time.monotonic() - looked_at < self.pause:
            return answer
        began = time.monotonic()
        try:
            answer = self._look(pipeline, nights[:MOST_NIGHTS])
        except Exception as error:
            log.warning("the predictions table of %s cannot be read: %s", pipeline, error)
            answer = nights[0]
        if answer != nights[0]:
            log.warning(
                "the table of %s does not show night %s, which the ledger has as published", pipeline, nights[0]
            )
        self._took[pipeline] = time.monotonic() - began
        self._seen[pipeline] = (time.monotonic(), nights[0], answer)
        return answer

    def _look(self, pipeline: str, nights: Sequence[str]) -> str | None:
        from nightshift.connections import open_storage
        from pipelines.engine.publication.delta import open_table, published_files

        folder = open_storage(self._settings).at(self._settings.tables) / pipeline / "predictions"
        table = open_table(folder)
        return None if table is None else next((night for night in nights if published_files(table, night)), None)
