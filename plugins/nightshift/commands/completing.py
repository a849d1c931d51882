"""What a shell offers after Tab: pipelines, nights, keys, versions and incidents. Fast, and silent where nothing is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    from pipelines.engine.views.reading import Reading

    Complete = Callable[[click.Context, click.Parameter, str], list[str]]

MOST = 200
PATIENCE_SECONDS = 1.0
"""Nobody waits longer for a Tab; a database that stands still is as good as none."""


def silent(complete: Complete) -> Complete:
    """Offer nothing where something is wrong: between a person's keystrokes no error is of use."""

    @wraps(complete)
    def quietly(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        import logging

        logging.disable(logging.CRITICAL)
        try:
            return complete(context, parameter, incomplete)
        except Exception:
            return []
        finally:
            logging.disable(logging.NOTSET)

    return quietly


@silent
def complete_pipeline(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Offer the pipelines of this repository."""
    from pipelines.engine.catalog import pipeline_names

    return _beginning(pipeline_names(), incomplete)


@silent
def complete_night(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Offer the nights that the ledger knows of a pipeline, or of all where none is given."""
    reading, pipeline = _reading(), context.params.get("pipeline")
    nights = reading.nights(pipeline, last=MOST) if pipeline else sorted(set(reading.newest_nights().values()))
    return _beginning(nights, incomplete)


@silent
def complete_night_in_words(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer `last` and `yesterday`, and the nights that the ledger knows."""
    from nightshift.commands.house import LAST, YESTERDAY

    return [*_beginning((LAST, YESTERDAY), incomplete), *complete_night(context, parameter, incomplete)]


@silent
def complete_delivered(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Offer the nights whose rows are on this machine, also behind the dots of `NIGHT..NIGHT`."""
    from pathlib import Path

    from pipelines.engine.nights import NIGHT
    from pipelines.engine.settings import read_settings

    first, dots, begun = incomplete.rpartition("..")
    folder = Path(read_settings().data, context.params["pipeline"], "rows")
    nights = sorted({path.name.removesuffix(".parquet") for path in folder.iterdir()})
    known = [night for night in nights if NIGHT.fullmatch(night)]
    return [f"{first}{dots}{night}" for night in _beginning(known[-MOST:], begun)]


@silent
def complete_key(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Offer the beginnings of the keys that were claimed last."""
    return _reading().newest_keys(incomplete, most=MOST, digits=12)


@silent
def complete_explained(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer keys and pipelines first; behind a pipeline its nights, and behind a night the steps."""
    from pipelines.engine.steps import NIGHT_STEPS, TRAINING_STEPS

    given = context.params.get("what") or ()
    if not given:
        return [*complete_pipeline(context, parameter, incomplete), *complete_key(context, parameter, incomplete)]
    if len(given) == 1:
        context.params["pipeline"] = given[0]
        return complete_night_in_words(context, parameter, incomplete)
    return _beginning((*NIGHT_STEPS, *TRAINING_STEPS), incomplete)


@silent
def complete_opened(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer what a page is about: pipelines and nights, or keys."""
    about, given = context.params.get("page"), context.params.get("about") or ()
    if about == "key":
        return complete_key(context, parameter, incomplete)
    if about == "incidents":
        return complete_incident(context, parameter, incomplete)
    if not given:
        return complete_pipeline(context, parameter, incomplete)
    context.params["pipeline"] = given[0]
    return complete_night_in_words(context, parameter, incomplete)


@silent
def complete_version(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Offer the registered versions of a pipeline, as the ledger remembers them."""
    return _beginning(_reading().versions(context.params["pipeline"]), incomplete)


@silent
def complete_incident(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Offer the beginnings of the open incidents."""
    return _beginning((incident[:12] for incident in _reading().incident_ids()), incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _reading() -> Reading:
    from pipelines.engine.settings import read_settings
    from pipelines.engine.views.reading import Reading

    return Reading(read_settings().ledger_url, patience=0.0, stall=PATIENCE_SECONDS)
