"""Where Nightshift keeps things: the only module that reads the environment."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model_registry.addresses import hidden
from pipelines.engine.errors import UsageError
from pipelines.engine.storage.location import split_url

SOURCE = "NIGHTSHIFT_SOURCE_"
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """One value for each thing that differs between a laptop and production.

    Attributes:
        home: Folder for all state that has no location of its own.
        data: Root of rows and labels, `<data>/<pipeline>/rows/<night>.parquet`; a folder, `s3://` or `gs://`.
        tables: Root of the published Delta tables, `<tables>/<pipeline>/predictions`, and of quarantined rows; likewise.
        reports: Root of check reports and training pictures; likewise.
        ledger_url: SQLAlchemy URL of the ledger's database.
        tracking_uri: MLflow's tracking and registry URI.
        tracking_credentials: File with MLflow's login, in the form of `~/.mlflow/credentials`; None if nobody said.
        mlflow_ui: Address of MLflow's pages for links, where it is not the tracking URI, else None.
        artifacts: Root for MLflow artifacts when the tracking URI is a database, else None.
        lease_seconds: How long a claim lasts without being renewed.
        compiles: Whether models are compiled ahead of the night.
        cores: How many cores one scoring task uses; None for all that the process may use.
        aws_connection: Airflow connection that says who we are at `s3://`.
        google_connection: Airflow connection that says who we are at `gs://`.
        dags: Folder of the DAG files.
        routes: File that says where alerts go.
        airflow_ui: Address of Airflow's pages, for links in messages; None if nobody said.
        spark: Where shards are scored by engine `spark`: `sc://HOST:PORT` or a master; None if nobody said.
        spark_connection: Airflow connection that says the same, and wins.
        spark_shards: How many shards Spark is given at the same time.
        json_logs: Whether the watch and the command line write their log as JSON lines; Airflow's tasks always do.
        sources: Connection to SQLAlchemy URL of the databases that rows come from.
    """

    home: Path
    data: str
    tables: str
    reports: str
    ledger_url: str = field(repr=False)  # both may hold a password
    tracking_uri: str = field(repr=False)
    mlflow_ui: str | None = field(repr=False)
    artifacts: str | None
    lease_seconds: float
    compiles: bool = True
    cores: int | None = None
    tracking_credentials: Path | None = None
    aws_connection: str = "aws_default"
    google_connection: str = "google_cloud_default"
    dags: Path = REPOSITORY / "dags"
    routes: Path = REPOSITORY / "routes.toml"
    airflow_ui: str | None = None
    spark: str | None = field(default=None, repr=False)  # may hold a token
    spark_connection: str | None = None
    spark_shards: int = 16
    json_logs: bool = False
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)  # may hold passwords

    @property
    def laptop_ledger(self) -> Path:
        """File of the ledger where nobody names another database."""
        return self.home / "ledger.db"

    @property
    def databases(self) -> Path:
        """Folder for the laptop's own databases with rows, `<connection>.db`."""
        return self.home / "databases"

    @property
    def cache(self) -> Path:
        """Folder for verified model packages and copies of remote files; safe to delete."""
        return self.home / "cache"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Build the settings from `NIGHTSHIFT_*` variables.

    Args:
        environment: Variables to read instead of the process's own.

    Raises:
        UsageError: A variable has a value that cannot be used.
    """
    env = os.environ if environment is None else environment
    home = _folder(env, "NIGHTSHIFT_HOME", REPOSITORY / ".nightshift")
    tracking = env.get("NIGHTSHIFT_TRACKING_URI")
    return Settings(
        home=home,
        data=_root(env, "NIGHTSHIFT_DATA", home / "data"),
        tables=_root(env, "NIGHTSHIFT_TABLES", home / "tables"),
        reports=_root(env, "NIGHTSHIFT_REPORTS", home / "reports"),
        ledger_url=env.get("NIGHTSHIFT_LEDGER_URL") or f"sqlite:///{home / 'ledger.db'}",
        tracking_uri=tracking or f"sqlite:///{home / 'mlflow' / 'mlflow.db'}",
        tracking_credentials=_file(env, "NIGHTSHIFT_TRACKING_CREDENTIALS"),
        mlflow_ui=env.get("NIGHTSHIFT_MLFLOW_UI"),
        artifacts=None if tracking else (home / "mlflow" / "artifacts").as_uri(),
        lease_seconds=_seconds(env, "NIGHTSHIFT_LEASE_SECONDS", 60.0),
        compiles=_on(env, "NIGHTSHIFT_COMPILE", True),
        cores=_cores(env, "NIGHTSHIFT_CORES"),
        aws_connection=env.get("NIGHTSHIFT_AWS_CONNECTION") or "aws_default",
        google_connection=env.get("NIGHTSHIFT_GOOGLE_CONNECTION") or "google_cloud_default",
        airflow_ui=env.get("NIGHTSHIFT_AIRFLOW_UI") or env.get("AIRFLOW__API__BASE_URL"),
        spark=env.get("NIGHTSHIFT_SPARK") or None,
        spark_connection=env.get("NIGHTSHIFT_SPARK_CONNECTION") or None,
        spark_shards=_count(env, "NIGHTSHIFT_SPARK_SHARDS", 16),
        json_logs=_on(env, "NIGHTSHIFT_JSON_LOGS", False),
        dags=_folder(env, "NIGHTSHIFT_DAGS", REPOSITORY / "dags"),
        sources={name.removeprefix(SOURCE).lower(): env[name] for name in env if name.startswith(SOURCE) and env[name]},
        routes=_file(env, "NIGHTSHIFT_ROUTES") or REPOSITORY / "routes.toml",
    )


def _root(env: Mapping[str, str], name: str, default: Path) -> str:
    value = env.get(name)
    if not value:
        return str(default)
    try:
        scheme, path = split_url(value)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None
    if not scheme:
        return str(Path(path).resolve())
    unusual = sorted({sign for sign in path if sign in "#?%" or not sign.isprintable()})
    if unusual:  # pyarrow takes them as they are, and delta-rs as parts of a URL: two different places
        raise UsageError(f"{name}={value!r} holds {', '.join(map(repr, unusual))}. Choose a folder without them.")
    return f"{scheme}://{path}"


def _folder(env: Mapping[str, str], name: str, default: Path) -> Path:
    value = env.get(name)
    if value and "://" in value and not value.startswith("file://"):
        raise UsageError(f"{name}={hidden(value, value)!r} is not a folder of this machine. Give an absolute path.")
    return Path(value.removeprefix("file://")).expanduser().resolve() if value else default


def _file(env: Mapping[str, str], name: str) -> Path | None:
    value = env.get(name)
    return Path(value).expanduser().resolve() if value else None


def _on(env: Mapping[str, str], name: str, default: bool) -> bool:
    words = {"": default, "1": True, "on": True, "true": True, "0": False, "off": False, "false": False}
    value = env.get(name, "").lower()
    if value not in words:
        raise UsageError(f"{name}={env[name]!r} is neither on nor off. Give 1 or 0, or unset it.")
    return words[value]


def _cores(env: Mapping[str, str], name: str) -> int | None:
    value = env.get(name)
    if not value:
        return None
    if not value.isdecimal() or not int(value):
        raise UsageError(f"{name}={value!r} is not a number of cores of at least 1. Unset it to use all there are.")
    return int(value)


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    value = env.get(name) or str(default)
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 1 <= seconds < math.inf:
        raise UsageError(f"{name}={value!r} is not a number of seconds of at least 1. Unset it to use {default:g}.")
    return seconds


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or int(value[:9]) < 1:
        raise UsageError(f"{name}={value!r} is not a whole number of at least 1. Unset it to use {default}.")
    return int(value[:9])
