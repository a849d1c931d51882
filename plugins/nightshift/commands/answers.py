"""What commands print with `--json`: by command, the type of its answer. docs/schemas is made from it, see docs/json.md.

Most answers are the values that the command shows. Those that come from a step's recorded result are declared here. Only
documentation and tests import this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from model_registry.logins import SettledLogin
from nightshift.alerts.checking import Checked
from nightshift.backup.prune import Pruned
from nightshift.backup.restore import Restored
from nightshift.backup.verify import Verified
from nightshift.commands.failure import Told
from nightshift.commands.open import Opened
from nightshift.commands.pipelines import ListedPipeline
from nightshift.commands.promises import ListedPromise, Synced
from nightshift.commands.quarantine import RefusedAnswer
from nightshift.commands.shapes import (
    AccuracyAnswer,
    BackupAnswer,
    CostAnswer,
    DeliveredAnswer,
    ListedIncident,
    LiveAnswer,
    NewPipeline,
    ReadinessAnswer,
    ShownIncident,
    ShownKey,
)
from nightshift.doctor.values import Finding
from nightshift.drill.course import Result
from nightshift.hardening.values import Examined
from nightshift.roles.fab import Change
from nightshift.secrets.planning import SecretProblem
from nightshift.stack.status import ProcessStatus
from pipelines.engine.ledger.revisions import Way
from pipelines.engine.ledger.values import Entry
from pipelines.engine.promises.verdicts import Verdict
from pipelines.engine.views.explanation import Explanation
from pipelines.engine.views.models import ModelLine, ModelView
from pipelines.engine.views.night import NightView
from pipelines.engine.views.strip import Cell, Strip


@dataclass(frozen=True)
class FailedExpectation:
    """An expectation that was not met; `observed` says what was found instead."""

    expectation: str
    column: str | None
    severity: str
    observed: str


@dataclass(frozen=True)
class Summary:
    """What a suite said.

    Attributes:
        suite: Its name.
        status: `passed`, `warned` or `failed`.
        rows: How many were checked.
        refused: How many of them go to quarantine.
        expectations: How many there are.
        failed_by_severity: How many were not met: `critical`, `quarantine`, `warning`.
        failed: Those, the most severe first.
        failed_not_shown: How many more there are.
    """

    suite: str
    status: Literal["passed", "warned", "failed"]
    rows: int
    refused: int
    expectations: int
    failed_by_severity: Mapping[str, int]
    failed: tuple[FailedExpectation, ...]
    failed_not_shown: int


@dataclass(frozen=True)
class CheckedNight:
    """What `nightshift check` found in one night.

    Attributes:
        night: Which.
        rows_in: Rows delivered.
        refused: How many of them go to quarantine.
        quarantine: File of the refused rows; None without any.
        quarantine_sha256: Digest of that file.
        fingerprint: Of the delivered files.
        report: HTML file.
        summary: What the suite said.
        drift: Features furthest from the training's: population stability index by name.
        key: Of the look, in the ledger.
    """

    night: str
    rows_in: int
    refused: int
    quarantine: str | None
    quarantine_sha256: str | None
    fingerprint: str
    report: str
    summary: Summary
    drift: Mapping[str, float]
    key: str


@dataclass(frozen=True)
class ScoredNight:
    """What `nightshift score` published of one night.

    Attributes:
        night: Which.
        rows_in: Rows delivered: scored and refused ones together.
        rows_scored: In the table.
        rows_quarantined: Refused.
        model_version: That scored.
        delta_version: Version of the table that the publication made.
        planned_at: When the model was chosen, in seconds since 1970.
        score_mean: Mean score.
        histogram: Rows by score.
        report: HTML file of the checks.
        quarantine: File of the refused rows; None without any.
        warnings: Of monitoring, in words.
        key: Of the publication, in the ledger.
    """

    night: str
    rows_in: int
    rows_scored: int
    rows_quarantined: int
    model_version: str
    delta_version: int
    planned_at: float
    score_mean: float | None
    histogram: tuple[int, ...]
    report: str
    quarantine: str | None
    warnings: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class TrainedModel:
    """What `nightshift train` made.

    Attributes:
        as_of: Trained on what was known when this night began.
        version: Its number.
        promoted: Whether it is champion now.
        reasons: The gate's verdict, in sentences.
        replaced: The champion before; None for the first one.
        metrics: On the holdout, of the model.
        baseline: Likewise, of the base rate.
        rows: For training and holdout.
        url: Page of the MLflow run, or empty.
        report: Folder of the training's pictures.
        search: The best trial, if the pipeline declares a search.
        keys_claimed: 0 if everything had been done before.
        key: Of the promotion, in the ledger.
    """

    as_of: str
    version: str
    promoted: bool
    reasons: tuple[str, ...]
    replaced: str | None
    metrics: Mapping[str, float]
    baseline: Mapping[str, float]
    rows: Mapping[str, int]
    url: str
    report: str
    search: Mapping[str, Any] | None
    keys_claimed: int
    key: str


@dataclass(frozen=True)
class FinishedTrial:
    """One trial of a search.

    Attributes:
        number: From 0.
        state: `complete`, `pruned` or `failed`.
        params: Knobs of `fit`.
        value: The metric; None if it came to none.
        intermediate: The metric after each fold.
        words: Why it failed, or was given up.
    """

    number: int
    state: str
    params: Mapping[str, Any]
    value: float | None
    intermediate: tuple[float | None, ...]
    words: str | None


@dataclass(frozen=True)
class Searched:
    """What `nightshift search` found: the best trial, and all of them in order.

    Attributes:
        as_of: Learned from what was known when this night began.
        number: Of the best trial.
        params: Its knobs.
        value: Its metric.
        metric: Which that is.
        counts: How many trials are `complete`, `pruned` and `failed`.
        trials: All of them.
        key: Of the choice, in the ledger.
    """

    as_of: str
    number: int
    params: Mapping[str, Any]
    value: float
    metric: str
    counts: Mapping[str, int]
    trials: tuple[FinishedTrial, ...]
    key: str


@dataclass(frozen=True)
class MovedChampion:
    """What `nightshift rollback` and `promote` did.

    Attributes:
        version: The champion now.
        replaced: The champion before; None for the first one.
        action: `roll back` or `promote`.
        actor: Who asked.
        reason: Why.
        key: Of the move, in the ledger.
    """

    version: str
    replaced: str | None
    action: str
    actor: str
    reason: str
    key: str


@dataclass(frozen=True)
class Rubbish:
    """What nobody needs any more, of one kind, owner and reason; `oldest` is when the oldest was last used."""

    kind: str
    what: str
    count: int
    bytes: int
    reason: str
    oldest: str | None


@dataclass(frozen=True)
class Tidied:
    """What `nightshift tidy` found, or removed.

    Attributes:
        dry_run: Whether nothing was removed.
        retention_days: What is younger was kept.
        at: When it looked.
        bytes: In all.
        found: By kind, owner and reason.
        notes: In words.
    """

    dry_run: bool
    retention_days: float
    at: str
    bytes: int
    found: tuple[Rubbish, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Drilled:
    """What `nightshift drill` saw, fault by fault."""

    faults: tuple[Result, ...]


ANSWERS: Mapping[str, Any] = {
    "error": Told,
    "status": tuple[Strip, ...],
    "status PIPELINE": tuple[Cell, ...],
    "night": tuple[NightView, ...],
    "quarantine": RefusedAnswer,
    "models": tuple[ModelLine, ...],
    "models PIPELINE": ModelView,
    "rollback": MovedChampion,
    "promote": MovedChampion,
    "explain": Explanation,
    "cost": CostAnswer,
    "open": Opened,
    "incidents": tuple[ListedIncident, ...],
    "incidents show": ShownIncident,
    "keys list": tuple[Entry, ...],
    "keys show": ShownKey,
    "promises list": tuple[ListedPromise, ...],
    "promises sync": Synced,
    "promises report": AccuracyAnswer,
    "pipelines": tuple[ListedPipeline, ...],
    "data": DeliveredAnswer,
    "check": tuple[CheckedNight, ...],
    "search": Searched,
    "train": TrainedModel,
    "score": tuple[ScoredNight, ...],
    "alerts check": tuple[Checked, ...],
    "watch --once": tuple[Verdict, ...],
    "live status": LiveAnswer,
    "stack status": tuple[ProcessStatus, ...],
    "doctor": tuple[Finding, ...],
    "doctor --production": tuple[Examined, ...],
    "new": NewPipeline,
    "check-pipeline": ReadinessAnswer,
    "secrets check": tuple[SecretProblem, ...],
    "tidy": Tidied,
    "drill": Drilled,
    "migrate": Way,
    "backup create": BackupAnswer,
    "backup list": tuple[BackupAnswer, ...],
    "backup verify": Verified,
    "backup restore": Restored,
    "backup prune": Pruned,
    "roles sync": tuple[Change, ...],
    "roles mlflow": tuple[SettledLogin, ...],
}
"""By command; where a command answers with another type if it is given a pipeline, twice."""
