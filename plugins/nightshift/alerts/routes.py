"""Who is told what: `routes.toml`, read once, every mistake said at once.

[[route]]
name = "flight-science"
owner = "flight-*"
at_least = "warning"
url = "{env:SLACK_WEBHOOK}"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, get_args

from nightshift.alerts.references import is_whole, mistakes_of, scheme_of
from pipelines.engine.durations import parse_duration
from pipelines.engine.errors import DeclarationError, UsageError, nearest
from pipelines.engine.incidents.values import SEVERITIES, Severity
from pipelines.engine.promises.verdicts import AlertKind

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings

OWN_SCHEMES = ("log", "alertmanager", "alertmanagers")
ALERTS: tuple[AlertKind, ...] = get_args(AlertKind)
TABLES = ("route", "policy", "links")
ROUTE_KEYS = ("name", "owner", "at_least", "alerts", "escalations", "url")
POLICY_KEYS = ("cooldown", "escalate_after")
LINK_KEYS = ("ui", "runbooks")
LONGEST_SECONDS = 7 * 86_400.0
Escalations = Literal["also", "only", "never"]


@dataclass(frozen=True)
class Route:
    """One way to people.

    Attributes:
        name: Its own; messages in the outbox are kept under it.
        owner: Whose incidents it is told of, as a pattern: `flight-*`, `*`.
        at_least: The least severity that it is told of.
        alerts: Which alerts; empty for all.
        escalations: Whether it is told, `also` or `only`, when nobody has taken an incident up.
        url: Where to, with references instead of secrets.
    """

    name: str
    url: str = field(repr=False)  # somebody may have written a password into it
    owner: str = "*"
    at_least: Severity = "warning"
    alerts: tuple[AlertKind, ...] = ()
    escalations: Escalations = "never"


@dataclass(frozen=True)
class Routing:
    """All of `routes.toml`.

    Attributes:
        routes: In the order of the file.
        cooldown_seconds: How long an incident is not told again when it comes back.
        escalate_after_seconds: After how long an incident that nobody took up is told to those who are told of that.
        ui: Address of Airflow's pages, for links; None for no links.
        runbooks: Address or folder of the runbooks.
    """

    routes: tuple[Route, ...]
    cooldown_seconds: float = 1800.0
    escalate_after_seconds: float = 1800.0
    ui: str | None = None
    runbooks: str = "docs/runbooks"

    def route(self, name: str) -> Route | None:
        """Return the route of a name."""
        return next((route for route in self.routes if route.name == name), None)


def routes_for(
    routes: Sequence[Route], owner: str, severity: Severity, alert: AlertKind, escalation: bool
) -> tuple[str, ...]:
    """Return the names of the routes that are told of something.

    Args:
        routes: All of them.
        owner: Who answers for the DAG.
        severity: Of the incident.
        alert: Its kind.
        escalation: Whether it is told because nobody took it up.
    """
    unwanted = "never" if escalation else "only"
    return tuple(
        route.name
        for route in routes
        if fnmatchcase(owner, route.owner)
        and SEVERITIES.index(severity) >= SEVERITIES.index(route.at_least)
        and (not route.alerts or alert in route.alerts)
        and route.escalations != unwanted
    )


def covers(routes: Sequence[Route], owner: str) -> bool:
    """Whether anybody at all is told when a night of this owner is late."""
    return bool(routes_for(routes, owner, "critical", "late", escalation=False))


def read_routes(settings: Settings) -> Routing:
    """Read the routes that the settings name.

    Raises:
        DeclarationError: There is no such file, it cannot be read, or it has mistakes: all of them are said.
    """
    try:
        text = settings.routes.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DeclarationError(
            f"{settings.routes} cannot be read: {why}. It says where alerts go; without it nobody would be told. "
            "Take the one of the repository, or name another with NIGHTSHIFT_ROUTES."
        ) from None
    return parse_routes(text, str(settings.routes), _apprise_schemes)


def parse_routes(text: str, file: str, schemes: Callable[[], Collection[str]]) -> Routing:
    """Read routes.

    Args:
        text: TOML.
        file: What the file is called in errors.
        schemes: Gives the schemes that other libraries send to; asked for only if a URL has none of our own.

    Raises:
        DeclarationError: Everything that is wrong with it.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(f"{file} is not TOML: {error}. Strings stand in quotes, lists in [ ].") from None
    reading = _Reading(text, found, schemes)
    routing = reading.routing()
    if reading.mistakes:
        many = f"{len(reading.mistakes)} mistakes" if len(reading.mistakes) > 1 else "a mistake"
        raise DeclarationError(f"{file} has {many}:\n" + "\n".join(f"  {said}" for said in reading.mistakes))
    return routing


class _Reading:
    """Reads one file and gathers its mistakes."""

    def __init__(self, text: str, found: Mapping[str, Any], schemes: Callable[[], Collection[str]]) -> None:
        self._mistakes: list[tuple[int, str]] = []
        self._lines = text.splitlines()
        self._found = found
        self._schemes = schemes

    @property
    def mistakes(self) -> list[str]:
        """What is wrong, in the order of the file."""
        return [said for _, said in sorted(self._mistakes)]

    def routing(self) -> Routing:
        """Return what can be understood."""
        for name in self._found:
            if name not in TABLES:
                self._wrong(
                    self._line(name), f"{name!r} is unknown; expected {_one_of(TABLES)}.{nearest(name, TABLES)}"
                )
        routes = tuple(self._routes())
        return replace(Routing(routes), **self._policy(), **self._links())

    def _routes(self) -> Iterator[Route]:
        written = self._found.get("route", [])
        if not isinstance(written, list) or not written:
            self._wrong(None, "there is no [[route]]: nobody would be told. Expected at least one, such as log://")
            return
        headers = [number for number, line in enumerate(self._lines, 1) if re.match(r"\s*\[\[\s*route\s*\]\]", line)]
        first: dict[str, int] = {}
        for number, values in enumerate(written, 1):
            line = headers[number - 1] if len(headers) == len(written) else None
            route = self._route(values, number, line)
            if route.name in first:
                self._wrong(
                    line, f"route {route.name!r}: route {first[route.name]} has this name, too; give each its own"
                )
            elif route.name:
                first[route.name] = number
            yield route

    def _route(self, values: Any, number: int, line: int | None) -> Route:
        if not isinstance(values, dict):
            self._wrong(line, f"route {number}: expected [[route]] with {_one_of(ROUTE_KEYS)}")
            return Route("", "")
        name = values.get("name")
        who = f"route {name!r}" if isinstance(name, str) and name else f"route {number}"

        def wrong(key: str, what: str) -> None:
            self._wrong(self._line(key, after=line) or line, f"{who}: {what}")

        for key in values:
            if key not in ROUTE_KEYS:
                wrong(key, f"{key!r} is unknown; expected {_one_of(ROUTE_KEYS)}.{nearest(key, ROUTE_KEYS)}")
        if not (isinstance(name, str) and re.fullmatch(r"[\w.-]{1,100}", name)):
            wrong("name", f"name: expected up to 100 letters, digits, - _ and ., got {name!r}")
        for said in self._url(values.get("url")):
            wrong("url", said)
        return Route(
            name=str(name or ""),
            url=str(values.get("url", "")),
            owner=_text(values, "owner", "*", wrong),
            at_least=_choice(values, "at_least", SEVERITIES, "warning", wrong),
            alerts=_alerts(values.get("alerts", []), wrong),
            escalations=_escalations(values.get("escalations", False), wrong),
        )

    def _url(self, url: Any) -> Iterator[str]:
        if not isinstance(url, str) or not url.strip():
            yield 'url: expected where to send, such as log:// or "{env:SLACK_WEBHOOK}"; got ' + (
                "nothing" if url in (None, "") else repr(url)
            )
            return
        yield from mistakes_of(url)
        if is_whole(url):
            return
        scheme = scheme_of(url)
        if not scheme:
            yield "url: there is no scheme; expected one such as log://, mailtos://, slack://, pagerduty://, alertmanager://"
        elif scheme not in OWN_SCHEMES and scheme not in (known := self._schemes()):
            yield f"url: nobody knows how to send to {scheme}://.{nearest(scheme, [*OWN_SCHEMES, *known])}" + (
                ' For a webhook that is an address of its own, keep it as a secret: url = "{env:NAME}".'
                if scheme in ("http", "https")
                else ""
            )

    def _policy(self) -> dict[str, Any]:
        values = self._table("policy", POLICY_KEYS)
        return {f"{key}_seconds": self._seconds(key, value) for key, value in values.items()}

    def _links(self) -> dict[str, Any]:
        values = self._table("links", LINK_KEYS)
        for key, value in values.items():
            if not isinstance(value, str) or (key == "ui" and not re.match(r"https?://[^/]", value)):
                self._wrong(self._line(key), f"[links] {key}: expected an address such as https://..., got {value!r}")
        return {key: str(value).rstrip("/") for key, value in values.items()}

    def _table(self, name: str, keys: Sequence[str]) -> dict[str, Any]:
        values = self._found.get(name, {})
        if not isinstance(values, dict):
            self._wrong(self._line(name), f"{name}: expected a table, [{name}]")
            return {}
        for key in values:
            if key not in keys:
                self._wrong(
                    self._line(key), f"[{name}] {key!r} is unknown; expected {_one_of(keys)}.{nearest(key, keys)}"
                )
        return {key: value for key, value in values.items() if key in keys}

    def _seconds(self, key: str, value: Any) -> float:
        try:
            seconds = parse_duration(value) if isinstance(value, str) else -1.0
        except UsageError:
            seconds = -1.0
        if not 0 < seconds <= LONGEST_SECONDS:
            self._wrong(
                self._line(key), f'[policy] {key}: expected a time such as "30m" or "2h", at most "7d"; got {value!r}'
            )
        return seconds

    def _line(self, key: str, after: int | None = None) -> int | None:
        """Return the line of a key, where it can be found: below its header, before the next one."""
        pattern = re.compile(rf"\s*(?:\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[=\]]")
        for number in range(after or 0, len(self._lines)):
            line = self._lines[number]
            if after and re.match(r"\s*\[", line):
                return None
            if pattern.match(line):
                return number + 1
        return None

    def _wrong(self, line: int | None, what: str) -> None:
        self._mistakes.append((line or 0, f"line {line}, {what}" if line else what))


Wrong = Callable[[str, str], None]


def _text(values: Mapping[str, Any], key: str, default: str, wrong: Wrong) -> str:
    value = values.get(key, default)
    if not isinstance(value, str) or not value:
        wrong(key, f"{key}: expected a name or a pattern such as 'flight-*', got {value!r}")
        return default
    return value


def _choice(
    values: Mapping[str, Any], key: str, choices: tuple[Severity, ...], default: Severity, wrong: Wrong
) -> Severity:
    value = values.get(key, default)
    if value not in choices:
        wrong(key, f"{key}: expected {_one_of(choices)}, got {value!r}.{nearest(str(value), choices)}")
        return default
    return value  # type: ignore[no-any-return]  # it is one of them


def _alerts(values: Any, wrong: Wrong) -> tuple[AlertKind, ...]:
    if not isinstance(values, list):
        wrong("alerts", f'alerts: expected a list such as ["late", "failed"], got {values!r}')
        return ()
    for value in values:
        if value not in ALERTS:
            wrong("alerts", f"alerts: {value!r} is unknown; expected {_one_of(ALERTS)}.{nearest(str(value), ALERTS)}")
    return tuple(value for value in values if value in ALERTS)


def _escalations(value: Any, wrong: Wrong) -> Escalations:
    if value == "only":
        return "only"
    if not isinstance(value, bool):
        wrong("escalations", f'escalations: expected true, false or "only", got {value!r}')
    return "also" if value is True else "never"


def _one_of(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _apprise_schemes() -> Collection[str]:
    from nightshift.alerts.apprise_sink import schemes

    return schemes()
