"""What a route's URL asks for in braces, `slack://{env:SLACK_A}/{env:SLACK_B}/{env:SLACK_C}`: pure rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from pipelines.engine.errors import nearest
from pipelines.engine.incidents.values import Message

SecretKind = Literal["env", "connection", "secret"]
SECRET_KINDS: tuple[SecretKind, ...] = ("env", "connection", "secret")
FORMS = "{env:NAME}, {connection:ID}, {connection:ID.host}, {connection:ID.extra.KEY} or {secret:NAME}"
PARTS = ("password", "login", "host", "port", "schema")
"""What of a connection can be asked for by its name, beside `extra.KEY`."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_MESSAGE_FIELDS: dict[str, Callable[[Message], str]] = {
    "incident": lambda message: message.incident_id,
    "occasion": lambda message: message.occasion,
    "alert": lambda message: message.alert,
    "state": lambda message: message.state,
    "severity": lambda message: message.severity,
    "owner": lambda message: message.owner,
    "dag": lambda message: message.dag_id,
    "night": lambda message: message.night,
}
MESSAGE_FIELDS = tuple(_MESSAGE_FIELDS)


@dataclass(frozen=True, order=True)
class Reference:
    """One secret that a URL asks for; `part` is of a connection."""

    kind: SecretKind
    name: str
    part: str = ""

    def __str__(self) -> str:
        ending = f".{self.part}" if self.part not in ("", "password") else ""
        return f"{{{self.kind}:{self.name}{ending}}}"


def mistakes_of(url: str) -> list[str]:
    """Return what is wrong with the braces of a URL, in words; none of them shows more than is between the braces."""
    if "{" in _BRACES.sub("", url) or "}" in _BRACES.sub("", url):
        return [f"url: a brace that is not closed or not opened; expected {FORMS}"]
    return [said for inner in _BRACES.findall(url) if (said := _mistake(inner))]


def _mistake(inner: str) -> str:
    if inner in _MESSAGE_FIELDS or _read(inner) is not None:
        return ""
    kind, colon, _ = inner.partition(":")
    if not colon:
        return f"url: {{{inner}}} is unknown; expected {FORMS}, or one of {', '.join(MESSAGE_FIELDS)}." + nearest(
            inner, MESSAGE_FIELDS
        )
    if kind in SECRET_KINDS:
        return f"url: {{{inner}}} names no {kind}; expected {FORMS}"
    return f"url: {{{inner}}} asks for a secret of the unknown kind {kind!r}; expected {FORMS}." + nearest(
        kind, SECRET_KINDS
    )


def references_of(url: str) -> tuple[Reference, ...]:
    """Return the secrets that a URL asks for, each once, in their order."""
    return tuple(dict.fromkeys(_secrets(url)))


def is_whole(url: str) -> bool:
    """Whether a URL is one secret and nothing else; then the secret is the URL, as it is."""
    return re.fullmatch(_BRACES, url) is not None and bool(references_of(url))


def scheme_of(url: str) -> str:
    """Return the scheme of a URL in lower case, or "" if it has none or is a secret altogether."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", url)
    return match[1].lower() if match else ""


def filled(url: str, secret: Callable[[Reference], str], message: Message) -> str:
    """Return the URL with secrets and message fields in place.

    What is put in is percent-encoded, so that a password with `@` or `/` stays one word; a secret that is the whole URL is
    not.

    Args:
        url: As the route says it, without mistakes.
        secret: Gives the value of a reference.
        message: The one that is about to be sent.
    """
    if is_whole(url):
        return secret(references_of(url)[0]).strip()

    def value(match: re.Match[str]) -> str:
        field = _MESSAGE_FIELDS.get(match[1])
        if field is not None:
            return quote(field(message), safe="")
        reference = _read(match[1])
        return quote(secret(reference), safe="") if reference else match[0]

    return _BRACES.sub(value, url)


def _secrets(url: str) -> Iterator[Reference]:
    for inner in _BRACES.findall(url):
        reference = _read(inner)
        if reference is not None:
            yield reference


def _read(inner: str) -> Reference | None:
    kind, _, name = inner.partition(":")
    if kind == "connection":
        return _connection(name)
    pattern = r"[A-Za-z_][A-Za-z0-9_]*" if kind == "env" else r"[^\s:]+"
    if kind in ("env", "secret") and re.fullmatch(pattern, name):
        return Reference(kind, name)  # type: ignore[arg-type]  # one of the two that were just looked for
    return None


def _connection(name: str) -> Reference | None:
    """Read `ID`, `ID.host` or `ID.extra.KEY`; an ID may hold dots itself."""
    match = re.fullmatch(rf"([\w.()-]+?)(?:\.({'|'.join(PARTS)}|extra\.[\w.-]+))?", name)
    return Reference("connection", match[1], match[2] or "password") if match else None
