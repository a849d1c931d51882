"""Model families: how a fitted model is kept in a native format, and how it scores. One file per family.

A new family is a new file with `FAMILY`, and one line here.
"""

from __future__ import annotations

from pipelines.engine.errors import FitFailed
from pipelines.engine.models.base import Family, Scorer
from pipelines.engine.models.lightgbm import LIGHTGBM
from pipelines.engine.models.scikit_learn import SCIKIT_LEARN

FAMILIES: tuple[Family, ...] = (LIGHTGBM, SCIKIT_LEARN)


def family_of(model: object) -> Family:
    """Return the family that can keep a fitted model.

    Raises:
        FitFailed: None can.
    """
    for family in FAMILIES:
        if family.accepts(model):
            return family
    known = ", ".join(family.describes for family in FAMILIES)
    raise FitFailed(f"fit gave back a {type(model).__module__}.{type(model).__qualname__}; expected {known}")


def family_named(name: str) -> Family:
    """Return a family by the name that a package carries.

    Raises:
        KeyError: This version of Nightshift does not know it.
    """
    return {family.name: family for family in FAMILIES}[name]


__all__ = ["FAMILIES", "Family", "Scorer", "family_named", "family_of"]
