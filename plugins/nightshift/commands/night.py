"""`nightshift night`: one night from beginning to end, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightshift.commands.completing import complete_night_in_words, complete_pipeline
from nightshift.commands.show import TONES, json_option, print_json, print_table, say, say_list, say_title

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings
    from pipelines.engine.views.house import House
    from pipelines.engine.views.night import NightView, StepTime

DRIFTED = 0.1
"""Below this population stability index nobody needs to look at a feature."""


@click.command(short_help="Tell how one night went, and what to do about it.")
@click.argument("night", metavar="NIGHT|last|yesterday", shell_complete=complete_night_in_words)
@click.option("--pipeline", metavar="NAME", shell_complete=complete_pipeline, help="Only of this one; otherwise all.")
@json_option
def night(night: str, pipeline: str | None, as_json: bool) -> None:
    """Tell how a night stands and what to do next: its steps, checks, refused rows, and what readers saw.

    \b
    Examples:  nightshift night last
               nightshift night 2013-11-19 --pipeline flights
               nightshift night yesterday --json | jq '.[] | {pipeline, state: .cell.state}'
    """
    from nightshift.commands.house import open_house
    from pipelines.engine.settings import read_settings

    house, settings = open_house(), read_settings()
    views = _found(house, settings, night, pipeline)
    if as_json:
        print_json(views)
        return
    for number, view in enumerate(views):
        if number:
            click.echo()
        _show(view, settings)


def _found(house: House, settings: Settings, text: str, pipeline: str | None) -> list[NightView]:
    """Return a night of one pipeline, or of all that have it.

    Raises:
        UnknownNight: Nothing was done for it.
        UnknownPipeline: There is none of that name.
    """
    from nightshift.commands.house import night_of
    from pipelines.engine.errors import UnknownNight

    wanted = night_of(text, house, settings)
    newest = {strip.pipeline: strip.nights[-1].night for strip in house.strips(last=1, only=pipeline) if strip.nights}
    if pipeline is not None and wanted is not None:
        return [house.night(pipeline, wanted)]
    views = []
    for name in newest:
        try:
            views.append(house.night(name, wanted or newest[name]))
        except UnknownNight as error:
            if len(newest) == 1:
                raise
            last = error
    if not views:
        if not newest:
            raise UnknownNight("no night was run yet. Run one: nightshift score PIPELINE NIGHT")
        raise last
    return views


def _show(view: NightView, settings: Settings) -> None:
    from pipelines.engine.views.headline import headline
    from pipelines.engine.views.telling import night_told, to_do

    first, *others = night_told(view)
    say(first, good=TONES[headline(view).tone], bold=True)
    for line in others:
        say(line)
    steps = to_do(view)
    if steps:
        say_title("What to do")
        say_list(steps)
    say_title("Steps")
    print_table(
        ("step", "state", "began", "took", "usually", "key"), [_step(step) for step in view.steps], spare=("key",)
    )
    _show_shards(view)
    _show_checks(view, settings)
    _show_versions(view)
    click.echo()
    click.echo(f"Explain a step: nightshift explain {view.pipeline} {view.night} STEP")


def _step(step: StepTime) -> tuple[object, ...]:
    usually = f"{_seconds(step.usual.median)}, up to {_seconds(step.usual.high)}" if step.usual else None
    return (
        step.step if step.keys < 2 else f"{step.step} ({step.keys} shards)",
        "running" if step.state == "claimed" else step.state,
        step.started_at,
        _seconds(step.seconds),
        usually,
        step.key[:12] if step.key else None,
    )


def _seconds(seconds: float | None) -> str | None:
    from pipelines.engine.durations import duration

    if seconds is None:
        return None
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)


def _show_shards(view: NightView) -> None:
    """Shards are worth a table where there are several, or one of them says something."""
    if len(view.shards) < 2 and not any(shard.warning for shard in view.shards):
        return
    say_title("Shards")
    columns = ("shard", "state", "rows in", "scored", "took", "scorer", "warning")
    print_table(
        columns,
        [(s.number, s.state, s.rows_in, s.rows_scored, _seconds(s.seconds), s.scorer, s.warning) for s in view.shards],
        spare=("scorer", "took"),
    )


def _show_checks(view: NightView, settings: Settings) -> None:
    checked = view.checked
    if checked is None:
        _show_refused(view, settings)
        return
    say_title("Checks")
    failed = len(checked.failed) + checked.not_shown
    say(
        f"Suite {checked.suite}: {checked.status}; {checked.expectations - failed} of {checked.expectations} expectations "
        f"were met."
    )
    if checked.failed:
        lines = [(line.severity, line.expectation, line.column, line.observed) for line in checked.failed]
        print_table(("severity", "expectation", "column", "found"), lines, spare=("column",))
    drifted = {name: value for name, value in checked.drift.items() if value >= DRIFTED}
    if drifted:
        far = ", ".join(f"{name} {value:.2f}" for name, value in sorted(drifted.items(), key=lambda item: -item[1]))
        say(f"Furthest from the training's rows (population stability index): {far}.")
    if checked.report:
        say(f"Report: {settings.reports.rstrip('/')}/{checked.report}")
    if checked.refused:
        _show_refused(view, settings)


def _show_refused(view: NightView, settings: Settings) -> None:
    from nightshift.commands.refused import quarantine_file
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.errors import RowsMissing, StorageError, UnknownPipeline
    from pipelines.engine.views.quarantine import read_refused

    try:
        file = quarantine_file(settings, view)
        refused = read_refused(file, load_pipeline(view.pipeline), columns=(), samples=0) if file else None
    except (RowsMissing, StorageError, UnknownPipeline) as error:  # the rest of the night is of use without it
        say(f"Why rows were refused cannot be read: {error}")
        return
    if refused is not None:
        say_title("Refused rows")
        print_table(("rows", "reason"), [(group.rows, group.reasons) for group in refused.groups])


def _show_versions(view: NightView) -> None:
    if not view.versions:
        return
    say_title("What readers saw")
    print_table(
        ("table version", "from", "until", "model", "scored", "refused", "what was other"),
        [
            (
                version.delta_version,
                version.from_at,
                version.until_at or "now",
                version.model_version,
                version.rows_scored,
                version.rows_quarantined,
                ", ".join(version.because) or None,
            )
            for version in view.versions
        ],
        spare=("refused", "table version"),
    )
