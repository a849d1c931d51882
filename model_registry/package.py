"""A package: the directory that the engine made of one trained model, and how it is opened."""

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from model_registry.errors import BadPackage

if TYPE_CHECKING:
    import numpy
    import pandas

MANIFEST = "package.json"


class Predictor(Protocol):
    """What a package's loader returns."""

    def predict_frame(self, frame: "pandas.DataFrame") -> "numpy.ndarray[Any, Any]":
        """One score for each row of raw feature columns."""


def read_manifest(package: Path) -> dict[str, Any]:
    """The content of package.json.

    Raises:
        BadPackage: it is missing, no JSON object, or names no loader.
    """
    path = package / MANIFEST
    try:
        manifest = json.loads(path.read_text())
    except OSError as error:
        raise BadPackage(f"A package is a directory with a {MANIFEST}; {path} cannot be read.") from error
    except ValueError as error:
        raise BadPackage(f"{path} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or ":" not in str(manifest.get("loader", "")):
        raise BadPackage(f'{path} must hold "loader": "module:function"; make the package anew.')
    return manifest


def load_package(package: Path) -> Predictor:
    """Call the loader that the package names, with the package's path.

    Verify the files first (Registry.fetch): the manifest decides which importable function is called.

    Raises:
        BadPackage: the manifest is wrong, or its loader cannot be imported.
    """
    loader = str(read_manifest(package)["loader"])
    module, _, function = loader.partition(":")
    try:
        open_package = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise BadPackage(f"The loader {loader!r} of {package} cannot be imported: {error}.") from error
    predictor: Predictor = open_package(package)
    return predictor
