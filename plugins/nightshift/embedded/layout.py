"""Where the embedded Airflow keeps its things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths under one home, for one clone of the repository. Both are absolute: SQLite URLs must be."""

    home: Path
    repository: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", self.home.absolute())
        object.__setattr__(self, "repository", self.repository.absolute())

    @property
    def airflow_home(self) -> Path:
        """AIRFLOW_HOME of every process of the tree."""
        return self.home / "airflow"

    @property
    def database(self) -> Path:
        """Airflow's SQLite file."""
        return self.airflow_home / "airflow.db"

    @property
    def migrated(self) -> Path:
        """Remembers which Airflow brought the database to which revision."""
        return self.airflow_home / "migrated.json"

    @property
    def logs(self) -> Path:
        """Task logs, and one log per role."""
        return self.airflow_home / "logs"

    @property
    def settings_module(self) -> Path:
        """The module that Airflow imports in every process before anything else of ours."""
        return self.airflow_home / "config" / "airflow_local_settings.py"

    @property
    def configuration(self) -> Path:
        """The same settings as in the processes' environment, for `airflow` commands typed by hand."""
        return self.airflow_home / "airflow.cfg"

    @property
    def secrets(self) -> Path:
        """Keys made once for this home; readable by the owner alone."""
        return self.airflow_home / "secrets.json"

    @property
    def logins(self) -> Path:
        """Names and passwords, where Airflow asks for them; readable by the owner alone."""
        return self.airflow_home / "logins.json"

    @property
    def state(self) -> Path:
        """Who owns the tree at the moment, and which processes belong to it."""
        return self.airflow_home / "state.json"

    @property
    def lock(self) -> Path:
        """Locked (flock) by the owner for as long as it lives."""
        return self.airflow_home / "owner.lock"

    @property
    def dags(self) -> Path:
        """The repository's DAG files."""
        return self.repository / "dags"

    @property
    def plugins(self) -> Path:
        """The repository's plugins folder."""
        return self.repository / "plugins"

    def role_log(self, role: str) -> Path:
        """The log of one process, for example `api-server`."""
        return self.logs / f"{role}.log"
