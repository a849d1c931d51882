"""The rules of a search: which nights a trial learns from and is measured on, what is tried next, what is given up, what is best.

Optuna samples and prunes, in a study that is made anew in memory for every question, out of the trials that the ledger
knows. So there is no second database, and the same trials known give the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, cast

from pipelines.engine.errors import FitFailed
from pipelines.engine.keys import digest_of
from pipelines.engine.metrics import METRICS
from pipelines.engine.search import Choice, FloatRange, IntRange, Range, Search

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Fold:
    """Nights by their place, oldest first: learn from those before `first`, measure on those from it to before `end`."""

    first: int
    end: int


@dataclass(frozen=True)
class Trial:
    """What came out of one trial.

    Attributes:
        number: From 0; trial 0 is what `fit` declares.
        state: Complete, given up after a fold (pruned), or its `fit` failed.
        params: The knobs that were searched.
        value: The mean of the metric over all folds; None unless complete.
        intermediate: After each fold, the mean so far.
        words: Why it failed; empty if it did not.
    """

    number: int
    state: State
    params: Mapping[str, Any]
    value: float | None
    intermediate: tuple[float, ...]
    words: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the ledger."""
        return {
            "number": self.number,
            "state": self.state,
            "params": dict(self.params),
            "value": self.value,
            "intermediate": list(self.intermediate),
            "words": self.words,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Trial:
        """Read what `to_json` wrote; other names in it are left alone."""
        return cls(
            value["number"],
            cast("State", value["state"]),
            dict(value["params"]),
            value["value"],
            tuple(value["intermediate"]),
            value["words"],
        )


def folds_of(nights: int, folds: int) -> list[Fold]:
    """Cut nights for walking forward: so many folds after a first part that is only learned from, all about as long.

    Args:
        nights: How many there are; more than `folds`.
        folds: How many to make.
    """
    edges = [nights * part // (folds + 1) for part in range(1, folds + 2)]
    return [Fold(first, end) for first, end in pairwise(edges)]


def ask(search: Search, knobs: Mapping[str, Any], metric: str, number: int, known: Sequence[Trial]) -> dict[str, Any]:
    """Return the knobs to try: those that `fit` declares at first, then what the sampler makes of what is known.

    The same number and the same known trials, in any order, give the same answer.
    """
    from optuna.samplers import TPESampler

    if number == 0:
        return {name: knobs[name] for name in search.space}
    seed = int(digest_of([search.seed, number])[:8], 16)
    study = _study(search, metric, known, sampler=TPESampler(seed=seed, n_startup_trials=search.startup))
    return dict(study.ask(fixed_distributions=_distributions(search)).params)


def is_hopeless(search: Search, metric: str, trial: Trial, known: Sequence[Trial]) -> bool:
    """Whether a running trial is, after its last fold, worse than the median of the complete ones after theirs."""
    from optuna.pruners import MedianPruner

    if not search.prune or not trial.intermediate:
        return False
    step = len(trial.intermediate) - 1
    # Optuna would hold a trial's best fold so far against the median at this one. Folds differ more than trials do, so
    # each trial is shown to it with this fold alone.
    others = [_only(step, other) for other in known if other.state == "complete"]
    study = _study(search, metric, others)
    return MedianPruner(n_startup_trials=search.startup).prune(study, _frozen(search, _only(step, trial), running=True))


def best_of(pipeline: str, metric: str, trials: Sequence[Trial]) -> Trial:
    """Return the best complete trial; of equal ones the first.

    Raises:
        FitFailed: There is none.
    """
    complete = [(trial.value, trial) for trial in trials if trial.state == "complete" and trial.value is not None]
    if not complete:
        first = min(trials, key=lambda trial: trial.number)
        raise FitFailed(
            f"all {len(trials)} trials of {pipeline} failed, so there is nothing to train with. "
            f"Trial {first.number} with {dict(first.params)}: {first.words}"
        )
    sign = -1.0 if METRICS[metric].higher_is_better else 1.0
    return min(complete, key=lambda found: (sign * found[0], found[1].number))[1]


def knowledge(known: Sequence[Trial]) -> dict[str, Any]:
    """Name what a trial knew when it was asked for: the numbers of the others, and a digest of what came out of them."""
    told = sorted((trial.to_json() for trial in known), key=lambda trial: cast("int", trial["number"]))
    return {"trials": [trial["number"] for trial in told], "digest": digest_of(told)}


def _study(search: Search, metric: str, known: Sequence[Trial], **parts: Any) -> Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would say a line for each study that is made
    study = optuna.create_study(direction="maximize" if METRICS[metric].higher_is_better else "minimize", **parts)
    for trial in sorted(known, key=lambda trial: trial.number):
        study.add_trial(_frozen(search, trial))
    return study


def _frozen(search: Search, trial: Trial, *, running: bool = False) -> FrozenTrial:
    from optuna.trial import TrialState, create_trial

    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    return create_trial(
        state=TrialState.RUNNING if running else states[trial.state],
        value=None if running else trial.value,
        params=dict(trial.params),
        distributions=_distributions(search),
        intermediate_values=dict(enumerate(trial.intermediate)),
    )


def _only(step: int, trial: Trial) -> Trial:
    """Return a trial as if nothing had been measured before a fold."""
    return Trial(trial.number, trial.state, trial.params, trial.value, trial.intermediate[step : step + 1])


def _distributions(search: Search) -> dict[str, BaseDistribution]:
    # In one order: the sampler draws one knob after the other.
    return {name: _distribution(search.space[name]) for name in sorted(search.space)}


def _distribution(searched: Range) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(searched, Choice):
        return CategoricalDistribution(searched.options)
    if isinstance(searched, FloatRange):
        return FloatDistribution(searched.low, searched.high, log=searched.log)
    assert isinstance(searched, IntRange)  # noqa: S101 - for the type checker
    return IntDistribution(searched.low, searched.high, log=searched.log, step=searched.step)
