"""What has been said about an incident so far, read from its history. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.engine.incidents.values import IncidentEvent

RESOLVED = "resolved"
ESCALATED = "escalated"


@dataclass(frozen=True)
class Told:
    """What has been said about an incident so far.

    `times` counts all of its history; the rest begins anew when the incident is reopened.

    Attributes:
        times: How often each alert, `resolved` and `escalated` were told.
        lately: What of that was told since it was opened last.
        routes: Who heard of it since.
        critical_at: When somebody first heard of something critical since; None if nobody did.
        held_back: What was not told since, and noted as such.
        accepted: The state that somebody acknowledged; None if nobody did.
        closed: The state in which somebody closed it by hand; None if nobody did.
    """

    times: Mapping[str, int] = field(default_factory=dict)
    lately: frozenset[str] = frozenset()
    routes: tuple[str, ...] = ()
    critical_at: float | None = None
    held_back: frozenset[str] = frozenset()
    accepted: str | None = None
    closed: str | None = None

    def occasion(self, what: str) -> str:
        """Return what telling this now is called: `late` the first time, then `late-2`."""
        before = self.times.get(what, 0)
        return f"{what}-{before + 1}" if before else what


def told_so_far(events: Iterable[IncidentEvent]) -> Told:
    """Return what was said, from an incident's history in the order of its numbers."""
    times: Counter[str] = Counter()
    lately: list[IncidentEvent] = []
    for event in events:
        if event.event == "reopened":
            lately.clear()
        lately.append(event)
        if what := event.detail.get("told"):
            times[what] += 1
    said = [event for event in lately if event.detail.get("told")]
    critical = [event.at for event in said if event.detail.get("severity") == "critical"]
    states = {event.event: event.detail.get("state") for event in lately}
    return Told(
        times=dict(times),
        lately=frozenset(event.detail["told"] for event in said),
        routes=tuple(dict.fromkeys(route for event in said for route in event.detail.get("routes", ()))),
        critical_at=critical[0] if critical else None,
        held_back=frozenset(event.detail.get("what", "") for event in lately if event.event == "held_back"),
        accepted=states.get("acknowledged"),
        closed=states.get("closed"),
    )
