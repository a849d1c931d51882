"""The sandbox, as the judge sees it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nightshift.drill.oracle.files import Bucket, Files, Folder
from nightshift.drill.oracle.verdict import Scene

if TYPE_CHECKING:
    from nightshift.drill.sandbox import Sandbox

MODEL = "flights"


def scene_of(sandbox: Sandbox) -> Scene:
    """Say where the judge finds what a sandbox's workers leave; past every proxy."""
    url = sandbox.tables_url
    files: Files = Bucket(url, sandbox.store.environment()) if url.startswith("s3://") else Folder(Path(url))
    return Scene(
        rows=sandbox.home / "data" / MODEL / "rows",
        tables=files,
        tables_url=url,
        ledger_url=sandbox.ledger_url,
        mlflow=sandbox.home / "mlflow" / "mlflow.db",
        model=MODEL,
        table=f"{MODEL}/predictions",
        id_column="flight_id",
    )
