"""From Arrow columns to what a model sees, the same way in training and at night.

Text becomes a code per distinct value, learned at training; a value never seen there, and a missing one, is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

BLOCK_ROWS = 4096
"""Rows of a block: with some dozens of features it fits into a core's second-level cache."""


@dataclass(frozen=True)
class Encoding:
    """How features become numbers.

    Attributes:
        features: Names in the order in which the model sees them.
        categories: For each text feature its values; the position is the code.
    """

    features: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def learn(cls, table: pa.Table, features: Sequence[str], strings: Sequence[str]) -> Encoding:
        """Learn the codes from a training table: the distinct values of each text feature, sorted."""
        import pyarrow.compute as pc

        seen = {name: pc.unique(table[name].cast("string")).drop_null().to_pylist() for name in strings}
        return cls(tuple(features), {name: tuple(sorted(values)) for name, values in seen.items()})

    def matrix(self, batch: pa.RecordBatch | pa.Table) -> np.ndarray:
        """Return the features as float64, shape (rows, features); text as codes, missing as NaN."""
        import numpy as np

        matrix = np.empty((batch.num_rows, len(self.features)), dtype=np.float64)
        for start, block in self.blocks(batch):
            matrix[start : start + len(block)] = block
        return matrix

    def blocks(self, batch: pa.RecordBatch | pa.Table) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the rows of `matrix` block by block, each with the position of its first row.

        Columns become rows here, which is a walk all over the memory: a block is small enough for a core's own cache,
        and the next one is written over it, so copy what you keep.
        """
        import numpy as np

        columns = [
            self._codes(name, batch.column(name)) if name in self.categories else _numbers(batch.column(name))
            for name in self.features
        ]
        buffer = np.empty((min(BLOCK_ROWS, batch.num_rows), len(columns)), dtype=np.float64)
        for start in range(0, batch.num_rows, BLOCK_ROWS):
            block = buffer[: min(BLOCK_ROWS, batch.num_rows - start)]
            for position, column in enumerate(columns):
                block[:, position] = column[start : start + len(block)]
            yield start, block

    def frame(self, batch: pa.RecordBatch | pa.Table) -> pd.DataFrame:
        """Return the features as pandas columns; text as categories with the learned values."""
        import numpy as np
        import pandas as pd

        columns: dict[str, Any] = {}
        for name in self.features:
            column = batch.column(name)
            if name not in self.categories:
                # What Arrow lends is read-only, and a `fit` may write into its frame.
                columns[name] = np.require(_numbers(column), requirements="W")
                continue
            codes = np.nan_to_num(self._codes(name, column), nan=-1).astype(np.int32)
            # Python's own strings: scikit-learn looks values up one by one, and would make one of Arrow's string each time.
            values = pd.Index(self.categories[name], dtype=object)
            columns[name] = pd.Categorical.from_codes(codes, categories=values)
        return pd.DataFrame(columns, copy=False)

    def _codes(self, name: str, column: pa.Array | pa.ChunkedArray) -> np.ndarray:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        if isinstance(column, pa.ChunkedArray):
            chunks = [self._codes(name, chunk) for chunk in column.chunks]
            return np.concatenate(chunks) if chunks else np.empty(0)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        # One look-up per distinct value, then one take per row; the last place stands for missing.
        codes = pc.index_in(column.dictionary.cast(pa.string()), value_set=self._values[name])
        lookup = np.append(_numbers(codes), np.nan)
        places = column.indices
        if places.null_count:
            places = places.cast(pa.int64()).fill_null(len(lookup) - 1)  # int8 may have no room for one more place
        taken: np.ndarray = lookup.take(places.to_numpy(zero_copy_only=False))
        return taken

    @cached_property
    def _values(self) -> dict[str, pa.Array]:
        import pyarrow as pa

        return {name: pa.array(values, pa.string()) for name, values in self.categories.items()}

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `encoding.json`."""
        return {"features": list(self.features), "categories": {name: list(v) for name, v in self.categories.items()}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Encoding:
        """Read what `to_json` wrote."""
        return cls(tuple(value["features"]), {name: tuple(v) for name, v in value["categories"].items()})


def _numbers(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    import pyarrow as pa

    values = column.cast(pa.float64(), safe=False)  # an integer beyond 2**53 is rounded, as in any model
    numbers: np.ndarray = (
        values.to_numpy() if isinstance(values, pa.ChunkedArray) else values.to_numpy(zero_copy_only=False)
    )
    return numbers
