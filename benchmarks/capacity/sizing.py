"""From what was measured to what a house needs: pure. Each answer says how it came about.

Measured figures come from one processor core of the machine that the page names; another machine has others. Nothing here is
known of your nights: `Load` says what they take, and every line of the answer holds as far as that does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BUSY = 0.7
"""How much of its time a process may be at work before what waits for it grows: the usual share, for all of them."""
MADE_WITHIN_SECONDS = 120.0
"""Within so long of the tick all runs should be made, and their first tasks ready."""
WORKER_SLOTS = 8
"""Tasks of one Celery worker with 4 cores: a night's tasks wait for the disk and the network half of the time."""
DAYS = 365
TASKS = 5
CONNECTIONS = 15
"""Of one Airflow process at the most: `[database] sql_alchemy_pool_size` 5 and `sql_alchemy_max_overflow` 10."""
CONNECTIONS_OF_A_WATCH = 3
MESSAGE_KB = 16
"""Of one task that waits in Redis; assumed, not measured."""


@dataclass(frozen=True)
class Measured:
    """Figures of one core.

    Attributes:
        file_cpu_s: CPU seconds of Airflow's DAG processor for one file, its fork included.
        run_cpu_s: CPU seconds of the scheduler to make a run and its tasks and have the first one ready.
        claims_per_s: Keys that eight processes claimed and finished in a second.
        night_kb: Of the ledger's database, for one night with one shard.
        airflow_run_kb: Of Airflow's database, for one run with its tasks.
        turn_cpu_s_per_pipeline: CPU seconds of the watch in one turn.
        watch_mb_per_pipeline: Memory of the watch, with 90 nights.
    """

    file_cpu_s: float
    run_cpu_s: float
    claims_per_s: float
    night_kb: float
    airflow_run_kb: float
    turn_cpu_s_per_pipeline: float
    watch_mb_per_pipeline: float


@dataclass(frozen=True)
class Load:
    """What a house has to do.

    Attributes:
        pipelines: Each has a DAG file with a scoring and a training DAG.
        night_task_s: Task seconds of one night: all its tasks one after the other.
        window_s: From the tick to the promised time; nights are not all due at the first moment of it.
        training_task_s: Task seconds of one training, once a week; they run outside the window.
        people: Who look at pages at the same time.
    """

    pipelines: int
    night_task_s: float = 600.0
    window_s: float = 4 * 3600.0
    training_task_s: float = 1800.0
    people: int = 10


@dataclass(frozen=True)
class Need:
    """One line of the answer: what, how much, and why.

    Attributes:
        what: Such as `schedulers`.
        amount: How much of it.
        formula: How it came about, with the numbers in it.
    """

    what: str
    amount: float
    formula: str


def needs(load: Load, measured: Measured) -> list[Need]:
    """Return what a house of that load needs.

    Raises:
        ValueError: A load that cannot be.
    """
    if load.pipelines < 1 or min(load.night_task_s, load.window_s) <= 0:
        raise ValueError(f"{load} cannot be: expected at least one pipeline, and nights and a window that take time")
    slots = _slots(load)
    workers = math.ceil(slots.amount / WORKER_SLOTS)
    schedulers = _schedulers(load, measured)
    api_servers = max(1 if load.pipelines <= 10 else 2, math.ceil(slots.amount / 200 + load.people / 100))
    return [
        _processors(load, measured),
        schedulers,
        Need(
            "api servers",
            api_servers,
            "one, two from the first production house on; each for 200 running tasks and 100 people",
        ),
        slots,
        Need("workers", workers, f"{slots.amount:.0f} slots / {WORKER_SLOTS} of a worker with 4 cores"),
        _connections(int(schedulers.amount), api_servers, int(slots.amount)),
        _ledger(load, measured),
        _airflow(load, measured),
        _redis(load),
        *_watch(load, measured),
        _claims(load, measured),
    ]


def _processors(load: Load, measured: Measured) -> Need:
    """A second fork reads while what the first one read is stored; more than that waits for the one process that stores."""
    seconds = load.pipelines * measured.file_cpu_s
    interval = max(30.0, math.ceil(seconds / BUSY / 30) * 30.0)
    formula = f"two; {load.pipelines:,} files x {measured.file_cpu_s:.3f} CPU s = {seconds:.0f} s for all: min_file_process_interval {interval:.0f} s"
    return Need("parsing processes", 1 if load.pipelines <= 10 else 2, formula)


def _schedulers(load: Load, measured: Measured) -> Need:
    seconds = load.pipelines * measured.run_cpu_s
    schedulers = max(1 if load.pipelines <= 10 else 2, math.ceil(seconds / (BUSY * MADE_WITHIN_SECONDS)))
    formula = f"{load.pipelines:,} runs x {measured.run_cpu_s:.3f} CPU s = {seconds:.0f} s at the tick, within {MADE_WITHIN_SECONDS:.0f} s; never fewer than two in production"
    return Need("schedulers", schedulers, formula)


def _slots(load: Load) -> Need:
    seconds = load.pipelines * load.night_task_s
    slots = max(2, math.ceil(seconds / (BUSY * load.window_s)))
    return Need(
        "task slots",
        slots,
        f"{load.pipelines:,} nights x {load.night_task_s:.0f} s / ({BUSY} x {load.window_s / 3600:g} h)",
    )


def _connections(schedulers: int, api_servers: int, slots: int) -> Need:
    """Airflow's tasks have no connection to its database: they speak to the API servers."""
    processes = schedulers + api_servers + 2
    total = processes * CONNECTIONS + 2 * slots + CONNECTIONS_OF_A_WATCH
    formula = (
        f"{CONNECTIONS} at most of {processes} Airflow processes (DAG processor and triggerer among them), "
        f"2 of each of {slots} slots (ledger, Celery's results), {CONNECTIONS_OF_A_WATCH} of the watch"
    )
    return Need("Postgres connections", total, formula)


def _ledger(load: Load, measured: Measured) -> Need:
    gigabytes = load.pipelines * DAYS * measured.night_kb / 1e6
    return Need("ledger, GB a year", gigabytes, f"{load.pipelines:,} x {DAYS} nights x {measured.night_kb:.1f} kB")


def _airflow(load: Load, measured: Measured) -> Need:
    gigabytes = load.pipelines * (DAYS + 52) * measured.airflow_run_kb / 1e6
    return Need(
        "Airflow's database, GB a year",
        gigabytes,
        f"{load.pipelines:,} x ({DAYS} nights + 52 trainings) x {measured.airflow_run_kb:.1f} kB, less what `airflow db clean` takes",
    )


def _redis(load: Load) -> Need:
    megabytes = max(64, math.ceil(load.pipelines * TASKS * MESSAGE_KB / 1000) + 32)
    return Need(
        "Redis, MB",
        megabytes,
        f"32 + {load.pipelines:,} x {TASKS} tasks that all wait x {MESSAGE_KB} kB (assumed); 64 at least",
    )


def _watch(load: Load, measured: Measured) -> Sequence[Need]:
    turn = load.pipelines * measured.turn_cpu_s_per_pipeline
    every = max(5.0, math.ceil(turn / BUSY / 5) * 5.0)
    memory = 150 + load.pipelines * measured.watch_mb_per_pipeline
    return (
        Need("watch, seconds between looks", every, f"a turn takes {turn:.2f} CPU s; two watches do no harm"),
        Need("watch, MB", memory, f"150 + {load.pipelines:,} x {measured.watch_mb_per_pipeline:.2f}"),
    )


def _claims(load: Load, measured: Measured) -> Need:
    rate = load.pipelines * TASKS / load.window_s
    share = 100 * rate / measured.claims_per_s
    return Need(
        "ledger, % of what it can give",
        share,
        f"{load.pipelines:,} nights x {TASKS} keys in {load.window_s / 3600:g} h = {rate:.2f} keys/s of {measured.claims_per_s:.0f}",
    )


def as_table(loads: Sequence[Load], measured: Measured) -> str:
    """Return the answers for several loads as a Markdown table: one column each, and the formula of the largest."""
    answers: list[Mapping[str, Need]] = [{need.what: need for need in needs(load, measured)} for load in loads]
    heads = [f"{load.pipelines:,} pipelines" for load in loads]
    lines = [f"| | {' | '.join(heads)} | how the last one came about |", f"| --- |{' ---: |' * len(loads)} --- |"]
    for what in answers[-1]:
        amounts = [_shown(answer[what].amount) for answer in answers]
        lines.append(f"| {what} | {' | '.join(amounts)} | {answers[-1][what].formula} |")
    return "\n".join(lines)


def _shown(amount: float) -> str:
    if amount == int(amount) or amount >= 100:
        return f"{amount:,.0f}"
    return f"{amount:.2g}" if amount < 10 else f"{amount:.0f}"
