"""The window of past nights that a model learns from: which files it has, and its rows with their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.engine.errors import RowsMissing
from pipelines.engine.keys import digest_of
from pipelines.engine.labelled import Labelled, Side, read_labelled
from pipelines.engine.nights import span, training_nights
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.rows import NightFile, find_files, fingerprint, in_content_order, inspect_files, known_nights
from pipelines.engine.runtime import Runtime
from pipelines.engine.scoring import read_positions
from pipelines.engine.storage import Location

Files = list[tuple[str, list[NightFile]]]


@dataclass(frozen=True)
class TrainingWindow:
    """The files of the nights to learn from.

    Attributes:
        nights: Those that are there, oldest first.
        holdout: The newest of them.
        rows: Night and its row files.
        labels: Night and its label files.
    """

    nights: list[str]
    holdout: list[str]
    rows: Files
    labels: Files

    @property
    def older(self) -> list[str]:
        """The nights before the holdout."""
        return self.nights[: -len(self.holdout)]

    @property
    def fingerprint(self) -> str:
        """Names the content of all files."""
        return digest_of([[night, fingerprint(files)] for night, files in (*self.rows, *self.labels)])


def find_window(runtime: Runtime, pipeline: Pipeline, as_of: str) -> TrainingWindow:
    """Find the files of the nights whose labels are known when night `as_of` begins.

    Nights that were never delivered are left out of the older part; every holdout night must be there.

    Raises:
        DataError: Files are missing, unreadable, or of another schema.
    """
    older, holdout = training_nights(as_of, pipeline.window, pipeline.labels.lag_nights)
    rows_folder, labels_folder = runtime.rows_folder(pipeline), runtime.labels_folder(pipeline)
    delivered = {*known_nights(rows_folder)} & {*known_nights(labels_folder)}
    there = [night for night in older if night in delivered]
    if not there:
        raise RowsMissing(
            f"{pipeline.name} has no labelled night in {span(older)}, so there is nothing to learn from as of {as_of} "
            f"(the {len(holdout)} nights up to {holdout[-1]} are the holdout). {_labelled(labels_folder)} "
            f"Deliver rows and labels, choose another --as-of, or run `nightshift data {pipeline.name}`."
        )
    nights = [*there, *holdout]
    return TrainingWindow(
        nights,
        holdout,
        _files(runtime, rows_folder, nights, pipeline.rows.columns, "reading rows"),
        _files(runtime, labels_folder, nights, pipeline.labels.columns, "reading labels"),
    )


def _labelled(folder: Location) -> str:
    nights = known_nights(folder)
    return f"There are labels from {nights[0]} to {nights[-1]}." if nights else "There are no labels at all."


def _files(runtime: Runtime, folder: Location, nights: Sequence[str], columns: Mapping[str, str], what: str) -> Files:
    found: Files = []
    for night in nights:
        found.append((night, in_content_order(inspect_files(find_files(folder, night), columns))))
        runtime.progress(len(found), len(nights), what)
    return found


def load_data(
    runtime: Runtime,
    pipeline: Pipeline,
    window: TrainingWindow,
    checked: dict[str, Any],
    nights: Sequence[str],
    columns: Sequence[str],
) -> Labelled:
    """Read columns of some nights of the window with their labels, without the refused rows and labels.

    Args:
        runtime: Doors to the outside.
        pipeline: Whose window it is.
        window: The window.
        checked: The result of `validate_training`.
        nights: Those to read, which follow each other in the window; no other is read.
        columns: Columns of the rows to keep.

    Raises:
        DataError: The rows or labels cannot be used.
        PathRefused: The refused rows are said to lie elsewhere.
    """
    digests = dict(zip(("rows", "labels"), checked["quarantine_sha256"], strict=True))
    files = {"rows": window.rows, "labels": window.labels}
    sides = {
        kind: Side(
            files[kind],
            read_positions(runtime.quarantine(pipeline).recorded(path) if path else None, digests[kind]),
        )
        for kind, path in checked["quarantine"].items()
    }
    return read_labelled(pipeline, sides["rows"].of(nights), sides["labels"].of(nights), list(dict.fromkeys(columns)))
