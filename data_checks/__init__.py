"""Checks on the rows of a night: suites of expectations, what they found, and drift against the training data.

    from data_checks import SuiteContext, run_suite

    result = run_suite("flights_rows", frame, SuiteContext("2013-11-19", nights=1, id_columns=("flight_id",)))
    result.status             # "passed", "warned" or "failed"
    result.refused            # rows for quarantine, each with its reasons

The only package that imports great_expectations, and only when a suite runs.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from data_checks.context import SuiteContext
from data_checks.drift import drift, population_stability_index
from data_checks.errors import (
    DataCheckError,
    PartitionMistake,
    ProfileMistake,
    RowsDamaged,
    SuiteMistake,
    UnknownSuite,
)
from data_checks.files.rows import ParquetRows
from data_checks.profile import build_profile
from data_checks.results import CheckResult, Outcome
from data_checks.suites import SUITES, suite_names

if TYPE_CHECKING:
    import pandas

    from data_checks.files.view import View

__all__ = [
    "SUITES",
    "CheckResult",
    "DataCheckError",
    "Outcome",
    "ParquetRows",
    "PartitionMistake",
    "ProfileMistake",
    "RowsDamaged",
    "SuiteContext",
    "SuiteMistake",
    "UnknownSuite",
    "build_profile",
    "drift",
    "open_rows",
    "population_stability_index",
    "run_suite",
    "suite_names",
]

# Great Expectations tells at level INFO how it builds itself, some hundred lines at each import.
logging.getLogger("great_expectations").setLevel(logging.WARNING)


def run_suite(name: str, rows: pandas.DataFrame | ParquetRows | View, context: SuiteContext) -> CheckResult:
    """Judge `rows` by the suite `name`.

    Args:
        name: One of `suite_names()`.
        rows: A frame, whose index and order do not matter and which is not changed, or Parquet files, which DuckDB
            counts without reading them into memory. Both give the same answers.
        context: What the suite needs to know beside the rows.

    Raises:
        RowsDamaged: A file cannot be read.
        UnknownSuite: No suite has that name.
        SuiteMistake: The suite's file declares something that cannot be checked.
        PartitionMistake: The context's partition key is malformed.
    """
    from data_checks.suites import module_of

    module = module_of(name)
    from data_checks.runner import run  # here, because it imports great_expectations: 7 s of CPU

    return run(name, module, rows, context)


def open_rows(rows: ParquetRows) -> View:
    """Files for a `with` block, to be asked several times: by `run_suite`, by `drift`, and for rows `at` positions.

    Raises:
        RowsDamaged: On entering: a file cannot be read.
    """
    from data_checks.files.view import View

    return View(rows)
