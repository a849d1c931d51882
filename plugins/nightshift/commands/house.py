"""What commands look at: the views on the ledger, opened in one way, and the words that name nights and people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.ledger.values import Entry
    from pipelines.engine.settings import Settings
    from pipelines.engine.views.house import House

LAST = "last"
YESTERDAY = "yesterday"


def open_house() -> House:
    """Return the views, when the ledger can be read.

    Raises:
        LedgerUnavailable, LedgerNotMigrated: In words that say what to do.
    """
    from pipelines.engine.settings import read_settings
    from pipelines.engine.views.house import House

    house = House(read_settings())
    house.ledger.check()
    return house


def begins_anew(settings: Settings) -> bool:
    """Whether there is no ledger yet, and nobody named one: the first command that works makes the laptop's own."""
    file = settings.laptop_ledger
    return settings.ledger_url == f"sqlite:///{file}" and not file.exists()


def today_of(settings: Settings, ledger: Ledger) -> date:
    """Return the date in UTC in which nights are: by the ledger's clock, or the replayed one."""
    from pipelines.engine.ledger.values import moment
    from pipelines.engine.replay import read_clock

    return moment(read_clock(settings).shows(ledger.now())).date()


def night_of(text: str, house: House, settings: Settings) -> str | None:
    """Read the name of a night: a date, `yesterday`, or `last`, which is None: it differs between pipelines.

    Raises:
        UnknownNight: It is none of them.
    """
    from datetime import timedelta

    from pipelines.engine.errors import UnknownNight, nearest
    from pipelines.engine.nights import parse_night

    if text == LAST:
        return None
    if text == YESTERDAY:
        return str(today_of(settings, house.ledger) - timedelta(days=1))
    try:
        return parse_night(text)
    except UnknownNight as error:
        raise UnknownNight(f"{error}, `{LAST}` or `{YESTERDAY}`.{nearest(text, (LAST, YESTERDAY))}") from None


def one_night(text: str, pipeline: str, house: House, settings: Settings) -> str:
    """Read the name of a night of one pipeline; `last` is its newest.

    Raises:
        UnknownPipeline: There is none of that name.
        UnknownNight: It is no night, or there is none yet.
    """
    from pipelines.engine.errors import UnknownNight

    night = night_of(text, house, settings)
    if night is not None:
        return night
    [strip] = house.strips(last=1, only=pipeline)
    if not strip.nights:
        raise UnknownNight(f"no night of {pipeline} was run yet. Run one: nightshift score {pipeline} NIGHT")
    return strip.nights[-1].night


def known_entry(house: House, digest: str) -> Entry:
    """Return a key by the beginning of its digest.

    Raises:
        UsageError: There is none, or more than one.
    """
    from pipelines.engine.catalog import pipeline_names
    from pipelines.engine.errors import UsageError

    entry = house.ledger.entry(digest)
    if entry is None:
        step = f" To explain a step: nightshift explain {digest} NIGHT STEP." if digest in pipeline_names() else ""
        raise UsageError(
            f"the ledger has no key that begins with {digest[:80]!r}.{step} `nightshift keys list` shows those that it has."
        )
    return entry
