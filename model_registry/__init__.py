"""Where trained models live: log, register once, move aliases by compare-and-set, journal, verified load.

The only package that imports MLflow, and it does so inside functions: ``import model_registry`` costs nothing.
It reads no environment variables; every address is an argument.
"""

from model_registry.cache import cached_packages, discard
from model_registry.errors import (
    AliasMoved,
    BadPackage,
    KeyConflict,
    NoSuchAlias,
    NoSuchModel,
    NoSuchRun,
    NoSuchVersion,
    RegistryError,
    RegistryRefused,
    RegistryUnavailable,
    RunUnfinished,
    StorageFailed,
    TamperedModel,
)
from model_registry.mlflow_door import mlflow_environment, preload
from model_registry.records import CachedPackage, JournalEntry, ModelVersion, Move, TrainingRun, Trash
from model_registry.registry import Registry

__all__ = [
    "AliasMoved",
    "BadPackage",
    "CachedPackage",
    "JournalEntry",
    "KeyConflict",
    "ModelVersion",
    "Move",
    "NoSuchAlias",
    "NoSuchModel",
    "NoSuchRun",
    "NoSuchVersion",
    "Registry",
    "RegistryError",
    "RegistryRefused",
    "RegistryUnavailable",
    "RunUnfinished",
    "StorageFailed",
    "TamperedModel",
    "TrainingRun",
    "Trash",
    "cached_packages",
    "discard",
    "mlflow_environment",
    "preload",
]
