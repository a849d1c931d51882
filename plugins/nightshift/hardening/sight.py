"""What checks look through: settings, Airflow's options, and requests that change nothing. Each is read once."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from model_registry.addresses import passwords_of
from nightshift.hardening.options import Option, Options
from nightshift.hardening.places import bare, place_of
from nightshift.hardening.values import NotUsed, Unseen

if TYPE_CHECKING:
    import httpx

    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.settings import Settings

PATIENCE_SECONDS = 4.0
"""How long a probe waits for a connection, and for a database."""
ANSWER_SECONDS = 20.0
"""How long it waits for an answer: checking a password takes a busy server some seconds."""
PROMETHEUS = ("http://prometheus:9090", "http://127.0.0.1:9090")
"""Where it is asked for where nobody says: by its name in the stack, and on this machine."""
SENSITIVE = (
    ("core", "fernet_key"),
    ("api", "secret_key"),
    ("api_auth", "jwt_secret"),
    ("database", "sql_alchemy_conn"),
    ("celery", "broker_url"),
    ("celery", "result_backend"),
)


@dataclass(frozen=True)
class Answered:
    """What a server said to a request.

    Attributes:
        url: What was asked for, without a login.
        status: Of HTTP.
        ahead: By how many seconds its clock is ahead of ours, give or take a second; None if it did not say.
        body: As JSON, or None.
    """

    url: str
    status: int
    ahead: float | None
    body: Any = None


class Sight:
    """The running system, as seen from the process that asks.

    Args:
        settings: Nightshift's own.
        environment: Of the process.
        prometheus: Its address; None to ask where the stack has it.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str], prometheus: str | None = None) -> None:
        self.settings = settings
        self.environment = environment
        self._prometheus = prometheus
        self._silent: dict[str, str] = {}

    @cached_property
    def options(self) -> Options:
        """Airflow's options, as this process has them.

        Raises:
            Unseen: Airflow cannot read them.
        """
        from nightshift.connections import keep_airflow_quiet

        keep_airflow_quiet(self.settings)
        try:
            from airflow.configuration import conf

            read = conf.as_dict(display_source=True, display_sensitive=True)
        except Exception as error:
            raise Unseen(f"Airflow's options cannot be read: {error}") from error
        known = {
            (section, key): Option("" if value[0] is None else str(value[0]), str(value[1]))
            for section, options in read.items()
            for key, value in options.items()
            if isinstance(value, tuple)
        }
        return Options(known)

    @cached_property
    def ledger(self) -> Observations:
        """The ledger, which is asked once and not again."""
        from pipelines.engine.ledger.observations import Observations

        return Observations(self.settings.ledger_url, patience=0.0, stall=PATIENCE_SECONDS)

    @property
    def airflow(self) -> str:
        """Where Airflow's API server is, from here.

        Raises:
            Unseen: Nobody says.
        """
        named = (
            self.options.value("core", "execution_api_server_url"),
            self.options.value("api", "base_url"),
            self.settings.airflow_ui or "",
        )
        for url in named:
            if bare(url):
                return bare(url)
        raise Unseen(
            "nobody says where Airflow's API server is; set AIRFLOW__CORE__EXECUTION_API_SERVER_URL or AIRFLOW__API__BASE_URL"
        )

    @property
    def mlflow(self) -> str:
        """Where MLflow's server is.

        Raises:
            NotUsed: MLflow is a database, without a server.
        """
        if place_of(self.settings.tracking_uri) is None or "http" not in self.settings.tracking_uri:
            raise NotUsed("no MLflow server is named by NIGHTSHIFT_TRACKING_URI")
        return bare(self.settings.tracking_uri)

    @property
    def prometheus(self) -> str:
        """Where Prometheus is.

        Raises:
            Unseen: It does not answer where it is looked for.
        """
        for url in [self._prometheus] if self._prometheus else PROMETHEUS:
            try:
                self.get(f"{url.rstrip('/')}/-/healthy")
            except Unseen:
                continue
            return url.rstrip("/")
        asked = self._prometheus or " and ".join(PROMETHEUS)
        raise Unseen(f"Prometheus does not answer at {asked}; say where it is with --prometheus")

    def get(self, url: str, *, login: tuple[str, str] | None = None) -> Answered:
        """Ask for something, without a login unless one is given.

        Raises:
            Unseen: No answer came.
        """
        return self._ask("GET", url, auth=login)

    def post(self, url: str, body: Mapping[str, str]) -> Answered:
        """Send JSON.

        Raises:
            Unseen: No answer came.
        """
        return self._ask("POST", url, json=dict(body))

    def _ask(self, method: str, url: str, **more: Any) -> Answered:
        import httpx

        server = bare(url)
        if server in self._silent:  # a dead server costs its seconds once
            raise Unseen(self._silent[server])
        before = time.time()
        try:
            answer = self._client.request(method, url, **more)
        except httpx.HTTPError as error:
            said = f"{server} does not answer: {str(error) or type(error).__name__}"
            if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                self._silent[server] = said
            raise Unseen(said) from error
        return Answered(url, answer.status_code, _ahead(answer, (before + time.time()) / 2), _body(answer))

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx

        # Not by way of a proxy, whose refusals would be taken for the server's; the machine's own authorities are trusted.
        patience = httpx.Timeout(ANSWER_SECONDS, connect=PATIENCE_SECONDS)
        return httpx.Client(trust_env=False, timeout=patience, verify=ssl.create_default_context())

    def secrets(self) -> list[str]:
        """Return what must be in no answer."""
        urls = [self.settings.ledger_url, self.settings.tracking_uri, *self.settings.sources.values()]
        values = []
        if "options" in self.__dict__:
            values = [value for option in SENSITIVE if (value := self.options.value(*option))]
        passwords = [password for url in (*urls, *values) if "://" in url for password in passwords_of(url)]
        return [*passwords, *(value for value in values if "://" not in value)]


def _ahead(answer: httpx.Response, when: float) -> float | None:
    """Read the server's clock from `Date` (RFC 9110, 6.6.1), which has whole seconds and so is half of one behind."""
    said = answer.headers.get("date")
    try:
        return parsedate_to_datetime(said).timestamp() + 0.5 - when if said else None
    except ValueError:
        return None


def _body(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
