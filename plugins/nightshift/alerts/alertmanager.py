"""Alertmanager's own API, version 2: `alertmanager://host:9093`, `alertmanagers://user:{env:PASSWORD}@host/prefix`.

An alert in Alertmanager is the set of its labels. Each kind has a name of its own (`NightshiftAtRisk`, `NightshiftLate`), so
that routes and inhibitions can tell them apart, and all of one incident carry the label `incident`. Whenever an incident
moves on, Alertmanager is asked what it still has of it, and everything else is ended in the same request: a night that is
late is not at risk any more, and a resolved incident leaves nothing behind, whatever was sent before and with which labels.

Alertmanager forgets alerts that nobody repeats (`resolve_timeout`) unless they say until when they hold, so ours hold for
`HOLDS_SECONDS`. It also forgets all alerts when it restarts. Ours are not repeated, so that a restart is not a second alert;
the rules in docker/prometheus/rules/ stand in: Prometheus repeats `NightshiftIncidentOpen` for as long as one is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from nightshift.alerts.answers import goes_by_itself
from pipelines.engine.incidents.sinks import SinkError
from pipelines.engine.incidents.values import Message

if TYPE_CHECKING:
    from httpx import Client, Response

SECONDS_TO_ANSWER = 5.0
HOLDS_SECONDS = 30 * 86400.0
LONGEST_REASON = 300


class AlertmanagerSink:
    """Posts alerts to one Alertmanager. A cluster of them wants a route for each; they tell each other what was sent.

    Args:
        route: The route's name, for errors.
        url: With its secrets in place.
    """

    def __init__(self, route: str, url: str) -> None:
        self._route = route
        self._url = url

    def send(self, message: Message) -> None:
        """Post what a message says, and end what it ends. The same message twice changes nothing.

        Raises:
            SinkError: Alertmanager does not answer, or refuses.
        """
        with self._client() as client:
            known = self._ask(client, "GET", "/alerts", params=_of_incident(message))
            now = _their_time(known)
            alerts = alerts_for(message, _alerts(known, self._refused), now=now)
            if alerts:
                self._ask(client, "POST", "/alerts", json=alerts)

    def check(self) -> None:
        """Say whether Alertmanager answers.

        Raises:
            SinkError: It does not.
        """
        with self._client() as client:
            self._ask(client, "GET", "/status")

    def _client(self) -> Client:
        import httpx

        try:
            parts = urlsplit(self._url)
            port = parts.port
        except ValueError:
            raise SinkError(f"route {self._route!r}: the port of the URL is no port", retryable=False) from None
        if not parts.hostname:
            raise SinkError(f"route {self._route!r}: expected alertmanager://host:9093, got no host", retryable=False)
        scheme = "https" if parts.scheme.lower() == "alertmanagers" else "http"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        place = f"{scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}/api/v2"
        login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        return httpx.Client(base_url=place, auth=login, timeout=SECONDS_TO_ANSWER)

    def _ask(self, client: Client, method: str, path: str, **what: Any) -> Response:
        import httpx

        try:
            answer = client.request(method, path.lstrip("/"), **what)
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise SinkError(f"route {self._route!r}: Alertmanager does not answer: {why}") from None
        if not answer.is_success:
            raise self._refused(answer)
        return answer

    def _refused(self, answer: Response) -> SinkError:
        said = " ".join(answer.text.split())[:LONGEST_REASON]
        return SinkError(
            f"route {self._route!r}: Alertmanager answers {answer.status_code} {answer.reason_phrase}: {said}",
            retryable=goes_by_itself(answer.status_code),
        )


def name_of(message: Message) -> str:
    """Return the `alertname`: `NightshiftAtRisk` for `at_risk`."""
    return "Nightshift" + message.alert.title().replace("_", "")


def alerts_for(message: Message, known: Sequence[Mapping[str, Any]], *, now: float) -> list[dict[str, Any]]:
    """Return what to post.

    Args:
        message: What is told.
        known: The alerts that Alertmanager has of the incident, as it gives them.
        now: By its clock, in seconds since 1970.
    """
    firing = None if message.state == "resolved" else _alert(message, now)
    # An escalation does not end the alert that it repeats; everything else ends what was there before.
    kept = [] if firing is None else [firing["labels"], _without_escalation(firing["labels"])]
    ended = [
        {name: alert[name] for name in ("labels", "annotations", "startsAt") if name in alert} | {"endsAt": _iso(now)}
        for alert in known
        if alert["labels"] not in kept
    ]
    return [*ended, *([firing] if firing else [])]


def _alert(message: Message, now: float) -> dict[str, Any]:
    labels = {
        "alertname": name_of(message),
        "dag_id": message.dag_id,
        "night": message.night,
        "owner": message.owner,
        "severity": message.severity,
        "incident": message.incident_id,
        "promise": message.promise_id,
        "escalated": "yes" if message.occasion.startswith("escalated") else "",
    }
    annotations = {"summary": message.title, "description": message.text, "runbook_url": message.runbook}
    page = message.links.get("run", "")
    return {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {**annotations, **{f"{name}_url": address for name, address in message.links.items()}},
        # Nights may be in a replayed time that is ahead of the clock on the wall.
        "startsAt": _iso(min(message.opened_at or now, now)),
        "endsAt": _iso(now + HOLDS_SECONDS),
        **({"generatorURL": page} if page.startswith(("http://", "https://")) else {}),
    }


def _without_escalation(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != "escalated"}


def _of_incident(message: Message) -> dict[str, str]:
    quiet = {"active": "true", "silenced": "true", "inhibited": "true", "unprocessed": "true"}
    return {"filter": f'incident="{message.incident_id}"', **quiet}


def _alerts(answer: Response, refused: Any) -> list[dict[str, Any]]:
    try:
        found = answer.json()
        return [dict(alert, labels=dict(alert["labels"])) for alert in found]
    except (ValueError, KeyError, TypeError):
        raise refused(answer) from None  # something else answers at this address


def _their_time(answer: Response) -> float:
    """Return the time of the machine that will judge when our alerts end, to the second; ours, if it does not say."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
