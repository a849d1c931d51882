"""What kinds of questions a model can answer, and what each learns from. Imported by declarations, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Kind = Literal["binary", "multiclass", "regression"]
KINDS: tuple[Kind, ...] = get_args(Kind)

TARGET_TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"binary": ("int64", "bool"), "multiclass": ("int64", "string"), "regression": ("int64", "double")}
)
"""Of which types the column to learn may be."""
TARGET_MEANING: Mapping[str, str] = MappingProxyType(
    {"binary": "1 for the event", "multiclass": "the class of each row", "regression": "the value of each row"}
)
"""What that column holds, in words."""
BASELINES: Mapping[str, str] = MappingProxyType(
    {"binary": "base rate", "multiclass": "class shares", "regression": "mean"}
)
"""What the best guess without a model is called."""
