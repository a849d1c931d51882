"""`nightshift explain`: why was this done, skipped, refused or superseded, and what does it wait for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightshift.commands.completing import complete_explained
from nightshift.commands.show import json_option, print_json, print_table, say, say_list, say_title

if TYPE_CHECKING:
    from pipelines.engine.ledger.values import Entry
    from pipelines.engine.views.explanation import Explanation
    from pipelines.engine.views.house import House


@click.command(short_help="Say in sentences why something was done, skipped or refused.")
@click.argument("what", nargs=-1, required=True, metavar="KEY | PIPELINE NIGHT STEP", shell_complete=complete_explained)
@json_option
def explain(what: tuple[str, ...], as_json: bool) -> None:
    """Say in sentences why a piece of work was done, skipped, refused or superseded.

    Who did it, or holds it and until when, what it waits for, and what is other than the last time.

    A KEY is what the task's log, `nightshift night` and the pages show; its first digits are enough. With #NUMBER behind
    the night a shard is meant.

    \b
    Examples:  nightshift explain 3f9a1c0d2b44
               nightshift explain flights 2013-11-19 publish
               nightshift explain flights last score
               nightshift explain flights 2013-11-19#2 score
    """
    from nightshift.commands.house import open_house

    house = open_house()
    explained = _explained(house, what)
    if as_json:
        print_json(explained)
    else:
        _show(explained)


def _explained(house: House, what: tuple[str, ...]) -> Explanation:
    if len(what) == 1:
        return _of_key(house, what[0])
    if len(what) == 3:
        return _of_step(house, *what)
    raise click.UsageError(
        f"expected a KEY, or PIPELINE NIGHT STEP, and got {len(what)} words. For example: nightshift explain 3f9a1c0d2b44, or "
        "nightshift explain flights 2013-11-19 publish"
    )


def _of_key(house: House, digest: str) -> Explanation:
    from nightshift.commands.house import known_entry

    return _explain(house, known_entry(house, digest))


def _of_step(house: House, pipeline: str, night: str, step: str) -> Explanation:
    from nightshift.commands.house import one_night
    from pipelines.engine.errors import UsageError, nearest
    from pipelines.engine.settings import read_settings
    from pipelines.engine.steps import NIGHT_STEPS, TRAINING_STEPS
    from pipelines.engine.views.explanation import explain_waiting
    from pipelines.engine.views.house import check_known

    steps = (*NIGHT_STEPS, *TRAINING_STEPS)
    if step not in steps:
        raise UsageError(f"no step {step!r}; there are: {', '.join(steps)}.{nearest(step, steps)}")
    night, number = night.partition("#")[::2]
    wanted = one_night(night, pipeline, house, read_settings())
    shard = f"{wanted}#{number}" if number else None
    keys = house.ledger.entries(pipeline=pipeline, partition=wanted)
    mine = [entry for entry in keys if entry.step == step and (shard is None or entry.partition == shard)]
    if mine:
        return _explain(house, _telling(mine))
    if not keys:
        check_known(pipeline, [strip.pipeline for strip in house.strips(last=1)])
    if step not in NIGHT_STEPS:
        raise UsageError(
            f"{pipeline} has no {step} as of {wanted}. To train: nightshift train {pipeline} --as-of {wanted}"
        )
    return explain_waiting(pipeline, wanted, step, keys)


def _telling(entries: list[Entry]) -> Entry:
    """Return the key that tells most: of several shards one that is not done, else the latest claimed."""
    latest: dict[str, Entry] = {}
    for entry in entries:  # the latest claimed come first
        latest.setdefault(entry.partition, entry)
    return next((entry for entry in latest.values() if entry.state != "done"), entries[0])


def _explain(house: House, entry: Entry) -> Explanation:
    from pipelines.engine.publication.superseded import superseded_by
    from pipelines.engine.views.explanation import explain as explain_key
    from pipelines.engine.views.stories import story

    events, alike = house.ledger.history(entry.key), house.ledger.alike(entry)
    superseded = superseded_by(entry, alike)
    return explain_key(entry, events, alike, superseded, house.ledger.now(), story(entry, events).lines)


def _show(explained: Explanation) -> None:
    good = {"done": True, "failed": False}.get(explained.state)
    say(f"{explained.pipeline}/{explained.step}/{explained.partition}: {explained.state}", good=good, bold=True)
    for sentence in explained.told:
        say(sentence)
    if explained.other:
        say_title("What is other than the last time")
        say_list(explained.other)
    if explained.to_do:
        say_title("What to do")
        say_list(explained.to_do)
    if explained.history:
        say_title("What happened")
        print_table(
            ("at", "fence", "generation", "what"),
            [(line.at, line.fence, line.generation, line.sentence.splitlines()[0]) for line in explained.history],
            spare=("generation", "fence"),
        )
    if explained.key:
        click.echo(f"\nAll of it: nightshift keys show {explained.key[:12]}")
