"""The one place that runs Great Expectations: a suite over a whole pandas frame, and its results in our words.

Imported by `run_suite` only: the import of great_expectations costs seconds.
"""

from __future__ import annotations

import importlib
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

from data_checks.declare import severity_of
from data_checks.errors import SuiteMistake
from data_checks.outcomes import outcome_of, raised_outcome, refused_rows
from data_checks.results import CheckResult, status_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations.expectation import Expectation

    from data_checks.context import SuiteContext
    from data_checks.results import Outcome

    Answers = dict[int, "ExpectationValidationResult | Exception"]

# COMPLETE lists the index of every failing row; the queries that would find them again are of no use to us.
_RESULT_FORMAT: dict[str, Any] = {
    "result_format": "COMPLETE",
    "partial_unexpected_count": 20,
    "return_unexpected_index_query": False,
}


def run(name: str, module: str, frame: pd.DataFrame, context: SuiteContext) -> CheckResult:
    """Judge `frame` by the suite that `module` builds; see `data_checks.run_suite`."""
    expectations = numbered(importlib.import_module(module).build(context))
    batch = whole_frame_batch(plain(frame))
    with quiet():
        answers = validate(name, batch, expectations)
    outcomes = tuple(_outcome(expectation, answers[order]) for order, expectation in enumerate(expectations))
    refused, positions = refused_rows(frame, context.id_columns, _refusals(expectations, answers))
    return CheckResult(
        suite=name,
        partition=context.partition,
        status=status_of(outcomes),
        rows=len(frame),
        outcomes=outcomes,
        refused=refused,
        refused_positions=positions,
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings about how Great Expectations computes: they name no row and nobody here can act on them."""
    with np.errstate(all="ignore"), warnings.catch_warnings():  # an empty column has no mean: an observation here
        warnings.filterwarnings("ignore", message="Series.values returning an ndarray that drops timezone")
        yield


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


def whole_frame_batch(frame: pd.DataFrame) -> Batch:
    """The frame as one batch of a context that lives in memory, calls nobody and draws no progress bars."""
    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
            store_backend_defaults=InMemoryStoreBackendDefaults(),
        ),
    )
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})


def validate(name: str, batch: Batch, expectations: Sequence[Expectation]) -> Answers:
    """What each expectation answered, by its place in the suite.

    Great Expectations reports most errors inside a result. The ones that escape would take the whole suite with them,
    so then each expectation is asked alone and the error stays with the one that raised it.
    """
    suite = gx.ExpectationSuite(name=name, expectations=list(expectations))
    try:
        results = batch.validate(suite, result_format=_RESULT_FORMAT).results
    except Exception:
        return {order: _ask_alone(batch, expectation) for order, expectation in enumerate(expectations)}
    answers: Answers = dict.fromkeys(
        range(len(expectations)), SuiteMistake(f"Great Expectations gave no result for it in suite '{name}'.")
    )
    for result in results:
        if result.expectation_config is not None:
            answers[result.expectation_config.meta["order"]] = result
    return answers


def _ask_alone(batch: Batch, expectation: Expectation) -> ExpectationValidationResult | Exception:
    try:
        return batch.validate(expectation, result_format=_RESULT_FORMAT)
    except Exception as error:
        return error


def _outcome(expectation: Expectation, answer: ExpectationValidationResult | Exception) -> Outcome:
    if isinstance(answer, Exception):
        return raised_outcome(expectation, f"{type(answer).__name__}: {answer}")
    return outcome_of(expectation, answer)


def _refusals(expectations: Sequence[Expectation], answers: Answers) -> list[tuple[str, Sequence[int]]]:
    """Reason and failing row positions of each quarantine expectation that was answered."""
    return [
        (str(expectation.description), answer.result.get("unexpected_index_list") or ())
        for order, expectation in enumerate(expectations)
        if severity_of(expectation) == "quarantine" and not isinstance(answer := answers[order], Exception)
    ]
