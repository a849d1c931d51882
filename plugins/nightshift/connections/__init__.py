"""Who we are at an object store, as Airflow's connections say; and the runtime that is opened with that."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    from pipelines.engine.pipeline import Progress
    from pipelines.engine.runtime import Runtime
    from pipelines.engine.settings import Settings
    from pipelines.engine.storage import Credentials, Google, Simple, Storage


def open_doors(settings: Settings | None = None, *, wait: bool = False, progress: Progress | None = None) -> Runtime:
    """Open the runtime; see `open_runtime`. Object stores, and databases with rows, are reached through Airflow's connections.

    Raises:
        Whatever `open_runtime` raises.
    """
    from nightshift.connections.sql import ask_airflow
    from pipelines.engine.runtime import no_progress, open_runtime
    from pipelines.engine.settings import read_settings

    settings = settings or read_settings()
    return open_runtime(
        settings,
        wait=wait,
        progress=progress or no_progress,
        credentials=credentials_of(settings),
        connections=ask_airflow(settings),
    )


def open_storage(settings: Settings) -> Storage:
    """Reach files, here or in an object store, without a ledger or a model registry."""
    from pipelines.engine.storage import Storage

    return Storage(settings.cache, credentials_of(settings))


def credentials_of(settings: Settings) -> Credentials:
    """Return what asks the connections that the settings name, once somebody needs them."""
    kept: list[AwsBaseHook] = []

    def ask(scheme: str) -> Simple | Google:
        keep_airflow_quiet(settings)
        if scheme == "s3":
            from nightshift.connections.amazon import amazon_account, newest_hook

            kept[:] = [newest_hook(settings.aws_connection, kept[0] if kept else None)]
            return amazon_account(kept[0], settings.aws_connection)
        from nightshift.connections.google import google_account

        return google_account(settings.google_connection)

    return ask


def keep_airflow_quiet(settings: Settings) -> None:
    """Where nobody has imported Airflow, such as on the command line, it is wanted for its connections alone.

    It would make a folder `~/airflow`, and write its log between the lines of our output.
    """
    if "airflow" not in sys.modules:
        os.environ.setdefault("AIRFLOW_HOME", str(settings.home / "airflow"))
        os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
