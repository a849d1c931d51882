"""What a check is, and what it answers: plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from nightshift.hardening.sight import Sight

Facts = TypeVar("Facts")
State = Literal["green", "warning", "red", "unseen", "accepted", "not_used"]
STOPS: tuple[State, ...] = ("red", "unseen")
"""With these, the system is not well set. What nobody could look at is not known to be good."""


class Unseen(Exception):
    """Something could not be looked at; the text says why."""


class NotUsed(Exception):
    """There is nothing to look at, because this system has no such part; the text says why."""


@dataclass(frozen=True)
class Fault:
    """Something that is not as it must be.

    Attributes:
        who: Which part it is about, with the name of its setting.
        expected: What must be.
        got: What is; never a secret.
        way_out: What to do.
        grave: Whether the system must not go on so; else it is good to know.
    """

    who: str
    expected: str
    got: str
    way_out: str
    grave: bool = True


@dataclass(frozen=True)
class Check(Generic[Facts]):
    """One line of the checklist: what to look at, and a pure rule about what was seen.

    Attributes:
        id: Its name, and its heading in docs/hardening.md.
        theme: What it stands beside.
        must: What must be true, in a few words.
        needs: What it is read from: variables, addresses, files.
        look: Reads the facts; raises `Unseen`, `NotUsed`, or whatever went wrong.
        judge: Facts in, faults out.
    """

    id: str
    theme: str
    must: str
    needs: str
    look: Callable[[Sight], Facts]
    judge: Callable[[Facts], Iterable[Fault]]


AnyCheck = Check[Any]


@dataclass(frozen=True)
class Examined:
    """How one line of the checklist stands.

    Attributes:
        check: Its name.
        theme: What it stands beside.
        must: What must be true.
        state: `green`; `warning`, good to know; `red`; `unseen`, it could not be looked at, which counts as red;
            `accepted`, somebody took the risk; `not_used`, this system has no such part.
        faults: What is wrong.
        why: Why it is unseen or not used.
        needs: What it is read from.
        link: Where to read more.
        accepted: The reason for which the risk was taken, or empty.
        until: Until when it was taken, the last day; None if it was not.
    """

    check: str
    theme: str
    must: str
    state: State
    faults: tuple[Fault, ...]
    why: str
    needs: str
    link: str
    accepted: str = ""
    until: str | None = None
