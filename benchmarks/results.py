"""What a benchmark found: targets as ratios, beside what was reached."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Target:
    """One figure that was promised, and what it came to.

    Attributes:
        name: The work, and what is compared with what: "LightGBM, 2M rows: CPU / hand-tuned script".
        target: At most this much, or at least (`at_least`).
        reached: What one interleaved run gave.
        at_least: Whether more is better.
        note: What stands in the way where it does not hold, or what the figure leaves out.
    """

    name: str
    target: float
    reached: float
    at_least: bool = False
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the target was reached."""
        return self.reached >= self.target if self.at_least else self.reached <= self.target

    def to_json(self) -> dict[str, Any]:
        """Return the row for `results.json`."""
        words = {"at_least": True} if self.at_least else {}
        words |= {"note": self.note} if self.note else {}
        return {
            "name": self.name,
            "target": self.target,
            "reached": round(self.reached, 3),
            "holds": self.holds,
            **words,
        }


@dataclass(frozen=True)
class Found:
    """What one study found.

    Attributes:
        title: What was compared, as a heading.
        rows: One line per subject, for the page: name to figures, such as `{"wall_s": .., "cpu_s": .., "peak_mb": ..}`
            (medians), and whatever else the study measured.
        targets: Held against what was promised.
        notes: How it was measured: settings of the peers, number of rounds.
    """

    title: str
    rows: dict[str, dict[str, float]]
    targets: list[Target]
    notes: list[str] = field(default_factory=list)


def print_found(study: Callable[[Path, int], Found], rounds: int) -> None:
    """Run one study in a folder of its own, and print its table: what `python -m benchmarks.NAME` does."""
    with tempfile.TemporaryDirectory(prefix="nightshift-bench-") as folder:
        found = study(Path(folder), rounds)
    lines = [found.title]
    for name, figures in found.rows.items():
        lines.append(" ".join([f"  {name:<60}", *(f"{figure} {value:.2f}" for figure, value in figures.items())]))
    for target in found.targets:
        sign, word = ">=" if target.at_least else "<=", "holds" if target.holds else "MISSED"
        lines.append(f"  {target.name}: {target.reached:.2f} {sign} {target.target:g}: {word}")
    sys.stdout.write("\n".join([*lines, *(f"  {note}" for note in found.notes)]) + "\n")
