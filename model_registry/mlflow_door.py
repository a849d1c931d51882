"""The one door to MLflow: how it is imported, how a store is opened, how its errors become ours.

MLflow takes its manners from environment variables alone, so they are set here, before its import,
and only where nobody chose otherwise. Nothing else of the process is changed: no global tracking URI, no active run.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from model_registry import credentials
from model_registry.addresses import default_artifact_root, is_server, sqlite_file, ui_base
from model_registry.translation import translate

if TYPE_CHECKING:
    from mlflow import MlflowClient

_CONNECT_SECONDS = 5
_TRANSFER_SECONDS = 60


def mlflow_environment() -> dict[str, str]:
    """The manners of MLflow, for this process and for any MLflow process that is started beside it."""
    return {
        # Nothing calls home.
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        # A model directory holds what we put there, not the uv files of the folder where the command was typed.
        "MLFLOW_UV_AUTO_DETECT": "false",
        # Our models are read without a pickle; whoever loads another kind with MLflow says so himself.
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        # MLflow's own seven retries of 120 s take minutes to report a dead server. Two tries of 6 s and a pause of
        # at most 2 s stay below 15 s; longer patience is the business of whoever retries the task.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "6",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
        "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "1",
    }


def preload() -> None:
    """Import MLflow with its manners set (about 3 to 6 CPU seconds): for a process that forks its workers."""
    for name, value in mlflow_environment().items():
        os.environ.setdefault(name, value)
    import mlflow.pyfunc  # noqa: F401


def preload_stores() -> None:
    """Import what MLflow's client imports when it is first used, and let its tables be mapped: another CPU second.

    It is no part of `preload`, because a process that asks one kind of store does not need the others.
    """
    preload()
    import alembic.command  # noqa: F401
    import mlflow.store.model_registry.rest_store
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.model_registry.sqlalchemy_workspace_store
    import mlflow.store.tracking.rest_store
    import mlflow.store.tracking.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_workspace_store  # noqa: F401
    from mlflow.store.db import utils
    from mlflow.store.db.base_sql_model import Base

    Base.registry.configure(cascade=True)
    # Each client compares its database with the newest of MLflow's 67 migrations, and reads all of them to find it. They
    # are files of the installed package, so they are read once.
    newest = utils._get_latest_schema_revision()  # type: ignore[no-untyped-call]  # noqa: SLF001
    utils._get_latest_schema_revision = lambda: newest  # noqa: SLF001


@dataclass(frozen=True)
class Store:
    """The addresses of one MLflow store; the client is opened at first use."""

    tracking_uri: str = field(repr=False)  # it may hold a password
    artifact_root: str | None
    ui_url: str | None = None
    credentials: Path | None = None

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow's client for this store alone. The first use of a new SQLite file creates its tables (about 2 s)."""
        preload()
        from mlflow import MlflowClient

        if not is_server(self.tracking_uri):
            reach_database(self.tracking_uri)
        elif self.credentials:
            credentials.introduce(self.tracking_uri, self.credentials)
        with _one_at_a_time(self.tracking_uri):
            return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    @property
    def artifacts(self) -> str | None:
        """The artifact root that was given, or the default one."""
        return self.artifact_root or default_artifact_root(self.tracking_uri)

    @property
    def pages(self) -> str:
        """The address of MLflow's pages, or ""."""
        return ui_base(self.tracking_uri, self.ui_url)

    @contextmanager
    def speaking(self) -> Iterator["MlflowClient"]:
        """The client, in a block whose errors come out as ours.

        Raises:
            RegistryUnavailable: the server or database does not answer.
            RegistryRefused: MLflow refused.
            StorageFailed: files could not be read or written.
        """
        try:
            yield self.client
        except Exception as error:
            translated = translate(error, self.tracking_uri, *credentials.as_uri(self.credentials))
            if translated is None:
                raise
            raise translated from None


@contextmanager
def transferring() -> Iterator[None]:
    """A block that moves files: the server may take longer to answer than it may for a question.

    The one temporary change of a process-wide setting; MLflow has no argument for it.
    """
    name = "MLFLOW_HTTP_REQUEST_TIMEOUT"
    before = os.environ.get(name)
    os.environ[name] = str(_TRANSFER_SECONDS)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


def reach_database(uri: str) -> None:
    """Connect once. MLflow itself would try ten times, over about 100 seconds, before it says that it cannot."""
    import sqlalchemy

    database = sqlite_file(uri)
    if database:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        database.touch(mode=0o600)  # models and the names of their data are nobody else's business
    seconds = {"connect_timeout": _CONNECT_SECONDS} if uri.startswith(("postgresql", "mysql")) else {}
    engine = sqlalchemy.create_engine(uri, connect_args=seconds, poolclass=sqlalchemy.pool.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT count(*) FROM sqlite_master" if database else "SELECT 1"))


@contextmanager
def _one_at_a_time(uri: str) -> Iterator[None]:
    """Hold a lock beside a SQLite file: two processes that create its tables at once would break each other."""
    import fcntl

    database = sqlite_file(uri)
    if not database:
        yield
        return
    beside = database.with_name(f".{database.name}.lock")
    beside.touch(mode=0o600)
    with beside.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
