"""Models: versions with their verdicts, who is champion, and how that came about. Pure, from the ledger's keys alone.

Every move of an alias happens under a key of the ledger, so the ledger can say who is champion without asking MLflow. Who
must be sure, as before a move, asks the registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.engine.ledger.values import Entry, iso

Action = Literal["promote", "roll back", "gate"]
"""Who moved the champion: a person by hand, a person rolling back, or the gate."""


@dataclass(frozen=True)
class Scored:
    """Which nights a version scored, as they are published now."""

    nights: int
    first: str
    last: str


@dataclass(frozen=True)
class WindowCheck:
    """What a suite said of a training window.

    Attributes:
        of: `rows` or `labels`.
        suite: Its name.
        status: `passed`, `warned` or `failed`.
        rows, refused, expectations, failed: How many rows it looked at and refused, how many expectations it has, how many
            of them were not met.
        report: Path of the HTML report below the reports folder; None if there is none.
    """

    of: str
    suite: str
    status: str
    rows: int
    refused: int
    expectations: int
    failed: int
    report: str | None


@dataclass(frozen=True)
class VersionView:
    """One registered version.

    Attributes:
        version: Its number.
        as_of: Trained on what was known when this night began.
        registered_at: Such as `2026-11-20T02:03:04Z`.
        role: `champion`, `challenger` (newer than the champion, and not promoted), `previous`, or None.
        opened: Whether the gate opened.
        reasons: The verdict, a sentence for each condition, the broken ones first.
        metrics, baseline: On the holdout, of the model and of its base rate.
        intervals: By metric: 95 % interval, low and high; empty for models that were trained before there were any.
        slices: By `column=value`: number of `rows`, and metrics.
        difference: `metric`, `value`, `low`, `high`: challenger minus champion on the same holdout rows; None without.
        against: The champion that it was judged against; None for the first one.
        against_metrics: The champion's metrics on the same holdout.
        rows: Rows for training and holdout.
        nights: Training window, `first..last`, and `holdout` within it.
        window: Fingerprint of the window's files.
        code: Digest of the code that trained.
        parameters: Knobs of `fit`, and what else the training depended on.
        model_digest: Digest of the model's files.
        run_id: Of the MLflow run.
        url: Page of the run, or empty.
        card: Path of the model card below the reports folder; None if there is none.
        pictures: Folder with the training's pictures below the reports folder; None if there is none.
        scored: Nights; None if it scored none.
        keys: By step (`train`, `evaluate`, `register`, `promote`): the key's digest.
        checks: What the suites said of the window's rows and labels.
        calibration: `[predicted, observed, rows]` of groups of holdout rows by their prediction; empty where that means
            nothing, and for models that were trained before it was kept.
        importance: By feature: its share in what the model learned, the largest first; empty where the model cannot say.
        drift: By feature: how far the holdout lies from what was trained on, as a population stability index, the furthest first.
    """

    version: str
    as_of: str
    registered_at: str
    role: str | None
    opened: bool | None
    reasons: tuple[str, ...]
    metrics: Mapping[str, float]
    baseline: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]]
    slices: Mapping[str, Mapping[str, float]]
    difference: Mapping[str, Any] | None
    against: str | None
    against_metrics: Mapping[str, float]
    rows: Mapping[str, int]
    nights: Mapping[str, str]
    window: str
    code: str
    parameters: Mapping[str, Any]
    model_digest: str
    run_id: str
    url: str
    card: str | None
    pictures: str | None
    scored: Scored | None
    keys: Mapping[str, str]
    checks: tuple[WindowCheck, ...] = ()
    calibration: Sequence[Sequence[float]] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    drift: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ChampionMove:
    """One change of the champion.

    Attributes:
        at: When.
        action: `gate`, `promote` (by hand) or `roll back`.
        moved_from, moved_to: Versions; `moved_from` is None for the first champion.
        actor: Who asked; empty where the ledger does not know.
        reason: Why.
        key: Of the move.
    """

    at: str
    action: Action
    moved_from: str | None
    moved_to: str
    actor: str
    reason: str
    key: str


@dataclass(frozen=True)
class ModelView:
    """A pipeline's model.

    Attributes:
        pipeline, question: Whose.
        champion, previous, challenger: Versions, as the ledger remembers them; None if there is none.
        versions: Newest first.
        moves: Every change of the champion, newest first.
        metric: What the gate asks; None where the declaration cannot be read.
        threshold: The least good value that the gate accepts.
    """

    pipeline: str
    question: str
    champion: str | None
    previous: str | None
    challenger: str | None
    versions: tuple[VersionView, ...]
    moves: tuple[ChampionMove, ...]
    metric: str | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class ModelLine:
    """A pipeline's model in one line.

    Attributes:
        pipeline: Whose.
        question: What it answers.
        champion: Version that scores, None before the first one.
        previous: Version to fall back to.
        challenger: A newer version that was not promoted.
        since: When the champion became it.
        as_of: Night that the champion was trained as of.
        metric: What the gate asks; None where the declaration cannot be read.
        value: What the champion reached on its holdout.
        versions: How many are registered.
    """

    pipeline: str
    question: str
    champion: str | None
    previous: str | None
    challenger: str | None
    since: str | None
    as_of: str | None
    metric: str | None
    value: float | None
    versions: int


@dataclass(frozen=True)
class Roles:
    """Who plays which part, as the ledger remembers it; `since` is when the champion became it."""

    champion: str | None = None
    previous: str | None = None
    challenger: str | None = None
    since: float | None = None


def roles_of(registered: Sequence[str], moves: Sequence[tuple[float, str | None, str]]) -> Roles:
    """Return who is champion, previous and challenger.

    Args:
        registered: Versions.
        moves: Every change of the champion, oldest first: when, from, to.
    """
    since, previous, champion = moves[-1] if moves else (None, None, None)
    newest = max(registered, key=int, default=None)
    once = {to for _, _, to in moves}  # one that was champion before is no challenger, however new it is
    challenger = newest if newest is not None and newest not in once else None
    return Roles(champion, previous, challenger, since)


def champion_moves(entries: Iterable[Entry]) -> list[ChampionMove]:
    """Return every change of the champion, oldest first.

    Args:
        entries: Keys of the steps `promote` and `move`.
    """
    moves = []
    for entry in sorted(entries, key=lambda entry: entry.finished_at or 0.0):  # two may be of the same second
        result = entry.result or {}
        if entry.state != "done" or not (entry.step == "move" or result.get("promoted")):
            continue
        moves.append(
            ChampionMove(
                iso(entry.finished_at or 0.0),
                result.get("action", "gate"),
                result.get("replaced"),
                result["version"],
                result.get("actor", ""),
                result.get("reason") or "; ".join(result.get("reasons", ())),
                entry.key,
            )
        )
    return moves


def model_view(
    pipeline: str,
    question: str,
    entries: Sequence[Entry],
    scored: Mapping[str, Scored],
    files: Mapping[str, Mapping[str, str | None]],
    gate: tuple[str, float] | None = None,
) -> ModelView:
    """Return a pipeline's model.

    Args:
        pipeline: Whose.
        question: What it answers.
        entries: Keys of its training steps and of `move`.
        scored: By version: the nights that it scored.
        files: By key of a training: `card` and `pictures`; by key of the checks of its window: `rows` and `labels`; paths
            below the reports folder.
        gate: Metric and threshold of the declaration.
    """
    done = [entry for entry in entries if entry.state == "done" and entry.result]
    moves = champion_moves(done)
    trained = {entry.key: entry for entry in done if entry.step == "train"}
    registered = sorted(
        (entry for entry in done if entry.step == "register"), key=lambda entry: int((entry.result or {})["version"])
    )
    parts = roles_of(
        [(entry.result or {})["version"] for entry in registered],
        [(0.0, move.moved_from, move.moved_to) for move in moves],
    )
    roles = {parts.challenger: "challenger", parts.previous: "previous", parts.champion: "champion"}
    versions = [
        _version(entry, trained[entry.identity["inputs"]["trained"]], done, roles, scored, files)
        for entry in registered
        if entry.identity["inputs"]["trained"] in trained
    ]
    metric, threshold = gate or (None, None)
    return ModelView(
        pipeline,
        question,
        parts.champion,
        parts.previous,
        parts.challenger,
        tuple(reversed(versions)),
        tuple(reversed(moves)),
        metric,
        threshold,
    )


def _version(
    registered: Entry,
    trained: Entry,
    done: Sequence[Entry],
    roles: Mapping[str | None, str],
    scored: Mapping[str, Scored],
    files: Mapping[str, Mapping[str, str | None]],
) -> VersionView:
    made, training = registered.result or {}, trained.result or {}
    judged = _last(entry for entry in done if entry.step == "evaluate" and _from(entry, trained))
    promoted = _last(
        entry for entry in done if entry.step == "promote" and entry.identity["inputs"]["version"] == made["version"]
    )
    checked = _last(
        entry for entry in done if entry.step == "validate_training" and entry.partition == registered.partition
    )
    verdict = (judged.result or {}) if judged else {}
    window = (checked.result or {}) if checked else {}
    keys = {"train": trained, "evaluate": judged, "register": registered, "promote": promoted}
    said = (promoted.result or {}) if promoted else {}
    return VersionView(
        version=made["version"],
        as_of=made["as_of"],
        registered_at=iso(registered.finished_at or 0.0),
        role=roles.get(made["version"]),
        opened=verdict.get("opened"),
        reasons=tuple(said.get("reasons") or verdict.get("reasons", ())),
        metrics=training.get("metrics", {}),
        baseline=training.get("baseline", {}),
        intervals=training.get("intervals") or {},
        slices=training.get("slices") or {},
        difference=verdict.get("difference"),
        against=verdict.get("champion_version"),
        against_metrics=verdict.get("champion_metrics") or {},
        rows=training.get("rows", {}),
        nights={name: window[name] for name in ("nights", "holdout") if name in window},
        window=str(trained.identity["inputs"].get("window", "")),
        code=str(trained.identity.get("code", "")),
        parameters=trained.identity.get("parameters", {}),
        model_digest=made["model_digest"],
        run_id=made["run_id"],
        url=training.get("url", ""),
        card=files.get(trained.key, {}).get("card"),
        pictures=files.get(trained.key, {}).get("pictures"),
        scored=scored.get(made["version"]),
        keys={step: entry.key for step, entry in keys.items() if entry},
        checks=_window_checks(window, files.get(checked.key, {}) if checked else {}),
        calibration=training.get("calibration") or (),
        importance=training.get("importance") or {},
        drift=training.get("drift") or {},
    )


def _window_checks(window: Mapping[str, Any], reports: Mapping[str, str | None]) -> tuple[WindowCheck, ...]:
    return tuple(
        WindowCheck(
            of,
            summary["suite"],
            summary["status"],
            summary["rows"],
            summary["refused"],
            summary["expectations"],
            sum(summary["failed_by_severity"].values()),
            reports.get(of),
        )
        for of, summary in window.get("summaries", {}).items()
    )


def _from(entry: Entry, trained: Entry) -> bool:
    return bool(entry.identity["inputs"]["trained"] == trained.key)


def _last(entries: Iterable[Entry]) -> Entry | None:
    return max(entries, key=lambda entry: entry.finished_at or 0.0, default=None)
