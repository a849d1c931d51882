"""Users of an MLflow server with basic authentication, as its administrator may change them."""

from typing import TYPE_CHECKING

from model_registry.addresses import hidden
from model_registry.errors import RegistryRefused, RegistryUnavailable

if TYPE_CHECKING:
    import httpx

_SECONDS = 15.0
_USERS = "/api/2.0/mlflow/users"


def ensure_user(server: str, admin: tuple[str, str], user: str, password: str) -> bool:
    """Let a server know a user with this password; made if it is missing, and said whether it was.

    Args:
        server: URL of the server.
        admin: name and password of an administrator.
        user: name of the user.
        password: the user's password from now on.

    Raises:
        RegistryUnavailable: the server does not answer.
        RegistryRefused: it does not let the administrator in, or refuses the password.
    """
    with _client(server, admin) as client:
        if _answer(client, "GET", "/get", params={"username": user}).status_code == 404:
            _accepted(_answer(client, "POST", "/create", json={"username": user, "password": password}), server)
            return True
        _accepted(_answer(client, "PATCH", "/update-password", json={"username": user, "password": password}), server)
        return False


def change_own_password(server: str, login: tuple[str, str], password: str) -> None:
    """Give whoever logs in another password.

    Raises:
        RegistryUnavailable, RegistryRefused: as `ensure_user`.
    """
    said = {"username": login[0], "password": password, "current_password": login[1]}
    with _client(server, login) as client:
        _accepted(_answer(client, "PATCH", "/update-password", json=said), server)


def _client(server: str, admin: tuple[str, str]) -> "httpx.Client":
    import httpx

    return httpx.Client(base_url=f"{server.rstrip('/')}{_USERS}", auth=admin, timeout=_SECONDS)


def _answer(client: "httpx.Client", method: str, path: str, **values: object) -> "httpx.Response":
    import httpx

    try:
        answer = client.request(method, path, **values)  # type: ignore[arg-type]
    except httpx.TransportError as error:
        where = hidden(str(client.base_url), str(client.base_url)).removesuffix(f"{_USERS}/")
        raise RegistryUnavailable(
            f"The MLflow server at {where} does not answer: {error}. Start it; then try again."
        ) from None
    if answer.status_code >= 500:
        raise RegistryUnavailable(f"The MLflow server answers {answer.status_code}. Look at its log; then try again.")
    if answer.status_code in (401, 403):
        raise RegistryRefused(
            "The MLflow server does not let its administrator in: the password in mlflow_auth.ini was not its own when it "
            "was started for the first time, or was changed there since."
        )
    return answer


def _accepted(answer: "httpx.Response", server: str) -> None:
    if answer.is_error:
        raise RegistryRefused(f"The MLflow server at {hidden(server, server)} refused the user: {answer.status_code}")
