"""Load an object file that lleaves made, and call what is in it.

What lleaves does to load one, without lleaves: it would import pandas.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

ENTRY = "forest_root"
"""lleaves' name for the function: (matrix, results, first row, row after the last)."""
CODE_MODEL = "large"
"""With "small", forests of some thousand trees crash (lleaves says so)."""
TINY = 1e-30
"""LightGBM takes what lies within about 1e-35 of zero for zero, with a bound that lleaves does not meet to the last bit."""
_DOUBLES = ctypes.POINTER(ctypes.c_double)


class MachineCode:
    """A function from rows to scores; may be called by several threads at a time, and lets others run meanwhile.

    Args:
        file: The object file, verified: machine code does what it wants.
        features: Number of columns that it reads; nothing in the file says so.
    """

    def __init__(self, file: Path, features: int) -> None:
        import llvmlite.binding as llvm

        self._features = features
        llvm.initialize()
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            reloc="pic",
            codemodel=CODE_MODEL,
        )
        content = file.read_bytes()
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)  # the code lives as long as it does
        self._engine.set_object_cache(getbuffer_func=lambda module: content)
        self._engine.finalize_object()
        self._engine.run_static_constructors()
        address = self._engine.get_function_address(ENTRY)
        if not address:
            raise ValueError(f"{file} has no function {ENTRY}")
        prototype = ctypes.CFUNCTYPE(None, _DOUBLES, _DOUBLES, ctypes.c_int32, ctypes.c_int32)
        self._function = prototype(address)

    def predict(self, matrix: np.ndarray, scores: np.ndarray) -> None:
        """Write the score of each row into `scores`.

        Args:
            matrix: float64, shape (rows, features), row after row in memory.
            scores: float64, shape (rows,), of zeros; contiguous.

        Raises:
            ValueError: They have other forms: the code would read and write what is not theirs.
        """
        rows = len(scores)
        right = matrix.shape == (rows, self._features) and matrix.dtype == scores.dtype == float
        if not (right and matrix.flags.c_contiguous and scores.flags.c_contiguous):
            raise ValueError(f"expected {self._features} columns of float64, row after row, got {matrix.shape}")
        self._function(matrix.ctypes.data_as(_DOUBLES), scores.ctypes.data_as(_DOUBLES), 0, rows)


def holds_tiny(matrix: np.ndarray) -> bool:
    """Whether some number lies between zero and `TINY`, on either side: rows with such are for the plain model."""
    import numpy as np

    size = np.abs(matrix)
    return bool(((size < TINY) & (size > 0)).any())
