"""An incident, and what is told of it, as plain values. Times are seconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pipelines.engine.promises.verdicts import AlertKind

IncidentState = Literal["at_risk", "late", "absent", "failed", "stale", "noticed", "resolved"]
Severity = Literal["info", "warning", "critical"]

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
SEVERITY_OF: Mapping[AlertKind, Severity] = {
    "at_risk": "warning",
    "late": "critical",
    "absent": "critical",
    "stale": "critical",
    "failed": "critical",
    "checks_failed": "critical",
    "model_tampered": "critical",
    "gate_refused": "warning",
    "drift": "warning",
}


@dataclass(frozen=True)
class Incident:
    """One promise and night in trouble, as the ledger's database keeps it.

    Attributes:
        id: Made of promise and night, so that there can be no second one.
        promise_id, dag_id, night, owner: What it is about, and who answers for it.
        state, alert, severity: How it stands. A resolved one keeps the alert and severity that it had.
        version: Grows with each change.
        opened_at: When it was opened, or opened again after it was resolved. All times are by the clock that the nights are in.
        changed_at, resolved_at, due_at: Likewise.
        told_at: When the last message about it was written.
        acknowledged_at, acknowledged_by: Whether somebody has taken it up.
        escalated_at: When nobody had for too long.
        verdict: What was seen last; `pipelines.engine.promises.verdicts.Verdict` as JSON.
    """

    id: str
    promise_id: str
    dag_id: str
    night: str
    owner: str
    state: IncidentState
    alert: AlertKind
    severity: Severity
    version: int
    opened_at: float
    changed_at: float
    told_at: float | None
    due_at: float | None
    resolved_at: float | None
    acknowledged_at: float | None
    acknowledged_by: str | None
    escalated_at: float | None
    verdict: dict[str, Any]


@dataclass(frozen=True)
class IncidentEvent:
    """One line of an incident's history, never changed after it was written. They are ordered by `id`, not by time.

    Attributes:
        id: Grows.
        incident_id: Whose history.
        at: By the clock that the nights are in.
        event: A state; `reopened`, `acknowledged`, `escalated`, `closed`; `told`, if a message about an older event was
            written; `held_back`, if one was not.
        by: Who: `nightshift`, or a person.
        detail: What else is worth remembering; `told` and `routes` if a message was written.
    """

    id: int
    incident_id: str
    at: float
    event: str
    by: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Silence:
    """A time in which nothing is told of a DAG, a promise or an incident."""

    id: int
    matches: str
    since: float
    until: float
    by: str
    reason: str


@dataclass(frozen=True)
class Message:
    """What a person is told, once for each route.

    Attributes:
        incident_id: About which incident; receivers that group or close alerts use it.
        occasion: Why now: the alert, `resolved` or `escalated`; with a number if it is not told for the first time (`late-2`).
        alert, severity, state, owner, dag_id, night: As the incident's. Of a resolution, severity is what it was.
        title: One line: what, which night, how late or by when.
        text: The whole message as plain text, at most some twenty lines.
        runbook: Address of the page that says what to do.
        links: Further addresses by name: `run`, `key`, `grid`.
        at: When it was written.
        opened_at: When the incident was opened.
        promise_id: Which promise it is about.
    """

    incident_id: str
    occasion: str
    alert: AlertKind
    severity: Severity
    state: IncidentState
    owner: str
    dag_id: str
    night: str
    title: str
    text: str
    runbook: str
    links: Mapping[str, str] = field(default_factory=dict)
    at: float = 0.0
    opened_at: float = 0.0
    promise_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Message:
        """Read what `to_json` gave."""
        return cls(**{name: value[name] for name in cls.__dataclass_fields__ if name in value})
