"""What is known of nights: read whole once, and then what changed. A thousand pipelines have half a million keys in 90 days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.engine.clock import REAL, Clock
from pipelines.engine.ledger.briefs import Brief, Feed, briefs_of, briefs_of_night
from pipelines.engine.ledger.database import Database
from pipelines.engine.promises.cases import HISTORY_SECONDS
from pipelines.engine.promises.facts import NightFact
from pipelines.engine.promises.reading import STEPS, last_published, night_facts

WHOLE_EVERY_SECONDS = 3600.0
"""So often everything is read again, a few pipelines in each turn: what changed is found by the ledger's events, and a database
that was restored, or mended by hand, has none."""
TURNS = 600
"""In which all pipelines have had their turn to be read whole."""
MANY = 20
"""Of a pipeline with so many touched nights, as in a backfill, all are read at once."""


@dataclass
class Nights:
    """What is known of a pipeline's nights.

    Attributes:
        facts: By pipeline, DAG kind and night.
        published: By night: when it was published last, by the database's clock.
        read_at: When all of it was read.
    """

    facts: dict[tuple[str, str, str], NightFact] = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)
    read_at: float = 0.0


class KnownNights:
    """Remembers the nights of pipelines.

    Args:
        ledger: Where their keys are.
    """

    def __init__(self, ledger: Database) -> None:
        self._ledger = ledger
        self._feed = Feed(ledger)
        self._known: dict[str, Nights] = {}
        self._clock = REAL

    def read(self, pipelines: Sequence[str], clock: Clock, now: float) -> Mapping[str, Nights]:
        """Return what is known of some pipelines now.

        Args:
            pipelines: Which; others are forgotten.
            clock: Translates the ledger's times.
            now: By the database's clock.
        """
        touched = self._feed.touched()  # first: what happens while we read is told the next time
        if touched is None or clock != self._clock:
            self._known.clear()
        self._clock = clock
        self._known = {pipeline: self._known[pipeline] for pipeline in pipelines if pipeline in self._known}
        whole = {pipeline for pipeline in pipelines if pipeline not in self._known}
        whole |= set(due(((known.read_at, name) for name, known in self._known.items()), now))
        by_pipeline: dict[str, set[str]] = {}
        for pipeline, night in touched or ():
            by_pipeline.setdefault(pipeline, set()).add(night)
        whole |= {name for name, nights in by_pipeline.items() if len(nights) > MANY and name in self._known}
        for pipeline in sorted(whole):
            self._read_whole(pipeline, now)
        by_night: dict[str, list[str]] = {}
        for pipeline in sorted((by_pipeline.keys() & self._known.keys()) - whole):
            for night in by_pipeline[pipeline]:
                by_night.setdefault(night, []).append(pipeline)
        for night, mine in by_night.items():
            self._read_night(night, mine, now)
        return self._known

    def _read_whole(self, pipeline: str, now: float) -> None:
        briefs = briefs_of(self._ledger, pipeline, claimed_since=now - HISTORY_SECONDS)
        facts = night_facts(pipeline, briefs, self._clock)
        self._known[pipeline] = Nights(facts, last_published(briefs), now)

    def _read_night(self, night: str, pipelines: Sequence[str], now: float) -> None:
        found: dict[str, list[Brief]] = {pipeline: [] for pipeline in pipelines}
        since = now - HISTORY_SECONDS
        for brief in briefs_of_night(self._ledger, pipelines, night, claimed_since=since):
            found[brief.pipeline].append(brief)
        for pipeline, briefs in found.items():
            known = self._known[pipeline]
            for kind in STEPS:
                known.facts.pop((pipeline, kind, night), None)
            known.published.pop(night, None)
            known.facts |= night_facts(pipeline, briefs, self._clock)
            known.published |= last_published(briefs)


def due(read: Iterable[tuple[float, str]], now: float) -> list[str]:
    """Return whose turn it is to be read whole: a few of those that were not for an hour, the oldest first.

    Args:
        read: When each was read whole, and its name.
        now: By the same clock.
    """
    all_of_them = sorted(read)
    most = -(-len(all_of_them) // TURNS)
    return [name for read_at, name in all_of_them if now - read_at > WHOLE_EVERY_SECONDS][:most]
