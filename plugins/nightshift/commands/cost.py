"""`nightshift cost`: what nights, trainings and models cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightshift.commands.completing import complete_pipeline
from nightshift.commands.show import json_option, print_json, print_table, say, say_title

if TYPE_CHECKING:
    from pipelines.engine.views.cost import ModelCost, NightCost, Spent
    from pipelines.engine.views.house import House

DAYS = 30
"""Up to the newest night, where no nights are named."""


@click.command(short_help="Tell what nights and models cost: CPU seconds, bytes, memory.")
@click.argument("pipeline", required=False, shell_complete=complete_pipeline)
@click.option(
    "--nights",
    metavar="NIGHT[..NIGHT]",
    help=f"Of these; the last {DAYS} days up to the newest night if none are named.",
)
@click.option(
    "--cpu-hour", type=click.FloatRange(min=0), metavar="PRICE", help="What an hour of one CPU costs, for prices."
)
@json_option
def cost(pipeline: str | None, nights: str | None, cpu_hour: float | None, as_json: bool) -> None:
    """Tell what nights, trainings and models cost: CPU seconds, bytes of files, memory.

    Counted are the processes that do a step's work, and their children, where they got done with it. Not counted are
    Airflow, databases, MLflow's server and object stores; tries that failed; and what ran in a cluster or a cloud's job.

    \b
    Examples:  nightshift cost
               nightshift cost flights --nights 2013-11-01..2013-11-30
               nightshift cost flights --cpu-hour 0.04 --json
    """
    from nightshift.commands.house import open_house
    from pipelines.engine.views.cost import model_costs, together

    house = open_house()
    first, last = _ends(nights, pipeline, house)
    found = house.costs(pipeline, first, last)
    total = together(night.spent for night in found)
    if as_json:
        from nightshift.commands.shapes import CostAnswer

        print_json(CostAnswer(first, last, found, model_costs(found), total, cpu_hour, total.price(cpu_hour)))
        return
    if not found:
        say(f"Nothing was done for the nights {first}..{last}.")
        return
    _show_nights(found, cpu_hour)
    say_title("By model")
    _show_models(model_costs(found), cpu_hour)
    _show_total(total, cpu_hour)


def _ends(nights: str | None, pipeline: str | None, house: House) -> tuple[str, str]:
    """Return the first and the last night that are asked for.

    Raises:
        UnknownNight: They cannot be read, or there is none yet.
    """
    from datetime import date, timedelta

    from pipelines.engine.errors import UnknownNight
    from pipelines.engine.nights import parse_nights

    if nights is not None:
        named = parse_nights(nights)
        return named[0], named[-1]
    newest = house.newest_nights()
    last = max((night for name, night in newest.items() if pipeline in (None, name)), default=None)
    if last is None:
        raise UnknownNight(
            f"no night{f' of {pipeline}' if pipeline else ''} was run yet, so nothing was spent on one. Run one: "
            f"nightshift score {pipeline or 'PIPELINE'} NIGHT; or name the nights with --nights, for what a training cost."
        )
    return (date.fromisoformat(last) - timedelta(days=DAYS - 1)).isoformat(), last


def _show_nights(nights: tuple[NightCost, ...], cpu_hour: float | None) -> None:
    columns = ("pipeline", "night", "kind", "model", *SPENT)
    print_table(
        columns,
        [(one.pipeline, one.night, one.kind, one.model_version, *_spent(one.spent, cpu_hour)) for one in nights],
        spare=("memory", "kind", "unmeasured keys"),
    )


def _show_models(models: tuple[ModelCost, ...], cpu_hour: float | None) -> None:
    print_table(
        ("pipeline", "model", "nights", *SPENT),
        [(one.pipeline, one.model_version, one.nights, *_spent(one.spent, cpu_hour)) for one in models],
        spare=("memory", "unmeasured keys"),
    )


SPENT = ("CPU seconds", "price", "read", "written", "memory", "elsewhere, not known", "unmeasured keys")


def _spent(spent: Spent, cpu_hour: float | None) -> tuple[object, ...]:
    from pipelines.engine.sizes import readable

    def size(number: int | None) -> str | None:
        return None if number is None else readable(number)

    price = spent.price(cpu_hour)
    return (
        f"{spent.cpu_seconds:,.2f}" if spent.keys else None,
        f"{price:,.4f}" if price is not None and spent.keys else None,
        size(spent.bytes_read),
        size(spent.bytes_written),
        size(spent.peak_bytes),
        ", ".join(spent.elsewhere) or None,
        spent.unmeasured or None,
    )


def _show_total(total: Spent, cpu_hour: float | None) -> None:
    from pipelines.engine.views.cost import cost_told

    click.echo()
    price = total.price(cpu_hour)
    words = f"; at {cpu_hour:g} for an hour of one CPU, {price:,.4f}" if price is not None else ""
    say(f"In all: {cost_told(total) or 'nothing was measured'}{words}.", bold=True)
    if total.unmeasured:
        say(f"{total.unmeasured:,} keys were done before costs were measured, and are not in it.")
