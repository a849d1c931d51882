"""Is it safe to run a thing again? Run it again, kill it on the way, deliver it twice, and look at what is there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airflow.sdk import DAG

from nightshift.testing import faults
from nightshift.testing.dags import run_dag
from nightshift.testing.effects import Effects, as_if_once, differences, effects_now
from nightshift.testing.errors import NotIdempotent
from nightshift.testing.hearing import noted
from nightshift.testing.house import House
from nightshift.testing.outcomes import DagOutcome, TaskOutcome
from nightshift.testing.present import needed_house, present_house
from nightshift.testing.registry import MemoryRegistry
from nightshift.testing.tasks import run_operator
from pipelines.engine.errors import UsageError
from pipelines.engine.moments import Moment

Outcome = TaskOutcome | DagOutcome
A_LEASE = timedelta(hours=1)
"""Longer than any lease of a test."""
MOST_TRIES = 4
TIMES = ("planned_at",)
"""When a night was planned: a newer plan wins over an older one, so each has a time of its own."""


def assert_idempotent(
    subject: Any,
    *,
    kills: bool | Sequence[Moment] = False,
    overlaps: bool = False,
    folders: Sequence[Path] = (),
    watch: Mapping[str, Callable[[], Any]] | None = None,
    may_differ: Collection[str] = TIMES,
    **given: Any,
) -> Outcome:
    """Run an operator or a DAG again, and fail with every effect that came twice.

    It looks at all files of the house, at task keys, published tables, model versions and aliases, at the folders that are
    named, and at what `watch` says. Two runs of a task must return the same.

    Args:
        subject: An operator, a DAG, or the path of a DAG file.
        kills: Also kill it after each moment that it passes, try again, and expect what one undisturbed run leaves behind; or
            the moments. Needs an open house, whose state is put back for each.
        overlaps: Also deliver it a second time at each moment, once at once and once after its lease ran out.
        folders: More folders in which it may write.
        watch: Looks at the world outside: name to a function that gives something comparable, such as the number of rows.
        may_differ: Fields of results that are new each time on purpose, wherever they stand in a result.
        **given: For `run_operator` or `run_dag`, such as `partition_key`.

    Returns:
        How the first run ended.

    Raises:
        NotIdempotent: With every effect that came twice.
        AssertionError: The first run did not succeed, so there is nothing to repeat.
    """
    beside = {folder.name: folder for folder in folders}
    trial = _Trial(subject, given, beside, dict(watch or {}), may_differ)
    if not (kills or overlaps):
        first, _ = trial.once()
        trial.again(first)
        return first.succeeded()
    with _Saved(trial.needed_house(), trial.folders) as saved:
        passed: list[Moment] = []
        with noted(passed):
            first, clean = trial.once()
        trial.again(first)
        for moment in dict.fromkeys(passed if isinstance(kills, bool) else kills) if kills else ():
            saved.put_back()
            trial.killed_after(moment, clean)
        for moment in dict.fromkeys(passed) if overlaps else ():
            for after in (timedelta(), A_LEASE):
                saved.put_back()
                trial.delivered_twice(moment, after, clean)
    return first


class _Trial:
    """A subject, and how it is run."""

    def __init__(
        self,
        subject: Any,
        given: Mapping[str, Any],
        folders: Mapping[str, Path],
        watch: Mapping[str, Callable[[], Any]],
        may_differ: Collection[str],
    ) -> None:
        self.folders = folders
        self._subject, self._given, self._watch, self._may_differ = subject, given, watch, may_differ

    def needed_house(self) -> House:
        """Return the open house.

        Raises:
            UsageError: None is open, or it cannot be put back.
        """
        house = needed_house("assert_idempotent(kills=..., overlaps=...)")
        if not isinstance(house.registry, MemoryRegistry):
            raise UsageError("only a house with the registry in memory can be put back; open it without registry=.")
        if self._watch:
            raise UsageError(
                "what `watch` looks at cannot be put back after a kill; name its folder in folders= instead."
            )
        return house

    def once(self) -> tuple[Outcome, Effects]:
        """Run it for the first time, which must succeed."""
        outcome = self._run()
        if isinstance(outcome, DagOutcome) or outcome.state != "skipped":
            outcome.succeeded()
        return outcome, self._effects()

    def again(self, first: Outcome) -> None:
        """Run it again, after it has succeeded."""
        before = self._effects()
        second = self._run()
        told = [*differences(before, self._effects()), *_other_results(first, second, self._may_differ)]
        self._judge("running it again, after it had succeeded,", told, second)

    def killed_after(self, moment: Moment, clean: Effects) -> None:
        """Kill it, and try again until it succeeds."""
        with faults.kill_after(moment):
            outcome = self._run()
        tries = 1
        while _state(outcome) != "success" and tries < MOST_TRIES:
            needed_house("a kill").clock.advance(A_LEASE)
            outcome, tries = self._run(), tries + 1
        self._judge(f"killing it after {moment!r} and trying again", as_if_once(clean, self._effects()), outcome)

    def delivered_twice(self, moment: Moment, after: timedelta, clean: Effects) -> None:
        """Deliver it a second time on the way; one of the two must have done it."""
        with faults.twice(moment, after=after):
            outcome = self._run()
        if _state(outcome) != "success":  # the first was overtaken, and is tried again
            outcome = self._run()
        when = "after its lease had run out" if after else "at once"
        told = as_if_once(clean, self._effects())
        self._judge(f"delivering it a second time {when}, when the first was at {moment!r}", told, outcome)

    def _run(self) -> Outcome:
        if isinstance(self._subject, DAG | Path | str):
            return run_dag(self._subject, **self._given)
        return run_operator(self._subject, **self._given)

    def _effects(self) -> Effects:
        return effects_now(present_house(), self.folders, self._watch)

    def _judge(self, how: str, told: Sequence[str], outcome: Outcome) -> None:
        problems = list(told)
        if _state(outcome) not in ("success", "skipped"):
            problems.append(f"it did not succeed then: {outcome.explain()}")
        if problems:
            listed = "\n".join(f"  - {problem}" for problem in problems)
            raise NotIdempotent(f"not idempotent. {how[0].upper()}{how[1:]} had effects:\n{listed}")


class _Saved:
    """A house and some folders as they were, to be put back."""

    def __init__(self, house: House, folders: Mapping[str, Path]) -> None:
        self._house, self._folders = house, {"": house.home, **folders}
        self._stack = ExitStack()

    def __enter__(self) -> _Saved:
        self._kept = Path(self._stack.enter_context(TemporaryDirectory(prefix="nightshift-saved-")))
        self._house.ledger.rest()
        self._known = _memory(self._house).remembered()
        for name, folder in self._folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder, self._kept / f"_{name}")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def put_back(self) -> None:
        """Let everything be as it was."""
        self._house.ledger.rest()
        for name, folder in self._folders.items():
            shutil.rmtree(folder)
            shutil.copytree(self._kept / f"_{name}", folder)
        _memory(self._house).recall(self._known)


def _memory(house: House) -> MemoryRegistry:
    assert isinstance(house.registry, MemoryRegistry)  # noqa: S101 - asked before
    return house.registry


def _state(outcome: Outcome) -> str:
    return outcome.state


def _other_results(first: Outcome, second: Outcome, may_differ: Collection[str]) -> Iterator[str]:
    """Say which task returned something else the second time."""
    one = {task.name: task for task in ([first] if isinstance(first, TaskOutcome) else first)}
    other = {task.name: task for task in ([second] if isinstance(second, TaskOutcome) else second)}
    for name in sorted(one.keys() & other.keys()):
        if _compared(one[name].result, may_differ) != _compared(other[name].result, may_differ):
            yield f"{name} returned {_short(one[name].result)} first, and {_short(other[name].result)} then"


def _compared(value: Any, may_differ: Collection[str]) -> Any:
    """Return a result without what may differ; lists and tuples are the same, as they are in JSON."""
    if isinstance(value, Mapping):
        return {name: _compared(one, may_differ) for name, one in value.items() if name not in may_differ}
    if isinstance(value, list | tuple):
        return [_compared(one, may_differ) for one in value]
    return value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
