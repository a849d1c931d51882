"""What a person reads: one line that says it all, and a page that says what to do. Pure.

A message says what, which night, how late or by when, why, what is affected and the next step. It holds no secret: errors of
steps go through the same masking as everything else that is shown.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from model_registry.addresses import hidden
from pipelines.engine.durations import duration
from pipelines.engine.incidents.next_steps import next_steps
from pipelines.engine.incidents.past import ESCALATED, RESOLVED
from pipelines.engine.incidents.values import SEVERITY_OF, Incident, Message
from pipelines.engine.promises.values import Declaration, Promise
from pipelines.engine.promises.verdicts import AlertKind, Forecast, Verdict

RUNBOOKS = "docs/runbooks"
LONGEST_TITLE = 200
LONGEST_REASON = 600
MOST_SHARDS = 10
SHOWN_DIGITS = 12
"""Of an incident's id and of a key; commands take the first digits."""


@dataclass(frozen=True)
class Context:
    """What a message needs to know beside the incident.

    Attributes:
        declaration: The DAG's; None if nothing is known of it any more.
        ui: Base address of Airflow's pages, None if nobody said.
        runbooks: Base address, or folder, of the runbooks.
        secrets: URLs whose passwords must never be shown.
    """

    declaration: Declaration | None = None
    ui: str | None = None
    runbooks: str = RUNBOOKS
    secrets: tuple[str, ...] = ()


def write_message(incident: Incident, occasion: str, context: Context, now: float) -> Message:
    """Write what is told of an incident.

    Args:
        incident: As it is now.
        occasion: Why now; see `Message`.
        context: What else is known.
        now: Seconds since 1970, by the clock that the nights are in.
    """
    verdict = Verdict.from_json(incident.verdict)
    page = _Page(incident, verdict, context, now)
    escalated = occasion.partition("-")[0] == ESCALATED
    over = incident.state == RESOLVED
    phrase = page.resolution() if over else page.trouble()
    title = f"{page.subject}: {'nobody has taken this up: ' if escalated else ''}{phrase}"
    lines = page.resolved_lines() if over else page.trouble_lines(escalated)
    text = "\n".join(page.shown(line) for line in (title, "", *lines, *page.address_lines()))
    return Message(
        incident_id=incident.id,
        occasion=occasion,
        alert=incident.alert,
        severity=incident.severity if over or escalated else SEVERITY_OF[incident.alert],
        state=incident.state,
        owner=incident.owner,
        dag_id=incident.dag_id,
        night=incident.night,
        title=_cut(page.shown(title), LONGEST_TITLE),
        text=text,
        runbook=page.runbook,
        links=page.links(),
        at=now,
        opened_at=incident.opened_at,
    )


def plain_message(incident: Incident, occasion: str, context: Context, now: float) -> Message:
    """Write what can always be said: the incident's own words. For a night whose times or texts cannot be shown."""
    title = f"{incident.dag_id}, {incident.night}: {incident.alert}, {incident.state}"
    shown = _cut(hidden(_storable(title), *context.secrets), LONGEST_TITLE)
    show = f"nightshift incidents show {incident.id[:SHOWN_DIGITS]}"
    runbook = runbook_of(incident.alert, context.runbooks)
    return Message(
        incident_id=incident.id,
        occasion=occasion,
        alert=incident.alert,
        severity=incident.severity,
        state=incident.state,
        owner=incident.owner,
        dag_id=incident.dag_id,
        night=incident.night,
        title=shown,
        text=f"{shown}\n\nNext: `{show}`\nRunbook: {runbook}",
        runbook=runbook,
        at=now,
        opened_at=incident.opened_at,
    )


def runbook_of(alert: AlertKind, base: str = RUNBOOKS) -> str:
    """Return the address of the page that says what to do about an alert."""
    return f"{base.rstrip('/')}/{alert.replace('_', '-')}.md"


def promised(promise: Promise) -> str:
    """Return a promise in words, such as `finish by 06:00 (America/New_York)`."""
    within = duration(promise.within_seconds or 0.0)
    words = {
        "finish_by": f"finish by {promise.at} ({promise.timezone})",
        "finish_within": f"finish within {within} of its beginning",
        "due_within": f"{promise.task_id} is finished {within} after the run began",
        "fresh_within": f"the newest night was published no longer than {within} ago",
        "succeed": "succeed",
    }
    return words[promise.kind]


@dataclass(frozen=True)
class _Page:
    incident: Incident
    verdict: Verdict
    context: Context
    now: float

    def shown(self, text: str) -> str:
        """One line without secrets, control characters, and halves of characters, which no receiver understands."""
        return _storable(hidden(text, *self.context.secrets)).rstrip()

    @property
    def subject(self) -> str:
        night = self.incident.night
        if re.match(r"\d{4}-\d\d-\d\d", night):
            return f"{self.incident.dag_id}, night {night}"
        return f"{self.incident.dag_id}, {night}"  # a run that has no night, by its name

    @property
    def promise(self) -> Promise | None:
        declaration = self.context.declaration
        promises = declaration.promises if declaration is not None else ()
        return next((promise for promise in promises if promise.id == self.incident.promise_id), None)

    @property
    def zone(self) -> ZoneInfo:
        declaration, promise = self.context.declaration, self.promise
        name = declaration.timezone if declaration is not None else "UTC"
        if promise is not None and promise.kind == "finish_by":
            name = promise.timezone
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):  # this machine knows fewer zones than the one that read the DAG
            return ZoneInfo("UTC")

    @property
    def runbook(self) -> str:
        return runbook_of(self.incident.alert, self.context.runbooks)

    def clock(self, seconds: float) -> str:
        """`06:00 EST`."""
        return self._local(seconds).strftime("%H:%M %Z")

    def date(self, seconds: float) -> str:
        """`2026-11-20 06:00 EST`."""
        return self._local(seconds).strftime("%Y-%m-%d %H:%M %Z")

    def _local(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self.zone)

    def trouble(self) -> str:
        """What is wrong, in half a line."""
        due = f" {self.clock(self.incident.due_at)}" if self.incident.due_at is not None else " its promise"
        late_step = self.promise.task_id if self.promise is not None else None
        shards = f"{len(self.verdict.members)} of {self.verdict.of} shards" if self.verdict.members else ""
        who = " ".join(filter(None, (f"{shards} of" if shards and late_step else shards, late_step)))
        at = f" at {self.verdict.step}" if self.verdict.step else ""
        phrases: dict[AlertKind, str] = {
            "at_risk": f"{who + ' ' if who else ''}in danger of missing{due}{self._p90()}",
            "late": f"late, {who + ' ' if who else ''}not finished by{due}",
            "absent": f"has not begun{', due by' + due if self.incident.due_at is not None else ''}",
            "stale": f"the published predictions are older than promised, since{due}",
            "failed": f"failed{at}",
            "checks_failed": f"stopped by its checks{at}",
            "model_tampered": f"stopped{at}: the model's files are not those that were registered",
            "gate_refused": "the gate refused the new model",
            "drift": "the scores do not look like those of the training",
        }
        return phrases[self.incident.alert]

    def _p90(self) -> str:
        forecast = self.verdict.forecast
        if forecast is None or not math.isfinite(forecast.finish_p90):
            return ""
        return f" (p90 {self._local(forecast.finish_p90):%H:%M})"

    def resolution(self) -> str:
        """How it ended, in half a line."""
        verdict, due = self.verdict, self.incident.due_at
        if verdict.late_by is not None:
            return f"resolved, late by {duration(verdict.late_by)}"
        if verdict.reason:
            return f"resolved, {_cut(verdict.reason, LONGEST_REASON)}"
        if due is not None and verdict.at is not None and verdict.at <= due:
            return f"resolved, in time, {duration(due - verdict.at)} before {self.clock(due)}"
        return "resolved"

    def trouble_lines(self, escalated: bool) -> list[str]:
        verdict, steps = self.verdict, next_steps(self.incident, self.verdict, self.context.declaration)
        opened = duration(max(0.0, self.now - self.incident.opened_at))
        lines = [
            f"What: {self.subject}{f', run {verdict.run_id}' if verdict.run_id else ''}; owner {self.incident.owner or 'nobody'}",
            self._promise_line(),
            self._when_line(),
            f"Why: {_cut(verdict.reason, LONGEST_REASON)}" if verdict.reason else "",
            self._forecast_line(verdict.forecast),
            f"Affected: {self._affected()}",
            f"Since: {opened}, and nobody has acknowledged it" if escalated else "",
            *(f"{'Next' if number == 1 else '     then'}: {step}" for number, step in enumerate(steps, start=1)),
            f"Yours? nightshift incidents ack {self.incident.id[:SHOWN_DIGITS]}",
        ]
        return [line for line in lines if line]

    def resolved_lines(self) -> list[str]:
        incident, verdict = self.incident, self.verdict
        lasted = max(0.0, (incident.resolved_at or self.now) - incident.opened_at)
        ended = f"Finished: {self.date(verdict.at)}" if verdict.at is not None else ""
        watched = f"Lasted: {duration(lasted)}, since {self.date(incident.opened_at)}" if lasted else ""
        unseen = "" if lasted else "Nobody was watching while it was late; this is the only message about it."
        return [line for line in (self._promise_line(), ended, watched, unseen if verdict.late_by else "") if line]

    def address_lines(self) -> list[str]:
        names = {"run": "Run", "grid": "Grid", "key": "Key"}
        return [*(f"{names[name]}: {address}" for name, address in self.links().items()), f"Runbook: {self.runbook}"]

    def links(self) -> dict[str, str]:
        """Addresses in Airflow's pages, as far as somebody said where they are."""
        if not self.context.ui:
            return {}
        base, dag = self.shown(self.context.ui).rstrip("/"), quote(self.incident.dag_id, safe="")
        links = {"grid": f"{base}/dags/{dag}"}
        if self.verdict.run_id:
            links = {"run": f"{base}/dags/{dag}/runs/{quote(self.verdict.run_id, safe='')}"}
        if self.verdict.key:
            links["key"] = f"{base}/nightshift/keys/{quote(self.verdict.key, safe='')}"
        return links

    def _promise_line(self) -> str:
        due = f", which is {self.date(self.incident.due_at)}" if self.incident.due_at is not None else ""
        return f"Promised: {promised(self.promise)}{due}" if self.promise is not None else ""

    def _when_line(self) -> str:
        due = self.incident.due_at
        if due is None:
            return ""
        left = due - self.now
        return f"Time left: {duration(left)}" if left > 0 else f"Late so far: {duration(left)}"

    def _forecast_line(self, forecast: Forecast | None) -> str:
        if forecast is None:
            return ""
        ends = [
            f"{name} {self.clock(at)}"
            for name, at in (("p50", forecast.finish_p50), ("p90", forecast.finish_p90))
            if math.isfinite(at)
        ]
        chance = f"{forecast.probability:.0%} chance to be in time" if not self._is_late() else ""
        return f"Forecast: {', '.join(filter(None, (chance, *ends)))}; {forecast.basis}"

    def _is_late(self) -> bool:
        return self.incident.due_at is not None and self.now > self.incident.due_at

    def _affected(self) -> str:
        declaration, verdict, night = self.context.declaration, self.verdict, self.incident.night
        pipeline = declaration.pipeline if declaration is not None else None
        kind = declaration.kind if declaration is not None else "other"
        numbers = ", ".join(str(number) for number in verdict.members[:MOST_SHARDS])
        more = ", ..." if len(verdict.members) > MOST_SHARDS else ""
        shards = f"; late shards: {numbers}{more} of {verdict.of}" if verdict.members else ""
        if self.incident.alert == "gate_refused":
            return "nothing tonight: the present champion goes on scoring"
        if self.incident.alert == "drift":
            return f"whoever reads night {night} of {pipeline or self.incident.dag_id}: it is published, and may be less right"
        if self.incident.alert == "stale":
            return f"readers of the predictions of {pipeline}: the newest night that they see is {night}"
        if pipeline and kind == "scoring":
            return f"readers of the predictions of {pipeline}: until night {night} is published they see the nights before it{shards}"
        if pipeline and kind == "training":
            return f"nothing tonight: the present champion of {pipeline} goes on scoring, and grows older"
        return f"whatever waits for {self.incident.dag_id}{shards}"


def _storable(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text.encode("utf-8", "replace").decode())


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 4]} ..."
