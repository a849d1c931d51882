"""When should a night begin, and when is it due? Cron expressions and local times of day, right on the days when clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipelines.engine.promises.cron import Following, following, is_hourly, open_cron
from pipelines.engine.promises.values import Declaration, Promise

MOST_TICKS = 10_000
MINUTE = timedelta(minutes=1)
DAY_SECONDS = 86_400.0


def ticks(declaration: Declaration, first: float, last: float) -> list[float]:
    """Return when runs of a DAG should begin, from `first` to `last`, both included, oldest first.

    Read as Airflow's cron timetables read it: a local time that does not exist is as much later as the clocks jump, one that
    exists twice is the second of the two, and a schedule of every hour knows no local time.

    Args:
        declaration: The DAG; one without a schedule has no ticks.
        first: Seconds since 1970.
        last: Likewise.
    """
    if declaration.schedule is None:
        return []
    first = max(first, declaration.starts if declaration.starts is not None else first)
    last = min(last, declaration.ends if declaration.ends is not None else last)
    zone = ZoneInfo(declaration.timezone)
    after, hourly = following(declaration.schedule), is_hourly(declaration.schedule)
    found: list[float] = []
    tick = _next(after, zone, first - 1.0, hourly=hourly)
    while tick <= last and len(found) < MOST_TICKS:
        if tick >= first:
            found.append(tick)
        tick = _next(after, zone, tick, hourly=hourly)
    return found


def _next(after: Following, zone: ZoneInfo, current: float, *, hourly: bool) -> float:
    """Return the next tick. A schedule of every hour counts on through a repeated hour; others mean the clock on the wall."""
    local = datetime.fromtimestamp(current, zone).replace(tzinfo=None)
    then = after(local)
    if hourly:
        return current + (then - local).total_seconds()
    return _instant(then, zone, fold=1)


def night_of(declaration: Declaration, tick: float) -> str:
    """Return the night that a tick is for: its local date; with the time of day, if the DAG runs more than once a day."""
    local = datetime.fromtimestamp(tick, ZoneInfo(declaration.timezone))
    return local.strftime("%Y-%m-%d" if is_at_most_daily(declaration) else "%Y-%m-%dT%H:%M")


def tick_of(declaration: Declaration, night: str) -> float | None:
    """Return when a night should begin (or should have, before the schedule began or after it ended); None if it has no such night."""
    try:
        day = date.fromisoformat(night[:10])
    except ValueError:
        return None  # named by its run
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    unbounded = replace(declaration, starts=None, ends=None)
    near = ticks(unbounded, noon - 2 * DAY_SECONDS, noon + 2 * DAY_SECONDS)
    return next((tick for tick in near if night_of(declaration, tick) == night), None)


def is_at_most_daily(declaration: Declaration) -> bool:
    """Whether no two runs of a DAG begin on one day."""
    if declaration.schedule is None or declaration.partitioned:
        return True
    minutes, hours = open_cron(declaration.schedule).expanded[:2]
    return len(minutes) == len(hours) == 1 and "*" not in (*minutes, *hours)


def due_at(promise: Promise, *, tick: float | None, began: float | None) -> float | None:
    """Return when a promise about a run or a task is due, in seconds since 1970; None while that cannot be said.

    Args:
        promise: `finish_by` counts from the tick, and from the beginning where no clock starts the run; the `_within` kinds
            count from the beginning.
        tick: When the run should have begun.
        began: When it did.
    """
    if promise.kind == "finish_by" and promise.at is not None:
        start = tick if tick is not None else began
        return None if start is None else first_at(promise.at, ZoneInfo(promise.timezone), after=start)
    if promise.kind in ("finish_within", "due_within") and promise.within_seconds is not None and began is not None:
        return began + promise.within_seconds
    return None


def first_at(at: str, zone: ZoneInfo, *, after: float) -> float:
    """Return the first moment after `after` at which local clocks show a time of day, or jump over it.

    Args:
        at: Such as `06:00`. On the day when it exists twice, the first of the two counts: that promises more.
        zone: Whose clocks.
        after: Seconds since 1970.
    """
    wanted = time.fromisoformat(at)
    day = datetime.fromtimestamp(after, zone).date() - timedelta(days=1)
    while True:
        moment = _instant(datetime.combine(day, wanted), zone, fold=0, at_the_jump=True)
        if moment > after:
            return moment
        day += timedelta(days=1)


def _instant(naive: datetime, zone: ZoneInfo, *, fold: int, at_the_jump: bool = False) -> float:
    """Return the moment of a local time. `fold` chooses where it exists twice; PEP 495 tells the two cases apart."""
    early, late = (naive.replace(tzinfo=zone, fold=choice).astimezone(UTC) for choice in (0, 1))
    if late >= early:
        return (late if fold else early).timestamp()
    if not at_the_jump:  # the clocks jump over it: read by the clock before the jump
        return early.timestamp()
    moment = late
    while moment.astimezone(zone).replace(tzinfo=None) < naive:
        moment += MINUTE
    return moment.timestamp()
