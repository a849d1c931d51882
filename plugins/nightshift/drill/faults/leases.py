"""Leases that run out, clocks that are wrong, keys that are forced."""

from __future__ import annotations

import time

from nightshift.drill.aim import Aim
from nightshift.drill.faults.base import NIGHT, Drill, Fault
from nightshift.drill.sandbox import LEASE_SECONDS
from nightshift.drill.workers import Outcome
from pipelines.engine.moments import Moment

HOURS = 2


def _stopped_at(moment: Moment, drill: Drill) -> Outcome:
    """Let one attempt stand still at a moment until another has published, then let it go on."""
    still = Aim(moment, "stop")
    first = drill.attempt(still)
    first.until(still)
    drill.broken()
    second = drill.attempt().wait()
    drill.expect(second.worked, f"the second attempt: {second}")
    drill.recovered()
    first.go_on()
    return first.wait()


def _stopped_before_publish(drill: Drill) -> str:
    ended = _stopped_at("wrote the shard", drill)
    drill.expect(ended.error == "FenceLost", f"the first attempt was not told that it lost its fence: {ended}")
    drill.expect(drill.publications() == 1, "both attempts published")
    return "the first attempt lost its fence, and its shard is named by no version"


def _stopped_inside_publish(drill: Drill) -> str:
    """The worst moment: the fence was just checked, and the commit is about to be sent."""
    ended = _stopped_at("may commit", drill)
    drill.expect(drill.publications() == 1, "both attempts published")
    drill.expect(not ended.worked, "the stale attempt finished as if it held the key")
    return f"the stale commit was refused by the table; the first attempt ended with {ended.error}"


def _stopped_before_finish(drill: Drill) -> str:
    ended = _stopped_at("committed", drill)
    drill.expect(ended.error == "FenceLost", f"the first attempt was not told that it lost its fence: {ended}")
    drill.expect(drill.publications() == 1, "the second attempt did not adopt the first one's commit")
    return "the second attempt adopted the commit of the first, which could not finish any more"


def _clock(hours: int, drill: Drill) -> str:
    """One worker's clock is wrong, and it works together with one whose clock is right."""
    wrong = Aim("wrote the shard", "wait")
    first = drill.attempt_under(f"{hours:+d}h", wrong)
    first.until(wrong)
    drill.broken()
    second = drill.attempt()
    second.until_true(lambda: "waiting:" in second.log, "the second attempt did not wait for the first")
    first.go_on()
    outcomes = (first.wait(), second.wait())
    for outcome in outcomes:
        drill.expect(outcome.worked, str(outcome))
    drill.recovered()
    drill.expect(drill.publications() == 1, "both attempts published")
    scored_at = max(event.at for event in drill.book().events)
    drill.expect(abs(scored_at - time.time()) < 600, "the ledger's times are the worker's, not the database's")
    return f"its lease of {LEASE_SECONDS} s was renewed and respected by the database's clock"


def _force_during_a_run(drill: Drill) -> str:
    still = Aim("may commit", "stop")
    first = drill.attempt(still)
    first.until(still)
    [key] = [key.key for key in drill.book().keys if key.step == "publish" and key.night == NIGHT]
    drill.broken()
    drill.force(key, "a drill")
    second = drill.attempt().wait()
    drill.expect(second.worked, f"the attempt after the force: {second}")
    drill.recovered()
    first.go_on()
    ended = first.wait()
    drill.expect(not ended.worked, "the forced-out attempt finished as if it held the key")
    drill.expect(drill.publications() == 1, "both attempts published")
    return f"the forced-out attempt ended with {ended.error}; the newer generation's publication stands"


def _sixteen(drill: Drill) -> str:
    """Two schedulers' worth of claimers on one key."""
    workers = [drill.attempt() for _ in range(16)]
    drill.broken()
    outcomes = [worker.wait() for worker in workers]
    drill.recovered()
    failed = [outcome for outcome in outcomes if not outcome.worked]
    drill.expect(not failed, f"{len(failed)} of 16 did not end well, such as: {failed[:1]}")
    drill.expect(drill.publications() == 1, "the night was committed more than once")
    versions = {outcome.result["delta_version"] for outcome in outcomes}
    drill.expect(len(versions) == 1, f"they were told different versions: {versions}")
    return "one did the work, 15 were told what came out"


FAULTS = (
    Fault(
        "stopped-past-lease",
        "SIGSTOP of the scoring process past its lease, SIGCONT after a second attempt published",
        "the first is rejected",
        _stopped_before_publish,
    ),
    Fault(
        "stopped-inside-publish",
        "the same between the fence check and the commit",
        "the stale commit is refused",
        _stopped_inside_publish,
    ),
    Fault(
        "stopped-before-finish",
        "the same between the commit and the ledger's finish",
        "the second adopts the commit, the first cannot finish",
        _stopped_before_finish,
    ),
    Fault(
        "clock-ahead",
        f"a worker whose clock is {HOURS} hours ahead, beside one whose clock is right",
        "leases follow the database's clock",
        lambda drill: _clock(HOURS, drill),
    ),
    Fault(
        "clock-behind",
        f"a worker whose clock is {HOURS} hours behind, beside one whose clock is right",
        "leases follow the database's clock",
        lambda drill: _clock(-HOURS, drill),
    ),
    Fault(
        "force-during-run",
        "a key is forced while its holder is about to commit",
        "the newer generation wins, whole",
        _force_during_a_run,
    ),
    Fault(
        "sixteen-claimers",
        "16 processes score the same night at once",
        "one does the work, all learn the result",
        _sixteen,
    ),
)
