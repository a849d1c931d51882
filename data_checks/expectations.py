"""Expectations that Great Expectations does not ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from great_expectations.expectations.expectation import BatchExpectation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KINDS = {
    "string": ("str", "string", "string[pyarrow]", "large_string[pyarrow]"),
    "int64": ("int64", "Int64", "int64[pyarrow]"),
    "double": ("float64", "Float64", "double[pyarrow]"),
}


def kind_of(dtype: object) -> str:
    """Our name of a pandas dtype (string, int64, double, timestamp), or the dtype's own name when we have none.

    A timestamp is an instant: a column without a timezone, or in another one than UTC, is not called so.
    """
    text = str(dtype)
    if text.startswith(("datetime64[", "timestamp[")) and text.removesuffix("[pyarrow]").endswith("UTC]"):
        return "timestamp"
    return next((kind for kind, names in _KINDS.items() if text in names), text)


def wrong_types(expected: Mapping[str, str], actual: Mapping[str, str]) -> list[str]:
    """One phrase per column whose kind differs, in the order of `expected`."""
    return [
        f"{column}: expected {kind}, got {actual.get(column, 'no such column')}"
        for column, kind in expected.items()
        if actual.get(column) != kind
    ]


class ExpectColumnTypesToMatch(BatchExpectation):
    """Expect each named column to be of its kind: string, int64, double or timestamp (an instant in UTC).

    The stock type expectations compare with numpy dtypes and Python classes; in 1.24 no spelling of theirs accepts
    the string dtype of pandas 3 or a timestamp with a timezone, the two kinds that most of our columns have.
    """

    types: dict[str, str]

    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.column_types",)
    success_keys: ClassVar[tuple[str, ...]] = ("types",)
    args_keys: ClassVar[tuple[str, ...]] = ("types",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: object = None,
    ) -> dict[str, Any]:
        found: Sequence[Mapping[str, Any]] = metrics["table.column_types"]
        wrong = wrong_types(self.types, {str(column["name"]): kind_of(column["type"]) for column in found})
        return {"success": not wrong, "result": {"observed_value": "; ".join(wrong) or "as declared"}}
