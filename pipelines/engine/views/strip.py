"""A strip: one pipeline's nights, a cell for each. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from pipelines.engine.ledger.values import Entry, iso

CellState = Literal["published", "late", "failed", "running", "unfinished", "absent"]


NO_LONGER_DECLARED = "it is no longer declared; what it did is still here"
"""What is said of a pipeline that has nights and no declaration; nobody needs to act on it."""


@dataclass(frozen=True)
class Touch:
    """How one key of a night stands; what is needed to say how the night does.

    Attributes:
        step, state: As in the ledger.
        at: When it was touched last, in seconds since 1970: claimed or finished.
        held: Whether somebody holds it now.
        error: Its last error, in words.
    """

    step: str
    state: str
    at: float
    held: bool = False
    error: str | None = None


class Publication(NamedTuple):
    """The last publication of a night, as far as a cell shows it; `at` is when it was finished."""

    at: float
    rows_in: int
    rows_scored: int
    rows_quarantined: int
    model_version: str
    delta_version: int


class Due(NamedTuple):
    """What was promised for a night: until when, and when it was kept (None: not yet, or never). By the clock of nights."""

    at: float
    finished_at: float | None
    late: bool


@dataclass(frozen=True)
class Cell:
    """One night of a strip.

    Attributes:
        night: The partition.
        state: `published`; `late` if it was published after the promised time; `failed` if the last thing that happened was
            a failure; `running` while a key is held; `unfinished` if work stopped in between; `absent` if nothing was
            ever done for a night between others.
        rows_in: Rows delivered, as of the publication; None before it.
        rows_scored, rows_quarantined: Of these, in the table, and refused.
        model_version: Of the champion that scored.
        delta_version: Version of the table that the publication made.
        published_at: Such as `2026-11-20T02:03:04Z`.
        due_at: Until when it was promised; None if nothing was.
        margin_seconds: How long before that it was published; negative if after.
        error: What failed last, in words.
    """

    night: str
    state: CellState
    rows_in: int | None = None
    rows_scored: int | None = None
    rows_quarantined: int | None = None
    model_version: str | None = None
    delta_version: int | None = None
    published_at: str | None = None
    due_at: str | None = None
    margin_seconds: float | None = None
    error: str | None = None

    @property
    def quarantine_share(self) -> float | None:
        """Which share of the delivered rows was refused, 0 to 1."""
        return self.rows_quarantined / self.rows_in if self.rows_in and self.rows_quarantined is not None else None


@dataclass(frozen=True)
class Strip:
    """One pipeline's newest nights, oldest first.

    Attributes:
        pipeline, question: Of the declaration; the question is empty where the declaration cannot be read.
        owner: Who answers for the scoring DAG; empty if none was declared.
        dag_id: Of the scoring DAG; None if none was declared.
        promise: What is promised of a night, in words; None if nothing is.
        open_incidents: How many there are, of all of its DAGs.
        nights: A cell for each.
        trouble: Why its declaration cannot be read, in words.
    """

    pipeline: str
    question: str
    owner: str
    dag_id: str | None
    promise: str | None
    open_incidents: int
    nights: tuple[Cell, ...]
    trouble: str | None = None

    @property
    def broken(self) -> bool:
        """Whether its declaration is there and cannot be read, so that somebody has to act."""
        return self.trouble is not None and self.trouble != NO_LONGER_DECLARED


def touches_of(entries: Iterable[Entry], now: float) -> list[Touch]:
    """Return how each of some keys stands, as the ledger's database would say it at a time."""
    return [
        Touch(
            entry.step,
            entry.state,
            max(entry.claimed_at, entry.finished_at or 0.0),
            entry.state == "claimed" and entry.lease_until > now,
            entry.error if entry.state != "done" else None,
        )
        for entry in entries
    ]


def state_of(touches: Iterable[Touch], *, published: bool) -> tuple[CellState, str | None]:
    """Return how a night stands, and what went wrong last.

    Args:
        touches: Its keys; those that are done may be left out but the newest.
        published: Whether a publication of it was finished.
    """
    keys = list(touches)
    if not keys:
        return ("published" if published else "absent"), None
    if any(key.held for key in keys):
        return "running", None
    newest = max(keys, key=lambda key: key.at)
    if published and newest.step == "monitor":
        return "published", newest.error  # readers have the night, whatever happened afterwards
    if newest.state == "failed":
        return "failed", newest.error
    return ("published" if published and newest.state == "done" else "unfinished"), newest.error


def cell(night: str, touches: Sequence[Touch], publication: Publication | None, due: Due | None) -> Cell:
    """Return a night's cell."""
    state, error = state_of(touches, published=publication is not None)
    if state == "published" and due is not None and due.late:
        state = "late"
    due_at = iso(due.at) if due else None
    margin = due.at - due.finished_at if due and due.finished_at is not None else None
    if publication is None:
        return Cell(night, state, due_at=due_at, margin_seconds=margin, error=error)
    return Cell(
        night,
        state,
        publication.rows_in,
        publication.rows_scored,
        publication.rows_quarantined,
        publication.model_version,
        publication.delta_version,
        iso(publication.at),
        due_at,
        margin,
        error,
    )


def cells(
    nights: Sequence[str],
    touches: Mapping[str, Sequence[Touch]],
    publications: Mapping[str, Publication],
    dues: Mapping[str, Due],
    running: Collection[str] = (),
) -> tuple[Cell, ...]:
    """Return a cell for each night; those without any key are `absent`.

    Args:
        nights: Which.
        touches: Their keys, by night.
        publications: The last publication of each.
        dues: Until when each was promised.
        running: Nights on which a run works: between two of its steps such a night is not `unfinished`.
    """
    made = (cell(night, touches.get(night, ()), publications.get(night), dues.get(night)) for night in nights)
    return tuple(
        replace(one, state="running") if one.state == "unfinished" and one.night in running else one for one in made
    )
