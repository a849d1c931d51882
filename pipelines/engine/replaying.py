"""Deliver the nights of a replay: recorded files, moved to their new nights, each once its time has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pipelines.engine.errors import RowsMissing
from pipelines.engine.nights import nights_between
from pipelines.engine.pipeline import Pipeline, Progress, Recording
from pipelines.engine.replay import Replay
from pipelines.engine.storage import Location

Kind = Literal["rows", "labels"]
KINDS: tuple[Kind, ...] = ("rows", "labels")


@dataclass(frozen=True)
class Delivery:
    """One file of a night, and when it comes by the replayed clock."""

    kind: Kind
    night: str
    at: float


def deliveries(recording: Recording, replay: Replay) -> list[Delivery]:
    """Return all deliveries of a replay, earliest first."""
    comes: Mapping[Kind, Callable[[date], datetime]] = {"rows": recording.rows_come, "labels": recording.labels_come}
    found = [
        Delivery(kind, night, _timestamp(comes[kind], night))
        for night in nights_between(replay.first, replay.last)
        for kind in KINDS
    ]
    return sorted(found, key=lambda delivery: (delivery.at, delivery.night, delivery.kind))


def _timestamp(comes: Callable[[date], datetime], night: str) -> float:
    return comes(date.fromisoformat(night)).timestamp()


class Folders:
    """Where a pipeline's rows and labels lie, recorded and replayed ones side by side: their nights tell them apart.

    Args:
        data: The pipeline's folder, `<data>/<pipeline>`.
        pipeline: Whose data it is.
        replay: What is replayed.
    """

    def __init__(self, data: Location, pipeline: Pipeline, replay: Replay) -> None:
        self._data = data
        self._pipeline = pipeline
        self._replay = replay

    def deliver(self, due: Sequence[Delivery], progress: Progress) -> list[Delivery]:
        """Deliver what is not there yet; files appear whole or not at all.

        Returns:
            What was delivered now.

        Raises:
            RowsMissing: A night was recorded, and its file is gone.
            StorageError: A file cannot be written.
        """
        there = {kind: {*self._folder(kind).names()} for kind in KINDS}
        missing = [delivery for delivery in due if f"{delivery.night}.parquet" not in there[delivery.kind]]
        for done, delivery in enumerate(missing, start=1):
            self._write(delivery)
            progress(done, len(missing), "delivering the nights so far")
        return missing

    def withdraw(self) -> int:
        """Remove what the replay delivered, so that another can begin; return how many files."""
        nights = self._nights()
        ours = {*nights} - {self._replay.recorded(night) for night in nights}
        removed = 0
        for kind in KINDS:
            for name in self._folder(kind).names():
                if name.removesuffix(".parquet") in ours:
                    (self._folder(kind) / name).delete()
                    removed += 1
        return removed

    def _nights(self) -> list[str]:
        return nights_between(self._replay.first, self._replay.last)

    def _folder(self, kind: Kind) -> Location:
        return self._data / kind

    def _write(self, delivery: Delivery) -> None:
        from pyarrow import parquet

        recording = self._pipeline.recording
        source = self._folder(delivery.kind) / f"{self._replay.recorded(delivery.night)}.parquet"
        if recording is None or not source.exists():
            raise RowsMissing(
                f"{source} is gone, which the replay makes night {delivery.night} of. "
                f"Run `nightshift data {self._pipeline.name}`; the replay goes on by itself."
            )
        moved = recording.shift(parquet.read_table(source.copy()), self._replay.days)
        with (self._folder(delivery.kind) / f"{delivery.night}.parquet").writing() as temporary:
            parquet.write_table(moved, temporary, compression="zstd", row_group_size=max(moved.num_rows, 1))


def due_until(found: Sequence[Delivery], shown: float, held: Mapping[str, Sequence[str]]) -> Iterator[Delivery]:
    """Yield the deliveries whose time has come, without those that somebody holds back.

    Args:
        found: Deliveries, earliest first.
        shown: What the replayed clock shows.
        held: Kinds that are held back, by night.
    """
    for delivery in found:
        if delivery.at > shown:
            return
        if delivery.kind not in held.get(delivery.night, ()):
            yield delivery
