"""Who wants what, and what may go wrong: the scenarios that are explored whole, and the guards that are missed."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.protocol.values import SHARD, Budget, Flaw, Scenario

ONE_NIGHT_TWICE = (("A",), ("A",))
TWO_DELIVERIES = (("A",), ("B",))
OLD_AND_NEW = (("B",), ("A",))

EXPLORED: Final[dict[str, Scenario]] = {
    "two attempts at one night: killed, too slow, forced": Scenario(
        ONE_NIGHT_TWICE, Budget(crashes=1, expiries=1, forces=1)
    ),
    "two attempts at one night: killed, too slow, replies lost": Scenario(
        ONE_NIGHT_TWICE, Budget(crashes=1, lost=1, expiries=2)
    ),
    "two attempts at one night: errors of all kinds": Scenario(
        ONE_NIGHT_TWICE, Budget(errors=1, interrupts=1, expiries=1)
    ),
    "two attempts at one night: the store is late": Scenario(
        ONE_NIGHT_TWICE, Budget(delays=1, crashes=1, expiries=1, foreign=1)
    ),
    "two attempts at one night that defer": Scenario(
        ONE_NIGHT_TWICE, Budget(crashes=1, lost=1, expiries=1), waits=False
    ),
    "two deliveries of one night: killed, too slow": Scenario(TWO_DELIVERIES, Budget(crashes=1, expiries=1)),
    "two deliveries of one night: replies lost, the store is late": Scenario(TWO_DELIVERIES, Budget(lost=1, delays=1)),
    "two deliveries of one night, and another night": Scenario(TWO_DELIVERIES, Budget(lost=1, foreign=2)),
    "two deliveries of one night: forced": Scenario(TWO_DELIVERIES, Budget(forces=1, expiries=1)),
    "the old delivery comes back": Scenario(OLD_AND_NEW, Budget(crashes=1, lost=1), shown="A"),
    "deliveries take turns": Scenario((("A", "B"), ("B", "A")), Budget(crashes=1)),
    "three attempts at one night": Scenario((("A",),) * 3, Budget(crashes=1, expiries=1)),
    "three publishers of two deliveries": Scenario((("A",), ("B",), ("B",)), Budget(expiries=1), shown="A"),
    "two attempts at one shard": Scenario(((SHARD,), (SHARD,)), Budget(crashes=1, lost=1, expiries=1)),
    "two attempts at one shard: errors, forced": Scenario(((SHARD,), (SHARD,)), Budget(errors=1, expiries=1, forces=1)),
}

DEEP: Final[dict[str, Scenario]] = {
    "three deliveries": Scenario((("A",), ("B",), ("C",))),
    "two attempts at one night: every fault once": Scenario(ONE_NIGHT_TWICE, Budget(1, 1, 0, 1, 1, 1, 1, 0)),
    "two deliveries of one night: most faults once": Scenario(TWO_DELIVERIES, Budget(1, 1, 1, 0, 1, 1, 0, 0)),
    "three attempts at one night: twice too slow": Scenario((("A",),) * 3, Budget(crashes=1, lost=1, expiries=2)),
    "three deliveries: killed": Scenario((("A",), ("B",), ("C",)), Budget(crashes=1)),
}
"""Minutes each; for `python -m tests.protocol deep`."""

LONG: Final = Scenario(
    (("A", "B", "A"), ("B", "A"), ("A",), ("C", "B")),
    Budget(crashes=3, lost=3, delays=2, errors=2, interrupts=2, expiries=4, forces=2, foreign=2),
)
"""Too much to be explored whole; random schedules of it are followed."""


class Planted(NamedTuple):
    """Guards that are taken out, where that matters, and the promise that is broken then."""

    flaws: frozenset[Flaw]
    scenario: Scenario
    promise: str


def planted(promise: str, jobs: tuple[tuple[str, ...], ...], budget: Budget, *flaws: Flaw, shown: str = "") -> Planted:
    """Return a planted bug."""
    return Planted(frozenset(flaws), Scenario(jobs, budget, shown or None), promise)


PLANTED: Final[dict[str, Planted]] = {
    "no fence check, unconditional commit": planted(
        "lost its fence before it was checked",
        ONE_NIGHT_TWICE,
        Budget(expiries=1),
        "the fence is not checked",
        "the commit is unconditional",
    ),
    "no fence check": planted(
        "lost its fence before it was checked", ONE_NIGHT_TWICE, Budget(expiries=1), "the fence is not checked"
    ),
    "unconditional commit, one delivery": planted(
        "a row twice", ONE_NIGHT_TWICE, Budget(expiries=1), "the commit is unconditional"
    ),
    "unconditional commit, two deliveries": planted(
        "a row twice", TWO_DELIVERIES, Budget(), "the commit is unconditional"
    ),
    "finish without the fence": planted(
        "was finished 2 times", ONE_NIGHT_TWICE, Budget(expiries=1), "finish does not ask for the fence"
    ),
    "no look for the transaction nor the files": planted(
        "committed twice",
        ONE_NIGHT_TWICE,
        Budget(expiries=1),
        "the transaction is not looked up",
        "the files are not looked up",
    ),
    "no look for the files": planted("once more", ONE_NIGHT_TWICE, Budget(errors=1), "the files are not looked up"),
    "a lost commit is a failure, and no look for the files": planted(
        "once more",
        ONE_NIGHT_TWICE,
        Budget(lost=1),
        "a lost commit is believed a failure",
        "the files are not looked up",
    ),
    "the key names the last finished publication": planted(
        "no reader could ever see it",
        (("A",), ("B",), ("B",)),
        Budget(),
        "the key names the last finished publication",
        shown="A",
    ),
    "the ledger is asked before the table": planted(
        "undecided", ONE_NIGHT_TWICE, Budget(crashes=1), "the ledger is asked before the table"
    ),
    "the newest commit of the night is taken for ours": planted(
        "which is not its publication",
        OLD_AND_NEW,
        Budget(forces=1),
        "the newest commit of the night is taken for ours",
        shown="A",
    ),
    "a sweep takes the files of newer holders": planted(
        "lost its file", ((SHARD,), (SHARD,)), Budget(expiries=1), "a sweep takes the files of newer holders"
    ),
}

BACKED_UP: Final[tuple[Flaw, ...]] = (
    "the transaction is not looked up",
    "a lost commit is believed a failure",
    "what is replaced is not compared",
)
"""Guards that another one stands behind: without one of them alone, no promise is broken."""
