"""`nightshift keys`: what the ledger remembers."""

from __future__ import annotations

import getpass
import json
from typing import TYPE_CHECKING

import click

from nightshift.commands.completing import complete_key, complete_night, complete_pipeline
from nightshift.commands.show import OneOf, json_option, print_json, print_table
from pipelines.engine.steps import CHAMPION_STEPS, NIGHT_STEPS, SEARCH_STEPS, TRAINING_STEPS, VERSION_STEPS

if TYPE_CHECKING:
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.ledger.values import Entry


key_argument = click.argument("key", metavar="KEY", shell_complete=complete_key)


@click.group
def keys() -> None:
    """List, explain and open again the task keys in the ledger.

    \b
    Examples:  nightshift keys list flights --night 2013-11-19
               nightshift keys show 3f9a1c0d2b44
               nightshift keys force 3f9a1c0d2b44 --reason "the rows were delivered again"
    """


@keys.command("list")
@click.argument("pipeline", required=False, shell_complete=complete_pipeline)
@click.option("--night", metavar="NIGHT", shell_complete=complete_night, help="Only keys of this night.")
@click.option(
    "--step",
    type=OneOf((*NIGHT_STEPS, *TRAINING_STEPS, *SEARCH_STEPS, *VERSION_STEPS, *CHAMPION_STEPS)),
    help="Only keys of this step.",
)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most this many.")
@json_option
def list_keys(pipeline: str | None, night: str | None, step: str | None, limit: int, as_json: bool) -> None:
    """List keys, the latest claimed first."""
    from pipelines.engine.ledger.values import iso
    from pipelines.engine.nights import parse_night

    ledger = _ledger()
    night = parse_night(night) if night else None
    found = ledger.entries(pipeline=pipeline, step=step, partition=night, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (e.key[:12], e.pipeline, e.step, e.partition, _state(ledger, e), e.fence, e.generation, iso(e.claimed_at))
        for e in found
    ]
    print_table(
        ("key", "pipeline", "step", "partition", "state", "fence", "generation", "claimed at"),
        rows,
        spare=("generation", "fence"),
    )


@keys.command
@key_argument
@json_option
def show(key: str, as_json: bool) -> None:
    """Show what a key stands for and everything that happened to it. The first digits are enough."""
    from pipelines.engine.ledger.values import iso
    from pipelines.engine.publication.superseded import superseded_by
    from pipelines.engine.views.stories import sentence

    ledger = _ledger()
    entry = _entry(ledger, key)
    events = ledger.history(entry.key)
    if as_json:
        from nightshift.commands.shapes import ShownKey

        print_json(ShownKey(**vars(entry), history=tuple(events)))
        return
    click.echo(f"{entry.pipeline}/{entry.step}/{entry.partition}: {entry.state}\n{entry.key}")
    if replaced := superseded_by(entry, ledger.alike(entry)):
        click.echo(str(replaced))
    print_table(
        ("at", "fence", "generation", "what"), [(iso(e.at), e.fence, e.generation, sentence(e)) for e in events]
    )
    cost = {"cost": entry.cost.to_json()} if entry.cost else {}
    for title, value in {"covers": entry.identity, "result": entry.result, **cost}.items():
        click.echo(f"{title}: {json.dumps(value, indent=2, sort_keys=True)}")
    if entry.error:
        click.echo(f"Last error: {entry.error}")


@keys.command
@key_argument
@click.option("--reason", required=True, help="Kept in the key's history.")
def force(key: str, reason: str) -> None:
    """Open a key again, so that its work is done once more. A present holder can no longer publish or finish."""
    ledger = _ledger()
    known = _entry(ledger, key)
    entry = ledger.force(known.key, holder=getpass.getuser(), reason=reason) or known
    click.echo(
        f"{entry.pipeline}/{entry.step}/{entry.partition} is open: its next claim has generation {entry.generation}. "
        "Clear its task in Airflow, or run the command again."
    )


def _state(ledger: Ledger, entry: Entry) -> str:
    from pipelines.engine.publication.superseded import STEP, superseded_by

    if entry.step != STEP:  # only publications take each other's place, and each look is a query
        return entry.state
    replaced = superseded_by(entry, ledger.alike(entry))
    return f"superseded by {replaced.key[:12]}" if replaced else entry.state


def _ledger() -> Ledger:
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.settings import read_settings

    ledger = Ledger(read_settings().ledger_url)
    ledger.check()
    return ledger


def _entry(ledger: Ledger, key: str) -> Entry:
    from pipelines.engine.errors import UsageError

    entry = ledger.entry(key)
    if entry is None:
        raise UsageError(
            f"the ledger has no key that begins with {key!r}. `nightshift keys list` shows those that it has."
        )
    return entry
