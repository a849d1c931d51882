"""What a fault gets to work with."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nightshift.drill import jobs
from nightshift.drill.aim import Aim
from nightshift.drill.errors import NotSurvived
from nightshift.drill.oracle.delta_log import Commit, read_log
from nightshift.drill.oracle.ledger import Book, read_ledger
from nightshift.drill.oracle.verdict import Scene
from nightshift.drill.sandbox import PUBLISHED, Sandbox
from nightshift.drill.workers import Outcome, Worker

NIGHT = "2013-11-02"
"""The night in which most things break."""
MOST_TRIES = 6
"""More than the factories' retries: a drill wants to know whether it ever ends."""


@dataclass
class Drill:
    """One fault's sandbox, and what it learns there.

    Attributes:
        sandbox: As it was before anything was broken.
        scene: The same, as the judge sees it.
        chance: Where timing matters, moments are chosen with this.
        nights: Those that must be published in the end.
    """

    sandbox: Sandbox
    scene: Scene
    chance: random.Random
    nights: list[str] = field(default_factory=lambda: [PUBLISHED, NIGHT])
    _broken_at: float | None = None
    _recovered_at: float | None = None

    def attempt(self, *aims: Aim, night: str = NIGHT) -> Worker:
        """Start a process that scores a night, and dies or stands still where it is aimed."""
        return self.sandbox.start(jobs.score_night, night, aims=aims)

    def attempt_under(self, shift: str, *aims: Aim) -> Worker:
        """Start such a process whose clock is wrong by `shift`, such as `+2h`."""
        return self.sandbox.start_shifted(shift, jobs.score_night, NIGHT, aims=aims)

    def force(self, key: str, reason: str) -> None:
        """Open a key again, from a process of its own.

        Raises:
            NotSurvived: It cannot be opened.
        """
        outcome = self.sandbox.run(jobs.force, key, reason)
        self.expect(outcome.worked, f"the key cannot be forced: {outcome}")

    def broken(self) -> None:
        """The fault has happened: recovery is measured from now."""
        self._broken_at = time.monotonic()

    def recover(self, night: str = NIGHT) -> Outcome:
        """Do what Airflow does: try again while the error says that it can pass. Return the first success.

        Raises:
            NotSurvived: It does not pass, or the error says that trying again is of no use.
        """
        self._broken_at = self._broken_at or time.monotonic()
        for _ in range(MOST_TRIES):
            outcome = self.sandbox.run(jobs.score_night, night)
            if outcome.worked:
                self.recovered()
                return outcome
            if not outcome.retryable:
                break
        raise NotSurvived(f"night {night} does not recover: {outcome}")

    def recovered(self) -> None:
        """All is well again: recovery is measured until now."""
        self._recovered_at = time.monotonic()

    @property
    def recovery_s(self) -> float | None:
        """Seconds from the fault to the end of the recovery."""
        if self._broken_at is None or self._recovered_at is None:
            return None
        return self._recovered_at - self._broken_at

    def expect(self, true: object, otherwise: str) -> None:
        """Make sure of something.

        Raises:
            NotSurvived: It is not so.
        """
        if not true:
            raise NotSurvived(otherwise)

    def commits(self) -> list[Commit]:
        """Return the versions of the published table."""
        return read_log(self.scene.tables, self.scene.table)

    def publications(self, night: str = NIGHT) -> int:
        """Return how many versions of the table publish a night."""
        return sum(commit.night == night for commit in self.commits())

    def book(self) -> Book:
        """Return what the ledger holds."""
        return read_ledger(self.sandbox.ledger_url)

    def result(self, night: str = NIGHT) -> dict[str, Any]:
        """Return what the last finished publication of a night says.

        Raises:
            NotSurvived: There is none.
        """
        found = self.book().published(night)
        self.expect(found, f"night {night} is not published")
        return (found.result if found else None) or {}

    @property
    def rows(self) -> Path:
        """Where the rows of the night are delivered."""
        return self.sandbox.rows_file(NIGHT)


@dataclass(frozen=True)
class Fault:
    """One way to break a night.

    Attributes:
        name: For `--only`.
        done: What is done.
        expected: What is promised then.
        run: Does it, and returns what was seen; raises `NotSurvived` if that is not what was promised.
        needs: Servers that it needs: `s3`, `airflow`.
    """

    name: str
    done: str
    expected: str
    run: Callable[[Drill], str]
    needs: Sequence[str] = ()
