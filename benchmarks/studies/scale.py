"""How large everything is. One number is chosen, and all sizes follow from it, so that a small run has the same shape."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

FULL_ROWS = 2_000_000
QUICK_ROWS = 200_000


@dataclass(frozen=True)
class Scale:
    """Sizes of the studies.

    Attributes:
        rows: Of the scoring study.
        heavy_peers: Whether peers that need an environment of their own run as well: Spark, Ray, pandera, MLflow's command.
    """

    rows: int = FULL_ROWS
    heavy_peers: bool = True

    @property
    def small(self) -> int:
        """1M in the full run: where imports are most of the time."""
        return self.rows // 2

    @property
    def large(self) -> int:
        """10M in the full run."""
        return 5 * self.rows

    @property
    def huge(self) -> int:
        """50M in the full run: for memory."""
        return 25 * self.rows


def words(rows: int) -> str:
    """Return a number of rows as people write it: 2M, 500k."""
    if rows >= 1_000_000:
        return f"{rows / 1_000_000:g}M"
    return f"{rows / 1_000:g}k"


def say(line: str) -> None:
    """Show what is being done, on stderr; what was measured goes to the page."""
    click.echo(f"  {line}", err=True)


def make_ready(folder: Path, *counts: int) -> None:
    """Make rows and models in a process of its own: it needs memory and libraries that nobody here should hold."""
    import subprocess
    import sys

    say("rows and models (made once)")
    command = [sys.executable, "-m", "benchmarks.data", str(folder), *map(str, counts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        raise click.ClickException("rows and models could not be made:\n" + "\n".join(done.stderr.splitlines()[-12:]))
