"""What MLflow itself says about a pipeline's aliases, held against the ledger.

Every move of ours happens under a key of the ledger, so pages show what the ledger remembers, in milliseconds. MLflow can be
changed past us. Asking it costs seconds of imports the first time in a process, so it is asked when somebody wants to know,
and by the page itself only where it is imported already.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_registry import Registry
    from pipelines.engine.views.models import ModelView

log = logging.getLogger(__name__)


def is_cheap() -> bool:
    """Whether asking costs milliseconds, because MLflow was imported for somebody before."""
    return "mlflow.tracking" in sys.modules


def compare(view: ModelView) -> dict[str, Any]:
    """Return `answers`, `agrees`, `champion` and `previous` as MLflow has them, and `sentence`."""
    from model_registry import RegistryError
    from nightshift.connections import open_doors

    try:
        registry = open_doors().registry
        champion, previous = (_alias(registry, view.pipeline, alias) for alias in ("champion", "previous"))
    except RegistryError as error:
        log.warning("MLflow could not be asked about %s: %s", view.pipeline, error)
        return {
            "answers": False,
            "agrees": False,
            "champion": None,
            "previous": None,
            "sentence": f"MLflow could not be asked: {error}",
        }
    agrees = champion == view.champion
    return {
        "answers": True,
        "agrees": agrees,
        "champion": champion,
        "previous": previous,
        "sentence": _sentence(view, champion, agrees),
    }


def _alias(registry: Registry, pipeline: str, alias: str) -> str | None:
    from model_registry import NoSuchAlias, NoSuchModel

    try:
        return registry.resolve(pipeline, alias).version
    except (NoSuchModel, NoSuchAlias):
        return None


def _sentence(view: ModelView, champion: str | None, agrees: bool) -> str:
    theirs = f"version {champion}" if champion else "none"
    if agrees:
        return f"MLflow agrees: the champion is {theirs}."
    ours = f"version {view.champion}" if view.champion else "none"
    return (
        f"MLflow says that the champion is {theirs}; the ledger remembers {ours}. The next night is scored by what MLflow says. "
        "Somebody moved the alias in MLflow itself, or a move was killed half-way: ask for the move you want here, and both "
        "will say the same."
    )
