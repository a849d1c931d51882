"""What a hyper-parameter search is: which knobs of `fit` to turn, how far, how often. Declared, and right when it can be imported."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pipelines.engine.errors import nearest

MOST_TRIALS = 1000


@dataclass(frozen=True)
class IntRange:
    """Whole numbers.

    Attributes:
        low: The smallest.
        high: The largest.
        step: Only every so many, from `low` on.
        log: Look as closely between 10 and 20 as between 100 and 200.
    """

    low: int
    high: int
    step: int = 1
    log: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a task key."""
        return {"kind": "int", "low": self.low, "high": self.high, "step": self.step, "log": self.log}

    def mistakes(self, knob: str, default: object) -> Iterator[str]:
        """Say what is wrong with it as the range of a knob with this default."""
        if not all(_is_int(value) for value in (self.low, self.high, self.step)):
            yield f"{self}: expected whole numbers; for others there is FloatRange"
            return
        yield from _range_mistakes(self, self.low, self.high, log_from=1, log=self.log)
        if self.step < 1 or (self.log and self.step != 1):
            yield f"{self}: the step is {self.step}; expected at least 1, and nothing else with log"
        elif not _is_int(default):
            yield f"{self}, and fit has {knob}={default!r}, {_kind(default)}; expected a whole number as its default"
        elif not self.low <= default <= self.high or (default - self.low) % self.step:  # type: ignore[operator]
            yield f"{self} leaves out fit's {knob}={default!r}, which is the first trial; widen it, or move the default"


@dataclass(frozen=True)
class FloatRange:
    """Numbers.

    Attributes:
        low: The smallest.
        high: The largest.
        log: Look as closely between 0.01 and 0.02 as between 0.1 and 0.2.
    """

    low: float
    high: float
    log: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a task key."""
        return {"kind": "float", "low": float(self.low), "high": float(self.high), "log": self.log}

    def mistakes(self, knob: str, default: object) -> Iterator[str]:
        """Say what is wrong with it as the range of a knob with this default."""
        if not all(_is_number(value) for value in (self.low, self.high)):
            yield f"{self}: expected finite numbers"
            return
        yield from _range_mistakes(self, self.low, self.high, log_from=0, log=self.log)
        if not isinstance(default, float):
            instead = "; for whole numbers there is IntRange" if _is_int(default) else ""
            yield f"{self}, and fit has {knob}={default!r}, {_kind(default)}; expected a number with a point as its default{instead}"
        elif not self.low <= default <= self.high:
            yield f"{self} leaves out fit's {knob}={default!r}, which is the first trial; widen it, or move the default"


@dataclass(frozen=True, init=False)
class Choice:
    """One of some values: texts, numbers, True and False, None."""

    options: tuple[Any, ...]

    def __init__(self, *options: Any) -> None:
        object.__setattr__(self, "options", options)

    def __repr__(self) -> str:
        return f"Choice({', '.join(map(repr, self.options))})"

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a task key."""
        return {"kind": "choice", "options": list(self.options)}

    def mistakes(self, knob: str, default: object) -> Iterator[str]:
        """Say what is wrong with it as the choice for a knob with this default."""
        options = [(type(option), option) for option in self.options if _is_plain(option)]
        if len(options) < len(self.options):
            yield f"{self}: expected texts, finite numbers, True, False or None"
            return
        if len(set(options)) < max(2, len(options)):
            yield f"{self}: expected two different values or more, each of them once"
        if (type(default), default) not in options:
            yield f"{self} leaves out fit's {knob}={default!r}, which is the first trial; add it, or move the default"
        elif default is not None:
            odd = [option for kind, option in options if option is not None and kind is not type(default)]
            if odd:
                yield f"{self} has {odd[0]!r}, {_kind(odd[0])}, and fit has {knob}={default!r}, {_kind(default)}"


Range = IntRange | FloatRange | Choice


@dataclass(frozen=True, kw_only=True)
class Search:
    """How the knobs of a `fit` are searched before each training. Trial 0 is what `fit` declares.

    Attributes:
        space: Name of a knob to what it may be. The other knobs keep their defaults.
        trials: How many are tried. More of them later go on where the search stopped.
        folds: Each trial is measured so often, walking forward through the nights before the holdout.
        seed: Another one draws other trials.
        startup: So many trials are drawn at random before the sampler learns from them, and must be complete before one is pruned.
        prune: Give a trial up when, after a fold, it is worse than the median of the others.
        parallel: In Airflow, at most so many trials run at once.
    """

    space: Mapping[str, Range]
    trials: int = 20
    folds: int = 3
    seed: int = 7
    startup: int = 8
    prune: bool = True
    parallel: int = 4

    def __post_init__(self) -> None:
        if isinstance(self.space, Mapping):
            object.__setattr__(self, "space", MappingProxyType(dict(self.space)))

    def to_json(self) -> dict[str, Any]:
        """Return what makes a trial the trial that it is; not how many there are, or how many run at once."""
        return {
            "space": {name: self.space[name].to_json() for name in sorted(self.space)},
            "folds": self.folds,
            "seed": self.seed,
            "startup": self.startup,
            "prune": self.prune,
        }


def search_mistakes(search: object, knobs: Mapping[str, Any], older_nights: int) -> Iterator[str]:
    """Say everything that is wrong with a declared search.

    Args:
        search: What was declared; None for no search.
        knobs: Name and default of each knob of `fit`.
        older_nights: Nights of the window before the holdout.
    """
    if search is None:
        return
    if not isinstance(search, Search):
        yield f"search is {search!r}; expected Search(space={{...}}, ...), or None for no search"
        return
    yield from _number_mistakes(search)
    if _is_int(search.folds) and search.folds >= older_nights > 0:
        yield (
            f"search.folds is {search.folds}, and the window has {older_nights} nights before the holdout; "
            "each fold needs a night of its own, and the first one a night to learn from"
        )
    if not isinstance(search.space, Mapping) or not search.space:
        yield f"search.space is {search.space!r}; expected at least one knob of fit with its range"
        return
    for name, searched in search.space.items():
        if name not in knobs:
            there = f"; it has {', '.join(knobs)}" if knobs else " and fit has none"
            yield f"search.space has {name!r}, which is no knob of fit{there}.{nearest(str(name), knobs)}"
        elif not isinstance(searched, IntRange | FloatRange | Choice):
            yield f"search.space[{name!r}] is {searched!r}; expected IntRange(...), FloatRange(...) or Choice(...)"
        else:
            yield from (f"search.space[{name!r}] is {mistake}" for mistake in searched.mistakes(name, knobs[name]))


def _number_mistakes(search: Search) -> Iterator[str]:
    for name, least in (("trials", 1), ("folds", 1), ("seed", 0), ("startup", 1), ("parallel", 1)):
        value = getattr(search, name)
        if not _is_int(value) or value < least:
            yield f"search.{name} is {value!r}; expected a whole number from {least} on"
        elif name == "trials" and value > MOST_TRIALS:
            yield f"search.trials is {value}; expected at most {MOST_TRIALS}, as Airflow maps a task over no more"
    if not isinstance(search.prune, bool):
        yield f"search.prune is {search.prune!r}; expected True or False"


def _range_mistakes(searched: Range, low: float, high: float, *, log_from: int, log: bool) -> Iterator[str]:
    if low >= high:
        yield f"{searched}: expected low < high"
    if log and (low < log_from or low <= 0):
        yield f"{searched}: a log range begins above 0, not at {low}"


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_int(value) or (isinstance(value, float) and math.isfinite(value))


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | bool) or _is_number(value)


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    words = {bool: "true or false", int: "a whole number", float: "a number with a point", str: "a text"}
    return words.get(type(value), f"a {type(value).__name__}")
