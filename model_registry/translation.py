"""MLflow's, requests' and SQLAlchemy's errors in our words, with no credentials in them."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from model_registry.addresses import hidden, is_server
from model_registry.errors import NotLoggedIn, RegistryError, RegistryRefused, RegistryUnavailable, StorageFailed

_LONGEST = 300


def translate(error: Exception, tracking_uri: str, *logins: str) -> RegistryError | None:
    """What an error of MLflow or of a library below it means; None for our own errors and for mistakes in code.

    `logins` are further URIs whose passwords are shown nowhere.
    Raise it `from None`: MLflow writes the whole tracking URI into its errors, and a traceback shows them all.
    """
    if isinstance(error, RegistryError):
        return None
    own = next((link for link in _chain(error) if isinstance(link, RegistryError)), None)
    if own is not None:  # of the login's file, which is read within a request
        return own
    where = hidden(tracking_uri, tracking_uri)
    status = http_status(error)
    if status == HTTPStatus.UNAUTHORIZED:
        return NotLoggedIn(
            f"The model registry at {where} refused the login: {_asking(tracking_uri, *logins)} (401).\n"
            "Expected: a name and a password of its own, in the file that NIGHTSHIFT_TRACKING_CREDENTIALS names, else in "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or in the URL. If it is being changed, the next try finds the "
            "new one.\nDo: put right ones there; `nightshift roles mlflow` tells the server ours."
        )
    if _is_unanswered(error):
        return RegistryUnavailable(
            f"The model registry at {where} does not answer: {_short(_root(error), tracking_uri, *logins)}\n{_remedy(tracking_uri)}"
        )
    if isinstance(error, OSError):
        return StorageFailed(
            f"Files of the model registry at {where} could not be read or written: {_short(error, tracking_uri, *logins)}"
        )
    if not isinstance(error, _foreign()):
        return None
    line = _short(error, tracking_uri, *logins)
    if status == HTTPStatus.FORBIDDEN:
        return RegistryRefused(
            f"The model registry at {where} does not allow that ({_asking(tracking_uri, *logins)}): {line}\n"
            "Do: ask whoever administers MLflow for EDIT on the experiment or model; whoever made it has MANAGE."
        )
    advice = " Back the database up, then run `mlflow db upgrade URI`." if "database schema" in line else ""
    return RegistryRefused(f"The model registry at {where} refused: {line}{advice}")


def http_status(error: Exception) -> int | None:
    """Of a server's refusal; MLflow writes it into the code of the error, or into its words."""
    from mlflow.exceptions import MlflowException

    for link in _chain(error):
        if getattr(link, "error_code", None) in ("UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"):
            return HTTPStatus.UNAUTHORIZED
        response = getattr(link, "response", None)
        if response is not None:
            return int(response.status_code)
        said = (
            re.search(r"failed with error code (\d{3}) != 200", str(link))
            if isinstance(link, MlflowException)
            else None
        )
        if said:
            return int(said.group(1))
    return None


def _asking(*uris: str) -> str:
    """As whom MLflow's client asks: by the URI, by the login's file, or by its own settings."""
    from mlflow.utils.credentials import read_mlflow_creds

    name = next(filter(None, (urlsplit(uri).username for uri in uris)), None) or read_mlflow_creds().username
    return f"the user {name!r}" if name else "no name came along"


def _foreign() -> tuple[type[Exception], ...]:
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, RequestException, SQLAlchemyError)


def _is_unanswered(error: Exception) -> bool:
    """Whether nobody answered, or the answer was "not now" (a server's 5xx)."""
    from mlflow.exceptions import MlflowException, RestException
    from requests import exceptions as http
    from sqlalchemy.exc import InterfaceError, OperationalError

    silent = (http.ConnectionError, http.Timeout, http.RetryError, OperationalError, InterfaceError)
    for link in _chain(error):
        if isinstance(link, (*silent, ConnectionError, TimeoutError)):
            return True
        if isinstance(link, http.HTTPError) and link.response is not None and link.response.status_code >= 500:
            return True
        if isinstance(link, RestException) and link.error_code in ("INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED"):
            return True
        if isinstance(link, MlflowException) and link.error_code == "TEMPORARILY_UNAVAILABLE":
            return True
    return False


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _root(error: Exception) -> BaseException:
    return list(_chain(error))[-1]


def _short(error: BaseException, *uris: str) -> str:
    """One line: the beginning and the end of what the error says, for MLflow puts the reason at either."""
    text = " ".join(hidden(str(error), *uris).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"


def _remedy(tracking_uri: str) -> str:
    if is_server(tracking_uri):
        return "Check that the MLflow server runs and that its address is right; then try again."
    return "Check that the database is there, is an MLflow database and may be written; then try again."
