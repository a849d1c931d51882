"""A stack as people start it, and what tests ask of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightshift.drill.oracle.files import Bucket
from nightshift.drill.oracle.verdict import Scene
from nightshift.embedded.client import AirflowClient
from nightshift.embedded.logins import admin_of
from nightshift.stack.run import Stack

SMALL = {
    "API_WORKERS": "1",
    "MLFLOW_WORKERS": "1",
    "WORKER_CONCURRENCY": "2",
    "TASK_QUEUED_TIMEOUT": "30",
    "TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
    "TASK_HEARTBEAT_TIMEOUT": "20",
}
"""What compose.yaml leaves open: few processes, and patience that fits a test."""
LAKE = "s3://nightshift"


@dataclass
class World:
    """A home in which a stack runs."""

    home: Path

    @property
    def stack(self) -> Stack:
        return Stack(self.home)

    def nightshift(
        self, *words: str, check: bool = True, variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run our command line as a user would."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW", "PG"))
        }
        path = os.pathsep.join(path for path in sys.path if path)
        done = subprocess.run(
            [sys.executable, "-c", "from nightshift.cli import main; main()", *words],
            env={**kept, **SMALL, "NIGHTSHIFT_HOME": str(self.home), "PYTHONPATH": path, **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def inside(self, *words: str, role: str = "airflow-scheduler", **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command with the environment of a role."""
        return self.nightshift("stack", "run", "--as", role, *words, **options)

    def client(self) -> AirflowClient:
        stack = self.stack
        login = admin_of(stack.layout.secrets / "logins.json")
        return AirflowClient(f"http://{stack.address('airflow-api-server')}:8080", login=login)

    def superuser(self, database: str) -> str:
        """URL of a database for who may do everything."""
        password = self.stack.secret("postgres_password").strip()
        return f"postgresql://postgres:{password}@{self.stack.address('postgres')}:5432/{database}"

    def store(self) -> dict[str, str]:
        """What boto3 wants to hear of the object store."""
        connection = json.loads(self.stack.secret("connections.json"))["aws_default"]
        return {
            "AWS_ENDPOINT_URL": connection["extra"]["endpoint_url"],
            "AWS_ACCESS_KEY_ID": connection["login"],
            "AWS_SECRET_ACCESS_KEY": connection["password"],
            "AWS_REGION": connection["extra"]["region_name"],
        }

    def scene(self, nights: Sequence[str], folder: Path) -> Scene:
        """Say where the drill's judge finds what the workers left; delivered rows are copied into `folder`."""
        delivered = Bucket(f"{LAKE}/data/flights/rows", self.store())
        folder.mkdir(exist_ok=True)
        for night in nights:
            (folder / f"{night}.parquet").write_bytes(delivered.read(f"{night}.parquet"))
        return Scene(
            rows=folder,
            tables=Bucket(f"{LAKE}/tables", self.store()),
            tables_url=f"{LAKE}/tables",
            ledger_url=self.superuser("ledger"),
            mlflow=self.superuser("mlflow"),
            model="flights",
            table="flights/predictions",
            id_column="flight_id",
        )

    def nights(self) -> dict[str, Any]:
        """What `nightshift status` says of each published night."""
        found = json.loads(self.inside("nightshift", "status", "flights", "--json").stdout)
        return {night["night"]: night for night in found if night["published_at"]}
