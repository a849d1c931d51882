"""From Arrow columns to what a model sees, the same way in training and at night.

Text becomes a code per distinct value, learned at training; a value never seen there, and a missing one, is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


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
        for position, name in enumerate(self.features):
            column = batch.column(name)
            matrix[:, position] = self._codes(name, column) if name in self.categories else _numbers(column)
        return matrix

    def frame(self, batch: pa.RecordBatch | pa.Table) -> pd.DataFrame:
        """Return the features as pandas columns; text as categories with the learned values."""
        import numpy as np
        import pandas as pd

        columns: dict[str, Any] = {}
        for name in self.features:
            column = batch.column(name)
            if name not in self.categories:
                columns[name] = _numbers(column)
                continue
            codes = np.nan_to_num(self._codes(name, column), nan=-1).astype(np.int32)
            columns[name] = pd.Categorical.from_codes(codes, categories=pd.Index(self.categories[name]))
        return pd.DataFrame(columns)

    def _codes(self, name: str, column: pa.Array | pa.ChunkedArray) -> np.ndarray:
        import numpy as np
        import pyarrow as pa

        if isinstance(column, pa.ChunkedArray):
            chunks = [self._codes(name, chunk) for chunk in column.chunks]
            return np.concatenate(chunks) if chunks else np.empty(0)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        code_of = {value: code for code, value in enumerate(self.categories[name])}
        # One look-up per distinct value, then one take per row; the last place stands for missing.
        lookup = np.array([code_of.get(value, np.nan) for value in column.dictionary.to_pylist()] + [np.nan])
        places = column.indices.cast(pa.int64()).fill_null(len(lookup) - 1)  # int8 may have no room for one more place
        codes: np.ndarray = lookup[places.to_numpy(zero_copy_only=False)]
        return codes

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
