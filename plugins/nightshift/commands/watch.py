"""`nightshift watch`: sees that promises are kept, and tells people when they are not."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from nightshift.commands.show import json_option, print_json, print_table

if TYPE_CHECKING:
    from nightshift.watch.turn import Turn

PORT = 9105


@click.command(short_help="See that promises are kept, and tell people when they are not.")
@click.option("--once", is_flag=True, help="Look once, show how every promise stands, and come back.")
@click.option(
    "--every", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="Seconds between two looks."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where Prometheus may ask.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Likewise; 0 for nowhere.")
@json_option
def watch(once: bool, every: float, host: str, port: int, as_json: bool) -> None:
    """See that promises are kept, and tell people when they are not; until it is stopped.

    It needs neither Airflow's scheduler nor its workers, only the ledger's database. `nightshift up` starts it.

    \b
    Examples:  nightshift watch
               nightshift watch --once --json | jq '.[] | select(.state == "late")'
    """
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    if once:
        _once(as_json)
        return
    if as_json:
        raise click.UsageError("--json goes with --once")
    from nightshift.watch.loop import watch_until_stopped

    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # each question to Alertmanager
    for handler in logging.getLogger().handlers if not settings.json_logs else ():
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    watch_until_stopped(settings, every=every, address=(host, port) if port else None)


def _once(as_json: bool) -> None:
    from nightshift.declarations import refresh_declarations
    from nightshift.watch.turn import Watch
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    looking = Watch(settings)
    refresh_declarations(settings, looking.observations)
    turn = looking.turn()
    if as_json:
        print_json([verdict.to_json() for verdict in turn.verdicts])
        return
    _show(turn)


def _show(turn: Turn) -> None:
    if not turn.verdicts:
        click.echo(
            f"{len(turn.declarations)} DAGs, and no night of them that is due. `nightshift promises list` has the promises."
        )
        return
    rows = [
        (verdict.promise_id, verdict.night, verdict.state, _moment(verdict.due_at), verdict.reason)
        for verdict in sorted(turn.verdicts, key=lambda verdict: (verdict.night, verdict.promise_id))
    ]
    print_table(("promise", "night", "state", "due (UTC)", "why"), rows)


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
