"""How memory grows with the rows of a night: it should not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.measuring.process import Subject
from benchmarks.measuring.turns import Turns, in_turn
from benchmarks.places import Place
from benchmarks.results import Found, Target
from benchmarks.studies import subjects
from benchmarks.studies.scale import Scale, make_ready, say, words

LARGE_MB = 1400.0
GROWTH = 1.1


def study(folder: Path, rounds: int, scale: Scale) -> Found:
    """Score more and more rows, once each; `rounds` is not used, for peaks hardly move from run to run."""
    place = Place(folder)
    sizes = (scale.small, scale.large, scale.huge)
    make_ready(folder, *sizes)
    runs: list[Subject] = []
    for kind, make in _KINDS.items():
        runs += [replace(make(place, size), name=_name(kind, size), seconds=1800.0) for size in sizes]
    turns = in_turn(runs, 1, place.logs("memory"), say)
    return Found(
        "Memory, as the rows grow",
        turns.table(""),
        [target for kind in ("LightGBM", "logistic") for target in _targets(turns, kind, scale)],
        [
            "LightGBM: Nightshift with compiled trees. Logistic: Nightshift's path for any scikit-learn model.",
            turns.note(1),
            f"Nobody reads {words(scale.huge)} rows whole into pandas here: it would need about 60 GB at 50M.",
        ],
        turns.failures,
    )


_KINDS = {
    "LightGBM": subjects.compiled_trees,
    "logistic": subjects.our_logistic,
    "logistic by hand": subjects.native_logistic,
}


def _name(kind: str, size: int) -> str:
    return f"{kind}, {words(size)} rows"


def _targets(turns: Turns, kind: str, scale: Scale) -> list[Target]:
    large = turns.median(_name(kind, scale.large), "peak_mb")
    huge = turns.median(_name(kind, scale.huge), "peak_mb")
    targets = [] if large is None else [Target(f"{_name(kind, scale.large)}: peak MB", LARGE_MB, large)]
    if large and huge:
        growth = f"{kind}: peak at {words(scale.huge)} rows / at {words(scale.large)}"
        targets.append(Target(growth, GROWTH, huge / large))
    return targets
