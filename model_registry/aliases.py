"""Moving aliases by compare-and-set, and the journal of every move.

MLflow's call that sets an alias has no expected value, so the comparison is ours: read, compare, set, read again.
That is safe under a claim that lets one mover at a time near a model, and the caller holds it.

An alias is set first and journalled second. A kill between the two leaves an alias that its own journal does not
explain; the next call with the same arguments sees exactly that and writes the missing line.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from model_registry import words
from model_registry.errors import AliasMoved, RegistryError
from model_registry.mlflow_door import Store
from model_registry.records import JournalEntry, Move
from model_registry.versions import get_model, version

if TYPE_CHECKING:
    from mlflow import MlflowClient

_LONGEST_REASON = 2000


@dataclass(frozen=True)
class Mover:
    """Who moves aliases of which model, under which key, why and when."""

    name: str
    key: str
    actor: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Aliases:
    """The aliases of a model and its journal, as read in one request."""

    name: str
    versions: dict[str, str]
    journal: list[JournalEntry]

    def tail(self, alias: str) -> JournalEntry | None:
        """The last entry about an alias."""
        return next((entry for entry in reversed(self.journal) if entry.alias == alias), None)

    def journalled(self, alias: str) -> str | None:
        """Where the journal says that an alias points."""
        tail = self.tail(alias)
        return tail.moved_to if tail else None


def read_aliases(client: "MlflowClient", name: str) -> Aliases:
    """The aliases and the journal of a model."""
    model = get_model(client, name)
    entries = [_entry(tag, value) for tag, value in model.tags.items() if tag.startswith(words.JOURNAL)]
    versions = {alias: str(number) for alias, number in model.aliases.items()}
    return Aliases(name, versions, sorted(entries, key=lambda entry: entry.number))


def decide(now: Aliases, alias: str, *, expected: str | None, to: str, key: str) -> Literal["move", "done"]:
    """The rule of compare-and-set, on values alone.

    Returns:
        "move" when the alias may be moved, or was moved and is not journalled yet; "done" when nothing is left to do.

    Raises:
        AliasMoved: the alias points neither at `expected` nor, by this very key, at `to`.
    """
    got, tail = now.versions.get(alias), now.tail(alias)
    if got != to:
        if got == expected:
            return "move"
    elif expected == to or (tail and tail.moved_to == to and tail.key == key):
        return "done"
    elif now.journalled(alias) == expected:
        return "move"
    by = f" It was last moved by {tail.actor}, key {tail.key}." if tail else ""
    raise AliasMoved(
        f"The alias {alias!r} of {now.name!r} moved: "
        f"expected {_spoken(expected)}, got {_spoken(got)}; it stays there.{by}\n"
        "Look at the journal, evaluate against the present version, and try again.",
        expected=expected,
        got=got,
    )


def move_alias(store: Store, mover: Mover, alias: str, *, expected: str | None, to: str) -> Move:
    """Move one alias; see Registry.move_alias."""
    version(store, mover.name, to)
    with store.speaking() as client:
        verdict = decide(read_aliases(client, mover.name), alias, expected=expected, to=to, key=mover.key)
        if verdict == "move":
            _settle(client, mover, alias, to, moved_from=expected)
        return Move(mover.name, alias, expected, to, mover.key, changed=verdict == "move")


def promote(store: Store, mover: Mover, *, expected: str | None, to: str) -> Move:
    """Make a version the champion; see Registry.promote."""
    version(store, mover.name, to)
    with store.speaking() as client:
        now = read_aliases(client, mover.name)
        verdict = decide(now, words.CHAMPION, expected=expected, to=to, key=mover.key)
        if expected not in (None, to):
            _settle(client, mover, words.PREVIOUS, expected)
        if verdict == "move":
            _settle(client, mover, words.CHAMPION, to, moved_from=expected)
        if to in (now.versions.get(words.CHALLENGER), now.journalled(words.CHALLENGER)):
            _settle(client, mover, words.CHALLENGER, None)
        return Move(mover.name, words.CHAMPION, expected, to, mover.key, changed=verdict == "move")


def _settle(client: "MlflowClient", mover: Mover, alias: str, to: str | None, *, moved_from: str | None = None) -> None:
    """Make an alias and its journal both say `to`; what says so already is left alone."""
    now = read_aliases(client, mover.name)
    before = now.versions.get(alias)
    if before != to:
        _set(client, mover.name, alias, to)
        _check_settled(client, mover.name, alias, to)
    if before != to or now.journalled(alias) != to:
        source = moved_from or (before if before != to else now.journalled(alias))
        _append(client, mover, alias, source, to)


def _set(client: "MlflowClient", name: str, alias: str, to: str | None) -> None:
    if to is None:
        client.delete_registered_model_alias(name, alias)
    else:
        client.set_registered_model_alias(name, alias, to)


def _check_settled(client: "MlflowClient", name: str, alias: str, to: str | None) -> None:
    got = read_aliases(client, name).versions.get(alias)
    if got != to:
        raise AliasMoved(
            f"The alias {alias!r} of {name!r} was set to {_spoken(to)} and then points at {_spoken(got)}: "
            "somebody else moved it at the same moment. Hold the claim of this model while you move its aliases.",
            expected=to,
            got=got,
        )


def _append(client: "MlflowClient", mover: Mover, alias: str, moved_from: str | None, to: str | None) -> None:
    """Write the next line of the journal, and read it back: a tag can be overwritten by who has the same number."""
    line = {"at": mover.at.astimezone(UTC).isoformat(), "alias": alias, "from": moved_from, "to": to}
    line |= {"key": mover.key, "actor": mover.actor, "reason": mover.reason[:_LONGEST_REASON]}
    value = json.dumps(line)
    for _ in range(3):
        journal = read_aliases(client, mover.name).journal
        tag = f"{words.JOURNAL}{(journal[-1].number if journal else 0) + 1:06d}"
        client.set_registered_model_tag(mover.name, tag, value)
        if get_model(client, mover.name).tags.get(tag) == value:
            return
    raise RegistryError(f"The journal of {mover.name!r} is written by others without a claim; nothing was appended.")


def _entry(tag: str, value: str) -> JournalEntry:
    line = json.loads(value)
    return JournalEntry(
        number=int(tag.removeprefix(words.JOURNAL)),
        at=datetime.fromisoformat(line["at"]),
        alias=line["alias"],
        moved_from=line["from"],
        moved_to=line["to"],
        key=line["key"],
        actor=line["actor"],
        reason=line["reason"],
    )


def _spoken(number: str | None) -> str:
    return f"version {number}" if number else "no version"
