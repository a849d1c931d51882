"""`nightshift live`: the replay that `nightshift up --live` began, and how to spoil its nights on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nightshift.commands.show import json_option, print_json

if TYPE_CHECKING:
    from pipelines.engine.replay import Replay
    from pipelines.engine.settings import Settings


@click.group(short_help="The live replay: how it stands; make a night slow, hold its rows back.")
def live() -> None:
    """Look at the replay that `nightshift up --live` began, and spoil its nights on purpose.

    \b
    Examples:  nightshift live status
               nightshift live slow 2026-11-24 --by 3h
               nightshift live hold 2026-11-25
               nightshift live release 2026-11-25
    """


@live.command
@json_option
def status(as_json: bool) -> None:
    """Say which night it is in the replay, what comes next, and what was ordered."""
    from nightshift.live.driver import replayed_dags
    from nightshift.live.orders import read_orders
    from nightshift.live.start import in_words
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.ledger.observations import Observations

    settings, replay = _opened()
    orders, observations = read_orders(settings), Observations(settings.ledger_url)
    now = observations.now()
    if as_json:
        from nightshift.commands.shapes import LiveAnswer

        print_json(LiveAnswer(**vars(replay), shows=replay.clock.shows(now), orders=orders))
        return
    recording = load_pipeline(replay.pipeline).recording
    if recording is not None:
        for line in in_words(replay, recording, replayed_dags(observations, replay), now):
            click.echo(line)
    if not replay.running:
        click.echo("It is being prepared: its clock begins when last week's nights are scored.")
    for night, slowness in sorted(orders.slow.items()):
        click.echo(f"Slow on purpose: {slowness.task} of night {night}, by {slowness.seconds / 3600:g} h.")
    for night, kinds in sorted(orders.held.items()):
        click.echo(f"Held back: {' and '.join(kinds)} of night {night}.")


@live.command
@click.argument("night")
@click.option("--by", required=True, metavar="TIME", help="How long, by the replayed clock: 90min, 3h.")
@click.option("--task", default="score", show_default=True, help="Which task waits in the middle of its work.")
def slow(night: str, by: str, task: str) -> None:
    """Make a night slow: one of its tasks waits in the middle of its work.

    \b
    Example:  nightshift live slow 2026-11-24 --by 3h
    """
    from nightshift.live.orders import give_orders, read_orders
    from pipelines.engine.durations import parse_duration
    from pipelines.engine.errors import nearest
    from pipelines.engine.steps import NIGHT_STEPS

    settings, replay = _opened()
    seconds = parse_duration(by)
    if task not in NIGHT_STEPS:
        raise click.UsageError(
            f"no task {task!r} in a night; there are: {', '.join(NIGHT_STEPS)}.{nearest(task, NIGHT_STEPS)}"
        )
    give_orders(settings, read_orders(settings).slower(_night(night, replay), task, seconds))
    click.echo(f"{task} of night {night} will take {by} longer ({seconds / replay.speed:.0f} s in real time).")


@live.command
@click.argument("night")
@click.option("--labels", is_flag=True, help="Its labels, instead of its rows.")
def hold(night: str, labels: bool) -> None:
    """Hold a night's rows (or labels) back: they do not come until they are released."""
    from nightshift.live.orders import give_orders, read_orders

    settings, replay = _opened()
    kind = "labels" if labels else "rows"
    give_orders(settings, read_orders(settings).holding(_night(night, replay), kind))
    click.echo(f"The {kind} of night {night} do not come until: nightshift live release {night}")
    if _there(settings, replay, kind, night):
        click.echo("They are there already: that is as good as never ordered.")


@live.command
@click.argument("night")
def release(night: str) -> None:
    """Take back what was ordered for a night: it goes on at once."""
    from nightshift.live.orders import give_orders, read_orders

    settings, replay = _opened()
    give_orders(settings, read_orders(settings).released(_night(night, replay)))
    click.echo(f"Night {night} is as any other again.")


def _opened() -> tuple[Settings, Replay]:
    from pipelines.engine.errors import UsageError
    from pipelines.engine.replay import read_kept
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    replay = read_kept(settings)
    if replay is None:
        raise UsageError("there is no replay. Begin one: nightshift up --live")
    if not replay.on:
        raise UsageError("the replay is interrupted. Go on with it: nightshift up --live")
    return settings, replay


def _night(text: str, replay: Replay) -> str:
    from pipelines.engine.errors import UnknownNight
    from pipelines.engine.nights import parse_night

    night = parse_night(text)
    if not replay.first <= night <= replay.last:
        raise UnknownNight(f"night {night} is not in the replay, which goes from {replay.first} to {replay.last}")
    return night


def _there(settings: Settings, replay: Replay, kind: str, night: str) -> Any:
    from nightshift.connections import open_storage

    return (open_storage(settings).at(settings.data) / replay.pipeline / kind / f"{night}.parquet").exists()
