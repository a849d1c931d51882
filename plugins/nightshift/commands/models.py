"""`nightshift models`: who is champion, what each version proved, and how the champion came to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightshift.commands.completing import complete_pipeline
from nightshift.commands.show import json_option, print_json, print_table, say, say_list, say_title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.engine.views.models import ModelLine, ModelView, VersionView

NO_MODEL = "No model of {pipeline} was trained yet. Train one: nightshift train {pipeline} --as-of NIGHT"


@click.command(short_help="Show champion, challenger and previous, verdicts and the journal.")
@click.argument("pipeline", required=False, shell_complete=complete_pipeline)
@json_option
def models(pipeline: str | None, as_json: bool) -> None:
    """Show the models: of all pipelines in short, or of one with verdicts, numbers and every change of the champion.

    This is what the ledger remembers; it does not ask MLflow. Before the champion is moved, MLflow is asked.

    \b
    Examples:  nightshift models
               nightshift models flights
               nightshift models flights --json | jq '.versions[] | {version, role, metrics}'
    """
    from nightshift.commands.house import open_house

    house = open_house()
    if pipeline is None:
        views = house.models()
        if as_json:
            print_json(views)
        else:
            _show_all(views)
        return
    view = house.model(pipeline)
    if as_json:
        print_json(view)
    else:
        _show(view)


def _show_all(lines: Sequence[ModelLine]) -> None:
    columns = (
        "pipeline",
        "champion",
        "since",
        "trained as of",
        "metric",
        "value",
        "challenger",
        "previous",
        "versions",
    )
    print_table(columns, [_line(line) for line in lines], spare=("previous", "trained as of", "metric", "versions"))
    for line in lines:
        if line.champion is None:
            click.echo(NO_MODEL.format(pipeline=line.pipeline))


def _line(line: ModelLine) -> tuple[object, ...]:
    metric = line.metric if line.value is not None else None
    value = f"{line.value:.4f}" if line.value is not None else None
    since, number = line.since, line.versions
    return line.pipeline, line.champion, since, line.as_of, metric, value, line.challenger, line.previous, number


def with_interval(version: VersionView, metric: str | None) -> str | None:
    """Return a metric with its 95 % interval, where there is one: `0.6730 (0.6610 to 0.6850)`."""
    if metric is None or metric not in version.metrics:
        return None
    interval = version.intervals.get(metric)
    within = f" ({interval[0]:.4f} to {interval[1]:.4f})" if interval else ""
    return f"{version.metrics[metric]:.4f}{within}"


def _show(view: ModelView) -> None:
    if view.question:
        say(view.question, bold=True)
    if not view.versions:
        say(NO_MODEL.format(pipeline=view.pipeline))
        return
    for line in roles_told(view):
        say(line)
    say_title("Versions")
    print_table(
        ("version", "role", "trained as of", "gate", view.metric or "metric", "nights scored", "registered at"),
        [_version(version, view.metric) for version in view.versions],
        spare=("registered at", "nights scored"),
    )
    for version in view.versions:
        if version.role is not None:
            _show_verdict(version)
    _show_moves(view)


def roles_told(view: ModelView) -> list[str]:
    """Say in sentences who is champion, previous and challenger."""
    lines = []
    if view.champion is None:
        lines.append(f"{view.pipeline} has no champion: no version has earned the right to score yet.")
    else:
        since = f" since {view.moves[0].at}" if view.moves else ""
        lines.append(f"Version {view.champion} is champion{since}.")
    if view.previous is not None:
        lines.append(
            f"Version {view.previous} was champion before; to go back to it: nightshift rollback {view.pipeline} "
            '--reason "..."'
        )
    if view.challenger is not None:
        lines.append(f"Version {view.challenger} is a challenger: newer than the champion, and not promoted.")
    return lines


def _version(version: VersionView, metric: str | None) -> tuple[object, ...]:
    gate = None if version.opened is None else "open" if version.opened else "refused"
    return (
        version.version,
        version.role,
        version.as_of,
        gate,
        with_interval(version, metric),
        version.scored.nights if version.scored else None,
        version.registered_at,
    )


def _show_verdict(version: VersionView) -> None:
    gate = {True: "the gate opened", False: "the gate refused it", None: "the gate has not judged it"}[version.opened]
    say_title(f"Version {version.version} ({version.role}): {gate}")
    say_list(version.reasons)
    if version.difference:
        say_list([_difference(version.difference, version.against)])
    rows = [
        (
            name,
            with_interval(version, name),
            f"{version.baseline[name]:.4f}" if name in version.baseline else None,
            f"{version.against_metrics[name]:.4f}" if name in version.against_metrics else None,
        )
        for name in version.metrics
    ]
    against = f"version {version.against}" if version.against else "champion"
    print_table(("metric on the holdout", "model (95 % interval)", "base rate", against), rows, spare=("base rate",))


def _difference(difference: Mapping[str, object], against: str | None) -> str:
    value, low, high = (difference.get(name) for name in ("value", "low", "high"))
    within = (
        f" (95 % interval: {low:+.4f} to {high:+.4f})" if isinstance(low, float) and isinstance(high, float) else ""
    )
    return f"{difference['metric']} minus that of version {against}: {value:+.4f}{within}"


def _show_moves(view: ModelView) -> None:
    if not view.moves:
        return
    say_title("How the champion came to be")
    print_table(
        ("at", "what", "from", "to", "by", "why"),
        [
            (move.at, move.action, move.moved_from, move.moved_to, move.actor or None, move.reason)
            for move in view.moves
        ],
    )
