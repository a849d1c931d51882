"""The backtest: thresholds are chosen on some simulated months, and everything that is printed comes from others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.promises.houses import HOUSES, House
from benchmarks.promises.marks import Marks, adjustment, best_threshold, marks, said_and_came
from benchmarks.promises.months import SCENARIOS, make_month
from benchmarks.promises.picture import draw
from benchmarks.promises.walk import SEERS, Watched, watch
from pipelines.engine.promises.forecast import WARN_BELOW
from pipelines.engine.promises.report import Bin, reliability

TUNING_SEEDS = range(3)
SEEDS = range(100, 105)
ALL = "all months"


@dataclass(frozen=True)
class Result:
    """What a backtest found.

    Attributes:
        seeds, tuning_seeds: Of the months that were judged, and of those on which thresholds were chosen.
        below: By seer: the probability below which it warns.
        marks: By scenario (`ALL` for all of them) and seer.
        reliability: By seer.
        nights: How many were judged.
    """

    seeds: Sequence[int]
    tuning_seeds: Sequence[int]
    below: dict[str, float]
    marks: dict[str, dict[str, Marks]]
    reliability: dict[str, list[Bin]]
    nights: int


def backtest(
    seeds: Sequence[int] = SEEDS,
    tuning_seeds: Sequence[int] = TUNING_SEEDS,
    houses: Sequence[House] = HOUSES,
) -> Result:
    """Walk through simulated months and return how good everybody's warnings were. The same seeds give the same result.

    Args:
        seeds: Of the months that are judged: for each, one of every scenario in every house.
        tuning_seeds: Of the months on which the rivals' thresholds are chosen; ours is a constant of the forecast, which
            was chosen on seeds below 100, too.
        houses: The DAGs.
    """
    tuning = _watch_all(tuning_seeds, houses)
    nights = _watch_all(seeds, houses)
    below = {seer: WARN_BELOW if seer == SEERS[0] else best_threshold(tuning, seer) for seer in SEERS}
    adjust = {seer: adjustment(tuning, seer) for seer in SEERS}
    chosen = {name: [night for night in nights if name in (ALL, night.scenario)] for name in (*SCENARIOS, ALL)}
    return Result(
        seeds,
        tuning_seeds,
        below,
        {name: {seer: marks(some, seer, below[seer], adjust[seer]) for seer in SEERS} for name, some in chosen.items()},
        {seer: reliability(said_and_came(nights, seer)) for seer in SEERS},
        len(nights),
    )


def main(folder: Path) -> None:
    """Run the backtest, print its table, and draw the reliability diagram into a folder."""
    result = backtest()
    for line in lines(result):
        print(line)  # noqa: T201
    print(f"\nreliability diagram: {draw(result.reliability, folder)}")  # noqa: T201


def lines(result: Result) -> Iterable[str]:
    """Return the result as text."""
    yield f"Early warnings on {result.nights} simulated nights (seeds {result.seeds[0]} to {result.seeds[-1]}; every night walked"
    yield f"minute by minute; thresholds chosen on other months, seeds {result.tuning_seeds[0]} to {result.tuning_seeds[-1]})."
    yield "One warning a night, before it is due. Recall counts every miss, also those that nobody could foresee."
    yield "early: of all misses, those foreseen 30 minutes ahead. Brier score: each 10 minutes of each night, 0 is best;"
    yield "adjusted: as if everybody had learnt on the tuning months what comes of what they say."
    yield ""
    yield f"{'':<18}{'':<28}{'misses':>7}{'warned':>7}{'precision':>10}{'recall':>8}{'lead':>8}{'early':>7}{'Brier':>8}{'adjusted':>10}"
    for scenario, seers in result.marks.items():
        for seer, mark in seers.items():
            yield _line(scenario, f"{seer} (< {result.below[seer]:.2f})", mark)
            scenario = ""
    for seer, bins in result.reliability.items():
        yield ""
        yield f"Reliability, {seer}: probability said, share of promises kept, times"
        for group in bins:
            yield f"  {group.said:5.2f}  {group.came:5.2f}  {group.count:6d}  {_bar(group)}"


def _watch_all(seeds: Sequence[int], houses: Sequence[House]) -> list[Watched]:
    months = [(house, scenario, seed) for seed in seeds for house in houses for scenario in SCENARIOS]
    # New processes, not forks: whoever calls may have threads.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        watched = list(pool.map(_watch_one, months))
    return [night for nights in watched for night in nights]


def _watch_one(month: tuple[House, str, int]) -> list[Watched]:
    return watch(make_month(*month))


def _line(scenario: str, seer: str, mark: Marks) -> str:
    found = mark.warnings
    lead = "-" if found.lead_seconds is None else f"{found.lead_seconds / 60:.0f} min"
    return (
        f"{scenario:<18}{seer:<28}{found.misses:>7}{found.warned:>7}{_share(found.precision):>10}{_share(found.recall):>8}"
        f"{lead:>8}{mark.early:>7.2f}{mark.brier:>8.4f}{mark.brier_adjusted:>10.4f}"
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _bar(group: Bin, width: int = 40) -> str:
    """A row of dots as long as what came; the bar stands where it should end."""
    row = ["."] * round(group.came * width) + [" "] * (width + 1 - round(group.came * width))
    row[round(group.said * width)] = "|"
    return "".join(row).rstrip()
