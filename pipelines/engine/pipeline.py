"""What a pipeline is: one frozen, typed declaration that is right when it can be imported.

Every mistake is found here, all of them at once, and in words. Nothing heavy is imported: DAG files import pipelines.
"""

from __future__ import annotations

import inspect
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from data_checks import suite_names
from pipelines.engine.errors import DeclarationError, nearest
from pipelines.engine.kinds import KINDS, TARGET_MEANING, TARGET_TYPES, Kind
from pipelines.engine.metrics import METRICS, metrics_for
from pipelines.engine.search import Search, search_mistakes
from pipelines.engine.shards import MOST_SHARDS, USUAL_SHARDS
from pipelines.engine.sql_table import SqlTable, source_mistakes

if TYPE_CHECKING:
    import pyarrow as pa

ColumnType = Literal["string", "int64", "double", "bool", "timestamp"]
COLUMN_TYPES: tuple[str, ...] = get_args(ColumnType)
FEATURE_TYPES = ("string", "int64", "double", "bool")
PREDICTION_COLUMNS = ("night", "score", "model_version", "task_key", "scored_at")
CLASS_COLUMNS = ("prediction", "class_scores")
"""What the predictions table of a multi-class pipeline has besides."""
NAME = re.compile(r"[a-z][a-z0-9_]*")

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what is being done)."""


@dataclass(frozen=True)
class Prepared:
    """What a pipeline's `prepare` found and did.

    Attributes:
        nights: Number of nights in the folder.
        written: Files that were written now.
        unchanged: Files that were right already.
        rows: Number of rows over all nights.
        first: The first night.
        last: The last night.
    """

    nights: int
    written: int
    unchanged: int
    rows: int
    first: str
    last: str


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What one night's rows look like.

    Attributes:
        columns: Name to type of every column that a delivered file must have, in any order.
        source: The table of a database that holds the rows; None where files are delivered.
        sensitive: Columns whose values are never shown on pages, in reports and in the terminal, such as a person's name.
    """

    columns: Mapping[str, ColumnType]
    source: SqlTable | None = None
    sensitive: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What came true for the rows of a night.

    Attributes:
        columns: Name to type of every column of a labels file; the id columns are among them.
        target: The column to learn. Binary: int64 or bool, 1 for the event and 0 for its absence; multiclass: int64 or
            string, the class; regression: int64 or double, the value.
        lag_nights: How many nights later the labels of a night can be learned from.
        source: The table of a database that holds the labels; None where files are delivered.
    """

    columns: Mapping[str, ColumnType]
    target: str
    lag_nights: int = 1
    source: SqlTable | None = None


@dataclass(frozen=True, kw_only=True)
class Checks:
    """Which suites of `data_checks` the data must pass.

    Attributes:
        rows: Suite for the rows of a night or a training window.
        labels: Suite for the labels of a training window.
        refuse_at_most: Share of a night's rows (0 to 1) that row-level checks may refuse before the night stops.
    """

    rows: str
    labels: str
    refuse_at_most: float = 0.01


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which past nights a model learns from.

    Attributes:
        nights: Length of the whole window.
        holdout: How many of its last nights are kept for the evaluation.
    """

    nights: int
    holdout: int


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a challenger must prove on the holdout. Closed unless proven.

    Attributes:
        metric: One of the known metrics, computed on the holdout.
        threshold: The least good value that is acceptable at all.
        tolerance: By how much the challenger may be worse than the champion on the same holdout.
    """

    metric: str
    threshold: float
    tolerance: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A past that `nightshift up --live` can replay as if it were happening now.

    Attributes:
        first: The first recorded night.
        tonight: The replay begins in the week that begins with this night, on the present day of the week.
        last: The last recorded night.
        timezone: In which a night's day begins and ends.
        rows_come: When the rows of a night are delivered, in UTC.
        labels_come: When its labels are.
        shift: `shift(table, days)`: rows or labels as they would be so many days (whole weeks) later.
    """

    first: str
    tonight: str
    last: str
    timezone: str
    rows_come: Callable[[date], datetime]
    labels_come: Callable[[date], datetime]
    shift: Callable[[pa.Table, int], pa.Table]


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """One model's life.

    Attributes:
        name: Lower-case word; also the name of its folder, its registered model and its tables.
        question: What the model answers, in one sentence.
        rows: The rows of a night.
        labels: The labels of a night.
        id_columns: Columns that together name a row.
        features: Columns of the rows that the model sees, in the order in which it sees them.
        fit: `fit(features, target, *, knob=default, ...)`; gets a pandas DataFrame (strings as categories) and a
            numpy array (binary: 0 and 1; regression: the values; multiclass: codes from 0, the place of the class among
            the sorted classes), gives back a fitted LightGBM or scikit-learn model.
        checks: Suites for rows and labels.
        window: Nights to learn from.
        gate: What a challenger must prove.
        kind: What is asked: "binary" (yes or no), "multiclass" (which of several) or "regression" (how much).
        slices: Row columns whose values get metrics of their own.
        prepare: Makes or fetches the data: `prepare(folder, progress=...)` gives a `Prepared`; None if it is delivered by others.
        shard_bytes: About how many bytes of rows, as Parquet counts them before compression, one scoring task takes.
        most_shards: Larger tasks rather than more than so many in a night; at most 1024, Airflow's own limit.
        recording: A past that can be replayed live; None if there is none.
        search: How the knobs of `fit` are searched before each training; None to train with their defaults.
        limits: What the model must not be used for, and where it is known to be weak: sentences for its model cards.

    Raises:
        DeclarationError: With every mistake in it.
    """

    name: str
    question: str
    rows: Rows
    labels: Labels
    id_columns: Sequence[str]
    features: Sequence[str]
    fit: Callable[..., Any]
    checks: Checks
    window: Window
    gate: Gate
    kind: Kind = "binary"
    slices: Sequence[str] = ()
    prepare: Callable[..., Prepared] | None = None
    shard_bytes: int = 256 << 20
    most_shards: int = USUAL_SHARDS
    recording: Recording | None = None
    search: Search | None = None
    limits: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        mistakes = [*_mistakes(self)]
        if mistakes:
            listed = "\n".join(f"  - {mistake}" for mistake in mistakes)
            raise DeclarationError(f"pipeline {self.name!r} cannot be used:\n{listed}")
        for name in ("id_columns", "features", "slices", "limits"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "parameters", MappingProxyType(_knobs(self.fit)))

    @property
    def string_features(self) -> tuple[str, ...]:
        """The features that hold text."""
        return tuple(name for name in self.features if self.rows.columns[name] == "string")

    @property
    def module(self) -> str:
        """The module that holds `fit`; where the digest of the pipeline's code begins."""
        return self.fit.__module__


def _mistakes(pipeline: Pipeline) -> Iterator[str]:
    yield from _name_mistakes(pipeline)
    yield from _kind_mistakes(pipeline)
    yield from _column_mistakes(pipeline)
    yield from _reserved_mistakes(pipeline)
    yield from _label_mistakes(pipeline)
    yield from _fit_mistakes(pipeline.fit)
    yield from _check_mistakes(pipeline.checks)
    yield from _window_mistakes(pipeline.window)
    for word, side in (("rows", pipeline.rows), ("labels", pipeline.labels)):
        yield from source_mistakes(word, side.source)
    yield from _gate_mistakes(pipeline.gate, pipeline.kind)
    yield from _recording_mistakes(pipeline)
    if callable(pipeline.fit):
        older = pipeline.window.nights - pipeline.window.holdout
        yield from search_mistakes(pipeline.search, _knobs(pipeline.fit), older)
    if isinstance(pipeline.limits, str):
        yield "limits is a text; expected a list of sentences"
    if pipeline.shard_bytes < 1:
        yield f"shard_bytes is {pipeline.shard_bytes}; a shard holds at least 1 byte"
    if not 1 <= pipeline.most_shards <= MOST_SHARDS:
        yield f"most_shards is {pipeline.most_shards}; expected 1 to {MOST_SHARDS}, Airflow's limit for mapped tasks"


def _name_mistakes(pipeline: Pipeline) -> Iterator[str]:
    if not NAME.fullmatch(pipeline.name):
        yield f"name is {pipeline.name!r}; expected a lower-case word of letters, digits and _, such as 'flights'"
    folder = _folder_of(pipeline.fit)
    if folder and folder != pipeline.name:
        yield (
            f"its `fit` lies in pipelines/{folder}/, so its name must be {folder!r}: "
            "two folders must not declare the same name, and one folder declares one pipeline"
        )


def _kind_mistakes(pipeline: Pipeline) -> Iterator[str]:
    if pipeline.kind not in KINDS:
        yield f"kind is {pipeline.kind!r}; expected one of: {', '.join(KINDS)}.{nearest(str(pipeline.kind), KINDS)}"


def _folder_of(fit: object) -> str | None:
    parts = getattr(fit, "__module__", "").split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "pipelines" and parts[1] != "engine" else None


def _column_mistakes(pipeline: Pipeline) -> Iterator[str]:
    columns = pipeline.rows.columns
    yield from _type_mistakes("rows", columns)
    for word, names in (("id_columns", pipeline.id_columns), ("features", pipeline.features)):
        if not names:
            yield f"{word} is empty; expected at least one column of rows"
    for word, names in (
        ("id_columns", pipeline.id_columns),
        ("features", pipeline.features),
        ("slices", pipeline.slices),
        ("rows.sensitive", pipeline.rows.sensitive),
    ):
        if isinstance(names, str):
            yield f"{word} is the text {names!r}; expected a list of column names: [{names!r}]"
            continue
        yield from _unknown_and_doubled(word, names, columns)
    for name in pipeline.slices:
        if name in pipeline.rows.sensitive:
            yield f"slices has {name!r}, which is sensitive: its values would name the slices. Leave it out of one of the two"
    for name in pipeline.features:
        kind = columns.get(name)
        if kind in COLUMN_TYPES and kind not in FEATURE_TYPES:
            yield f"features has {name!r}, a {kind}; a model sees {', '.join(FEATURE_TYPES)}. Make a number of it in the data"


def _reserved_mistakes(pipeline: Pipeline) -> Iterator[str]:
    taken = (*PREDICTION_COLUMNS, *CLASS_COLUMNS) if pipeline.kind == "multiclass" else PREDICTION_COLUMNS
    for name in pipeline.id_columns:
        if name in taken:
            yield f"id_columns has {name!r}, which the predictions table uses itself; call the column otherwise"
    for word, columns in (("rows", pipeline.rows.columns), ("labels", pipeline.labels.columns)):
        for name in columns:
            if name.startswith("__"):
                yield f"{word}: column {name!r} begins with __, which is kept for our own; call it otherwise"


def _unknown_and_doubled(word: str, names: Sequence[str], columns: Mapping[str, Any]) -> Iterator[str]:
    for name in names:
        if name not in columns:
            yield f"{word} has {name!r}, which is no column of rows.{nearest(name, columns)}"
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{word} has {name!r} {count} times"


def _type_mistakes(word: str, columns: Mapping[str, str]) -> Iterator[str]:
    for name, kind in columns.items():
        if kind not in COLUMN_TYPES:
            yield f"{word}: column {name!r} has type {kind!r}; known types: {', '.join(COLUMN_TYPES)}.{nearest(kind, COLUMN_TYPES)}"


def _label_mistakes(pipeline: Pipeline) -> Iterator[str]:
    labels = pipeline.labels
    yield from _type_mistakes("labels", labels.columns)
    if labels.target not in labels.columns:
        yield f"labels.target is {labels.target!r}, which is no column of labels.{nearest(labels.target, labels.columns)}"
    elif labels.columns[labels.target] not in TARGET_TYPES.get(pipeline.kind, COLUMN_TYPES):
        types = " or ".join(TARGET_TYPES[pipeline.kind])
        yield (
            f"labels.target {labels.target!r} is a {labels.columns[labels.target]}; "
            f"expected {types}, {TARGET_MEANING[pipeline.kind]}{_other_kinds(labels.columns[labels.target], pipeline.kind)}"
        )
    if labels.target in pipeline.features:
        yield f"features has the target {labels.target!r}: the model would learn the answer by heart"
    for name in pipeline.id_columns:
        if name not in labels.columns:
            yield f"labels lack the id column {name!r}, so they cannot be joined to the rows"
    if labels.lag_nights < 1:
        yield f"labels.lag_nights is {labels.lag_nights}; labels are known at least 1 night later"


def _other_kinds(column_type: str, declared: str) -> str:
    fitting = [repr(kind) for kind in KINDS if column_type in TARGET_TYPES[kind]]
    return (
        f". The kind is {declared!r}; a {column_type} can be learned by kind={' or '.join(fitting)}" if fitting else ""
    )


def _fit_mistakes(fit: object) -> Iterator[str]:
    if not callable(fit):
        yield f"fit is {fit!r}; expected a function fit(features, target, *, knob=default, ...)"
        return
    parameters = list(inspect.signature(fit).parameters.values())
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if positional != ["features", "target"]:
        yield f"fit takes ({', '.join(positional)}); expected (features, target), then knobs after a *"
    for parameter in parameters[len(positional) :]:
        if parameter.kind is not parameter.KEYWORD_ONLY:
            yield f"fit takes {parameter}; expected each knob by its own name, with a default"
        elif not _is_plain(parameter.default):
            yield f"fit's knob {parameter.name!r} needs a default that JSON can hold (a number, a text, a list ...)"


def _is_plain(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _knobs(fit: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(fit).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def _check_mistakes(checks: Checks) -> Iterator[str]:
    known = suite_names()
    for word, suite in (("rows", checks.rows), ("labels", checks.labels)):
        if suite not in known:
            yield f"checks.{word} names the suite {suite!r}; there are: {', '.join(known)}.{nearest(suite, known)}"
    if not 0 <= checks.refuse_at_most < 1:
        yield f"checks.refuse_at_most is {checks.refuse_at_most}; expected a share from 0 up to, but not including, 1"


def _window_mistakes(window: Window) -> Iterator[str]:
    if not 0 < window.holdout < window.nights:
        yield (
            f"window has {window.holdout} holdout nights out of {window.nights}; "
            "expected at least 1, and fewer than the whole window"
        )


def _gate_mistakes(gate: Gate, kind: str) -> Iterator[str]:
    known = metrics_for(kind) if kind in KINDS else tuple(METRICS)
    if gate.metric not in known:
        named = f"known metrics of kind {kind!r}" if kind in KINDS else "known metrics"
        yield f"gate.metric is {gate.metric!r}; {named}: {', '.join(known)}.{nearest(gate.metric, known)}"
    if not math.isfinite(gate.threshold):
        yield f"gate.threshold is {gate.threshold}; expected a number"
    if not 0 <= gate.tolerance < math.inf:
        yield f"gate.tolerance is {gate.tolerance}; expected a number from 0 on"


def _recording_mistakes(pipeline: Pipeline) -> Iterator[str]:
    recording = pipeline.recording
    if recording is not None and not recording.first <= recording.tonight <= recording.last:
        yield (
            f"recording goes from {recording.first} to {recording.last}, and tonight is {recording.tonight}; "
            "expected a night between the two"
        )
