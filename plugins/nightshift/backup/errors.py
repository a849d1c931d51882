"""What can go wrong with backups, in words."""

from __future__ import annotations

from pipelines.engine.errors import NightshiftError, UsageError


class BackupError(NightshiftError):
    """A backup could not be made, read or restored."""


class BackupDamaged(BackupError):
    """A backup is not what was written."""


class ToolFailed(BackupError):
    """A program of Postgres is not installed, or says no."""


class StillThere(UsageError):
    """Something lives where a backup is to be restored."""
