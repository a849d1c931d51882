"""Months of nights in a house, with their troubles; everything follows from the seed."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from benchmarks.promises.houses import MINUTE, House
from pipelines.engine.promises.facts import NightFact, RunFact, TaskFact

DAY = 86400.0
WARM_UP = 30
"""Nights that are history only."""
JUDGED = 30
"""Nights of a month that are foreseen."""

WEEKDAYS = (1.0, 0.97, 1.0, 1.05, 1.2, 0.75, 0.65)
SCENARIOS = ("normal", "slow drift", "sudden slow-down", "outage")
_FIRST = date(2026, 1, 5)
_STARTS = 1_767_578_400.0  # 02:00 UTC of that day


@dataclass(frozen=True)
class Trouble:
    """What goes wrong on one night.

    Attributes:
        begins_late: Seconds for which no scheduler looked.
        slower, slower_from: From so many seconds after the tick all work takes so many times as long.
        hangs, hangs_for: A step (one shard of it) that stands still for so long.
    """

    begins_late: float = 0.0
    slower: float = 1.0
    slower_from: float = 0.0
    hangs: str | None = None
    hangs_for: float = 0.0


@dataclass(frozen=True)
class Night:
    """One night as it really went.

    Attributes:
        name: Its date.
        tick: When it should have begun.
        due_at: When it was due.
        run: Its run, seen from its end.
        rows, shards: What it had to score, known to others once `plan` is done.
        finished_at: When it delivered.
    """

    name: str
    tick: float
    due_at: float
    run: RunFact
    rows: int
    shards: int
    finished_at: float

    @property
    def missed(self) -> bool:
        """Whether it was late."""
        return self.finished_at > self.due_at

    def at(self, now: float) -> tuple[RunFact | None, NightFact]:
        """Return what was known of it then."""
        if (self.run.started_at or 0.0) > now:
            return None, NightFact()
        seen = []
        planned = False
        for task in self.run.tasks:
            if task.started_at > now:
                continue
            over = task.ended_at is not None and task.ended_at <= now
            planned = planned or (over and task.task_id == "plan")
            seen.append(task if over else TaskFact(task.task_id, task.map_index, "running", task.started_at))
        run = self.run
        fact = NightFact(rows=self.rows, shards=self.shards) if planned else NightFact()
        return RunFact(run.dag_id, run.run_id, run.night, run.kind, "running", run.started_at, None, tuple(seen)), fact


@dataclass(frozen=True)
class Month:
    """Two months: one of history, and one that is judged."""

    house: House
    scenario: str
    seed: int
    nights: tuple[Night, ...]


def make_month(house: House, scenario: str, seed: int) -> Month:
    """Return one seeded month. The deadline is what nineteen of twenty nights without trouble keep."""
    name = house.declaration.dag_id
    random = Random(f"{name} {scenario} {seed}")  # noqa: S311 - chance, not secrets
    count = WARM_UP + JUDGED
    growth = random.uniform(0.003, 0.009) if scenario == "slow drift" else 0.0
    calm = Random(f"{name} deadline {seed}")  # noqa: S311
    middle = math.exp(growth * (WARM_UP + JUDGED / 2))
    finishes = sorted(
        _night(house, calm, number % 60, middle, Trouble(), 0.0).finished_at - _tick(number % 60)
        for number in range(240)
    )
    due_after = finishes[int(0.95 * len(finishes))]
    troubles = _troubles(house, scenario, random, count, due_after)
    nights = (
        _night(house, random, number, math.exp(growth * number), troubles[number], due_after) for number in range(count)
    )
    return Month(house, scenario, seed, tuple(nights))


def _tick(number: int) -> float:
    return _STARTS + number * DAY


def _troubles(house: House, scenario: str, random: Random, count: int, due_after: float) -> list[Trouble]:
    troubles = [Trouble()] * count
    number = 0
    while number < count:
        if scenario == "sudden slow-down" and random.random() < 0.04:
            slower = random.uniform(1.2, 2.0)
            begins = 0.0 if random.random() < 0.6 else random.uniform(0.1, 0.8) * due_after
            for _ in range(random.randint(1, 3)):  # a noisy neighbour stays for a while
                if number < count:
                    troubles[number] = Trouble(slower=slower, slower_from=begins)
                begins, number = 0.0, number + 1
        elif scenario == "outage" and random.random() < 0.08:
            lasts = min(5 * 60, random.lognormvariate(math.log(50), 0.7)) * MINUTE
            step = random.choice([task.task_id for task in house.declaration.tasks])
            troubles[number] = (
                Trouble(begins_late=lasts) if random.random() < 0.5 else Trouble(hangs=step, hangs_for=lasts)
            )
        number += 1
    return troubles


def _night(house: House, random: Random, number: int, level: float, trouble: Trouble, due_after: float) -> Night:
    day = _FIRST + timedelta(days=number)
    rows = house.rows * WEEKDAYS[day.weekday()] * random.lognormvariate(0.0, 0.07)
    if day.day <= 2:  # the month is closed
        rows *= 1.25
    shards = math.ceil(rows / house.rows_per_shard)
    tick = _tick(number)
    began = tick + random.expovariate(1 / 8.0) + trouble.begins_late
    machine = level * random.lognormvariate(0.0, 0.08)  # what all steps of a night share

    def work(at: float, seconds: float) -> float:
        """When work is done that would take so long on a usual night."""
        slower_from = tick + trouble.slower_from
        before = min(seconds, max(0.0, slower_from - at))
        return at + before + (seconds - before) * trouble.slower

    tasks: list[TaskFact] = []
    ends: dict[str, float] = {}
    for task in house.declaration.tasks:
        ready = max((ends[name] for name in task.upstream), default=began)
        cost = house.costs[task.task_id]
        seconds = (cost.fixed + cost.per_million_rows * rows / 1e6) * machine * random.lognormvariate(0.0, 0.06)
        hang = trouble.hangs_for if trouble.hangs == task.task_id else 0.0
        if task.mapped:
            tasks += _shards(task.task_id, ready, [seconds / shards] * shards, hang, house.workers, random, work)
        else:
            start = ready + random.expovariate(1 / 4.0)
            tasks.append(
                TaskFact(task.task_id, -1, "success", start, work(start, _tried(seconds, random, 0.03)) + hang)
            )
        ends[task.task_id] = max(fact.ended_at or 0.0 for fact in tasks if fact.task_id == task.task_id)
    name, dag_id = day.isoformat(), house.declaration.dag_id
    run = RunFact(dag_id, f"scheduled__{name}", name, "scheduled", "success", began, max(ends.values()), tuple(tasks))
    return Night(name, tick, tick + due_after, run, round(rows), shards, ends[house.declaration.delivers or ""])


def _shards(
    task_id: str,
    ready: float,
    seconds: list[float],
    hang: float,
    workers: int,
    random: Random,
    work: Callable[[float, float], float],
) -> list[TaskFact]:
    """Shards of one step, each taken by the first free worker."""
    free = [ready] * workers
    stuck = random.randrange(len(seconds))
    facts = []
    for index, usual in enumerate(seconds):
        start = heapq.heappop(free) + random.expovariate(1 / 4.0)
        takes = _tried(usual * random.lognormvariate(0.0, 0.15), random, 0.005)
        end = work(start, takes) + (hang if index == stuck else 0.0)
        heapq.heappush(free, end)
        facts.append(TaskFact(task_id, index, "success", start, end))
    return facts


def _tried(seconds: float, random: Random, fails: float) -> float:
    """How long it takes with its retries (after five minutes each), and now and then far longer for no known reason."""
    took = seconds
    while random.random() < fails:
        took += seconds * random.random() + 5 * MINUTE
    if random.random() < fails / 2:
        took += 0.3 * seconds * min(10.0, random.paretovariate(1.5))
    return took
