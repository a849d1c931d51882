"""Score one shard: stream its rows through the model into one Parquet file, with flat memory.

The file is named by key and fence, and no version of any table names it yet.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine.errors import RowsChanged
from pipelines.engine.models import Scorer
from pipelines.engine.models.compiled.scorer import CompiledScorer
from pipelines.engine.moments import reached
from pipelines.engine.pipeline import Pipeline, Progress
from pipelines.engine.rows import iterate_batches
from pipelines.engine.score_form import HISTOGRAM_BINS, PROBABILITY_EDGES, ScoreForm
from pipelines.engine.shards import Piece, Shard
from pipelines.engine.storage import Location
from pipelines.engine.streaming import cores, in_order

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_Kept = tuple[int, "pa.RecordBatch"]
"""How many rows a batch had, and those of them that were not refused."""
log = logging.getLogger(__name__)
BATCH_ROWS = 131_072
"""Measured: predict is as fast from 32k to 512k rows, and slower below."""
IN_FLIGHT_BYTES = 64 << 20
"""So much of the input is in memory, beside what each thread works on."""


@dataclass(frozen=True)
class Stamp:
    """What every scored row carries beside its score."""

    model_version: str
    key: str
    scored_at: datetime


@dataclass(frozen=True)
class ShardScores:
    """What came out of a shard.

    Attributes:
        rows_in: Rows read.
        rows_scored: Rows written.
        score_sum: Sum of all scores.
        histogram: Scored rows in each of `HISTOGRAM_BINS` bins.
        scorer: How the model scored: "plain" or "compiled".
        warning: Why the plain model had to step in, or None.
        edges: Of the bins; scores outside of them are counted in the first and the last.
    """

    rows_in: int
    rows_scored: int
    score_sum: float
    histogram: tuple[int, ...]
    scorer: str = "plain"
    warning: str | None = None
    edges: tuple[float, ...] = PROBABILITY_EDGES

    @property
    def rows_refused(self) -> int:
        """Rows left out because checks refused them."""
        return self.rows_in - self.rows_scored


def score_shard(
    pipeline: Pipeline,
    shard: Shard,
    scorer: Scorer,
    refused: np.ndarray,
    stamp: Stamp,
    output: Location,
    delivered: Location,
    *,
    form: ScoreForm,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ShardScores:
    """Score a shard's rows that were not refused into `output`.

    One thread reads and writes, the others predict; memory is flat, however many rows there are.

    Args:
        pipeline: Says which columns are ids and features.
        shard: The row groups to read.
        scorer: The model. A compiled one is used once it has shown on the first batch that it scores as the plain one.
        refused: Positions of refused rows in the whole night, int64, sorted.
        stamp: Carried by every row.
        output: The Parquet file to write, whole or not at all.
        delivered: The folder that the shard's files lie in.
        form: Of the model's scores.
        threads: How many predict at a time; by default as many as the process has cores.
        progress: Told how many rows of the shard are written.

    Raises:
        RowsChanged: A file is not the one that was planned.
        PathRefused: A file lies elsewhere.
        RowsUnreadable: A file is damaged.
        ModelError: The model gave something else than scores of its form.
        StorageError: The output cannot be written.
    """
    import numpy as np
    import pyarrow.parquet as pq

    copies = [_unchanged(piece, delivered) for piece in shard.pieces]
    kept: Iterator[_Kept] = (
        (batch.num_rows, _without(batch, position, refused)) for position, batch in _batches(pipeline, shard, copies)
    )
    scorer, warning, kept = _proven(scorer, kept)
    total = shard.rows
    rows_in = rows_scored = 0
    score_sum = 0.0
    histogram = np.zeros(HISTOGRAM_BINS, dtype=np.int64)
    schema = output_schema(pipeline)

    def score(piece: _Kept) -> tuple[int, pa.RecordBatch, np.ndarray, np.ndarray]:
        rows, batch = piece
        given = form.checked(scorer.predict(batch), batch.num_rows)
        scores = form.score(given)
        return rows, _scored(pipeline, batch, given, form, stamp, schema), scores, form.histogram(scores)

    pieces = in_order(
        kept, score, threads=threads or cores(), size=lambda piece: int(piece[1].nbytes), most_bytes=IN_FLIGHT_BYTES
    )
    with output.writing() as temporary, pq.ParquetWriter(temporary, schema, **_form(pipeline)) as writer:
        for rows, batch, scores, counts in pieces:
            writer.write_batch(batch)
            rows_in += rows
            rows_scored += batch.num_rows
            score_sum += float(scores.sum())
            histogram += counts
            if progress:
                progress(rows_in, total, f"scoring {total:,} rows")
            reached("scored a batch")
    reached("wrote the shard")
    counted = tuple(int(count) for count in histogram)
    return ShardScores(rows_in, rows_scored, score_sum, counted, scorer.name, warning, form.edges)


def _proven(scorer: Scorer, kept: Iterator[_Kept]) -> tuple[Scorer, str | None, Iterator[_Kept]]:
    """Try a compiled model on the first rows, and return what scores, a warning if that is the plain one, and all rows."""
    if not isinstance(scorer, CompiledScorer):
        return scorer, None, kept
    looked_at = []
    for piece in kept:
        looked_at.append(piece)
        if piece[1].num_rows:
            break
    difference = scorer.difference(looked_at[-1][1]) if looked_at else None
    if difference is None:
        return scorer, None, chain(looked_at, kept)
    warning = f"{difference}; the plain one scored the rows"
    log.warning("%s", warning)
    return scorer.plain, warning, chain(looked_at, kept)


def _form(pipeline: Pipeline) -> dict[str, Any]:
    """Return how shard files are written: what is the same in every row as a dictionary of one value."""
    own = (*pipeline.id_columns, "score", "class_scores")
    same = [name for name in output_schema(pipeline).names if name not in own]
    return {"compression": "zstd", "compression_level": 1, "use_dictionary": same}


def output_schema(pipeline: Pipeline) -> pa.Schema:
    """Return the columns of a shard file: ids, score, model version, key, time. The night is the partition.

    Of several classes there are, after the score, the likeliest one and the probabilities of all, in the model's order.
    """
    import pyarrow as pa

    kinds = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_()}
    timestamp = pa.timestamp("us", tz="UTC")
    ids = [
        pa.field(name, kinds.get(pipeline.rows.columns[name], timestamp), nullable=False)
        for name in pipeline.id_columns
    ]
    target = kinds.get(pipeline.labels.columns[pipeline.labels.target])
    classes = [
        pa.field("prediction", target, nullable=False),
        pa.field("class_scores", pa.list_(pa.float64()), nullable=False),
    ]
    return pa.schema(
        [
            *ids,
            pa.field("score", pa.float64(), nullable=False),
            *(classes if pipeline.kind == "multiclass" else ()),
            pa.field("model_version", pa.string(), nullable=False),
            pa.field("task_key", pa.string(), nullable=False),
            pa.field("scored_at", timestamp, nullable=False),
        ]
    )


def _unchanged(piece: Piece, delivered: Location) -> Path:
    """Return the piece's file on this machine, with the bytes that were planned."""
    location = delivered.recorded(piece.path)
    if location.is_here and location.find() == (piece.size, piece.modified_ns):
        return location.copy()
    copy = location.copy_with(piece.sha256)
    if copy:
        return copy
    found = "other bytes" if location.exists() else "no file"
    raise RowsChanged(
        f"{location} was checked with digest {piece.sha256[:12]}, and there is now {found}.\n"
        "Nothing was scored. Run the night again, so that the new rows are checked first."
    )


def _batches(pipeline: Pipeline, shard: Shard, copies: Sequence[Path]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield batches with the position in the night of their first row."""
    columns = list(dict.fromkeys((*pipeline.id_columns, *pipeline.features)))
    for piece, copy in zip(shard.pieces, copies, strict=True):
        position = piece.first_position
        for batch in iterate_batches(copy, piece.path, piece.row_groups, columns, pipeline.string_features, BATCH_ROWS):
            yield position, batch
            position += batch.num_rows


def _without(batch: pa.RecordBatch, position: int, refused: np.ndarray) -> pa.RecordBatch:
    import numpy as np
    import pyarrow as pa

    first, last = np.searchsorted(refused, (position, position + batch.num_rows))
    if first == last:
        return batch
    keep = np.ones(batch.num_rows, dtype=bool)
    keep[refused[first:last] - position] = False
    return batch.filter(pa.array(keep))


def _scored(
    pipeline: Pipeline, batch: pa.RecordBatch, given: np.ndarray, form: ScoreForm, stamp: Stamp, schema: pa.Schema
) -> pa.RecordBatch:
    import pyarrow as pa

    rows = batch.num_rows
    ids = [batch.column(name).cast(schema.field(name).type) for name in pipeline.id_columns]
    stamps = (stamp.model_version, stamp.key, stamp.scored_at)
    constant = [
        pa.repeat(pa.scalar(value, schema.field(name).type), rows)
        for name, value in zip(("model_version", "task_key", "scored_at"), stamps, strict=True)
    ]
    classes = _classes(given, form, schema) if form.kind == "multiclass" else []
    return pa.record_batch([*ids, pa.array(form.score(given)), *classes, *constant], schema=schema)


def _classes(given: np.ndarray, form: ScoreForm, schema: pa.Schema) -> list[pa.Array]:
    """Return the likeliest class of each row, and the probabilities of all."""
    import numpy as np
    import pyarrow as pa

    likeliest = pa.array(form.classes, schema.field("prediction").type).take(pa.array(given.argmax(axis=1)))
    ends = np.arange(0, given.size + 1, len(form.classes), dtype=np.int32)
    return [likeliest, pa.ListArray.from_arrays(pa.array(ends), pa.array(given.ravel()))]


def read_positions(kept: Location | None, sha256: str | None) -> np.ndarray:
    """Read the positions of refused rows from a quarantine file; none if there is no file.

    Args:
        kept: The file, or None.
        sha256: Digest of its bytes when the checks wrote it.

    Raises:
        RowsChanged: It is gone, or another one.
    """
    import numpy as np
    import pyarrow.parquet as pq

    if kept is None:
        return np.empty(0, dtype=np.int64)
    copy = kept.copy_with(str(sha256))
    if copy is None:
        found = "other bytes" if kept.exists() else "no file"
        raise RowsChanged(
            f"{kept} keeps the rows that the checks refused, with digest {str(sha256)[:12]}, and there is now {found}.\n"
            "Nothing was made of it. Remove the file if it is there, and run the night again: the checks write it anew."
        )
    return np.sort(pq.read_table(copy, columns=["position"], partitioning=None).column(0).to_numpy())
