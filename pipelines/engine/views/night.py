"""One night: its steps in time, shards, checks, scores and what readers saw. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from statistics import median, quantiles
from typing import Any

from pipelines.engine.ledger.values import Entry, iso
from pipelines.engine.score_form import PROBABILITY_EDGES
from pipelines.engine.steps import NIGHT_STEPS
from pipelines.engine.views.cost import Spent
from pipelines.engine.views.stories import Story
from pipelines.engine.views.strip import Cell

USUAL_NIGHTS = 28
"""From so many earlier nights it is said what a step usually takes."""
FEWEST = 3
"""With fewer, nothing is."""


@dataclass(frozen=True)
class Usual:
    """How long a step takes on other nights, in seconds: the median, and what nine nights of ten stay below."""

    median: float
    high: float
    nights: int


@dataclass(frozen=True)
class StepTime:
    """One step of a night on the time axis.

    Attributes:
        step: `validate`, `plan`, `score`, `publish` or `monitor`.
        state: `done`, `claimed` (running, or its lease ran out), `failed`, `open`, or `waiting` before its first claim.
        started_at, ended_at: Of its keys' last claims: the first beginning and the last end; None before them.
        seconds: From beginning to end; None before the end.
        usual: What it usually takes; None if too few nights tell.
        keys: How many keys it has; of `score` the shards.
        key: Of a step with one key, its digest, else None.
        error: What failed last, in words.
    """

    step: str
    state: str
    started_at: str | None
    ended_at: str | None
    seconds: float | None
    usual: Usual | None
    keys: int
    key: str | None
    error: str | None


@dataclass(frozen=True)
class ShardLine:
    """One shard of a night: how many rows, how it was scored, and how long that took."""

    number: int
    of: int | None
    state: str
    rows_in: int | None
    rows_scored: int | None
    seconds: float | None
    scorer: str | None
    warning: str | None
    fence: int
    key: str


@dataclass(frozen=True)
class CheckLine:
    """An expectation that was not met; `description` is what its suite calls it, empty where an older night does not tell."""

    expectation: str
    column: str | None
    severity: str
    observed: str
    description: str = ""


@dataclass(frozen=True)
class Checked:
    """What the suite said of the night's rows.

    Attributes:
        suite: Its name.
        status: `passed`, `warned` or `failed`.
        rows, refused, expectations: How many.
        failed: Expectations that were not met, the most severe first; `not_shown` more of them.
        report: Path of the HTML report below the reports folder; None if there is none.
        drift: Features furthest from the training's: population stability index by name.
    """

    suite: str
    status: str
    rows: int
    refused: int
    expectations: int
    failed: tuple[CheckLine, ...]
    not_shown: int
    report: str | None
    drift: Mapping[str, float]


@dataclass(frozen=True)
class Distribution:
    """How the scores spread, as shares of rows in bins.

    Attributes:
        edges: Of the bins, one more than there are bins.
        tonight: Shares of this night; None before it is scored.
        last_week: Of the seven nights before that were published; None if there are none.
        training: Of the holdout rows of the model's training; None where that is not known.
        mean: Mean score of this night.
        deviations: Of the mean from the training's nights, in their standard deviations.
        stability: Population stability index of tonight against training.
    """

    edges: tuple[float, ...]
    tonight: tuple[float, ...] | None
    last_week: tuple[float, ...] | None
    training: tuple[float, ...] | None
    mean: float | None
    deviations: float | None
    stability: float | None


@dataclass(frozen=True)
class TableVersion:
    """One publication of the night.

    Attributes:
        delta_version: Version of the table that it made; readers saw it from `from_at` until `until_at`, or see it now (None).
        model_version, rows_scored, rows_quarantined: What it showed.
        key: Of the publication.
        because: What was different from the publication before it, such as `inputs.scores`; empty for the first.
    """

    delta_version: int
    from_at: str
    until_at: str | None
    model_version: str
    rows_scored: int
    rows_quarantined: int
    key: str
    because: tuple[str, ...]


@dataclass(frozen=True)
class NightView:
    """Everything about one night of one pipeline.

    Attributes:
        pipeline, night: Which.
        cell: How it stands in short.
        steps: In the order in which they run, also those that have not begun.
        shards: By number.
        checked: None before the rows were checked, and where they failed: then `cell.error` says why.
        quarantine: File of the refused rows below the tables, None if there are none.
        distribution: Of the scores.
        versions: Of the table, oldest first: what readers saw, and when.
        warnings: Of monitoring, in words.
        keys: Everything that happened, by key, the latest claimed first.
        dag_id, run_id: Of Airflow's last run of the night, as far as it was heard of.
        before, after: The nights beside it that have keys; None at the ends.
        night_report: Path of the night report below the reports folder; None if there is none.
        owner: Who answers for the scoring DAG; empty if none was declared.
        promise: What is promised of a night, in words; None if nothing is.
        cost: What its keys cost, all that are done; None before anything was measured.
    """

    pipeline: str
    night: str
    cell: Cell
    steps: tuple[StepTime, ...]
    shards: tuple[ShardLine, ...]
    checked: Checked | None
    quarantine: str | None
    distribution: Distribution
    versions: tuple[TableVersion, ...]
    warnings: tuple[str, ...]
    keys: tuple[Story, ...]
    dag_id: str | None
    run_id: str | None
    before: str | None
    after: str | None
    night_report: str | None = None
    owner: str = ""
    promise: str | None = None
    cost: Spent | None = None


def usual_of(seconds: Sequence[float]) -> Usual | None:
    """Return what a step usually takes, from what it took on other nights."""
    if len(seconds) < FEWEST:
        return None
    return Usual(round(median(seconds), 3), round(quantiles(seconds, n=10, method="inclusive")[8], 3), len(seconds))


def step_times(entries: Iterable[Entry], usual: Mapping[str, Sequence[float]], now: float) -> tuple[StepTime, ...]:
    """Return the steps of a night in the order in which they run.

    Args:
        entries: Keys of the night.
        usual: By step: how long it took on other nights, in seconds.
        now: Seconds since 1970, by the ledger's clock.
    """
    by_step: dict[str, list[Entry]] = {step: [] for step in NIGHT_STEPS}
    for entry in entries:
        if entry.step in by_step:
            by_step[entry.step].append(entry)
    return tuple(_step_time(step, _of_last_run(mine), usual_of(usual.get(step, ()))) for step, mine in by_step.items())


def _of_last_run(entries: Sequence[Entry]) -> list[Entry]:
    """Leave out keys of earlier deliveries and earlier models: of each partition the last claimed counts."""
    last: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.claimed_at):
        last[entry.partition] = entry
    return list(last.values())


def _step_time(step: str, entries: Sequence[Entry], usual: Usual | None) -> StepTime:
    if not entries:
        return StepTime(step, "waiting", None, None, None, usual, 0, None, None)
    started = min(entry.claimed_at for entry in entries)
    ends = [entry.finished_at for entry in entries if entry.finished_at is not None]
    over = len(ends) == len(entries)
    states = {entry.state for entry in entries}
    state = next(state for state in ("failed", "claimed", "open", "done") if state in states)
    return StepTime(
        step,
        state,
        iso(started),
        iso(max(ends)) if over else None,
        round(max(ends) - started, 3) if over else None,
        usual,
        len(entries),
        entries[0].key if len(entries) == 1 else None,
        next((entry.error for entry in entries if entry.state == "failed"), None),
    )


def shard_lines(entries: Iterable[Entry]) -> tuple[ShardLine, ...]:
    """Return the shards of a night by number."""
    shards = _of_last_run([entry for entry in entries if entry.step == "score"])
    return tuple(sorted((_shard_line(entry) for entry in shards), key=lambda line: line.number))


def _shard_line(entry: Entry) -> ShardLine:
    result = entry.result or {}
    took = round(entry.finished_at - entry.claimed_at, 3) if entry.finished_at is not None else None
    return ShardLine(
        int(entry.partition.partition("#")[2] or 0),
        result.get("of"),
        entry.state,
        result.get("rows_in"),
        result.get("rows_scored"),
        took,
        result.get("scorer"),
        result.get("warning"),
        entry.fence,
        entry.key,
    )


def checked_of(result: Mapping[str, Any], report: str | None) -> Checked:
    """Return what a suite said, from the recorded result of `validate`."""
    summary = result["summary"]
    return Checked(
        summary["suite"],
        summary["status"],
        summary["rows"],
        summary["refused"],
        summary["expectations"],
        tuple(
            CheckLine(
                line["expectation"], line["column"], line["severity"], line["observed"], line.get("description", "")
            )
            for line in summary["failed"]
        ),
        summary["failed_not_shown"],
        report,
        result.get("drift") or {},
    )


def table_versions(entries: Iterable[Entry], because: Mapping[str, Sequence[str]]) -> tuple[TableVersion, ...]:
    """Return the publications of a night, oldest first.

    Args:
        entries: Its keys.
        because: By key of a publication: what was different in it from the one before.
    """
    published = sorted(
        (entry for entry in entries if entry.step == "publish" and entry.state == "done" and entry.result),
        key=lambda entry: entry.finished_at or 0.0,
    )
    untils = [iso(entry.finished_at or 0.0) for entry in published[1:]]
    return tuple(
        TableVersion(
            result["delta_version"],
            iso(entry.finished_at or 0.0),
            until,
            result["model_version"],
            result["rows_scored"],
            result["rows_quarantined"],
            entry.key,
            tuple(because.get(entry.key, ())),
        )
        for entry, until in zip_longest(published, untils)
        for result in (entry.result or {},)
    )


def distribution_of(
    published: Mapping[str, Any], monitored: Mapping[str, Any], week: Sequence[Mapping[str, Any]]
) -> Distribution:
    """Return how the scores spread.

    Args:
        published: Result of the night's last publication; may be empty.
        monitored: Result of its monitoring; may be empty.
        week: Results of the publications of up to seven nights before.
    """
    edges = _edges(published)
    same = [night for night in week if _edges(night) == edges]
    training = monitored.get("training_histogram")
    return Distribution(
        edges,
        _shares(published.get("histogram")),
        _shares([sum(counts) for counts in zip(*(night["histogram"] for night in same), strict=True)] or None),
        _shares(training),
        published.get("score_mean"),
        monitored.get("deviations"),
        monitored.get("score_stability"),
    )


def _edges(published: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the edges of a publication's bins; before they were kept, all were bins of probabilities."""
    return tuple(published.get("score_edges") or PROBABILITY_EDGES)


def _shares(counts: Sequence[float] | None) -> tuple[float, ...] | None:
    total = sum(counts) if counts else 0
    return tuple(round(count / total, 6) for count in counts) if counts and total else None
