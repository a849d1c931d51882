"""The house that is open now. A house changes the environment of the process, so there is one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.engine.errors import UsageError

if TYPE_CHECKING:
    from nightshift.testing.house import House

_open: list[House] = []


def enter(house: House) -> None:
    """Say that a house is open.

    Raises:
        UsageError: Another one is.
    """
    if _open:
        raise UsageError(
            f"the house at {_open[-1].home} is still open; leave its `with` block before you open another."
        )
    _open.append(house)


def leave(house: House) -> None:
    """Say that a house is closed."""
    _open.remove(house)


def present_house() -> House | None:
    """Return the open house, or None."""
    return _open[-1] if _open else None


def needed_house(what: str) -> House:
    """Return the open house.

    Args:
        what: What needs it, for the message.

    Raises:
        UsageError: None is open.
    """
    if not _open:
        raise UsageError(f"{what} needs an open house: use the fixture `house`, or `with House(folder) as house:`.")
    return _open[-1]
