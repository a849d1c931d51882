"""`nightshift promises`: what is promised, and how good the warnings were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nightshift.commands.show import json_option, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.promises.report import Accuracy
    from pipelines.engine.promises.values import Declaration, Promise

DAY = 86_400.0
NEVER_READ = "No promise is known yet. Read the DAG files: nightshift promises sync"
COUNTS = ("nights", "warned", "right", "false_alarms", "misses", "not_foreseen")
SHARES = ("precision", "recall", "brier")


@dataclass(frozen=True)
class ListedPromise:
    """One promise.

    Attributes:
        id, dag_id, owner, file, kind: As it is declared, and where.
        promise: In words.
        timezone: In which its time of day is.
        due_next: In seconds since 1970; None where it depends on something that is yet to come.
        since: When it was promised first, likewise.
    """

    id: str
    dag_id: str
    owner: str
    file: str
    kind: str
    promise: str
    timezone: str | None
    due_next: float | None
    since: float | None


@dataclass(frozen=True)
class Synced:
    """What `promises sync` read: DAGs whose promises changed, and by file why it cannot be read."""

    changed: tuple[str, ...]
    problems: Mapping[str, str]


dags_option = click.option(
    "--dags",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The DAG files; dags/ of this repository by default.",
)


@click.group(short_help="What is promised about time, and how good the warnings were.")
def promises() -> None:
    """Show what the DAGs promise about time, and how good the early warnings were.

    Promises are written in DAG files (finish_by=, finish_within=, fresh_within=, due_within=). The watch reads them by
    itself whenever a file changes.
    """


@promises.command(name="list", short_help="What is promised, and when it is due next.")
@json_option
def list_promises(as_json: bool) -> None:
    """List what is promised, since when, and when it is due next.

    \b
    Examples:  nightshift promises list
               nightshift promises list --json | jq '.[] | select(.kind == "finish_by")'
    """
    rows = _listed(_observations())
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo(NEVER_READ)
        return
    shown = [(row.dag_id, row.promise, row.owner, _local(row), _day(row.since)) for row in rows]
    print_table(("DAG", "promise", "owner", "due next", "promised since"), shown)


@promises.command(short_help="Read the DAG files, and write down what they promise.")
@dags_option
@json_option
def sync(dags: Path | None, as_json: bool) -> None:
    """Read the DAG files now, and write down in the ledger what they promise. The watch does the same on every change.

    A file that cannot be read keeps what it promised before; it is named, and the exit code is 1.
    """
    from nightshift.declarations import HEARTBEAT, refresh_declarations
    from pipelines.engine.settings import read_settings

    observations = _observations()
    folder = dags.resolve() if dags else None
    changed = refresh_declarations(read_settings(), observations, folder=folder, always=True)
    heard = observations.heartbeat(HEARTBEAT)
    problems = heard[1]["problems"] if heard else {}
    if as_json:
        print_json(Synced(tuple(changed), problems))
    else:
        click.echo(f"Changed: {', '.join(changed)}" if changed else "Nothing has changed.")
        for file, problem in problems.items():
            click.echo(f"{file} cannot be read and keeps what it promised before:\n{problem}", err=True)
    if problems:
        click.get_current_context().exit(1)


@promises.command(short_help="How early warnings came, how many were right, which misses were not foreseen.")
@click.option("--days", type=click.IntRange(min=1), default=90, show_default=True, help="Of nights due since then.")
@json_option
def report(days: int, as_json: bool) -> None:
    """Show how good the early warnings were: how early, how many were right, which misses were not foreseen.

    precision: of the warnings, how many were right. recall: of the misses, how many were foreseen. Brier score: how
    far the probabilities that were told were from what came, 0 at best; always saying 50 % scores 0.25.

    \b
    Examples:  nightshift promises report
               nightshift promises report --days 28 --json
    """
    from pipelines.engine.promises.report import accuracy, by_promise

    outcomes = read_outcomes(days)
    everything, each = accuracy(outcomes), by_promise(outcomes)
    if as_json:
        from nightshift.commands.shapes import AccuracyAnswer

        print_json(AccuracyAnswer(days, everything, dict(each)))
        return
    if not outcomes:
        click.echo(f"No promised night was due in the last {days} days, or the watch did not run.")
        return
    rows = [*each.items(), ("all", everything)] if len(each) > 1 else [*each.items()]
    print_table(
        ("promise", *(name.replace("_", " ") for name in COUNTS), "precision", "recall", "median lead", "Brier"),
        [[name, *(getattr(of, count) for count in COUNTS), *_shares(of)] for name, of in rows],
    )
    unseen = [outcome for outcome in outcomes if outcome.missed and not outcome.foreseen]
    for outcome in unseen:
        click.echo(f"Not foreseen: {outcome.promise_id}, night {outcome.night}")


def read_outcomes(days: int) -> list[Any]:
    """Return what became of each promise and night of the last days; see `pipelines.engine.promises.report.Outcome`.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    from pipelines.engine.incidents.warnings import Warnings
    from pipelines.engine.ledger.promise_outcomes import PromiseOutcomes
    from pipelines.engine.promises.report import Outcome
    from pipelines.engine.replay import read_clock
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    kept = PromiseOutcomes(settings.ledger_url)
    since = read_clock(settings).shows(kept.now()) - days * DAY
    warned = Warnings(settings.ledger_url).first(since)
    outcomes = []
    for ended in kept.since(since):
        at, probability = warned.get((ended.promise_id, ended.night), (None, None))
        missed = ended.outcome == "late"
        outcomes.append(
            Outcome(ended.promise_id, ended.night, at, probability, ended.due_at, ended.finished_at, missed)
        )
    return outcomes


def _shares(of: Accuracy) -> list[str | None]:
    from pipelines.engine.durations import duration

    precision, recall, brier = (None if (value := getattr(of, name)) is None else f"{value:.2f}" for name in SHARES)
    return [precision, recall, None if of.lead_seconds is None else duration(of.lead_seconds), brier]


def _observations() -> Observations:
    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.settings import read_settings

    return Observations(read_settings().ledger_url)


def _listed(observations: Observations) -> list[ListedPromise]:
    from pipelines.engine.promises.declare import said
    from pipelines.engine.promises.values import Declaration
    from pipelines.engine.replay import as_replayed, read_replay
    from pipelines.engine.settings import read_settings

    replay = read_replay(read_settings())
    now = observations.now() if replay is None else replay.clock.shows(observations.now())
    rows = []
    for seen in observations.declarations():
        declaration = as_replayed(Declaration.from_json(seen.content), replay)
        rows += [
            ListedPromise(
                promise.id,
                declaration.dag_id,
                declaration.owner,
                declaration.file,
                promise.kind,
                said(promise),
                promise.timezone,
                _due_next(declaration, promise, now),
                seen.since.get(promise.id),
            )
            for promise in declaration.promises
        ]
    return rows


def _due_next(declaration: Declaration, promise: Promise, now: float) -> float | None:
    """When a promise about a time of day is due next; the others are due so long after something that is yet to come."""
    from pipelines.engine.promises.schedule import due_at, ticks

    if promise.kind != "finish_by":
        return None
    dues: Sequence[float | None] = [
        due_at(promise, tick=tick, began=None) for tick in ticks(declaration, now - 2 * DAY, now + 32 * DAY)
    ]
    return min((due for due in dues if due is not None and due > now), default=None)


def _local(row: ListedPromise) -> str | None:
    if row.due_next is None:
        return None
    return datetime.fromtimestamp(row.due_next, ZoneInfo(row.timezone or "UTC")).strftime("%a %Y-%m-%d %H:%M %Z")


def _day(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
