"""Planted faults: what is done to a clean frame, and which sentences of the suite must then fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from data_checks import CheckResult


@dataclass(frozen=True)
class Fault:
    """A change to a clean frame, the expectations it must break, and what the night's status becomes."""

    name: str
    plant: Callable[[pd.DataFrame], pd.DataFrame]
    breaks: tuple[str, ...]
    status: str = "failed"

    def __str__(self) -> str:
        return self.name


def put(column, value, where=0):
    """A fault that writes `value` into one row, several rows, or (slice(None)) the whole column."""

    def plant(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame.iloc[where, frame.columns.get_loc(column)] = np.nan if value is None else value
        return frame

    return plant


def every(*faults):
    """Several changes, one after the other."""

    def plant(frame: pd.DataFrame) -> pd.DataFrame:
        for fault in faults:
            frame = fault(frame)
        return frame

    return plant


def assert_found(result: CheckResult, fault: Fault) -> None:
    """Every sentence that the fault breaks failed because of the data, and the status follows."""
    outcomes = {outcome.description: outcome for outcome in result.outcomes}
    missed = [says for says in fault.breaks if outcomes[says].passed]
    assert not missed
    assert not [says for says in fault.breaks if outcomes[says].raised]
    assert result.status == fault.status
