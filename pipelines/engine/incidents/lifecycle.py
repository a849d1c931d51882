"""Stored incidents and new verdicts -> what changes, and what is told. Pure.

There is one incident for each promise and night, ever. It is opened by the first trouble, goes from bad to worse, and is
resolved when the night is done:

    at_risk, absent -> late -> failed -> resolved        stale -> resolved        noticed -> resolved
    absent -> at_risk                                    it has begun, and may be late
    absent -> resolved                                   it has begun
    resolved -> any of them                              reopened

It never goes back from worse to better but by being resolved: a night that is late and is tried again is still late.

What is told: each alert once, and the resolution, to those who heard of the trouble. When an incident is reopened for what
was told before, the message waits until the last one is as old as the cooldown, and is then written if it still stands. More
shards that are late change what `nightshift incidents show` shows, and are never told: the person who was told is looking already.
An acknowledged incident tells what is worse than what was acknowledged, and its resolution. During a silence nothing is told;
what still stands at its end is told then, and so is the resolution of what was told before it.

A clock that jumps back delays what waits for a time, and repeats nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.engine.durations import duration
from pipelines.engine.incidents.past import ESCALATED, RESOLVED, Told
from pipelines.engine.incidents.values import SEVERITIES, SEVERITY_OF, Incident, IncidentState, Severity, Silence
from pipelines.engine.keys import digest_of
from pipelines.engine.promises.verdicts import TROUBLES, AlertKind, Verdict

RANKS: Mapping[str, int] = {"noticed": 0, "at_risk": 1, "absent": 2, "stale": 3, "late": 3, "failed": 4}
"""A higher one is worse."""
LONGEST_OWNER = 250
LOOK_AGAIN_SECONDS = 60.0
"""A forecast changes with every look. So often at most it is written down."""
OUTDATED_SECONDS = 600.0
"""A verdict from facts that were read up to so long before an incident was resolved does not open it again: somebody else knew
more. One that is older by more comes from a clock that jumped."""


@dataclass(frozen=True)
class Policy:
    """How patient we are, by the clock that the nights are in.

    Attributes:
        cooldown_seconds: What was told before is not told again sooner than this after the last message.
        escalate_after_seconds: After so long without an acknowledgement something critical is told to those whom it is
            escalated to.
    """

    cooldown_seconds: float = 1800.0
    escalate_after_seconds: float = 1800.0


@dataclass(frozen=True)
class Known:
    """An incident as it is stored, and what was said about it."""

    incident: Incident
    told: Told = field(default_factory=Told)


@dataclass(frozen=True)
class Note:
    """A line for an incident's history."""

    event: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Change:
    """What becomes of one incident.

    Attributes:
        before: As it was; None if there was none.
        after: As it is now.
        notes: For its history. The last one is about the message, if there is one.
        occasion: What is told; None if nothing is.
        routes: To whom; None: to everybody who wants to hear of it.
    """

    before: Incident | None
    after: Incident
    notes: tuple[Note, ...]
    occasion: str | None = None
    routes: tuple[str, ...] | None = None


def incident_id(promise_id: str, night: str) -> str:
    """Return the name of the only incident that a promise and a night can have: 32 digits."""
    return digest_of([promise_id, night])[:32]


def settle(
    known: Mapping[str, Known],
    verdicts: Sequence[Verdict],
    *,
    owner_of: Callable[[str], str],
    policy: Policy,
    silences: Sequence[Silence],
    now: float,
    as_of: float | None = None,
) -> list[Change]:
    """Decide what becomes of incidents.

    Args:
        known: By id: those that are open, and those that verdicts are about.
        verdicts: How promises stand; of two about the same promise and night the last one counts.
        owner_of: Who answers for a DAG.
        policy: How patient we are.
        silences: Those that are not over; others do no harm.
        now: Seconds since 1970, by the clock that the nights are in.
        as_of: When the facts behind the verdicts were read; None: now.

    Returns:
        What changes, by incident id; nothing for incidents that stay as they are.
    """
    heard = {incident_id(verdict.promise_id, verdict.night): verdict for verdict in verdicts}
    quiet = _quiet(silences, now)
    changes = []
    for which in sorted({*known, *heard}):
        before, verdict = known.get(which), heard.get(which)
        change = _follow(before, verdict, owner_of, now, now if as_of is None else as_of)
        change = _tell(change, before.told if before is not None else Told(), policy, quiet, now)
        if change is not None:
            changes.append(change)
    return changes


def close(known: Known, *, reason: str, silences: Sequence[Silence], now: float) -> Change:
    """Resolve an open incident by hand, for a night that nobody will mend. The same trouble does not open it again."""
    before = known.incident
    verdict = replace(Verdict.from_json(before.verdict), state="done", late_by=None, reason=reason)
    after = _resolved(before, verdict, now)
    change = Change(before, after, (Note("closed", {"state": before.state, "reason": reason}), _note(after, verdict)))
    return _tell(change, known.told, Policy(), _quiet(silences, now), now) or change


def _quiet(silences: Sequence[Silence], now: float) -> frozenset[str]:
    return frozenset(silence.matches for silence in silences if now < silence.until)


def _follow(
    known: Known | None, verdict: Verdict | None, owner_of: Callable[[str], str], now: float, as_of: float
) -> Change | None:
    """What a verdict makes of an incident, whoever hears of it. An incident that stays as it is comes back without notes."""
    if known is None:
        return _open(verdict, owner_of, now) if verdict is not None else None
    before = known.incident
    stays = Change(before, before, ())
    if verdict is None:
        return stays
    if before.state == "resolved":
        return _reopen(known, verdict, owner_of, now, as_of) or stays
    if verdict.state == "done":
        return _resolve(before, verdict, now)
    if verdict.state == "pending" and before.state == "absent":
        began = Verdict.from_json(before.verdict).at
        late = f"it began {duration(now - began)} late" if began is not None and now > began else "it has begun"
        return _resolve(before, replace(verdict, reason=verdict.reason or late), now)
    if verdict.state in TROUBLES and verdict.alert is not None:
        return _go_on(before, verdict, now)
    return stays


def _open(verdict: Verdict, owner_of: Callable[[str], str], now: float) -> Change | None:
    alert = verdict.alert
    if verdict.state == "done" and verdict.late_by is not None:
        alert = alert or "late"  # it was late, and nobody was watching
    if alert is None or (verdict.state not in TROUBLES and verdict.state != "done"):
        return None
    over = verdict.state == "done"
    verdict = _clamped(verdict)
    after = Incident(
        id=incident_id(verdict.promise_id, verdict.night),
        promise_id=verdict.promise_id,
        dag_id=verdict.dag_id,
        night=verdict.night,
        owner=owner_of(verdict.dag_id)[:LONGEST_OWNER],
        state=_state(verdict),
        alert=alert,
        severity=SEVERITY_OF[alert],
        version=1,
        opened_at=now,
        changed_at=now,
        told_at=None,
        due_at=verdict.due_at,
        resolved_at=now if over else None,
        acknowledged_at=None,
        acknowledged_by=None,
        escalated_at=None,
        verdict=verdict.to_json(),
    )
    return Change(None, after, (_note(after, verdict),))


def _reopen(known: Known, verdict: Verdict, owner_of: Callable[[str], str], now: float, as_of: float) -> Change | None:
    before = known.incident
    if verdict.state not in TROUBLES or verdict.alert is None:
        return None
    if known.told.closed is not None and RANKS[verdict.state] <= RANKS.get(known.told.closed, 0):
        return None
    if before.resolved_at is not None and 0 < before.resolved_at - as_of <= OUTDATED_SECONDS:
        return None
    after = replace(
        before,
        owner=owner_of(verdict.dag_id)[:LONGEST_OWNER],
        state=_state(verdict),
        alert=verdict.alert,
        severity=SEVERITY_OF[verdict.alert],
        version=before.version + 1,
        opened_at=now,
        changed_at=now,
        due_at=verdict.due_at,
        resolved_at=None,
        acknowledged_at=None,
        acknowledged_by=None,
        escalated_at=None,
        verdict=verdict.to_json(),
    )
    return Change(before, after, (Note("reopened", {}), _note(after, verdict)))


def _resolve(before: Incident, verdict: Verdict, now: float) -> Change:
    after = _resolved(before, verdict, now)
    return Change(before, after, (_note(after, verdict),))


def _resolved(before: Incident, verdict: Verdict, now: float) -> Incident:
    return replace(
        before,
        state="resolved",
        version=before.version + 1,
        changed_at=max(now, before.changed_at),
        due_at=verdict.due_at if verdict.due_at is not None else before.due_at,
        resolved_at=max(now, before.opened_at),
        verdict=_clamped(verdict).to_json(),
    )


def _clamped(verdict: Verdict) -> Verdict:
    """Nothing is late by less than nothing, whatever a clock says."""
    return verdict if verdict.late_by is None else replace(verdict, late_by=max(0.0, verdict.late_by))


def _go_on(before: Incident, verdict: Verdict, now: float) -> Change:
    """An open incident, and a trouble: the same, a worse one, or one that is not worth more words."""
    old = Verdict.from_json(before.verdict)
    state = _state(verdict)
    moves = RANKS[state] > RANKS[before.state] or (before.state == "absent" and state == "at_risk")
    other_alert = state == before.state and verdict.alert != before.alert
    if not moves and not other_alert:
        looked = state == before.state and _is_news(old, verdict, now - before.changed_at)
        if not looked:
            return Change(before, before, ())
    alert: AlertKind = verdict.alert or before.alert
    after = replace(
        before,
        state=state,
        alert=alert,
        severity=_worse(before.severity, SEVERITY_OF[alert]),
        version=before.version + 1,
        changed_at=max(now, before.changed_at),
        due_at=verdict.due_at if verdict.due_at is not None else before.due_at,
        verdict=verdict.to_json(),
    )
    return Change(before, after, (_note(after, verdict),) if moves or other_alert else ())


def _is_news(old: Verdict, new: Verdict, seconds: float) -> bool:
    """Whether to write down a verdict that changes neither state nor alert."""
    bare: dict[str, Any] = {"at": None, "due_at": None, "step": None, "reason": "", "forecast": None}
    if replace(old, **bare) != replace(new, **bare):
        return True  # other shards, another run or key
    return old != new and seconds >= LOOK_AGAIN_SECONDS


def _tell(change: Change | None, told: Told, policy: Policy, quiet: frozenset[str], now: float) -> Change | None:
    """Decide what is told of an incident as it is now. None if nothing changes at all."""
    if change is None:
        return None
    before, after = change.before, change.after
    if any(note.event == "reopened" for note in change.notes):
        told = Told(times=told.times)
    silenced = not quiet.isdisjoint((after.dag_id, after.promise_id, after.id))
    what = _wanted(before, after, told) or _escalation(after, told, policy, now)
    if what is not None:
        why_not = "silenced" if silenced else "cooldown" if _too_soon(after, told, what, policy, now) else None
        if why_not is None:
            return _with_message(change, told, what, now)
        if what not in told.held_back and what != ESCALATED:
            return _bumped(change, Note("held_back", {"what": what, "why": why_not}))
    return change if change.after is not change.before else None


def _wanted(before: Incident | None, after: Incident, told: Told) -> str | None:
    """What somebody ought to hear, if it were the time."""
    if after.state == "resolved":
        owed = told.lately and RESOLVED not in told.lately
        return RESOLVED if before is None or owed else None
    if after.alert in told.lately:
        return None
    if told.accepted is not None and RANKS[after.state] <= RANKS.get(told.accepted, 0):
        return None
    return after.alert


def _escalation(after: Incident, told: Told, policy: Policy, now: float) -> str | None:
    if after.state == "resolved" or SEVERITY_OF[after.alert] != "critical" or told.critical_at is None:
        return None
    if after.acknowledged_at is not None or after.escalated_at is not None:
        return None
    return ESCALATED if now - told.critical_at >= policy.escalate_after_seconds else None


def _too_soon(after: Incident, told: Told, what: str, policy: Policy, now: float) -> bool:
    """Whether this was told before the incident was reopened, and the last message is too young to say it again."""
    if what in (RESOLVED, ESCALATED) or not told.times.get(what) or after.told_at is None:
        return False
    return now - after.told_at < policy.cooldown_seconds


def _with_message(change: Change, told: Told, what: str, now: float) -> Change:
    occasion = told.occasion(what)
    severity = change.after.severity if what in (RESOLVED, ESCALATED) else SEVERITY_OF[change.after.alert]
    about = {"told": what, "occasion": occasion, "severity": severity}
    if change.notes and what != ESCALATED:
        last = change.notes[-1]
        changed = replace(change, notes=(*change.notes[:-1], replace(last, detail={**last.detail, **about})))
    else:
        event = ESCALATED if what == ESCALATED else "told"
        changed = _bumped(change, Note(event, {**about, "state": change.after.state}))
    after = replace(changed.after, told_at=now, escalated_at=now if what == ESCALATED else changed.after.escalated_at)
    heard_before = what == RESOLVED and change.before is not None
    return replace(changed, after=after, occasion=occasion, routes=told.routes if heard_before else None)


def _bumped(change: Change, note: Note) -> Change:
    after = change.after
    if after is change.before:
        after = replace(after, version=after.version + 1)
    return replace(change, after=after, notes=(*change.notes, note))


def _note(after: Incident, verdict: Verdict) -> Note:
    """What the history keeps of a verdict: enough to say later how good the warnings were."""
    detail: dict[str, Any] = {"alert": after.alert, "due_at": after.due_at, "at": verdict.at, "reason": verdict.reason}
    if verdict.forecast is not None:
        detail["probability"] = verdict.forecast.probability
        detail["basis"] = verdict.forecast.basis
    if verdict.state == "done":
        detail["late_by"] = verdict.late_by
    return Note(after.state, detail)


def _state(verdict: Verdict) -> IncidentState:
    return "resolved" if verdict.state == "done" or verdict.state == "pending" else verdict.state


def _worse(one: Severity, other: Severity) -> Severity:
    return max(one, other, key=SEVERITIES.index)
