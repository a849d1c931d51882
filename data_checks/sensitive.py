"""Values of columns that are declared sensitive: hidden before anybody keeps, logs or shows what a suite found.

Rows that fail are still counted, and refused ones are still named by their positions; what is hidden is what stands in them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas

    from data_checks.results import Outcome

HIDDEN = "(hidden)"
"""What stands in the place of a sensitive value, wherever one would be shown."""
NOT_SHOWN = "not shown: it could tell values of a sensitive column"


def hide_outcome(outcome: Outcome) -> Outcome:
    """Return an outcome without values; a number of failing rows is none."""
    counts_rows = outcome.observed.endswith(" rows") and not outcome.raised
    return replace(
        outcome,
        observed=outcome.observed if counts_rows else NOT_SHOWN,
        examples=(HIDDEN,) if outcome.examples else (),
    )


def hide_columns(frame: pandas.DataFrame, sensitive: Collection[str]) -> pandas.DataFrame:
    """Return a frame for people to see, without values of sensitive columns, missing ones included."""
    return frame.assign(**{column: HIDDEN for column in frame.columns if column in sensitive})


def neutral_rows(frame: pandas.DataFrame, sensitive: Collection[str]) -> pandas.DataFrame:
    """Return a frame of the same types whose sensitive columns say nothing: an example of rows for a program."""
    import pandas as pd

    said: dict[str, Any] = {}
    for column in frame.columns:
        if column in sensitive:
            nothing = 0 if pd.api.types.is_numeric_dtype(frame[column]) else HIDDEN
            said[column] = pd.Series(nothing, index=frame.index).astype(frame[column].dtype)
    return frame.assign(**said)
