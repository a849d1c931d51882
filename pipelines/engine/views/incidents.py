"""Incidents as people look at them: what is wrong in one line, what to do, who has taken it up, what was told to whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from model_registry.addresses import hidden
from pipelines.engine.incidents.message import Context, plain_message, write_message
from pipelines.engine.incidents.next_steps import next_steps
from pipelines.engine.incidents.outbox import Pending
from pipelines.engine.incidents.values import SEVERITIES, Incident, IncidentEvent, Silence
from pipelines.engine.ledger.values import iso
from pipelines.engine.promises.values import Declaration
from pipelines.engine.promises.verdicts import Verdict

EVENTS = {
    "at_risk": "it was in danger of being late",
    "late": "it was late",
    "absent": "it had not begun",
    "stale": "the published predictions were older than promised",
    "failed": "it failed",
    "noticed": "somebody should look",
    "resolved": "it was resolved",
    "reopened": "it was opened again",
    "acknowledged": "{by} took it up",
    "escalated": "nobody had taken it up, so it was told to more people",
    "closed": "{by} closed it by hand",
    "told": "it was told",
    "held_back": "a message was held back",
}
WHY_HELD_BACK = {"silenced": "because of a silence", "cooldown": "because the same was told a short while before"}


@dataclass(frozen=True)
class SilenceLine:
    """A time in which nothing is told; `matches` is a DAG, a promise or an incident."""

    matches: str
    until: str
    by: str
    reason: str


@dataclass(frozen=True)
class IncidentLine:
    """One incident.

    Attributes:
        id: 32 digits, of which the first are enough.
        title: What is wrong, or how it ended, in one line.
        pipeline: Whose DAG it is; None if that is not known.
        dag_id, promise_id, night, owner, state, alert, severity: As in the ledger.
        opened_at, due_at, resolved_at: Such as `2026-11-20T02:03:04Z`.
        acknowledged_by, acknowledged_at: Who has taken it up.
        reason: Why, in words; empty if nobody knows.
        shards: `3 of 8` that are late; empty for a whole run.
        key: The digest of the key to look at first; None if there is none.
        run_id: Of the run; None if there is none.
        silence: Under which nothing is told of it; None if there is none.
        next_steps: What to do, the first first; commands stand between backticks.
        runbook: Name of its page, such as `checks-failed`.
    """

    id: str
    title: str
    pipeline: str | None
    dag_id: str
    promise_id: str
    night: str
    owner: str
    state: str
    alert: str
    severity: str
    opened_at: str
    due_at: str | None
    resolved_at: str | None
    acknowledged_by: str | None
    acknowledged_at: str | None
    reason: str
    shards: str
    key: str | None
    run_id: str | None
    silence: SilenceLine | None
    next_steps: tuple[str, ...]
    runbook: str


@dataclass(frozen=True)
class HistoryLine:
    """One thing that happened to an incident.

    Attributes:
        at: When.
        sentence: What, in words.
        reason: Why, if that was said.
        told: What was told, such as `late`, or None.
        routes: To whom; empty if no route wanted to hear it.
    """

    at: str
    sentence: str
    reason: str
    told: str | None
    routes: tuple[str, ...]


@dataclass(frozen=True)
class IncidentsView:
    """Incidents and what stands in the way of their messages.

    Attributes:
        open: The most severe first, then the newest.
        resolved: The newest first.
        silences: Those that are not over.
        undelivered: Messages that wait after a failure, or were given up, by route.
    """

    open: tuple[IncidentLine, ...]
    resolved: tuple[IncidentLine, ...]
    silences: tuple[SilenceLine, ...]
    undelivered: tuple[Pending, ...]


@dataclass(frozen=True)
class IncidentView:
    """One incident with everything that happened to it, oldest first."""

    line: IncidentLine
    history: tuple[HistoryLine, ...]


def incidents_view(
    found: Sequence[Incident],
    silences: Sequence[Silence],
    pending: Sequence[Pending],
    declarations: Mapping[str, Declaration],
    now: float,
    secrets: tuple[str, ...] = (),
) -> IncidentsView:
    """Return incidents, open ones first.

    Args:
        found: In any order.
        silences: Those that are not over.
        pending: What the outbox has not delivered.
        declarations: By DAG.
        now: Seconds since 1970, by the clock that the nights are in.
        secrets: URLs whose passwords must never be shown.
    """
    newest_first = sorted(found, key=lambda incident: incident.opened_at, reverse=True)
    lines = [incident_line(one, silences, declarations.get(one.dag_id), now, secrets) for one in newest_first]
    is_open = [line for line in lines if line.resolved_at is None]
    return IncidentsView(
        tuple(sorted(is_open, key=lambda line: _rank(line.severity), reverse=True)),
        tuple(line for line in lines if line.resolved_at is not None),
        tuple(map(_silence_line, silences)),
        tuple(one for one in pending if one.given_up or one.error),
    )


def incident_line(
    incident: Incident,
    silences: Iterable[Silence],
    declared: Declaration | None,
    now: float,
    secrets: tuple[str, ...] = (),
) -> IncidentLine:
    """Return one incident as a line; see `incidents_view`."""
    verdict = _verdict_of(incident)
    names = (incident.id, incident.promise_id, incident.dag_id)
    quiet = [silence for silence in silences if silence.matches in names]
    over = incident.state == "resolved"
    return IncidentLine(
        id=incident.id,
        title=_title(incident, Context(declared, secrets=secrets), now),
        pipeline=declared.pipeline if declared else None,
        dag_id=incident.dag_id,
        promise_id=incident.promise_id,
        night=incident.night,
        owner=incident.owner,
        state=incident.state,
        alert=incident.alert,
        severity=incident.severity,
        opened_at=iso(incident.opened_at),
        due_at=_iso(incident.due_at),
        resolved_at=_iso(incident.resolved_at),
        acknowledged_by=incident.acknowledged_by,
        acknowledged_at=_iso(incident.acknowledged_at),
        reason=hidden(verdict.reason or "", *secrets),
        shards=f"{len(verdict.members)} of {verdict.of}" if verdict.members else "",
        key=verdict.key or None,
        run_id=verdict.run_id or None,
        silence=_silence_line(max(quiet, key=lambda silence: silence.until)) if quiet else None,
        next_steps=() if over else tuple(next_steps(incident, verdict, declared)),
        runbook=incident.alert.replace("_", "-"),
    )


def history_lines(events: Iterable[IncidentEvent], secrets: tuple[str, ...] = ()) -> tuple[HistoryLine, ...]:
    """Return what happened to an incident, in words."""
    return tuple(_history_line(event, secrets) for event in events)


def _history_line(event: IncidentEvent, secrets: tuple[str, ...]) -> HistoryLine:
    detail = event.detail
    sentence = EVENTS.get(event.event, event.event).format_map({"by": event.by})
    if event.event == "held_back":
        sentence = f"{sentence} ({detail.get('what')}) {WHY_HELD_BACK.get(str(detail.get('why')), '')}".rstrip()
    line = HistoryLine(iso(event.at), sentence, hidden(str(detail.get("reason") or ""), *secrets), None, ())
    if "told" not in detail:
        return line
    return replace(line, told=str(detail.get("occasion") or detail["told"]), routes=tuple(detail.get("routes", ())))


def _verdict_of(incident: Incident) -> Verdict:
    """Return what was seen last; what an older version wrote may lack a part."""
    known = {"promise_id": incident.promise_id, "dag_id": incident.dag_id, "night": incident.night}
    return Verdict.from_json({**known, "state": incident.state, "alert": incident.alert, **incident.verdict})


def _title(incident: Incident, context: Context, now: float) -> str:
    try:
        return write_message(incident, incident.state, context, now).title
    except (ValueError, OverflowError, TypeError, KeyError):  # a night whose times or texts cannot be shown
        return plain_message(incident, incident.state, context, now).title


def _silence_line(silence: Silence) -> SilenceLine:
    return SilenceLine(silence.matches, iso(silence.until), silence.by, silence.reason)


def _rank(severity: str) -> int:
    return next((rank for rank, known in enumerate(SEVERITIES) if known == severity), 0)


def _iso(at: float | None) -> str | None:
    try:
        return iso(at) if at is not None else None
    except (ValueError, OverflowError, OSError):  # a clock that jumped past what a calendar knows
        return None
