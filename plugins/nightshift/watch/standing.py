"""How the house stands, for Prometheus: keys, newest nights, champions; read from the ledger now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.engine.views.cost import night_costs, together

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings
    from pipelines.engine.views.cost import Spent
    from pipelines.engine.views.house import House
    from pipelines.engine.views.models import ModelLine
    from pipelines.engine.views.strip import Publication

log = logging.getLogger(__name__)
BETWEEN_LOOKS_SECONDS = 30.0
"""Every key of the ledger is counted, which a judge that looks every five seconds should not wait for."""


@dataclass(frozen=True)
class Champion:
    """A pipeline's champion: its version, since when (seconds since 1970), and what the gate's metric was on the holdout."""

    version: int
    since: float | None
    metric: str | None
    value: float | None


@dataclass(frozen=True)
class Checked:
    """What the suite said of a pipeline's newest checked night: how many expectations were not met, and the largest drift."""

    suite: str
    failed: int
    drift: float | None


@dataclass(frozen=True)
class Standing:
    """How everything stands.

    Attributes:
        keys: How many keys there are, by pipeline, step and state.
        published: The publication of the newest published night, by pipeline.
        champions: By pipeline.
        checked: The newest checked night, by pipeline.
        spent: What the newest published night cost, by pipeline.
    """

    keys: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    published: Mapping[str, Publication] = field(default_factory=dict)
    champions: Mapping[str, Champion] = field(default_factory=dict)
    checked: Mapping[str, Checked] = field(default_factory=dict)
    spent: Mapping[str, Spent] = field(default_factory=dict)


class Measuring:
    """Looks how the house stands, and remembers it for half a minute.

    Args:
        settings: Where the ledger is.
        patience: For how many seconds its database is asked again while it does not answer.
    """

    def __init__(self, settings: Settings, *, patience: float) -> None:
        self._settings = settings
        self._patience = patience
        self._house: House | None = None
        self._looked_at: float | None = None

    def look(self) -> Standing | None:
        """Return how it stands; None if nobody has to know anew, or it cannot be read: promises matter more than measures."""
        if self._looked_at is not None and time.monotonic() - self._looked_at < BETWEEN_LOOKS_SECONDS:
            return None
        self._looked_at = time.monotonic()
        try:
            return self._read()
        except Exception as error:
            log.warning("how the house stands cannot be measured: %s", error)
            return None

    def _read(self) -> Standing:
        from pipelines.engine.views.house import House
        from pipelines.engine.views.measured import Measured
        from pipelines.engine.views.reading import Reading

        if self._house is None:
            self._house = House(self._settings, patience=self._patience)
        url = self._settings.ledger_url
        measured, reading = Measured(url, patience=self._patience), Reading(url, patience=self._patience)
        newest = measured.newest_published()
        publications = reading.publications(newest) if newest else {}
        looked = reading.newest_nights()
        entries = reading.entries_of_all("validate", looked) if looked else {}
        results = {
            name: max(mine, key=lambda entry: entry.claimed_at).result or {} for name, mine in entries.items() if mine
        }
        spent = {
            name: together(
                one.spent
                for one in night_costs(measured.spent(pipeline=name, first=night, last=night))
                if one.kind == "scoring"
            )
            for name, night in newest.items()
        }
        return Standing(
            measured.key_counts(),
            {name: publications[name][night] for name, night in newest.items() if night in publications.get(name, {})},
            champions_of(self._house.models()),
            {name: checked_of(result) for name, result in results.items() if result},
            spent,
        )


def champions_of(lines: list[ModelLine]) -> dict[str, Champion]:
    """Return the champions of those pipelines that have one."""
    return {
        line.pipeline: Champion(
            int(line.champion),
            datetime.fromisoformat(line.since).timestamp() if line.since else None,
            line.metric,
            line.value,
        )
        for line in lines
        if line.champion is not None and line.champion.isdecimal()
    }


def checked_of(result: Mapping[str, Any]) -> Checked:
    """Return what a suite said, from the recorded result of `validate`."""
    summary = result["summary"]
    drift = result.get("drift") or {}
    return Checked(summary["suite"], sum(summary["failed_by_severity"].values()), max(drift.values(), default=None))
