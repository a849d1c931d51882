"""Great Expectations' answers in our words: an `Outcome` each, and the rows that were refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_checks.declare import severity_of
from data_checks.results import Outcome, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy
    import pandas
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

_EXAMPLES = 5
_MISSING = ("nan", "None", "NaT", "<NA>")
_EXAMPLE_CHARACTERS = 80
_OBSERVED_CHARACTERS = 600


def outcome_of(expectation: Expectation, answer: ExpectationValidationResult) -> Outcome:
    """The outcome of an expectation that Great Expectations answered."""
    error = raised_message(answer.exception_info or {})
    if error is not None:
        return raised_outcome(expectation, error)
    result: Mapping[str, Any] = answer.result or {}
    passed = bool(answer.success)
    severity = severity_of(expectation)
    if severity == "quarantine" and not passed and not result.get("unexpected_index_list"):
        # Rows that fail but cannot be named cannot be refused: letting them through would be silent.
        return raised_outcome(expectation, "It failed without saying which rows, so none could be refused.")
    return Outcome(
        name=expectation.expectation_type,
        column=columns_of(expectation),
        severity=severity,
        passed=passed,
        description=str(expectation.description),
        observed=shortened(observation(result), _OBSERVED_CHARACTERS),
        unexpected_count=int(result.get("unexpected_count") or 0),
        examples=examples_in(result),
    )


def raised_outcome(expectation: Expectation, message: str) -> Outcome:
    """The critical outcome of an expectation that could not be evaluated."""
    return Outcome(
        name=expectation.expectation_type,
        column=columns_of(expectation),
        severity="critical",
        passed=False,
        description=str(expectation.description),
        observed=shortened(f"could not be evaluated: {message}", _OBSERVED_CHARACTERS),
        raised=True,
    )


def raised_message(exception_info: Mapping[str, Any]) -> str | None:
    """The first error in an `exception_info`, None when nothing was raised.

    Great Expectations writes either one error, or one per metric that could not be computed.
    """
    infos = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    return next((str(info["exception_message"]) for info in infos if info["raised_exception"]), None)


def columns_of(expectation: Expectation) -> str | None:
    """Column or columns an expectation looks at, None for the whole table."""
    return ", ".join(column_names(expectation)) or None


def column_names(expectation: Expectation) -> list[str]:
    """The columns an expectation looks at, none for the whole table."""
    keys = [key for key in ("column", "column_A", "column_B") if key in expectation.domain_keys]
    names = [str(getattr(expectation, key)) for key in keys]
    if "column_list" in expectation.domain_keys:
        names.extend(map(str, getattr(expectation, "column_list", ())))
    return names


def may_tell(expectation: Expectation, outcome: Outcome, sensitive: frozenset[str]) -> bool:
    """Whether an outcome may hold values of sensitive columns.

    What a library says when it fails may quote any value that it met: there it must be known that it met no other columns.
    """
    columns = column_names(expectation)
    if not sensitive.isdisjoint(columns):
        return True
    met_others = not columns or getattr(expectation, "row_condition", None) is not None
    return bool(sensitive) and outcome.raised and met_others


def observation(result: Mapping[str, Any]) -> str:
    """What was found, in words."""
    if "unexpected_count" in result:
        return f"{result['unexpected_count']} of {result.get('element_count', 0)} rows"
    mismatched = (result.get("details") or {}).get("mismatched")
    if mismatched:
        return "; ".join(f"{what}: {', '.join(map(str, columns))}" for what, columns in mismatched.items())
    return readable(result.get("observed_value"))


def readable(value: object) -> str:
    """A value as people write it: floats with six digits, missing as "nothing measurable"."""
    if value is None:
        return "nothing measurable (no values, or values that the expectation gives no chance at all)"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def examples_in(result: Mapping[str, Any]) -> tuple[str, ...]:
    """At most five different failing values as text; missing values exemplify nothing and are left out."""
    texts = dict.fromkeys(_example(value) for value in result.get("partial_unexpected_list") or ())
    return tuple(shortened(text, _EXAMPLE_CHARACTERS) for text in texts if text not in _MISSING)[:_EXAMPLES]


def _example(value: object) -> str:
    return " / ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def reasons_by_row(
    refusals: Sequence[tuple[str, numpy.ndarray[Any, Any]]],
) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """The positions of all refused rows, and the reasons of each as one text.

    Args:
        refusals: A reason and the positions it holds for (int64), in the order in which reasons are written.

    Returns:
        Sorted positions (int64) and texts (object), both of shape (refused rows,).
    """
    import numpy as np

    told = [(reason, failing) for reason, failing in refusals if len(failing)]
    if not told:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=object)
    positions = np.unique(np.concatenate([failing for _, failing in told]))
    holds = np.zeros((len(positions), len(told)), dtype=bool)
    for place, (_, failing) in enumerate(told):
        holds[np.searchsorted(positions, failing), place] = True
    # Few combinations of reasons occur, however many rows are refused.
    marks = np.packbits(holds, axis=1)
    _, first, combination = np.unique(marks, axis=0, return_index=True, return_inverse=True)
    texts = ["; ".join(told[place][0] for place in np.flatnonzero(holds[row])) for row in first]
    return positions, np.array(texts, dtype=object)[combination.reshape(-1)]


def refused_rows(ids: pandas.DataFrame, reasons: numpy.ndarray[Any, Any]) -> pandas.DataFrame:
    """Id columns and reasons of each refused row, with a fresh index."""
    return ids.reset_index(drop=True).assign(reasons=reasons).astype({"reasons": "str"})
