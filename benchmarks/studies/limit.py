"""A very large night on a small worker: does it finish under a limit that is enforced?"""

from __future__ import annotations

from pathlib import Path

from benchmarks.measuring.turns import in_turn
from benchmarks.places import Place
from benchmarks.results import Found, Target
from benchmarks.studies import subjects
from benchmarks.studies.scale import Scale, make_ready, say, words

LIMIT_BYTES = 2 * 10**9


def study(folder: Path, rounds: int, scale: Scale) -> Found:
    """Score the largest set once with 2 GB of memory; `rounds` is not used."""
    place = Place(folder)
    make_ready(folder, scale.huge)
    subject = subjects.compiled_trees(place, scale.huge, memory_limit=LIMIT_BYTES, seconds=1800)
    turns = in_turn([subject], 1, place.logs("limit"), say)
    costs = turns.costs[subject.name].values()
    peak = next((cost.peak_mb for cost in costs), 0.0)
    by = next((cost.limit_by for cost in costs), "a limit that it did not survive")
    finished = Target(
        f"{words(scale.huge)} rows under a limit of 2 GB: finished", 1.0, float(bool(costs)), at_least=True
    )
    return Found(
        f"{words(scale.huge)} rows on a worker with 2 GB",
        turns.table(""),
        [finished],
        [f"Limited by: {by}. Its peak was {peak:,.0f} MB." if costs else f"Limited by: {by}."],
        turns.failures,
    )
