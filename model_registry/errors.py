"""What can go wrong with the model registry.

RegistryError
├── RegistryUnavailable   retryable
│   └── NotLoggedIn       retryable
├── StorageFailed         retryable
├── RegistryRefused
├── NoSuchModel
├── NoSuchVersion
├── NoSuchAlias
├── NoSuchRun
├── RunUnfinished
├── KeyConflict
├── AliasMoved
├── BadPackage
├── TamperedModel
└── LoginsUnreadable
"""

from typing import ClassVar


class RegistryError(Exception):
    """The root of everything that this package raises."""

    retryable: ClassVar[bool] = False


class RegistryUnavailable(RegistryError):
    """MLflow's server or database did not answer, or answered that it cannot serve now."""

    retryable: ClassVar[bool] = True


class StorageFailed(RegistryError):
    """The artifact store, or the local cache, could not be read or written."""

    retryable: ClassVar[bool] = True


class RegistryRefused(RegistryError):
    """MLflow answered and refused: the request, or its schema, is wrong."""


class NotLoggedIn(RegistryUnavailable):
    """MLflow's server does not know the name or password that came with the request, or none came.

    It is worth another try: a password may be in the middle of being changed.
    """


class NoSuchModel(RegistryError):
    """No registered model has this name."""


class NoSuchVersion(RegistryError):
    """The registered model has no such version."""


class NoSuchAlias(RegistryError):
    """The registered model has no such alias."""


class NoSuchRun(RegistryError):
    """The tracking store has no such run."""


class RunUnfinished(RegistryError):
    """The run was not logged to its end, so nothing may be registered from it."""


class KeyConflict(RegistryError):
    """A version with this key exists, and it was made from other model files."""


class BadPackage(RegistryError):
    """A package directory that cannot be logged or loaded."""


class AliasMoved(RegistryError):
    """The alias does not point where the caller thought: compare-and-set failed."""

    def __init__(self, message: str, *, expected: str | None = None, got: str | None = None) -> None:
        super().__init__(message)
        self.expected = expected
        self.got = got


class TamperedModel(RegistryError):
    """A model file is not the one that was registered; it is never loaded."""

    def __init__(
        self, message: str, *, file: str | None = None, expected: str | None = None, got: str | None = None
    ) -> None:
        super().__init__(message)
        self.file = file
        self.expected = expected
        self.got = got


class LoginsUnreadable(RegistryError):
    """A file that says who may log in to MLflow's server is not there, or says too little."""
