"""What can go wrong with the stack of processes."""

from __future__ import annotations

from pipelines.engine.errors import NightshiftError, UsageError


class StackError(NightshiftError):
    """The stack could not do what was asked."""


class DefinitionWrong(UsageError):
    """The stack's file cannot be used."""


class ProgramsMissing(UsageError):
    """Programs that the stack needs are not installed."""


class StackRuns(UsageError):
    """The stack runs already."""


class StackDown(UsageError):
    """The stack does not run."""


class RoleFailed(StackError):
    """A role did not start, or a job failed."""
