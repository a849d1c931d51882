"""What can go wrong in a drill."""

from __future__ import annotations

from pipelines.engine.errors import NightshiftError


class DrillError(NightshiftError):
    """A drill went otherwise than it should."""


class DrillFailed(DrillError):
    """A fault could not be brought about, so nothing was learnt."""


class NotSurvived(DrillError):
    """A fault was brought about, and what followed is not what was promised."""
