"""LightGBM's C interface: read a booster's text file, and predict from a matrix.

LightGBM's Python package imports pandas, scikit-learn and scipy, a second of CPU and 100 MB, for a call of one C
function. Scoring makes that call itself (https://lightgbm.readthedocs.io/en/stable/C-API.html); training uses the package.
"""

from __future__ import annotations

import ctypes
import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine.errors import ModelError

if TYPE_CHECKING:
    import numpy as np

FLOAT64 = 1  # C_API_DTYPE_FLOAT64
NORMAL = 0  # C_API_PREDICT_NORMAL
ALL_TREES = -1
PARAMETERS = b"num_threads=1 verbosity=-1"
"""One thread for each call: how many calls there are at a time is for the caller to say."""


class Booster:
    """A booster; may be used by several threads at a time.

    Args:
        file: LightGBM's text format.

    Raises:
        ModelError: LightGBM cannot read it.
    """

    def __init__(self, file: Path) -> None:
        self._handle = ctypes.c_void_p()
        rounds = ctypes.c_int()
        _call("LGBM_BoosterCreateFromModelfile", str(file).encode(), ctypes.byref(rounds), ctypes.byref(self._handle))
        self.features = self._number("LGBM_BoosterGetNumFeature")
        """Number of columns that `predict` expects."""
        self.outputs = self._number("LGBM_BoosterGetNumClasses")
        """How many numbers it gives for each row: one, or the probability of each of several classes."""

    def __del__(self) -> None:
        """Give the memory back."""
        if self._handle:
            _library().LGBM_BoosterFree(self._handle)

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return what the booster gives for each row, float64, shape (rows,); of several outputs (rows, outputs).

        Args:
            matrix: float64, shape (rows, features), row after row in memory.

        Raises:
            ModelError: The matrix has another number of columns, or another form.
        """
        import numpy as np

        rows, columns = matrix.shape
        if columns != self.features or matrix.dtype != np.float64 or not matrix.flags.c_contiguous:
            raise ModelError(
                f"the model has {self.features} features; expected a float64 matrix of as many columns, row after row, "
                f"got {matrix.dtype} of shape {matrix.shape}"
            )
        scores = np.empty(rows if self.outputs == 1 else (rows, self.outputs), dtype=np.float64)
        if not rows:  # LightGBM calls a matrix without rows an error
            return scores
        given = ctypes.c_int64()
        _call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            matrix.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int(FLOAT64),
            ctypes.c_int32(rows),
            ctypes.c_int32(columns),
            ctypes.c_int(1),  # row after row
            ctypes.c_int(NORMAL),
            ctypes.c_int(0),  # from the first tree
            ctypes.c_int(ALL_TREES),
            PARAMETERS,
            ctypes.byref(given),
            scores.ctypes.data_as(ctypes.c_void_p),
        )
        return scores

    def _number(self, function: str) -> int:
        number = ctypes.c_int()
        _call(function, self._handle, ctypes.byref(number))
        return number.value


def _call(function: str, *arguments: object) -> None:
    library = _library()
    if getattr(library, function)(*arguments):
        raise ModelError(f"LightGBM says of the model: {library.LGBM_GetLastError().decode(errors='replace')}")


@cache
def _library() -> ctypes.CDLL:
    """Return LightGBM's library, found by the package's own `libpath.py`, without importing the package."""
    found = importlib.util.find_spec("lightgbm")
    if found is None or found.origin is None:
        raise ModelError("the model is LightGBM's, which is not installed here; run `make setup`")
    spec = importlib.util.spec_from_file_location("_lightgbm_libpath", Path(found.origin).with_name("libpath.py"))
    if spec is None or spec.loader is None:
        raise ModelError(f"there is no libpath.py beside {found.origin}; install LightGBM anew (`make setup`)")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    library: ctypes.CDLL = module._LIB  # noqa: SLF001 - the package itself takes it from there
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library
