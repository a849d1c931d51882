"""Verdicts about one night, and a book that keeps incidents in memory, as the store keeps them in a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.engine.incidents.lifecycle import Change, Known, Policy, close, incident_id, settle
from pipelines.engine.incidents.past import told_so_far
from pipelines.engine.incidents.values import Incident, IncidentEvent, Silence
from pipelines.engine.promises.verdicts import Forecast, Verdict, VerdictState

DUE = 1_795_086_000.0  # 2026-11-19 06:00 in New York
MINUTE = 60.0
NIGHT = "2026-11-19"
PROMISE = "flights_scoring/finish_by"
ID = incident_id(PROMISE, NIGHT)
FORECAST = Forecast(
    probability=0.12,
    finish_p50=DUE + 10 * MINUTE,
    finish_p90=DUE + 25 * MINUTE,
    slack_seconds=-25 * MINUTE,
    step="score",
    step_seconds=70 * MINUTE,
    step_usual_seconds=25 * MINUTE,
    basis="p90 of 21 nights",
)
POLICY = Policy(cooldown_seconds=30 * MINUTE, escalate_after_seconds=30 * MINUTE)


def verdict(state: VerdictState, **details: Any) -> Verdict:
    """Return a verdict about the night."""
    alert: Any = None if state in ("pending", "done") else "gate_refused" if state == "noticed" else state
    given = {"promise_id": PROMISE, "night": NIGHT, "alert": alert, "due_at": DUE, **details}
    return Verdict(dag_id="flights_scoring", state=state, **given)


@dataclass
class Book:
    """Keeps what the rule decides."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    events: list[IncidentEvent] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    messages: list[tuple[str, str, float]] = field(default_factory=list)  # incident, occasion, when
    policy: Policy = POLICY

    def known(self, which: str) -> Known:
        history = [event for event in self.events if event.incident_id == which]
        return Known(self.incidents[which], told_so_far(history))

    def settle(self, *verdicts: Verdict, now: float, as_of: float | None = None) -> list[str]:
        """Let the rule decide, keep it, and return what is told."""
        changes = settle(
            {which: self.known(which) for which in self.incidents},
            verdicts,
            owner_of=lambda dag_id: "ada",
            policy=self.policy,
            silences=self.silences,
            now=now,
            as_of=as_of,
        )
        return self.keep(changes, now)

    def close(self, *, now: float) -> list[str]:
        return self.keep([close(self.known(ID), reason="given up", silences=self.silences, now=now)], now)

    def keep(self, changes: Sequence[Change], now: float) -> list[str]:
        told = []
        for change in changes:
            before = self.incidents.get(change.after.id)
            assert change.before == before
            assert change.after.version == (before.version + 1 if before else 1)
            self.incidents[change.after.id] = change.after
            for note in change.notes:
                detail = {**note.detail, **({"routes": ["someone"]} if "told" in note.detail else {})}
                self.note(change.after.id, note.event, now, detail)
            if change.occasion is not None:
                self.messages.append((change.after.id, change.occasion, now))
                told.append(change.occasion)
        return told

    def note(self, which: str, event: str, now: float, detail: dict[str, Any]) -> None:
        self.events.append(IncidentEvent(len(self.events) + 1, which, now, event, "nightshift", detail))

    def acknowledge(self, *, now: float) -> None:
        incident = self.incidents[ID]
        self.incidents[ID] = replace(
            incident,
            acknowledged_at=now,
            acknowledged_by="ada",
            changed_at=max(now, incident.changed_at),
            version=incident.version + 1,
        )
        self.note(ID, "acknowledged", now, {"state": incident.state})

    def silence(self, matches: str, *, until: float) -> None:
        self.silences.append(Silence(len(self.silences) + 1, matches, 0.0, until, "ada", "a test"))

    @property
    def incident(self) -> Incident:
        return self.incidents[ID]

    @property
    def history(self) -> list[str]:
        return [event.event for event in self.events if event.incident_id == ID]
