"""The ledger: its tables, the rights of the role that works with it, and who was heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightshift.hardening.sight import PATIENCE_SECONDS, Sight
from nightshift.hardening.values import Check, Fault, NotUsed

if TYPE_CHECKING:
    from pipelines.engine.ledger.rights import Rights

NEVER = ("TRUNCATE", "TRIGGER")
NOT_OF = {
    "task_keys": ("DELETE",),
    "declarations": ("DELETE",),
    "task_events": ("UPDATE",),
    "incident_events": ("UPDATE",),
    "nightshift_ledger_version": ("INSERT", "UPDATE", "DELETE"),
}
"""What nobody needs who works, watches or tidies up; docs/security.md has what they need."""
GRANTS = "Let workers be a role of their own, with the grants of docs/security.md, and let another one own the tables"
WATCH_SECONDS = 120.0
"""After how long a watch that was not heard is missing; it says that it is alive at each turn, every five seconds."""


def judge_migrated(wrong: str) -> Iterator[Fault]:
    """Whether the tables are those of this version; `wrong` says why not."""
    if wrong:
        yield Fault(
            "the ledger", "tables of this version", wrong, "Run `nightshift migrate` as the role that owns them"
        )


def look_at_tables(sight: Sight) -> str:
    """Return why the ledger's tables cannot be used, or an empty text."""
    from pipelines.engine.errors import LedgerNotMigrated
    from pipelines.engine.ledger.store import Ledger

    try:
        Ledger(sight.settings.ledger_url, patience=PATIENCE_SECONDS).check()
    except LedgerNotMigrated as error:
        return str(error).splitlines()[0]
    return ""


def judge_rights(rights: Rights) -> Iterator[Fault]:
    """Whether the role could undo what the ledger remembers."""
    who = f"the ledger's role {rights.role!r}"
    if rights.powers:
        yield Fault(who, "no powers over the server", ", ".join(rights.powers), GRANTS)
    if rights.owns:
        yield Fault(
            who,
            "that it owns none of the ledger's tables",
            f"it owns {', '.join(rights.owns)}, and may drop them",
            GRANTS,
        )
    elif not rights.powers:  # who owns a table may do everything with it, and once is enough to say so
        for table, may in sorted(rights.may.items()):
            too_much = [right for right in may if right in (*NEVER, *NOT_OF.get(table, ()))]
            if too_much:
                yield Fault(who, f"no {' or '.join(too_much)} on {table}", "it may", GRANTS)
    if rights.makes_tables and not rights.owns and not rights.powers:
        yield Fault(
            who,
            "that it makes no tables",
            "it may, in the schema of the ledger",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        )


def judge_others(rights: Rights) -> Iterator[Fault]:
    """Whether the role gets into databases that are not its business."""
    others = [name for name in rights.others if name != "postgres"]
    if others:
        yield Fault(
            f"the ledger's role {rights.role!r}",
            "that it connects to the ledger's database alone",
            f"it may connect to {', '.join(others)}",
            f"REVOKE CONNECT ON DATABASE {others[0]} FROM PUBLIC, and so for each",
        )


def look_at_rights(sight: Sight) -> Rights:
    """Ask Postgres what this process's role may do."""
    from pipelines.engine.ledger.rights import read_rights

    rights = read_rights(sight.ledger)
    if rights is None:
        raise NotUsed("the ledger is an SQLite file, which has no roles")
    return rights


@dataclass(frozen=True)
class Heard:
    """When something was heard last, in seconds before now by the database's clock; None if never."""

    seconds_ago: float | None


def judge_watch(heard: Heard) -> Iterator[Fault]:
    """Whether somebody watches."""
    if heard.seconds_ago is None or heard.seconds_ago > WATCH_SECONDS:
        got = (
            "it was never heard"
            if heard.seconds_ago is None
            else f"it was heard {heard.seconds_ago / 60:.0f} minutes ago"
        )
        yield Fault(
            "the watch",
            f"that it was heard within {WATCH_SECONDS:.0f} s",
            got,
            "Start `nightshift watch`; docs/runbooks/watch-down.md",
        )


BACKUP_DAYS = 7.0
BACKUP = "backup"
"""The name under which `nightshift backup` says in the ledger that it was there."""


def judge_backup(heard: Heard) -> Iterator[Fault]:
    """Whether the ledger was saved lately. Whoever saves it by other means accepts this one, and says which."""
    who, expected = "the ledger's backup", f"one that is younger than {BACKUP_DAYS:.0f} days"
    if heard.seconds_ago is None:
        yield Fault(
            who,
            expected,
            "none is known here",
            "Run one each night; if something else does, accept this check",
            grave=False,
        )
    elif heard.seconds_ago > BACKUP_DAYS * 86_400:
        yield Fault(
            who, expected, f"the last one is {heard.seconds_ago / 86_400:.0f} days old", "See why it does not run"
        )


def heard_of(sight: Sight, name: str) -> Heard:
    """Ask the ledger when a process was heard last."""
    heard = sight.ledger.heartbeat(name)
    return Heard(None if heard is None else sight.ledger.now() - heard[0])


NEEDS = "NIGHTSHIFT_LEDGER_URL, with PGPASSFILE for its password"
CHECKS = (
    Check("ledger-migrated", "Ledger", "its tables are of this version", NEEDS, look_at_tables, judge_migrated),
    Check("ledger-rights", "Ledger", "workers cannot undo what it remembers", NEEDS, look_at_rights, judge_rights),
    Check("database-doors", "Ledger", "its role gets into no other database", NEEDS, look_at_rights, judge_others),
    Check("watch-heard", "Ledger", "the watch is alive", NEEDS, lambda sight: heard_of(sight, "watch"), judge_watch),
    Check("backup", "Ledger", "it was saved lately", NEEDS, lambda sight: heard_of(sight, BACKUP), judge_backup),
)
