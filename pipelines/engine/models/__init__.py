"""Model families: how a fitted model is kept in a native format, and how it scores. One file per family.

A new family is a new file with `FAMILY`, and one line here.
"""

from __future__ import annotations

from pipelines.engine.errors import FitFailed, ModelError
from pipelines.engine.kinds import Kind
from pipelines.engine.models.base import Family, Scorer
from pipelines.engine.models.lightgbm import LIGHTGBM
from pipelines.engine.models.scikit_learn import SCIKIT_LEARN

FAMILIES: tuple[Family, ...] = (LIGHTGBM, SCIKIT_LEARN)


def family_of(model: object, kind: Kind) -> Family:
    """Return the family that can keep a fitted model which answers a kind of question.

    Raises:
        FitFailed: None can.
    """
    for family in FAMILIES:
        if family.accepts(model, kind):
            return family
    known = ", ".join(family.describes(kind) for family in FAMILIES)
    raise FitFailed(f"fit gave back a {type(model).__module__}.{type(model).__qualname__}; expected {known}")


def family_named(name: str) -> Family:
    """Return a family by the name that a package carries.

    Raises:
        ModelError: This version of Nightshift does not know it.
    """
    known = {family.name: family for family in FAMILIES}
    if name not in known:
        raise ModelError(f"the model is of the family {name[:80]!r}; this Nightshift reads {', '.join(known)}")
    return known[name]


__all__ = ["FAMILIES", "Family", "Scorer", "family_named", "family_of"]
