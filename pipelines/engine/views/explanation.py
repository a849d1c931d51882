"""Why was a piece of work done, skipped, refused or superseded, and what does it wait for? In sentences. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.engine.durations import duration
from pipelines.engine.ledger.values import Entry, Event, iso
from pipelines.engine.publication.superseded import CHAINING, STEP, Superseded, differences
from pipelines.engine.steps import NIGHT_STEPS
from pipelines.engine.views.stories import Line
from pipelines.engine.views.telling import SHOWN_DIGITS

WORK = {
    "validate": "checking the rows of night {night}",
    "plan": "planning night {night}: which model scores it, and in how many shards",
    "score": "scoring {shard} of night {night}",
    "publish": "publishing night {night}, so that readers see it",
    "monitor": "comparing the scores of night {night} with those of the training",
    "validate_training": "checking the rows and labels of the training as of {night}",
    "trial": "one trial of the search as of {night}",
    "best": "choosing the best trial of the search as of {night}",
    "train": "training a model as of {night}",
    "evaluate": "judging the model that was trained as of {night}",
    "register": "registering the model that was trained as of {night}",
    "promote": "making the model of {night} champion, if the gate opened",
    "compile": "compiling a model to machine code",
    "move": "moving the champion by hand to {night}",
    "aliases": "being the only one who moves the champion",
}
OTHER = {
    "inputs.rows": "the delivered rows are other ones",
    "inputs.profile": "the training's rows, with which these are compared, are other ones",
    "inputs.checked": "the rows were checked anew",
    "inputs.model": "it is another model",
    "inputs.refused": "other rows were refused",
    "inputs.scores": "the scores are other ones",
    "inputs.published": "the night was published anew",
    "inputs.window": "rows or labels of the training window are other ones",
    "inputs.trained": "the model was trained anew",
    "inputs.champion": "it is compared with another champion",
    "inputs.judged": "the model was judged anew",
    "inputs.replaces": "it takes the place of another one",
    "inputs.version": "it is another version",
    "inputs.to": "it goes to another version",
    "inputs.moves_before": "the champion was moved in between",
    "inputs.processor": "it is for another processor",
    "inputs.trials": "the trials are other ones",
    "code": "the code that does it, or what it imports, was changed",
}
STANDS = {
    "done": "is done",
    "claimed": "is worked on, or was left behind by who did",
    "failed": "failed",
    "open": "was given back unfinished",
}
LONGEST_VALUE = 40


@dataclass(frozen=True)
class Explanation:
    """Why a key stands as it does.

    Attributes:
        key: Its digest; None where the step has not begun.
        pipeline, step, partition: What it is about.
        state: `done`, `claimed`, `failed`, `open`, or `waiting` before the first claim.
        told: In sentences, the most important first.
        other: What is different from the last earlier key of the same step and partition, in words; empty if there is none.
        history: What happened, oldest first.
        to_do: What to do next; empty if nothing is.
    """

    key: str | None
    pipeline: str
    step: str
    partition: str
    state: str
    told: tuple[str, ...]
    other: tuple[str, ...]
    history: tuple[Line, ...]
    to_do: tuple[str, ...]


def explain(
    entry: Entry,
    events: Sequence[Event],
    alike: Sequence[Entry],
    superseded: Superseded | None,
    now: float,
    history: tuple[Line, ...],
) -> Explanation:
    """Explain a key.

    Args:
        entry: The key.
        events: What happened to it, oldest first.
        alike: All keys of its pipeline, step and partition.
        superseded: What took its place.
        now: Seconds since 1970, by the ledger's clock.
        history: The events in words.
    """
    before = _before(entry, alike)
    other = _others(before, entry) if before else ()
    told = [
        f"It stands for {work_of(entry.step, entry.partition)} (pipeline {entry.pipeline}).",
        *_stands(entry, events, now),
    ]
    if entry.step == STEP and entry.state == "done":
        told.append(_seen_by_readers(superseded))
    if before is not None:
        told.append(
            f"It is not the first of its kind: key {before.key[:SHOWN_DIGITS]} was claimed at {iso(before.claimed_at)} "
            f"for the same step and partition, and {STANDS[before.state]}. This one is other work, because of what is listed below."
        )
    taken = [event for event in events if event.event == "taken_over"]
    if taken:
        told.append(
            f"It was taken over {len(taken)} times, because its holder was not heard of for as long as a lease lasts; "
            "fences kept what the earlier holder may still have written from being seen."
            if len(taken) > 1
            else f"It was taken over once: {taken[0].detail.get('from', 'its holder')} was not heard of for as long as a "
            "lease lasts. The fence kept what that holder may still have written from being seen."
        )
    return Explanation(
        entry.key,
        entry.pipeline,
        entry.step,
        entry.partition,
        entry.state,
        tuple(told),
        other,
        history,
        _to_do(entry, now),
    )


def explain_waiting(pipeline: str, night: str, step: str, keys: Sequence[Entry]) -> Explanation:
    """Explain why a step of a night has not begun.

    Args:
        pipeline: Whose.
        night: Which.
        step: One of `NIGHT_STEPS`.
        keys: All keys of the night, the latest claimed first.
    """
    told = [f"{step} of {pipeline} {night} has not begun: {work_of(step, night)}."]
    to_do: tuple[str, ...] = (f"Run the night: nightshift score {shlex.quote(pipeline)} {shlex.quote(night)}",)
    for earlier in NIGHT_STEPS[: NIGHT_STEPS.index(step)]:
        mine = [entry for entry in keys if entry.step == earlier]
        if not mine:
            told.append(f"It waits for {earlier}, which has not begun either.")
            break
        unfinished = next((entry for entry in mine if entry.state != "done"), None)
        if unfinished is not None:
            said = f": {unfinished.error}" if unfinished.error else "."
            told.append(f"It waits for {earlier}, which {STANDS[unfinished.state]}{said}")
            to_do = (f"See why: nightshift explain {unfinished.key[:SHOWN_DIGITS]}",)
            break
    else:
        told.append("Everything before it is done: the run stopped in between, or is about to go on.")
    return Explanation(None, pipeline, step, night, "waiting", tuple(told), (), (), to_do)


def work_of(step: str, partition: str) -> str:
    """Say what a step does with a partition."""
    night, _, number = partition.partition("#")
    shard = f"shard {number}" if number else "the rows"
    return WORK.get(step, f"the step {step} of {{night}}").format(
        night=night.replace("version-", "version "), shard=shard
    )


def _stands(entry: Entry, events: Sequence[Event], now: float) -> list[str]:
    if entry.state == "claimed":
        return [_claimed(entry, now)]
    if entry.state == "failed":
        return [f"It failed: {entry.error}", "Nothing of that try is seen by readers. The next try may begin at once."]
    if entry.state == "open":
        return [_opened(entry, events)]
    took = (entry.finished_at or 0.0) - entry.claimed_at
    seconds = duration(took) if took >= 10 else f"{took:.1f} s"
    return [
        f"It is done: {entry.holder} finished it at {iso(entry.finished_at or 0.0)}, after {seconds}.",
        "Whoever asks for the same work gets what was recorded then, and does nothing: that is why a second run skips it.",
    ]


def _claimed(entry: Entry, now: float) -> str:
    if entry.lease_until > now:
        left = duration(entry.lease_until - now)
        return (
            f"{entry.holder} works on it since {iso(entry.claimed_at)} and holds it until {iso(entry.lease_until)} ({left} "
            "from now), longer for as long as it is alive. Whoever asks meanwhile waits."
        )
    return (
        f"{entry.holder} claimed it at {iso(entry.claimed_at)} and was not heard of since {iso(entry.lease_until)}: "
        "nobody holds it now, and whoever asks next takes it over."
    )


def _opened(entry: Entry, events: Sequence[Event]) -> str:
    last = events[-1] if events else None
    if last is not None and last.event == "forced":
        return (
            f"{last.holder} opened it again on purpose at {iso(last.at)}: {last.detail.get('reason', '')}. The next run does "
            "the work once more."
        )
    why = f": {entry.error}" if entry.error else ""
    return f"It was given back unfinished{why}. Nobody works on it; whoever asks next goes on."


def _seen_by_readers(superseded: Superseded | None) -> str:
    if superseded is None:
        return "Readers see this publication now."
    because = "; ".join(_in_words(name) for name in superseded.because)
    return (
        f"Readers do not see it any more: key {superseded.key[:SHOWN_DIGITS]} took its place at {superseded.at}"
        f"{f', because {because}' if because else ''}."
    )


def _before(entry: Entry, alike: Sequence[Entry]) -> Entry | None:
    earlier = [other for other in alike if other.key != entry.key and other.claimed_at < entry.claimed_at]
    return max(earlier, key=lambda other: other.claimed_at, default=None)


def _others(before: Entry, entry: Entry) -> tuple[str, ...]:
    names = [name for name in differences(before.identity, entry.identity) if name != CHAINING]
    return tuple(f"{_in_words(name)}{_values(_at(before.identity, name), _at(entry.identity, name))}" for name in names)


def _in_words(name: str) -> str:
    if name in OTHER:
        return OTHER[name]
    kind, _, what = name.partition(".")
    return f"the parameter {what} is another one" if kind == "parameters" else f"{name} is another one"


def _at(identity: Mapping[str, Any], name: str) -> Any:
    value: Any = identity
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _values(old: Any, new: Any) -> str:
    """Return ` (before, now)` for what a person can read; digests say nothing."""
    shown = [_shown(old), _shown(new)]
    return "" if None in shown else f" ({shown[0]} before, {shown[1]} now)"


def _shown(value: Any) -> str | None:
    if isinstance(value, list) and value:
        value = value[0]  # a model is its version and its digest
    if value is None:
        return "none"
    text = str(value)
    digest = len(text) >= 32 and all(sign in "0123456789abcdef" for sign in text)
    return None if digest or isinstance(value, list | dict) or len(text) > LONGEST_VALUE else text


def _to_do(entry: Entry, now: float) -> tuple[str, ...]:
    stopped = entry.state == "claimed" and entry.lease_until <= now
    if entry.state not in ("failed", "open") and not stopped:
        return ()
    if entry.step == "aliases":  # it is open whenever nobody is inside
        return ()
    name, night = shlex.quote(entry.pipeline), shlex.quote(entry.partition.partition("#")[0])
    work = (
        f"nightshift score {name} {night}" if entry.step in NIGHT_STEPS else f"nightshift train {name} --as-of {night}"
    )
    if entry.step in ("compile", "move"):
        return ()
    again = f"clear the task in Airflow, or run: {work}"
    if entry.state == "failed":
        return (f"Mend the cause, then {again}",)
    return (f"To go on, {again}",)
