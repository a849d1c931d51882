"""Whether each route could send, and a message to try it with."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING

from nightshift.alerts.hiding import masked
from nightshift.alerts.routes import Route, Routing
from nightshift.alerts.secrets import SecretMissing, Secrets
from nightshift.alerts.sinks import RouteSink
from pipelines.engine.incidents.sinks import SinkError
from pipelines.engine.incidents.values import Message

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings

TRY_SECONDS = 60.0
"""How long two messages along one route may take."""


@dataclass(frozen=True)
class Checked:
    """How a route stands; `error` is empty if it could send."""

    route: str
    owner: str
    at_least: str
    escalations: str
    kind: str
    error: str


def check_route(route: Route, settings: Settings, secrets: Secrets) -> Checked:
    """Look every secret of a route up and see whether its URL can be used; Alertmanager is asked whether it is there.

    Nothing is sent.
    """
    values: list[str] = []
    error = ""
    try:
        sink = RouteSink(route, settings, secrets).open(trial_message("check"), values)
        look = getattr(sink, "check", None)
        if look is not None:
            look()
    except SecretMissing as problem:
        error = f"route {route.name!r}: {problem}"
    except SinkError as problem:
        error = masked(str(problem), values)
    kind = route.url.partition("://")[0] if "://" in route.url else "a secret"
    return Checked(route.name, route.owner, route.at_least, route.escalations, kind, error)


def try_route(route: Route, routing: Routing, settings: Settings, secrets: Secrets) -> str:
    """Send a message that something is wrong and one that it is over; return why that failed, or ""."""
    wrong = trial_message("late", runbooks=routing.runbooks)
    over = replace(wrong, occasion="resolved", state="resolved", title="A test of alerts is over", text=OVER)
    found: list[str] = []
    # A daemon: a receiver that never comes to an end shall not keep the command from its own.
    sending = Thread(target=_send, args=(RouteSink(route, settings, secrets), (wrong, over), found), daemon=True)
    sending.start()
    sending.join(TRY_SECONDS)
    return f"route {route.name!r}: no answer within {TRY_SECONDS:g} s" if sending.is_alive() else "".join(found)


def _send(sink: RouteSink, messages: Sequence[Message], found: list[str]) -> None:
    try:
        for message in messages:
            sink.send(message)
    except SinkError as error:
        found.append(str(error))


OVER = "This was `nightshift alerts test`. If you can read this and the message before it, this route works."


def trial_message(occasion: str, runbooks: str = "docs/runbooks") -> Message:
    """Return a message that says of itself that it is a test."""
    now = time.time()
    return Message(
        incident_id=uuid.uuid4().hex,
        occasion=occasion,
        alert="late",
        severity="warning",
        state="late",
        owner="nightshift",
        dag_id="a_test_of_alerts",
        night=time.strftime("%Y-%m-%d", time.gmtime(now)),
        title="A test of alerts: nothing is late",
        text="Somebody ran `nightshift alerts test`. Nothing is wrong, and nobody has to do anything.",
        runbook=f"{runbooks}/late.md",
        at=now,
        opened_at=now,
    )
