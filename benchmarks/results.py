"""What a benchmark found: targets as ratios, beside what was reached."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
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

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Target:
        """Read what `to_json` gave."""
        return cls(
            row["name"], row["target"], row["reached"], at_least=row.get("at_least", False), note=row.get("note", "")
        )


@dataclass(frozen=True)
class Found:
    """What one study found.

    Attributes:
        title: What was compared, as a heading.
        rows: One line per subject, for the page: name to figures, such as `{"wall_s": .., "cpu_s": .., "peak_mb": ..}`
            (medians), and whatever else the study measured.
        targets: Held against what was promised.
        notes: How it was measured: settings of the peers, number of rounds.
        failures: Subjects that ended with an error or gave other scores, and what they said last.
        base: The subject that ratios are held against, if there is one.
    """

    title: str
    rows: dict[str, dict[str, float]]
    targets: list[Target]
    notes: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    base: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the targets stand in a list of their own (`Results.to_json`)."""
        values = asdict(self)
        del values["targets"]
        return values


@dataclass(frozen=True)
class Results:
    """What all studies found.

    Attributes:
        machine: What it was measured on, by subject: cores, memory, versions. No host names, no paths.
        studies: By name.
        broken: Studies that could not be run at all, and why.
        made_at: When, in UTC, to the minute.
    """

    machine: dict[str, str]
    studies: dict[str, Found]
    broken: dict[str, str] = field(default_factory=dict)
    made_at: str = ""

    @property
    def targets(self) -> list[Target]:
        """Those of all studies."""
        return [target for found in self.studies.values() for target in found.targets]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `results.json`."""
        return {
            "made_at": self.made_at,
            "machine": self.machine,
            "targets": [
                {"study": name, **target.to_json()} for name, found in self.studies.items() for target in found.targets
            ],
            "studies": {name: found.to_json() for name, found in self.studies.items()},
            "broken": self.broken,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Results:
        """Read what `to_json` gave."""
        studies = {}
        for name, found in value["studies"].items():
            targets = [Target.from_json(row) for row in value["targets"] if row["study"] == name]
            studies[name] = Found(**found, targets=targets)
        return cls(value["machine"], studies, value["broken"], value["made_at"])

    def replacing(self, earlier: Results) -> Results:
        """Return these results, and of an earlier run the studies that this one did not run."""
        run = {*self.studies, *self.broken}
        kept = {name: found for name, found in earlier.studies.items() if name not in run}
        broken = {name: why for name, why in earlier.broken.items() if name not in run}
        return replace(self, studies={**kept, **self.studies}, broken={**broken, **self.broken})


def read_results(path: Path) -> Results | None:
    """Read a file of results; None if there is none yet, or only the form of an older program."""
    try:
        return Results.from_json(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_results(results: Results, path: Path) -> None:
    """Write a file of results."""
    path.write_text(json.dumps(results.to_json(), indent=1) + "\n")


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
