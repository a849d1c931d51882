"""Great Expectations' answers in our words: an `Outcome` each, and the rows that were refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_checks.declare import severity_of
from data_checks.results import Outcome, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
    keys = [key for key in ("column", "column_A", "column_B") if key in expectation.domain_keys]
    names = [str(getattr(expectation, key)) for key in keys]
    if "column_list" in expectation.domain_keys:
        names.extend(map(str, getattr(expectation, "column_list", ())))
    return ", ".join(names) or None


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


def refused_rows(
    frame: pandas.DataFrame, id_columns: Sequence[str], refusals: Iterable[tuple[str, Sequence[int]]]
) -> tuple[pandas.DataFrame, numpy.ndarray[Any, Any]]:
    """Id columns and reasons of each refused row, and the rows' positions.

    Args:
        frame: The rows that were checked.
        id_columns: Columns that name a row; those the frame lacks are left out.
        refusals: A reason and the positions it holds for, in the order in which reasons are written.

    Returns:
        One line per refused row in row order, with a fresh index, and the sorted positions (int64).
    """
    import numpy as np

    reasons: dict[int, list[str]] = {}
    for reason, failing in refusals:
        for position in failing:
            reasons.setdefault(int(position), []).append(reason)
    positions = np.array(sorted(reasons), dtype=np.int64)
    refused = frame[[column for column in id_columns if column in frame.columns]].iloc[positions]
    refused = refused.reset_index(drop=True)
    texts = ["; ".join(reasons[int(position)]) for position in positions]
    return refused.assign(reasons=np.array(texts, dtype=object)).astype({"reasons": "str"}), positions
