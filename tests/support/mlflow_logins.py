"""The two files that say who may log in to an MLflow server."""

from __future__ import annotations

from pathlib import Path

ADMIN, PIPELINES = "password-of-the-admin", "password-of-the-pipelines"


def write_config(path: Path, database: str, password: str = ADMIN) -> Path:
    path.write_text(
        "[mlflow]\ndefault_permission = READ\n"
        f"database_uri = {database}\nadmin_username = admin\nadmin_password = {password}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    return path


def write_credentials(path: Path, password: str = PIPELINES, name: str = "nightshift") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[mlflow]\nmlflow_tracking_username = {name}\nmlflow_tracking_password = {password}\n")
    return path
