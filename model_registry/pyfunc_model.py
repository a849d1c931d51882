"""The code that MLflow keeps beside a package and runs to open it ("models from code"): no pickle anywhere."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from model_registry.package import load_package


class PackageModel(PythonModel):
    """A package as an MLflow model: raw feature columns in, one float64 for each row out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the package that lies among the model's artifacts."""
        self._predictor = load_package(Path(context.artifacts["package"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> "np.ndarray[Any, np.dtype[np.float64]]":
        """One score for each row."""
        return np.asarray(self._predictor.predict_frame(model_input), dtype=np.float64)


set_model(PackageModel())
