"""Where trained models live: log, register once, move aliases by compare-and-set, journal, verified load.

The only package that imports MLflow, and it does so inside functions. It reads no environment variables; every address is
an argument. What works with versions is imported when it is first asked for, so that ``import model_registry`` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

from model_registry.errors import (
    AliasMoved,
    BadPackage,
    KeyConflict,
    LoginsUnreadable,
    NoSuchAlias,
    NoSuchModel,
    NoSuchRun,
    NoSuchVersion,
    NotLoggedIn,
    RegistryError,
    RegistryRefused,
    RegistryUnavailable,
    RunUnfinished,
    StorageFailed,
    TamperedModel,
)

if TYPE_CHECKING:
    from model_registry.cache import cached_packages, discard
    from model_registry.logins import SettledLogin, settle_logins
    from model_registry.mlflow_door import mlflow_environment, preload
    from model_registry.records import CachedPackage, JournalEntry, ModelVersion, Move, TrainingRun, Trash
    from model_registry.registry import Registry

_WHERE = {
    "CachedPackage": "records",
    "JournalEntry": "records",
    "ModelVersion": "records",
    "Move": "records",
    "Registry": "registry",
    "SettledLogin": "logins",
    "TrainingRun": "records",
    "Trash": "records",
    "cached_packages": "cache",
    "discard": "cache",
    "mlflow_environment": "mlflow_door",
    "preload": "mlflow_door",
    "settle_logins": "logins",
}

__all__ = [
    "AliasMoved",
    "BadPackage",
    "CachedPackage",
    "JournalEntry",
    "KeyConflict",
    "LoginsUnreadable",
    "ModelVersion",
    "Move",
    "NoSuchAlias",
    "NoSuchModel",
    "NoSuchRun",
    "NoSuchVersion",
    "NotLoggedIn",
    "Registry",
    "RegistryError",
    "RegistryRefused",
    "RegistryUnavailable",
    "RunUnfinished",
    "SettledLogin",
    "StorageFailed",
    "TamperedModel",
    "TrainingRun",
    "Trash",
    "cached_packages",
    "discard",
    "mlflow_environment",
    "preload",
    "settle_logins",
]


def __getattr__(name: str) -> object:
    if name in _WHERE:
        return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'model_registry' has no attribute {name!r}; it offers: {', '.join(__all__)}")
