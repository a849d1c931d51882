"""The execution engine that answers Great Expectations from Parquet files.

It is Great Expectations' pandas engine, asked less: metrics that have SQL are counted by DuckDB, all of one round in
one scan. Any other metric, and any that DuckDB fails on, is pandas' own, on a frame of the columns it needs; which these
were is told.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import duckdb
import numpy as np
import pandas as pd
from great_expectations.exceptions import MetricResolutionError
from great_expectations.execution_engine import PandasExecutionEngine

from data_checks.errors import RowsDamaged
from data_checks.files.aggregates import GROUPED, Aggregate, aggregate_of, count_of, grouped
from data_checks.files.conditions import columns_of, condition_columns, domain_of
from data_checks.files.literals import ALL, NUMERIC, quoted
from data_checks.files.predicates import CONDITION, Predicate, predicate_of
from data_checks.files.view import POSITION

if TYPE_CHECKING:
    from great_expectations.validator.metric_configuration import MetricConfiguration

    from data_checks.files.view import View

    Metrics = dict[Any, Any]

_log = logging.getLogger(__name__)

EXAMPLES = 20
_BITS = 60
_LENGTHS = "column_values.value_length.map"
_BUNCH = "rows"
_PARTS = re.compile(r"\.(condition|map|filtered_row_count|unexpected_\w+)$")


class FailingRows(Sequence[int]):
    """The positions of rows that fail, not yet looked for: most are counted and never asked for by name."""

    def __init__(self, predicate: Predicate) -> None:
        self.predicate = predicate

    def __len__(self) -> int:
        return self.predicate.count

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        """Nothing: what Great Expectations would copy into its result is of no use to us."""
        if isinstance(place, slice):
            return ()
        raise IndexError(place)


class ParquetExecutionEngine(PandasExecutionEngine):
    """Answers metrics from a `View`.

    Attributes:
        by_pandas: What was left to pandas: metric and columns, in words, without repetition.
        damage: The file that could not be read, if any: nothing found of it can be trusted.
    """

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view
        self._answers: Metrics = {}
        self._stock: Metrics = {}
        self._unique: dict[tuple[str, ...], str] = {}
        self._frame: tuple[frozenset[str] | None, pd.DataFrame] | None = None
        self._asked = ""
        self.by_pandas: dict[str, None] = {}
        self.damage: RowsDamaged | None = None

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[MetricConfiguration],
        metrics: Metrics | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> Metrics:
        """Answer one round of metrics: by SQL what has SQL, by pandas the others.

        Great Expectations repeats a round in which one metric failed, so what was answered once is remembered.
        """
        known = metrics or {}
        asked = [metric for metric in metrics_to_resolve if metric.id not in self._answers]
        self._by_sql(asked, known)
        failed: MetricResolutionError | None = None
        for metric in asked:
            if metric.id not in self._answers:
                try:
                    self._answers[metric.id] = self._by_stock(metric, known, runtime_configuration)
                except MetricResolutionError as error:
                    failed = failed or error
        self._frame = None
        if failed:
            raise failed
        return {metric.id: self._answers[metric.id] for metric in metrics_to_resolve}

    def get_domain_records(self, domain_kwargs: dict[str, Any]) -> pd.DataFrame:
        """The rows of a domain as a frame of the columns it needs, for metrics that are pandas' own."""
        if self._asked not in self.by_pandas:
            self.by_pandas[self._asked] = None
            _log.info("%s is computed by pandas: DuckDB has no equal answer", self._asked)
        condition = condition_columns(domain_kwargs)
        named = columns_of(domain_kwargs)
        wanted = frozenset((*named, *condition)) & set(self._view.kinds) if named and condition is not None else None
        if self._frame is None or self._frame[0] != wanted:
            columns = [column for column in self._view.kinds if wanted is None or column in wanted]
            try:
                frame = self._view.frame(columns)
            except RowsDamaged as error:
                self.damage = error
                raise
            self._frame = wanted, frame
            self.load_batch_data(_BUNCH, frame.infer_objects())
        records: pd.DataFrame = super().get_domain_records({**domain_kwargs, "batch_id": None})
        return records

    def positions(self, failing: Sequence[FailingRows]) -> list[np.ndarray[Any, Any]]:
        """The positions of rows that fail, sorted, int64: one array each, all found in one scan.

        Raises:
            RowsDamaged: A file cannot be read.
        """
        found: list[np.ndarray[Any, Any]] = []
        for start in range(0, len(failing), _BITS):
            found.extend(self._positions([rows.predicate for rows in failing[start : start + _BITS]]))
        return found

    def _positions(self, predicates: Sequence[Predicate]) -> list[np.ndarray[Any, Any]]:
        fails = [_fails(predicate) if predicate.count else "FALSE" for predicate in predicates]
        if not any(predicate.count for predicate in predicates):
            return [np.empty(0, dtype=np.int64) for _ in predicates]
        bits = " + ".join(f"CASE WHEN {one} THEN {1 << place} ELSE 0 END" for place, one in enumerate(fails))
        query = (
            f"SELECT * FROM (SELECT {POSITION} AS position, CAST({bits} AS BIGINT) AS bits FROM rows) WHERE bits <> 0"  # noqa: S608 - our own SQL
        )
        with self._view.blaming():
            table = self._view.ask(query)
        positions = table["position"].to_numpy().astype(np.int64)
        marks = table["bits"].to_numpy()
        return [np.sort(positions[(marks >> place) & 1 == 1]) for place in range(len(predicates))]

    def _by_sql(self, asked: Sequence[MetricConfiguration], known: Mapping[Any, Any]) -> None:
        """Answer what SQL can: conditions with their counts and aggregates in one scan, then examples in another."""
        aggregates: list[tuple[MetricConfiguration, Aggregate]] = []
        predicates: list[tuple[MetricConfiguration, Predicate]] = []
        examples: list[tuple[MetricConfiguration, Predicate]] = []
        for metric in asked:
            predicate = self._condition(metric, known)
            if predicate is not None:
                self._dependent(metric, predicate, examples)
            else:
                self._plan(metric, aggregates, predicates)
        self._count(aggregates, predicates)
        self._exemplify(examples)

    def _plan(
        self,
        metric: MetricConfiguration,
        aggregates: list[tuple[MetricConfiguration, Aggregate]],
        predicates: list[tuple[MetricConfiguration, Predicate]],
    ) -> None:
        name, domain, values = metric.metric_name, metric.metric_domain_kwargs, metric.metric_value_kwargs
        kinds = self._view.kinds
        if name == "table.column_types":
            dtypes = self._view.dtypes
            self._answers[metric.id] = [{"name": column, "type": dtypes[column]} for column in kinds]
        elif name == "table.row_count" and not domain.get("row_condition"):
            self._answers[metric.id] = self._view.row_count
        elif name == _LENGTHS and kinds.get(domain["column"]) == "string":
            self._answers[metric.id] = None  # lengths are a part of the conditions' SQL
        elif name in GROUPED:
            self._grouped(metric)
        elif name.endswith(CONDITION):
            predicate = predicate_of(name.removesuffix(CONDITION), domain, values, kinds)
            if predicate is not None:
                predicates.append((metric, predicate))
        else:
            aggregate = aggregate_of(name, domain, values, kinds, self._floats)
            if aggregate is not None:
                aggregates.append((metric, aggregate))

    def _dependent(
        self, metric: MetricConfiguration, predicate: Predicate, examples: list[tuple[MetricConfiguration, Predicate]]
    ) -> None:
        suffix = metric.metric_name.rpartition(".")[2]
        if suffix == "unexpected_count":
            self._answers[metric.id] = predicate.count
        elif suffix == "filtered_row_count":
            self._answers[metric.id] = predicate.judged_count
        elif suffix == "unexpected_index_list":
            self._answers[metric.id] = FailingRows(predicate)
        elif suffix == "unexpected_index_query":
            self._answers[metric.id] = None
        elif suffix == "unexpected_values":
            examples.append((metric, predicate))

    def _count(
        self,
        aggregates: Sequence[tuple[MetricConfiguration, Aggregate]],
        predicates: Sequence[tuple[MetricConfiguration, Predicate]],
    ) -> None:
        """Count everything in one scan; if DuckDB fails, one thing at a time, so that one alone goes to pandas."""
        jobs = [
            *aggregates,
            *((metric, self._counting(predicate)) for metric, predicate in predicates if predicate.fails),
        ]
        found = self._scan([job for _, job in jobs])
        for (metric, _), values in zip(jobs, found, strict=True):
            if values is not None:
                self._answers[metric.id] = values
        for metric, predicate in predicates:
            if predicate.unique_in is not None and self._count_repeated(predicate):
                self._answers[metric.id] = predicate

    def _counting(self, predicate: Predicate) -> Aggregate:
        def noted(found: Sequence[Any]) -> Predicate:
            predicate.count, predicate.judged_count = found
            return predicate

        return Aggregate((count_of(str(predicate.fails)), count_of(predicate.judged)), noted)

    def _scan(self, jobs: Sequence[Aggregate]) -> list[Any]:
        """The answers of some aggregates, None for each that DuckDB fails on."""
        different = list(dict.fromkeys(expression for job in jobs for expression in job.expressions))
        try:
            values = dict(zip(different, self._view.aggregate(different), strict=True))
        except duckdb.Error as error:
            if len(jobs) == 1:
                _log.info("DuckDB could not answer (%s)", type(error).__name__)  # its message may quote a value
                return [None]
            return [answer for job in jobs for answer in self._scan([job])]
        return [job.answer([values[expression] for expression in job.expressions]) for job in jobs]

    def _count_repeated(self, predicate: Predicate) -> bool:
        """Find the rows whose values occur more than once; False if DuckDB fails.

        First by hashes alone, which are small; only rows whose hash occurs twice are compared by value.
        """
        columns = ", ".join(map(quoted, predicate.unique_in or ()))
        judged = "" if predicate.judged == ALL else f"WHERE {predicate.judged}"
        number = len(self._unique)
        doubtful, failing = f"doubtful{number}", f"failing{number}"
        try:
            if (columns, judged) not in self._unique:
                self._view.do(
                    f"CREATE OR REPLACE TEMP TABLE {doubtful} AS SELECT hash({columns}) AS mark FROM rows {judged}"  # noqa: S608 - quoted
                    " GROUP BY ALL HAVING count(*) > 1"
                )
                some = self._view.ask(f"SELECT 1 FROM {doubtful} LIMIT 1").num_rows  # noqa: S608 - our own name
                compared = (
                    f"WHERE {predicate.judged} AND hash({columns}) IN (SELECT mark FROM {doubtful})"  # noqa: S608 - quoted
                    f" QUALIFY count(*) OVER (PARTITION BY {columns}) > 1"
                )
                self._view.do(
                    f"CREATE OR REPLACE TEMP TABLE {failing} AS SELECT {POSITION} AS position FROM rows"  # noqa: S608 - quoted
                    f" {compared if some else 'WHERE FALSE'}"
                )
                self._unique[columns, judged] = failing
            table = self._unique[columns, judged]
            predicate.fails = f"{POSITION} IN (SELECT position FROM {table})"  # noqa: S608 - our own name
            predicate.count = self._view.ask(f"SELECT count(*) AS n FROM {table}").to_pylist()[0]["n"]  # noqa: S608 - our own name
            [predicate.judged_count] = (
                [self._view.row_count]
                if predicate.judged == ALL
                else self._view.aggregate([count_of(predicate.judged)])
            )
        except duckdb.Error as error:
            _log.info("DuckDB could not answer (%s)", type(error).__name__)  # its message may quote a value
            return False
        return True

    def _exemplify(self, examples: Sequence[tuple[MetricConfiguration, Predicate]]) -> None:
        """The first failing values of each metric, all found in one scan."""
        failing = [one for one in dict.fromkeys(one for _, one in examples) if one.count and one.examples is None]
        expressions = []
        for predicate in failing:
            values = ", ".join(f"c{place} := {quoted(column)}" for place, column in enumerate(predicate.columns))
            chosen = f"FILTER (WHERE {_fails(predicate)})"  # few rows: CASE would be slower here
            expressions.append(f"arg_min(struct_pack({values}), {POSITION}, {EXAMPLES}) {chosen}")
        try:
            found = self._view.aggregate(expressions)
        except duckdb.Error as error:
            _log.info("DuckDB could not answer (%s)", type(error).__name__)  # its message may quote a value
            return
        for predicate, lines in zip(failing, found, strict=True):
            predicate.examples = lines
        for metric, predicate in examples:
            self._answers[metric.id] = self._shown(predicate)

    def _shown(self, predicate: Predicate) -> list[Any]:
        """Failing values in the form that Great Expectations' pandas metrics give them."""
        if not predicate.examples:
            return []
        lines = predicate.examples
        columns = list(predicate.columns)
        frame = pd.DataFrame(
            {column: [line[f"c{n}"] for line in lines] for n, column in enumerate(columns)}, dtype=object
        )
        frame = self._view.typed(frame)
        if predicate.metric.startswith("column_values."):
            return list(frame[columns[0]])
        if predicate.metric.startswith("column_pair_values."):
            return list(zip(*(frame[column].values for column in columns), strict=True))
        return frame.to_dict("records")

    def _grouped(self, metric: MetricConfiguration) -> None:
        """Answer a metric that is about the different values of a column."""
        name, values, kinds = str(metric.metric_domain_kwargs["column"]), metric.metric_value_kwargs, self._view.kinds
        domain = domain_of(metric.metric_domain_kwargs, kinds)
        kind = kinds.get(name)
        if domain is None or kind not in ("string", *NUMERIC):
            return
        query = grouped(metric.metric_name, quoted(name), kind, domain, values)
        if query is None:
            return
        try:
            frame = self._view.ask(query).to_pandas()
        except duckdb.Error as error:
            _log.info("DuckDB could not answer (%s)", type(error).__name__)  # its message may quote a value
            return
        series = frame.astype({"value": self._view.dtypes[name]}).set_index("value")["count"].sort_index()
        counted = metric.metric_name == "column.value_counts"
        self._answers[metric.id] = series if counted else list(series.index.to_numpy())

    def _floats(self, column: str) -> bool:
        return self._view.kinds[column] == "double" or column in self._view.with_missing

    def _condition(self, metric: MetricConfiguration, known: Mapping[Any, Any]) -> Predicate | None:
        dependency = metric.metric_dependencies.get("unexpected_condition")
        answer = known.get(dependency.id) if dependency else None
        return answer if isinstance(answer, Predicate) else None

    def _by_stock(self, metric: MetricConfiguration, known: Mapping[Any, Any], runtime: dict[str, Any] | None) -> Any:
        """What Great Expectations' own pandas metric answers.

        Where a metric builds on one that SQL answered, pandas computes that one, too.
        """
        if metric.id not in self._stock:
            below = dict(known)
            for dependency in metric.metric_dependencies.values():
                if dependency.metric_name == _LENGTHS or isinstance(known.get(dependency.id), Predicate):
                    below[dependency.id] = self._by_stock(dependency, known, runtime)
            columns = columns_of(metric.metric_domain_kwargs)
            self._asked = f"{_PARTS.sub('', metric.metric_name)} ({', '.join(columns) or 'all columns'})"
            self._stock[metric.id] = super().resolve_metrics([metric], below, runtime)[metric.id]
        return self._stock[metric.id]


def _fails(predicate: Predicate) -> str:
    return predicate.fails or "FALSE"
