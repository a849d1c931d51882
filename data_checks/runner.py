"""The one place that runs Great Expectations: a suite over a pandas frame or Parquet files, and its results in our words.

Imported by `run_suite` only: the import of great_expectations costs seconds.
"""

from __future__ import annotations

import importlib
import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import great_expectations as gx
import numpy as np
import pandas as pd
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.validator.validator import Validator

from data_checks.declare import severity_of
from data_checks.errors import SuiteMistake
from data_checks.files.engine import FailingRows, ParquetExecutionEngine
from data_checks.files.rows import ParquetRows
from data_checks.files.view import View, opened
from data_checks.outcomes import may_tell, outcome_of, raised_outcome, reasons_by_row, refused_rows
from data_checks.results import CheckResult, status_of
from data_checks.sensitive import hide_columns, hide_outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.data_context import AbstractDataContext
    from great_expectations.expectations.expectation import Expectation

    from data_checks.context import SuiteContext
    from data_checks.results import Outcome

    Answers = dict[int, "ExpectationValidationResult | Exception"]

# BASIC counts failing rows and shows some. COMPLETE lists the index of every one: only those that are refused need it.
# The queries that would find them again are of no use to us.
_RESULT_FORMAT: dict[str, Any] = {
    "result_format": "BASIC",
    "partial_unexpected_count": 20,
    "return_unexpected_index_query": False,
}
_NAMING_ROWS = _RESULT_FORMAT | {"result_format": "COMPLETE"}


def run(name: str, module: str, rows: pd.DataFrame | ParquetRows | View, context: SuiteContext) -> CheckResult:
    """Judge `rows` by the suite that `module` builds; see `data_checks.run_suite`."""
    expectations = numbered(importlib.import_module(module).build(context))
    if isinstance(rows, ParquetRows | View):
        return _run_on_files(name, expectations, rows, context)
    engine = PandasExecutionEngine()
    engine.load_batch_data("rows", plain(rows))
    with quiet(context.sensitive):
        answers = validate(name, engine, expectations)
    refusals = [(reason, np.asarray(found, dtype=np.int64)) for reason, found in _refusals(expectations, answers)]
    positions, reasons = reasons_by_row(refusals)
    ids = rows[[column for column in context.id_columns if column in rows.columns]].iloc[positions]
    return _result(name, expectations, answers, context, len(rows), refused_rows(ids, reasons), positions)


def _run_on_files(
    name: str, expectations: Sequence[Expectation], rows: ParquetRows | View, context: SuiteContext
) -> CheckResult:
    with opened(rows) as view, quiet(context.sensitive):
        engine = ParquetExecutionEngine(view)
        answers = validate(name, engine, expectations)
        if engine.damage:
            raise engine.damage
        positions, reasons = reasons_by_row(_positions(engine, _refusals(expectations, answers)))
        ids = view.at([column for column in context.id_columns if column in view.kinds], positions)
        refused = refused_rows(ids, reasons)
        return _result(
            name, expectations, answers, context, view.row_count, refused, positions, tuple(engine.by_pandas)
        )


def _positions(
    engine: ParquetExecutionEngine, refusals: Sequence[tuple[str, Sequence[int]]]
) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """The refusals with positions instead of rows that were only counted: one scan for all of them."""
    counted = [rows for _, rows in refusals if isinstance(rows, FailingRows)]
    found = iter(engine.positions(counted))
    return [
        (reason, next(found) if isinstance(rows, FailingRows) else np.asarray(rows, dtype=np.int64))
        for reason, rows in refusals
    ]


def _result(
    name: str,
    expectations: Sequence[Expectation],
    answers: Answers,
    context: SuiteContext,
    rows: int,
    refused: pd.DataFrame,
    positions: np.ndarray[Any, Any],
    by_pandas: tuple[str, ...] = (),
) -> CheckResult:
    outcomes = tuple(
        _outcome(expectation, answers[order], context.sensitive) for order, expectation in enumerate(expectations)
    )
    return CheckResult(
        suite=name,
        partition=context.partition,
        status=status_of(outcomes),
        rows=rows,
        outcomes=outcomes,
        refused=hide_columns(refused, context.sensitive),
        refused_positions=positions,
        by_pandas=by_pandas,
    )


@contextmanager
def quiet(sensitive: Collection[str] = ()) -> Iterator[None]:
    """Without warnings about how Great Expectations computes: they name no row and nobody here can act on them.

    Its log quotes errors, and errors quote values: where columns are sensitive, it is not heard. What failed is in the result.
    """
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.CRITICAL if sensitive else before)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():  # an empty column has no mean: an observation here
            warnings.filterwarnings("ignore", message="Series.values returning an ndarray that drops timezone")
            yield
    finally:
        logger.setLevel(before)


def numbered(expectations: Sequence[Expectation]) -> list[Expectation]:
    """The expectations, each with its place in the suite in `meta`: results come back in another order.

    Raises:
        SuiteMistake: One was declared without a severity.
    """
    for order, expectation in enumerate(expectations):
        expectation.meta = {"severity": severity_of(expectation), "order": order}
    return list(expectations)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as expectations can read it: index = row position, dictionary and object columns as what they hold."""
    dictionaries = [column for column, dtype in frame.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]
    held = {column: frame[column].cat.categories.dtype for column in dictionaries}
    return frame.reset_index(drop=True).astype(held).infer_objects()


def quiet_context() -> AbstractDataContext:
    """A context that lives in memory, calls nobody and draws no progress bars."""
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
            store_backend_defaults=InMemoryStoreBackendDefaults(),
        ),
    )


def validate(name: str, engine: PandasExecutionEngine, expectations: Sequence[Expectation]) -> Answers:
    """What each expectation answered, by its place in the suite.

    Great Expectations reports most errors inside a result. The ones that escape would take the whole suite with them,
    so then each expectation is asked alone and the error stays with the one that raised it.
    """
    validator = Validator(execution_engine=engine, data_context=quiet_context())
    answers = _answers(name, validator, expectations, _RESULT_FORMAT)
    refusing = [expectation for order, expectation in enumerate(expectations) if _refuses(expectation, answers[order])]
    if refusing:
        answers |= _answers(name, validator, refusing, _NAMING_ROWS)
    return answers


def _refuses(expectation: Expectation, answer: ExpectationValidationResult | Exception) -> bool:
    return severity_of(expectation) == "quarantine" and not isinstance(answer, Exception) and not answer.success


def _answers(
    name: str, validator: Validator, expectations: Sequence[Expectation], result_format: Mapping[str, Any]
) -> Answers:
    orders = [_order(expectation) for expectation in expectations]
    try:
        results = _ask(validator, expectations, result_format)
    except Exception:
        return {
            order: _ask_alone(validator, expectation, result_format)
            for order, expectation in zip(orders, expectations, strict=True)
        }
    answers: Answers = dict.fromkeys(
        orders, SuiteMistake(f"Great Expectations gave no result for it in suite '{name}'.")
    )
    for result in results:
        if result.expectation_config is not None:
            answers[result.expectation_config.meta["order"]] = result
    return answers


def _order(expectation: Expectation) -> int:
    return int((expectation.meta or {})["order"])


def _ask(
    validator: Validator, expectations: Sequence[Expectation], result_format: Mapping[str, Any]
) -> list[ExpectationValidationResult]:
    return validator.graph_validate(
        configurations=[expectation.configuration for expectation in expectations],
        runtime_configuration={"result_format": dict(result_format)},
    )


def _ask_alone(
    validator: Validator, expectation: Expectation, result_format: Mapping[str, Any]
) -> ExpectationValidationResult | Exception:
    try:
        [result] = _ask(validator, [expectation], result_format)
    except Exception as error:
        return error
    return result


def _outcome(
    expectation: Expectation, answer: ExpectationValidationResult | Exception, sensitive: frozenset[str]
) -> Outcome:
    if isinstance(answer, Exception):
        outcome = raised_outcome(expectation, f"{type(answer).__name__}: {answer}")
    else:
        outcome = outcome_of(expectation, answer)
    return hide_outcome(outcome) if may_tell(expectation, outcome, sensitive) else outcome


def _refusals(expectations: Sequence[Expectation], answers: Answers) -> list[tuple[str, Sequence[int]]]:
    """Reason and failing row positions of each quarantine expectation that was answered."""
    return [
        (str(expectation.description), answer.result.get("unexpected_index_list") or ())
        for order, expectation in enumerate(expectations)
        if severity_of(expectation) == "quarantine" and not isinstance(answer := answers[order], Exception)
    ]
