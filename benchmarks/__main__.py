"""`make bench`: scoring against what templates do, and a repeated night against a first one; how good early warnings are."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import in_turn, run, show

ROUNDS = 3


def main() -> None:
    """Run what is asked for: `promises`, or else (with a number of rows, if you like) everything."""
    if sys.argv[1:] != ["promises"]:
        speed()
    promises()


def promises() -> None:
    """Print how good early warnings are, on simulated months."""
    from benchmarks.promises.backtest import main as backtest

    backtest(Path(os.environ.get("NIGHTSHIFT_HOME", ".nightshift")) / "reports" / "benchmarks")


def speed() -> None:
    """Prepare a folder, run the subjects in turn, print the ratios."""
    with tempfile.TemporaryDirectory(prefix="nightshift-bench-") as name:
        folder = Path(name)
        rows = sys.argv[1] if len(sys.argv) > 1 else "2000000"
        print(f"preparing {int(rows):,} rows and a model", file=sys.stderr)  # noqa: T201
        run(["benchmarks.subjects", "prepare", name, rows])
        words = ["benchmarks.subjects"]
        scoring = {
            "import and load only": [*words, "load", name],
            "score_shard (streams)": [*words, "stream", name],
            "whole file into pandas, predict, to_parquet": [*words, "whole", name],
        }
        show(f"Scoring {int(rows):,} rows", in_turn(scoring, ROUNDS))
        night = {}
        for number in range(ROUNDS):
            home = str(folder / f"home{number}")
            run(["benchmarks.subjects", "night-setup", home])
            for title, costs in in_turn(
                {"first": [*words, "night", home], "again": [*words, "night", home]}, 1
            ).items():
                night.setdefault(title, []).extend(costs)
        show("A night of the flights pipeline in a process of its own: done, and already done", night)


if __name__ == "__main__":
    main()
