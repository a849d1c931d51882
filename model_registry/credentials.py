"""The login of an MLflow server, kept in a file.

It is the form of MLflow's own `~/.mlflow/credentials`, at any place: containers have no home. It is read anew for each
request, so a changed password needs no restart; it is in no environment, so no child process inherits it; and it is sent
to the server of the tracking URI alone.
"""

import configparser
import os
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from model_registry.errors import RegistryRefused, RegistryUnavailable

SECTION = "mlflow"
USERNAME, PASSWORD = "mlflow_tracking_username", "mlflow_tracking_password"  # names, no secrets
PROVIDER = "nightshift"

_files: dict[tuple[str, str, int | None], Path] = {}
"""By server: the file to be read."""


def read_login(path: Path) -> tuple[str, str]:
    """The user and the password in a file.

    Raises:
        RegistryUnavailable: the file cannot be read now.
        RegistryRefused: it holds no login.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        user, password = parser[SECTION][USERNAME], parser[SECTION][PASSWORD]
    except OSError as error:
        raise RegistryUnavailable(f"The login of MLflow cannot be read: {path}: {error.strerror}") from None
    except (KeyError, ValueError, configparser.Error):  # their text may show the line with the password
        user = password = ""
    if not user or not password:
        raise RegistryRefused(
            f"{path} is no login of MLflow; expected the section [{SECTION}] with {USERNAME} and {PASSWORD}"
        )
    return user, password


def as_uri(path: Path | None) -> tuple[str, ...]:
    """The login in the form in which `hidden` and `passwords_of` know it; nothing if there is none."""
    try:
        user, password = read_login(path) if path else ("", "")
    except (RegistryUnavailable, RegistryRefused):
        return ()
    return (f"mlflow://{quote(user, safe='')}:{quote(password, safe='')}@credentials",) if password else ()


def introduce(tracking_uri: str, path: Path) -> None:
    """Let every request of this process to the server of a tracking URI carry the login in a file.

    Raises:
        RegistryUnavailable, RegistryRefused: as `read_login`.
    """
    from mlflow.tracking.request_auth import registry

    read_login(path)
    _files[_server(tracking_uri)] = path
    # MLflow would find it by itself as an installed entry point; a checkout on the path is none.
    providers = registry._request_auth_provider_registry  # noqa: SLF001
    if not any(provider.get_name() == PROVIDER for provider in providers):
        providers.register(_FromFile)  # type: ignore[no-untyped-call]
    os.environ.setdefault("MLFLOW_TRACKING_AUTH", PROVIDER)


class _FromFile:
    """What MLflow calls a request auth provider."""

    def get_name(self) -> str:
        """The value of MLFLOW_TRACKING_AUTH that asks for it."""
        return PROVIDER

    def get_auth(self) -> Any:
        """What is given to requests as `auth`, for one request."""
        return _log_in


def _log_in(request: Any) -> Any:
    path = _files.get(_server(request.url))
    if path is None:  # another server: as if we were not there
        from requests.auth import HTTPBasicAuth
        from requests.utils import get_auth_from_url

        login = get_auth_from_url(request.url)
        return HTTPBasicAuth(*login)(request) if any(login) else request
    request.headers["Authorization"] = f"Basic {b64encode(':'.join(read_login(path)).encode()).decode()}"
    return request


def _server(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port
