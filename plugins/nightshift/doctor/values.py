"""A finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rule = Literal[
    "import_error",
    "sla",
    "no_owner",
    "no_docs",
    "no_promise",
    "unknown_route",
    "heavy_import",
    "promise_has_ended",
]


@dataclass(frozen=True, order=True)
class Finding:
    """Something in a DAG file that must not stay.

    Attributes:
        file: Path of the file below the DAGs folder, or of a module that it imports.
        line: Where, counted from 1.
        rule: Which rule it breaks.
        dag_id: The DAG that it is about, or empty.
        text: What is wrong.
        way_out: What to write instead.
    """

    file: str
    line: int
    rule: Rule
    dag_id: str
    text: str
    way_out: str
