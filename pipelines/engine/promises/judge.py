"""The judge: promises, facts, history and the time -> how every promise stands for every night. Pure.

    scheduled night   no run, nothing published   -> absent
                      running                     -> pending, at_risk (the forecast says so), late
                      failed                      -> failed
                      published, or through       -> done, in time or late by so much
    any other run     the same, but `finish_by`: a night that no clock asked for is due at no time of day
    task              due_within, all shards of a mapped one in one verdict
    table             stale, by its newest night
    findings          a closed gate, a drifting night -> noticed

What is left out on purpose: runs of a backfill (unless the promise says otherwise), runs of a DAG that is created paused and
never had one, nights that were due before the promise was made, DAGs whose schedule has ended, and nights older than
`cases.REACH_SECONDS`, unless an incident about them is open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from pipelines.engine.durations import duration
from pipelines.engine.promises.cases import SLOWEST_START_SECONDS, Case, cases_of
from pipelines.engine.promises.facts import Facts, Failure, NightFact, RunFact, TaskFact
from pipelines.engine.promises.forecast import is_at_risk
from pipelines.engine.promises.history import progress_of
from pipelines.engine.promises.values import WHOLE_RUN, Declaration, Promise
from pipelines.engine.promises.verdicts import AlertKind, Forecast, Verdict

LONGEST_GRACE_SECONDS = 900.0
GRACE_SHARE = 1 / 16
"""How long a run may keep us waiting before it is called absent: a sixteenth of the time until it is due, and never more than a
quarter of an hour. Schedulers are seconds late, not minutes."""
NO_NIGHT = "no night"
"""What the incident of a table that was never published is about."""
FAILED_AS: Mapping[str, AlertKind] = {"error": "failed", "checks": "checks_failed", "tampered": "model_tampered"}

OpenNights = Mapping[str, Collection[str]]


def judge(
    declarations: Sequence[Declaration],
    facts: Facts,
    now: float,
    open_nights: OpenNights,
    *,
    slowest_start: float = SLOWEST_START_SECONDS,
) -> list[Verdict]:
    """Say how every promise stands for every night that matters now.

    Args:
        declarations: What the DAGs promise.
        facts: What is known.
        now: Seconds since 1970, by the clock that the nights are in.
        open_nights: By promise id: nights with an open incident. They are judged however old they are, and closed when what
            they were about is no longer promised.
        slowest_start: So many seconds after its tick no run is called absent yet. Nights that are replayed pass faster than
            any scheduler starts them.

    Returns:
        One verdict for each promise (or finding) and night, in no particular order.
    """
    verdicts: list[Verdict] = []
    for declaration in declarations:
        verdicts += _judge_dag(declaration, facts, now, open_nights, slowest_start)
    judged = {(verdict.promise_id, verdict.night) for verdict in verdicts}
    promised = {promise.id for declaration in declarations for promise in declaration.promises}
    for promise_id, nights in open_nights.items():
        for night in nights:
            if (promise_id, night) not in judged and promise_id not in promised and not _is_finding(promise_id):
                dag_id = promise_id.partition("/")[0]
                verdicts.append(
                    Verdict(promise_id, dag_id, night, "done", at=now, reason="nobody promises this any more")
                )
    return verdicts


def _judge_dag(
    declaration: Declaration, facts: Facts, now: float, open_nights: OpenNights, slowest_start: float
) -> Iterator[Verdict]:
    promises = [promise for promise in declaration.promises if promise.kind != "fresh_within"]
    wanted = {night for promise in promises for night in open_nights.get(promise.id, ())}
    cases = cases_of(declaration, facts, now, wanted, slowest_start)
    leading = next((promise for kind in WHOLE_RUN for promise in promises if promise.kind == kind), None)
    for promise in promises:
        mine = set(open_nights.get(promise.id, ()))
        for case in cases:
            if case.night in mine or _applies(promise, case, facts.since.get(promise.id, 0.0)):
                yield (_judge_task if promise.kind == "due_within" else _judge_run)(promise, case, promise is leading)
    ended = declaration.ends is not None and declaration.ends < now
    for promise in declaration.promises:
        if promise.kind == "fresh_within" and declaration.pipeline:
            opened = open_nights.get(promise.id, ())
            yield from _judge_table(promise, declaration.pipeline, facts, now, opened, ended=ended)
    if leading is not None:
        yield from _findings(cases, open_nights, facts.since.get(leading.id, 0.0))


def _applies(promise: Promise, case: Case, since: float) -> bool:
    run = case.run
    if run is not None and run.kind == "backfill" and not promise.backfills:
        # Somebody makes good for a night that a clock had asked for: that ends its incident, and opens none.
        return False
    begins = case.tick if case.tick is not None else case.began
    return begins is not None and begins >= since


def _judge_run(promise: Promise, case: Case, leading: bool) -> Verdict:
    due = case.due_at(promise)
    if case.failed and leading:
        return _failed(promise, case, due)
    if case.finished_at is not None:
        late_by = case.finished_at - due if due is not None and case.finished_at > due else None
        return case.verdict(promise.id, "done", due_at=due, at=case.finished_at, late_by=late_by)
    if case.failed:
        return case.verdict(promise.id, "pending", due_at=due)
    if case.run is None and not case.expected:
        return case.verdict(promise.id, "pending", due_at=due)
    if case.run is None and case.tick is not None:
        return _absent(promise, case, due, leading)
    if due is None:
        return case.verdict(promise.id, "pending")
    return _on_its_way(promise, case, due, delivers=case.declaration.delivers)


def _failed(promise: Promise, case: Case, due: float | None) -> Verdict:
    first = case.known.failures[0] if case.known.failures else _failed_task(case.run)
    published = " Readers have the night all the same." if case.finished_at is not None else ""
    return case.verdict(
        promise.id,
        "failed",
        alert=FAILED_AS[first.cause],
        due_at=due,
        at=case.run.ended_at if case.run is not None else None,
        step=first.step or None,
        key=first.key or None,
        reason=f"{first.error}{published}",
    )


def _failed_task(run: RunFact | None) -> Failure:
    failed = [task for task in run.tasks if task.state == "failed"] if run is not None else []
    if not failed:
        return Failure("", "the run failed, and no task of it said why")
    task = min(failed, key=lambda task: task.ended_at or 0.0)
    tries = f" after {task.try_number} tries" if task.try_number > 1 else ""
    return Failure(task.task_id, f"task {task.task_id} failed{tries}; its log says why")


def _absent(promise: Promise, case: Case, due: float | None, leading: bool) -> Verdict:
    assert case.tick is not None  # noqa: S101 - the caller looked
    waited = case.now - case.tick
    if due is not None and case.now > due:
        reason = f"it should have begun {duration(waited)} ago and has not"
        return case.verdict(
            promise.id, "late" if leading else "pending", alert="late", due_at=due, at=due, reason=reason
        )
    patience = LONGEST_GRACE_SECONDS
    if due is not None:
        patience = min(patience, (due - case.tick) * GRACE_SHARE)
    if leading and waited > max(patience, case.slowest_start):
        reason = f"it should have begun {duration(waited)} ago, and nothing of it was ever heard"
        return case.verdict(promise.id, "absent", alert="absent", due_at=due, at=case.tick, reason=reason)
    return case.verdict(promise.id, "pending", due_at=due)


def _on_its_way(promise: Promise, case: Case, due: float, *, delivers: str | None, **members: object) -> Verdict:
    foreseen = case.forecast(due, delivers=delivers)
    step = foreseen.step if foreseen is not None else _slowest_step(case)
    told = {"due_at": due, "step": step, "forecast": foreseen, **members}
    if case.now > due:
        return case.verdict(promise.id, "late", alert="late", at=due, reason=_why(foreseen, step), **told)
    if foreseen is not None and is_at_risk(foreseen):
        return case.verdict(promise.id, "at_risk", alert="at_risk", reason=_why(foreseen, step), **told)
    return case.verdict(promise.id, "pending", **told)


def _slowest_step(case: Case) -> str | None:
    running = progress_of(case.declaration, case.run, case.known, case.tick, case.now).running
    return max(running, key=lambda step: running[step], default=None)


def _why(foreseen: Forecast | None, step: str | None) -> str:
    if foreseen is None:
        return f"{step} is not finished" if step else "it is not finished"
    usual = duration(foreseen.step_usual_seconds)
    if foreseen.step_seconds is None:
        return f"{foreseen.step} is still to come and usually takes {usual}"
    return f"{foreseen.step} has taken {duration(foreseen.step_seconds)}; it usually takes {usual}"


def _judge_task(promise: Promise, case: Case, _: bool) -> Verdict:
    run, due = case.run, case.due_at(promise)
    if run is None or due is None:
        return case.verdict(promise.id, "pending")
    mine = [task for task in run.tasks if task.task_id == promise.task_id]
    mapped = any(task.task_id == promise.task_id and task.mapped for task in case.declaration.tasks)
    of = max(len(mine), case.known.shards or 0) if mapped else 1
    ended = [task.ended_at for task in mine if task.state in ("success", "skipped") and task.ended_at is not None]
    if mine and len(ended) >= (of or 1):
        last = max(ended)
        return case.verdict(promise.id, "done", due_at=due, at=last, late_by=last - due if last > due else None)
    if run.state in ("success", "failed"):
        state = "done" if run.state == "success" else "pending"  # a failure is the whole run's to tell
        return case.verdict(promise.id, state, due_at=due, at=run.ended_at)
    late = _late_members(mine, of, due) if mapped and case.now > due else ()
    told = {"members": late, "of": of} if mapped else {}
    verdict = _on_its_way(promise, case, due, delivers=promise.task_id, **told)
    if verdict.state == "late":
        said = f"{len(late)} of {of} shards are late" if late else f"{promise.task_id} is late"
        return replace(
            verdict,
            step=promise.task_id,
            reason=f"{said}: due {duration(due - (case.began or due))} after the run began",
        )
    return verdict


def _late_members(mine: Sequence[TaskFact], of: int, due: float) -> tuple[int, ...]:
    in_time = {task.map_index for task in mine if task.over and task.ended_at is not None and task.ended_at <= due}
    return tuple(number for number in range(of) if number not in in_time)


def _judge_table(
    promise: Promise, pipeline: str, facts: Facts, now: float, opened: Collection[str], *, ended: bool
) -> Iterator[Verdict]:
    within = promise.within_seconds or 0.0
    night, published_at = facts.newest.get(pipeline, (NO_NIGHT, facts.since.get(promise.id, now)))
    due = published_at + within
    if ended:
        yield Verdict(promise.id, promise.dag_id, night, "done", at=now, reason="its schedule has ended")
    elif now > due:
        what = (
            f"the newest night, {night}, was published"
            if night != NO_NIGHT
            else "nothing was published, and it was promised"
        )
        reason = f"{what} {duration(now - published_at)} ago; promised: no longer than {duration(within)}"
        yield Verdict(promise.id, promise.dag_id, night, "stale", alert="stale", due_at=due, at=due, reason=reason)
    else:
        yield Verdict(promise.id, promise.dag_id, night, "done", due_at=due, at=published_at)
    for before in opened:
        if before != night:
            was = facts.nights.get((pipeline, "scoring", before), NightFact()).published_at
            late_by = max(0.0, published_at - (was + within)) if was is not None else None
            reason = f"night {night} was published"
            yield Verdict(promise.id, promise.dag_id, before, "done", at=published_at, late_by=late_by, reason=reason)


def _is_finding(promise_id: str) -> bool:
    return promise_id.rpartition("/")[2] in ("gate_refused", "drift")


def _findings(cases: Sequence[Case], open_nights: OpenNights, since: float) -> Iterator[Verdict]:
    """What finished runs saw; a later run that saw nothing of the kind ends it."""
    over = [
        case for case in cases if case.run is not None and case.run.state == "success" and case.run.kind != "backfill"
    ]
    for alert in ("gate_refused", "drift"):
        clean = [case for case in over if all(found.alert != alert for found in case.known.findings)]
        newest_clean = max((case.night for case in clean), default="")
        for case in over:
            promise_id = f"{case.declaration.dag_id}/{alert}"
            said = [found for found in case.known.findings if found.alert == alert]
            is_open = case.night in open_nights.get(promise_id, ())
            if is_open and (not said or newest_clean > case.night):
                yield case.verdict(
                    promise_id,
                    "done",
                    at=case.run.ended_at if case.run else None,
                    reason=f"night {newest_clean} is fine",
                )
            elif said and (is_open or ((case.began or 0.0) >= since and newest_clean <= case.night)):
                text = "; ".join(found.text for found in said)
                yield case.verdict(
                    promise_id,
                    "noticed",
                    alert=said[0].alert,
                    at=case.run.ended_at if case.run else None,
                    key=said[0].key or None,
                    reason=text,
                )
