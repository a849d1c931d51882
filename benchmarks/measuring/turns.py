"""Subjects in turn, round after round, so that what else the machine does falls on all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measuring.process import Cost, Subject, SubjectFailed, measure

Say = Callable[[str], None]


@dataclass
class Turns:
    """What came of it.

    Attributes:
        costs: Of each subject, by round; a subject that failed has those of the rounds before.
        failures: What the others said last.
    """

    costs: dict[str, dict[int, Cost]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def ratios(self, name: str, base: str, figure: str) -> list[float]:
        """Return a figure of one subject as a ratio to that of another, round by round."""
        ours, theirs = self.costs.get(name, {}), self.costs.get(base, {})
        return [getattr(ours[number], figure) / getattr(theirs[number], figure) for number in ours if number in theirs]

    def ratio(self, name: str, base: str, figure: str = "cpu_s") -> float | None:
        """Return the median of the ratios; None if there is no round in which both were well."""
        found = self.ratios(name, base, figure)
        return statistics.median(found) if found else None

    def median(self, name: str, figure: str) -> float | None:
        """Return the median of a figure; None if the subject was never well."""
        costs = self.costs.get(name)
        return statistics.median(getattr(cost, figure) for cost in costs.values()) if costs else None

    def note(self, rounds: int) -> str:
        """Say how often it was measured, and how CPU time was counted."""
        ways = sorted({cost.cpu_by for costs in self.costs.values() for cost in costs.values()})
        return f"{rounds} round{'s' if rounds > 1 else ''}; CPU time counted by: {', '.join(ways) or 'nobody'}."

    def table(self, base: str) -> dict[str, dict[str, float]]:
        """Return a line of figures for each subject that was well at least once.

        Medians, the least and the most CPU seconds, and CPU as a ratio to `base`: within each round, and then the median, the
        least and the most of these.
        """
        return {name: self._line(name, base) for name in self.costs if self.costs[name]}

    def _line(self, name: str, base: str) -> dict[str, float]:
        costs = list(self.costs[name].values())
        line = {
            figure: round(statistics.median(getattr(cost, figure) for cost in costs), 3)
            for figure in ("wall_s", "cpu_s", "peak_mb")
        }
        line |= {"rounds": len(costs)}
        line |= {"cpu_s_min": round(min(c.cpu_s for c in costs), 3), "cpu_s_max": round(max(c.cpu_s for c in costs), 3)}
        ratios = self.ratios(name, base, "cpu_s")
        if ratios:
            line |= {
                "cpu_ratio": round(statistics.median(ratios), 3),
                "cpu_ratio_min": round(min(ratios), 3),
                "cpu_ratio_max": round(max(ratios), 3),
            }
        return line


def in_turn(
    subjects: Sequence[Subject],
    rounds: int,
    logs: Path,
    say: Say,
    check: Callable[[Subject, Path], str | None] = lambda subject, log: None,
) -> Turns:
    """Run every subject once per round. One that fails is reported, runs no more, and does not take the others with it.

    Args:
        subjects: What to run, in this order.
        rounds: How often.
        logs: Folder for what they print.
        say: Called with a line before and after each run.
        check: Called after a subject's first run with it and what it printed; says in words what is wrong, if anything is.
    """
    logs.mkdir(parents=True, exist_ok=True)
    turns = Turns({subject.name: {} for subject in subjects})
    for number in range(rounds):
        for place, subject in enumerate(subjects):
            if subject.name in turns.failures:
                continue
            say(f"round {number + 1} of {rounds}: {subject.name}")
            try:
                log = logs / f"{place:02d}-{number}.log"
                cost = measure(subject, log)
            except SubjectFailed as failed:
                turns.failures[subject.name] = str(failed)
                say(str(failed))
                continue
            wrong = check(subject, log) if number == 0 else None
            if wrong:
                turns.failures[subject.name] = wrong
                say(wrong)
                continue
            turns.costs[subject.name][number] = cost
            say(f"    {cost.wall_s:7.1f} s  {cost.cpu_s:7.1f} CPU s  {cost.peak_mb:7,.0f} MB")
    return turns
