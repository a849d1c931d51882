"""Pure rules about addresses: where artifacts go, which page shows a run, what may be shown of a URI."""

import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s'\"]+@")
_PARAMETERS = re.compile(r"([?&][^=&\s'\"]*(?:pass|secret|token|key)[^=&\s'\"]*=)[^&\s'\"]+", re.IGNORECASE)
_SHORTEST = 4
"""A password of fewer characters is hidden inside its URI alone: it would be found in every second word."""


def is_server(tracking_uri: str) -> bool:
    """Whether the URI names an MLflow server, and not a database."""
    return tracking_uri.startswith(("http://", "https://"))


def sqlite_file(tracking_uri: str) -> Path | None:
    """The database file of a `sqlite:///` URI; None for every other URI."""
    prefix = "sqlite:///"
    return Path(tracking_uri.removeprefix(prefix).partition("?")[0]) if tracking_uri.startswith(prefix) else None


def without_credentials(text: str) -> str:
    """The text with the user and password, and parameters that sound secret, of every URI in it left out."""
    return _PARAMETERS.sub(r"\1***", _CREDENTIALS.sub("", text))


def passwords_of(uri: str) -> list[str]:
    """The password (or lone token) in a URI as written, decoded and encoded, longest first; none if it has none.

    One that should have been percent-encoded and was not may hold `/` and `@`: it ends at the last `@` there is.
    """
    rest = uri.partition("://")[2]
    logins = {re.split("[/?#]", rest)[0].rpartition("@")[0], rest.rpartition("@")[0]}
    tokens = {login for login in logins if is_server(uri) and ":" not in login}
    written = {login.partition(":")[2] for login in logins} | tokens
    every = {form for password in written for form in (password, unquote(password), quote(password, safe=""))}
    return sorted(filter(None, every), key=lambda form: (-len(form), form))


def hidden(text: str, *uris: str) -> str:
    """The text without the passwords of these URIs, wherever they stand in it, and without those of other URIs."""
    for uri in uris:
        login = uri.partition("://")[2].rpartition("@")[0]
        text = text.replace(f"{login}@", "") if login else text
        for password in passwords_of(uri):
            text = text.replace(password, "***") if len(password) >= _SHORTEST else text
    return without_credentials(text)


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
    parts = urlsplit(hidden(base, base))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")


def run_page(base: str, experiment_id: str, run_id: str) -> str:
    """The page of a run."""
    return f"{base}/#/experiments/{experiment_id}/runs/{run_id}" if base else ""


def version_page(base: str, name: str, version: str) -> str:
    """The page of a model version."""
    return f"{base}/#/models/{quote(name)}/versions/{version}" if base else ""
