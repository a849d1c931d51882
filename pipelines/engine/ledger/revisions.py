"""Which steps lead from one revision of the ledger's tables to another, and which code may work with them.

Revisions are numbers of four digits, in one line: each has one before it. So two of them are compared as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.engine.errors import LedgerNotMigrated, UsageError


@dataclass(frozen=True)
class Way:
    """How a ledger gets from one revision to another.

    Attributes:
        found: The revision of its tables; None if it has none.
        to: Where it shall go.
        steps: Revisions that are applied, or undone, in that order.
        back: Whether they are undone.
    """

    found: str | None
    to: str
    steps: tuple[str, ...]
    back: bool = False


def way(found: str | None, to: str, known: Sequence[str]) -> Way:
    """Return the steps between two revisions.

    Args:
        found: The revision of the tables; None if there are none.
        to: Where to go.
        known: Every revision of this code, the oldest first.

    Raises:
        UsageError: There is no revision `to`.
        LedgerNotMigrated: The tables are of a revision that this code does not know.
    """
    if to not in known:
        raise UsageError(f"the ledger has no revision {to!r}; there are {', '.join(known)}")
    if found is not None and found not in known:
        raise LedgerNotMigrated(
            f"the ledger's tables are of revision {found}, and this Nightshift knows those up to {known[-1]}: a newer one made "
            f"them. Run the newer one, or let it go back first: `nightshift migrate --to {known[-1]}`, with the newer code."
        )
    if found is not None and to < found:
        return Way(found, to, tuple(reversed([name for name in known if to < name <= found])), back=True)
    return Way(found, to, tuple(name for name in known if (found or "") < name <= to))


def refuse_loss(way: Way, lost: Mapping[str, int]) -> None:
    """Make sure that going back takes nothing away.

    Args:
        way: Where the ledger goes.
        lost: By what it is, how many rows would be gone.

    Raises:
        UsageError: It would.
    """
    gone = [f"{number:,} {words}" for words, number in lost.items() if number]
    if gone:
        raise UsageError(
            f"going back from revision {way.found} to {way.to} would lose {', '.join(gone)}; nothing was changed. Make a "
            "backup (`nightshift backup create`), and say --discard to lose them all the same."
        )


def may_work(found: str | None, oldest_code: str | None, ours: str) -> bool:
    """Whether code of one revision may work with tables of another one.

    Newer tables say themselves which code may: while a ledger is upgraded, workers of the version before go on.

    Args:
        found: The revision of the tables.
        oldest_code: What the tables say; None if nothing.
        ours: The revision of the code.
    """
    return found == ours or (found is not None and oldest_code is not None and oldest_code <= ours < found)
