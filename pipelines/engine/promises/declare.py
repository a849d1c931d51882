"""From a DAG author's words to promises: every mistake is named, all of them at once.

Two kinds of mistake: words that mean nothing by themselves ("6am", a zone that is none), and words that do not fit the DAG
(a task that it does not have, a deadline that can never matter).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from pipelines.engine.durations import duration
from pipelines.engine.errors import DeclarationError, nearest
from pipelines.engine.promises.schedule import due_at, ticks
from pipelines.engine.promises.values import WHOLE_RUN, Declaration, Promise, PromiseKind

MOST = timedelta(days=31)
"""A run that may take longer than a month is no night."""
MOST_FRESH = timedelta(days=366)
"""A table may be published once a month or a quarter."""
LOOKED_AT = timedelta(days=400)
"""Of the schedule: a year and both changes of the clocks."""
LOOKED_AT_CLOSELY = timedelta(days=8)
MANY_TICKS = 100
EXAMPLE_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""Where a schedule that says no start is looked at."""
CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?(?::\d{2})?\s*(am|pm|a\.m\.|p\.m\.|h|o'clock)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a DAG's author said about time; nobody has looked yet whether it can be.

    Attributes:
        finish_by: Local time of day, such as `"06:00"`: the first one after the night should have begun.
        timezone: Of `finish_by`, such as `America/New_York`.
        finish_within: How long a run may take from its beginning.
        fresh_within: How long ago the newest night may have been published.
        due_within: By task id: how long after the beginning of its run a task may be finished.
        backfills: Whether nights that are backfilled make these promises, too.
    """

    finish_by: str | time | None = None
    timezone: str | None = None
    finish_within: timedelta | None = None
    fresh_within: timedelta | None = None
    due_within: Mapping[str, timedelta] = field(default_factory=dict)
    backfills: bool = False

    @property
    def any(self) -> bool:
        """Whether anything was said at all."""
        spoken = (self.finish_by, self.finish_within, self.fresh_within)
        return any(word is not None for word in spoken) or bool(self.due_within)


def promises_of(dag_id: str, words: Words) -> tuple[Promise, ...]:
    """Return what the words promise, before it is known whether the DAG can.

    Raises:
        DeclarationError: With every mistake in the words.
    """
    _refuse(dag_id, [*_word_mistakes(words)])
    return tuple(_promises(dag_id, words))


def declare(declaration: Declaration, words: Words) -> Declaration:
    """Return the DAG with the promises that it makes already, and with those of the words.

    Raises:
        DeclarationError: With every mistake, in the words and in how they fit the DAG.
    """
    mistakes = [*_word_mistakes(words)]
    # What is wrong by itself is left out, so that the rest can be held against the DAG.
    meant = Words() if mistakes else words
    promised = replace(declaration, promises=(*declaration.promises, *_promises(declaration.dag_id, meant)))
    _refuse(declaration.dag_id, [*mistakes, *_fit_mistakes(promised)])
    return promised


def check(declaration: Declaration) -> None:
    """Hold the promises of a DAG against the DAG.

    Raises:
        DeclarationError: With everything that does not fit.
    """
    _refuse(declaration.dag_id, [*_fit_mistakes(declaration)])


def complete(declaration: Declaration) -> Declaration:
    """Return the DAG with the promise that every DAG makes without saying it, unless it makes one for the whole run."""
    if any(promise.kind in WHOLE_RUN for promise in declaration.promises):
        return declaration
    return replace(declaration, promises=(*declaration.promises, Promise("succeed", declaration.dag_id)))


def said(promise: Promise) -> str:
    """Return a promise in words, such as `finished by 06:00 America/New_York`."""
    if promise.kind == "finish_by":
        return f"finished by {promise.at} {promise.timezone}"
    if promise.kind == "succeed":
        return "succeeds"
    within = duration(promise.within_seconds or 0.0)
    if promise.kind == "due_within":
        return f"{promise.task_id} finished within {within} of the run's beginning"
    return (
        f"finished within {within}"
        if promise.kind == "finish_within"
        else f"the newest night published within {within}"
    )


def _refuse(dag_id: str, mistakes: list[str]) -> None:
    if mistakes:
        listed = "\n".join(f"  - {mistake}" for mistake in mistakes)
        raise DeclarationError(f"DAG {dag_id!r} cannot promise this:\n{listed}")


def _promises(dag_id: str, words: Words) -> Iterator[Promise]:
    zone, backfills = words.timezone or "UTC", words.backfills
    if words.finish_by is not None:
        yield Promise("finish_by", dag_id, at=_time_of_day(words.finish_by), timezone=zone, backfills=backfills)
    spans: tuple[tuple[PromiseKind, timedelta | None], ...] = (
        ("finish_within", words.finish_within),
        ("fresh_within", words.fresh_within),
    )
    for kind, span in spans:
        if span is not None:
            yield Promise(kind, dag_id, within_seconds=span.total_seconds(), backfills=backfills)
    for task_id, span in words.due_within.items():
        seconds = span.total_seconds()
        yield Promise("due_within", dag_id, task_id=task_id, within_seconds=seconds, backfills=backfills)


def _time_of_day(value: str | time) -> str:
    return value if isinstance(value, str) else value.strftime("%H:%M")


def _word_mistakes(words: Words) -> Iterator[str]:
    if words.finish_by is not None:
        yield from _finish_by_mistakes(words.finish_by)
        yield from _zone_mistakes(words.timezone)
    yield from _span_mistakes("finish_within", words.finish_within, MOST)
    yield from _span_mistakes("fresh_within", words.fresh_within, MOST_FRESH)
    if not isinstance(words.due_within, Mapping):
        yield f"due_within is {words.due_within!r}; expected tasks and their times: {{'score': timedelta(minutes=40)}}"
        return
    for task_id, span in words.due_within.items():
        yield from _span_mistakes(f"due_within of {task_id!r}", span, MOST, optional=False)


def _finish_by_mistakes(value: object) -> Iterator[str]:
    expected = 'expected a local time of day, such as "06:00"'
    if isinstance(value, datetime | date):
        yield f"finish_by is the date {value}, which passes once; {expected}, for it holds every night"
    elif isinstance(value, time):
        if value.tzinfo is not None:
            yield f"finish_by is {value!r}; give the zone by its name: timezone='Europe/Berlin'"
        if value.second or value.microsecond:
            yield f"finish_by is {value}; {expected}: minutes are the smallest unit"
    elif not isinstance(value, str):
        yield f"finish_by is {value!r} ({type(value).__name__}); {expected}"
    elif not _is_clock(value):
        yield f"finish_by is {value!r}; {expected}.{_meant(value)}"


def _is_clock(value: str) -> bool:
    hour, colon, minute = value.partition(":")
    digits = len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit()
    return bool(colon) and digits and int(hour) < 24 and int(minute) < 60


def _meant(value: str) -> str:
    found = CLOCK.fullmatch(value.strip())
    if found is None:
        return ""
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower().replace(".", "")
    hour = hour % 12 + (12 if half == "pm" else 0) if half in ("am", "pm") else hour % 24
    return f' Did you mean "{hour:02}:{minute:02}"?' if minute < 60 else ""


def _zone_mistakes(zone: object) -> Iterator[str]:
    if zone is None:
        yield "finish_by has no time zone; say whose clock: timezone='America/New_York'"
    elif not isinstance(zone, str):
        yield f"timezone is {zone!r} ({type(zone).__name__}); expected its name, such as 'Europe/Berlin'"
    elif not is_zone(zone):
        names = available_timezones()
        # Most know the city and not the continent.
        cities = {name.rpartition("/")[2]: name for name in sorted(names)}
        city = cities.get(zone.rpartition("/")[2].strip().title().replace(" ", "_"))
        hint = f" Did you mean {city!r}?" if city else nearest(zone, sorted(names))
        yield f"timezone {zone!r} is not known; expected a name such as 'Europe/Berlin'.{hint}"


def is_zone(name: str) -> bool:
    """Whether this machine knows a time zone of that name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a folder of the database is an OSError
        return False
    return True


def _span_mistakes(word: str, span: object, most: timedelta, *, optional: bool = True) -> Iterator[str]:
    if span is None and optional:
        return
    if not isinstance(span, timedelta):
        yield f"{word} is {span!r} ({type(span).__name__}); expected a timedelta, such as timedelta(hours=2)"
    elif span <= timedelta(0):
        yield f"{word} is {span}, which has passed before anything begins; expected more than 0"
    elif span > most:
        yield f"{word} is {span}; expected at most {most.days} days"


def _fit_mistakes(declaration: Declaration) -> Iterator[str]:
    yield from _doubled(declaration)
    by_kind = {promise.kind: promise for promise in declaration.promises}
    if "finish_by" in by_kind and declaration.schedule is None:
        yield (
            "finish_by needs a cron schedule, which says when a night should begin; this DAG has none. "
            "Use finish_within, which counts from when the run began"
        )
    elif "finish_by" in by_kind and "finish_within" in by_kind:
        yield from _contradictions(declaration, by_kind["finish_by"], by_kind["finish_within"])
    if "fresh_within" in by_kind:
        yield from _fresh_mistakes(declaration, by_kind["fresh_within"])
    yield from _task_mistakes(declaration, by_kind.get("finish_within"))


def _doubled(declaration: Declaration) -> Iterator[str]:
    ids = [promise.id for promise in declaration.promises]
    for doubled in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"{doubled.removeprefix(declaration.dag_id + '/')} is promised twice; one of the two must go"


def _contradictions(declaration: Declaration, by: Promise, within: Promise) -> Iterator[str]:
    spans = [(due_at(by, tick=tick, began=None) or tick) - tick for tick in _example_ticks(declaration)]
    allowed = within.within_seconds or 0.0
    if spans and allowed >= max(spans):
        yield (
            f"finish_within is {duration(allowed)}, but finish_by {by.at} comes at most {duration(max(spans))} after the "
            f"schedule ({declaration.schedule}, {declaration.timezone}): it could never matter. "
            "Make it shorter, or leave it out"
        )


def _fresh_mistakes(declaration: Declaration, fresh: Promise) -> Iterator[str]:
    if declaration.pipeline is None or declaration.kind in ("training", "maintenance"):
        yield "fresh_within needs a task that publishes a pipeline's nights (PublishOperator); this DAG has none"
        return
    moments = _example_ticks(declaration)
    gap = max((later - sooner for sooner, later in pairwise(moments)), default=0.0)
    if (fresh.within_seconds or 0.0) <= gap:
        yield (
            f"fresh_within is {duration(fresh.within_seconds or 0.0)}, but the schedule ({declaration.schedule}) leaves up to "
            f"{duration(gap)} between two nights: it would be broken while all is well. Make it longer than that and a run"
        )


def _task_mistakes(declaration: Declaration, whole: Promise | None) -> Iterator[str]:
    known = [task.task_id for task in declaration.tasks]
    for promise in declaration.promises:
        if promise.kind != "due_within" or promise.task_id is None:
            continue
        if promise.task_id not in known:
            hint = nearest(promise.task_id, known)
            yield f"due_within names the task {promise.task_id!r}; there are: {', '.join(known)}.{hint}"
        seconds, limit = promise.within_seconds or 0.0, whole.within_seconds if whole else None
        if limit is not None and seconds > limit:
            yield (
                f"due_within of {promise.task_id!r} is {duration(seconds)}, longer than finish_within, {duration(limit)}: "
                "the whole run would be late first. Make it shorter, or leave it out"
            )


def _example_ticks(declaration: Declaration) -> list[float]:
    """Some ticks of the schedule: those of a year, or of a week where there are many."""
    from croniter import CroniterError

    first = declaration.starts if declaration.starts is not None else EXAMPLE_DAY.timestamp()
    try:
        some = ticks(declaration, first, first + LOOKED_AT_CLOSELY.total_seconds())
        return some if len(some) > MANY_TICKS else ticks(declaration, first, first + LOOKED_AT.total_seconds())
    except CroniterError:
        return []  # Airflow itself refuses the schedule, and says why
