"""The sink for a route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightshift.alerts.hiding import hide, masked, parts_of
from nightshift.alerts.references import Reference, filled, is_whole, scheme_of
from nightshift.alerts.routes import OWN_SCHEMES, Route
from nightshift.alerts.secrets import SecretMissing, Secrets
from pipelines.engine.incidents.sinks import Sink, SinkError
from pipelines.engine.incidents.values import Message

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings


class RouteSink:
    """Sends along one route: looks its secrets up, and lets the sink of its scheme send.

    A sink is made for each message, since the URL may differ: secrets are rotated, and it may name the incident.

    Args:
        route: Where to.
        settings: Where things are kept.
        secrets: Looks up what the URL asks for.
    """

    def __init__(self, route: Route, settings: Settings, secrets: Secrets) -> None:
        self._route = route
        self._settings = settings
        self._secrets = secrets

    def send(self, message: Message) -> None:
        """Send one message; it was accepted when this returns.

        Raises:
            SinkError: It was not; the text names the route, and holds no secret.
        """
        values: list[str] = []
        try:
            self.open(message, values).send(message)
        except SecretMissing as error:
            raise SinkError(f"route {self._route.name!r}: {error}", retryable=error.retryable) from None
        except SinkError as error:
            raise SinkError(masked(str(error), values), retryable=error.retryable) from None
        except Exception as error:  # a library's mistake; what it says may hold anything
            said = masked(f"{type(error).__name__}: {error}", values)
            raise SinkError(f"route {self._route.name!r}: {said}") from None

    def open(self, message: Message, values: list[str]) -> Sink:
        """Return what sends to the URL as it is now.

        Args:
            message: The one that is about to be sent.
            values: Gets every secret that was looked up.

        Raises:
            SecretMissing: One of them is not there.
            SinkError: The URL cannot be used.
        """

        def secret(reference: Reference) -> str:
            values.append(self._secrets.value(reference))
            return values[-1]

        url = filled(self._route.url, secret, message)
        if is_whole(self._route.url):
            values += parts_of(url)  # libraries log parts of it alone
            hide(values)
        name, scheme = self._route.name, scheme_of(url)
        if scheme in OWN_SCHEMES and scheme != "log":
            from nightshift.alerts.alertmanager import AlertmanagerSink

            return AlertmanagerSink(name, url)
        if scheme == "log":
            from nightshift.alerts.log_sink import LogSink, sent_file

            return LogSink(name, sent_file(self._settings.home))
        from nightshift.alerts.apprise_sink import AppriseSink

        return AppriseSink(name, url)


def open_sink(route: Route, settings: Settings, secrets: Secrets | None = None) -> Sink:
    """Return the sink for a route. It may be used by several threads; nothing is looked up or imported before it sends."""
    return RouteSink(route, settings, secrets or Secrets(settings))
