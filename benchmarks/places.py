"""Where the benchmarks keep their rows and models: `bench/` in Nightshift's home, so that a second run makes nothing again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.engine.settings import REPOSITORY, read_settings

RESULTS = REPOSITORY / "benchmarks" / "results.json"
PAGE = REPOSITORY / "docs" / "performance.md"
PICTURES = REPOSITORY / "docs" / "images"
PEERS = REPOSITORY / ".venv-bench" / "bin" / "python"
PART = 1_000_000
"""Rows of one file; larger sets are the same file under several names."""


@dataclass(frozen=True)
class Place:
    """The folder and what lies where in it."""

    folder: Path

    def rows(self, count: int) -> Path:
        """The folder with so many rows, in files of at most `PART`."""
        return self.folder / f"rows-{count}"

    @property
    def models(self) -> Path:
        """The folder of models; see `benchmarks.data` for what is in it."""
        return self.folder / "models"

    @property
    def outputs(self) -> Path:
        """Where subjects write."""
        return self.folder / "outputs"

    def logs(self, study: str) -> Path:
        """Where what the subjects of a study print is kept."""
        return self.folder / "logs" / study


def here() -> Place:
    """Return the place of this home."""
    return Place(read_settings().home / "bench")
