"""Score with machine code, once it has shown on the night's own rows that it gives the plain model's scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.engine.encoding import Encoding
from pipelines.engine.models.compiled.machine_code import MachineCode, holds_tiny
from pipelines.engine.models.lightgbm import LightGBMScorer

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PROOF_ROWS = 8192
"""So many rows of a shard's first batch, evenly spread over it, are scored both ways."""


class CompiledScorer:
    """Machine code and the encoding of its features, with the plain model beside it."""

    name = "compiled"

    def __init__(self, code: MachineCode, plain: LightGBMScorer, encoding: Encoding) -> None:
        self._code = code
        self.plain = plain
        """The same model as its library scores it."""
        self._encoding = encoding

    def predict(self, batch: pa.RecordBatch | pa.Table) -> np.ndarray:
        """Return the probability of 1, or the value, of each row, float64, shape (rows,)."""
        import numpy as np

        scores = np.zeros(batch.num_rows, dtype=np.float64)
        for start, block in self._encoding.blocks(batch):
            part = scores[start : start + len(block)]
            if holds_tiny(block):
                part[:] = self.plain.predict_matrix(block)
            else:
                self._code.predict(block, part)
        return scores

    def difference(self, batch: pa.RecordBatch) -> str | None:
        """Score rows both ways, and say in words how the scores differ; None if they are the same, bit for bit."""
        import numpy as np
        import pyarrow as pa

        if batch.num_rows > PROOF_ROWS:
            batch = batch.take(pa.array(np.linspace(0, batch.num_rows - 1, PROOF_ROWS, dtype=np.int64)))
        compiled, plain = self.predict(batch), self.plain.predict(batch)
        differing = ~((compiled == plain) | (np.isnan(compiled) & np.isnan(plain)))
        if not differing.any():
            return None
        largest = float(np.nanmax(np.abs(compiled - plain), initial=0.0))
        return (
            f"the compiled model gave other scores than the plain one for {int(differing.sum())} of {batch.num_rows} rows "
            f"(by up to {largest:.2g})"
        )
