"""What can go wrong with the embedded Airflow, in words.

EmbeddedError
├── AlreadyRunning      another process owns this home's Airflow
├── PortTaken           the asked port is in use
├── NoDiskSpace         too little room for a database and logs
├── SecretsDamaged      the secrets file is not what we wrote
├── StartFailed         a process died, or nothing answered in time
├── StopFailed          a process of the tree is still alive after SIGKILL
└── ApiError            Airflow's REST API did not give what was asked
    ├── ApiUnreachable  no answer at all
    ├── NotThere        the DAG, run or task instance does not exist
    └── WaitedTooLong   a run did not end in time
"""

from __future__ import annotations

from typing import ClassVar


class EmbeddedError(Exception):
    """Anything that the embedded Airflow has to say no to."""

    retryable: ClassVar[bool] = False


class AlreadyRunning(EmbeddedError):
    """Another process owns this home's Airflow; `url` is where it listens, as far as it is known."""

    def __init__(self, message: str, *, url: str | None, pid: int | None) -> None:
        super().__init__(message)
        self.url = url
        self.pid = pid


class PortTaken(EmbeddedError):
    """The asked port is in use by somebody else."""


class NoDiskSpace(EmbeddedError):
    """The home's file system has too little room left."""


class SecretsDamaged(EmbeddedError):
    """The secrets file cannot be read or is not what was written."""


class StartFailed(EmbeddedError):
    """A process died while starting, or the tree was not healthy in time."""


class StopFailed(EmbeddedError):
    """A process of the tree is still alive after SIGKILL."""


class ApiError(EmbeddedError):
    """Airflow's REST API refused or failed a request."""


class ApiUnreachable(ApiError):
    """Nobody answers at the API's address."""

    retryable: ClassVar[bool] = True


class NotThere(ApiError):
    """The DAG, run or task instance asked for does not exist."""


class WaitedTooLong(ApiError):
    """A run did not end within the time allowed."""

    retryable: ClassVar[bool] = True
