"""Pure rules about addresses: where artifacts go, which page shows a run, what may be shown of a URI."""

import re
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s'\"]+@")


def is_server(tracking_uri: str) -> bool:
    """Whether the URI names an MLflow server, and not a database."""
    return tracking_uri.startswith(("http://", "https://"))


def sqlite_file(tracking_uri: str) -> Path | None:
    """The database file of a `sqlite:///` URI; None for every other URI."""
    prefix = "sqlite:///"
    return Path(tracking_uri.removeprefix(prefix).partition("?")[0]) if tracking_uri.startswith(prefix) else None


def without_credentials(text: str) -> str:
    """The text with the user and password of every URI in it left out."""
    return _CREDENTIALS.sub("", text)


def default_artifact_root(tracking_uri: str) -> str | None:
    """Where artifacts go when nobody says: beside a SQLite file, and where the server wants them otherwise."""
    database = sqlite_file(tracking_uri)
    return str(database.resolve().parent / "artifacts") if database else None


def experiment_location(artifact_root: str | None, experiment: str) -> str | None:
    """The folder of one experiment below the artifact root; None leaves the choice to the server."""
    return f"{artifact_root.rstrip('/')}/{re.sub(r'[^A-Za-z0-9._-]', '_', experiment)}" if artifact_root else None


def ui_base(tracking_uri: str, ui_url: str | None) -> str:
    """The address of MLflow's pages without credentials, or "" when there is none."""
    base = ui_url or (tracking_uri if is_server(tracking_uri) else "")
    parts = urlsplit(base)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")


def run_page(base: str, experiment_id: str, run_id: str) -> str:
    """The page of a run."""
    return f"{base}/#/experiments/{experiment_id}/runs/{run_id}" if base else ""


def version_page(base: str, name: str, version: str) -> str:
    """The page of a model version."""
    return f"{base}/#/models/{quote(name)}/versions/{version}" if base else ""
