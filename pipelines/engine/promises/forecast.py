"""TEMPORARY, replaced by the real one."""

from collections.abc import Sequence

from pipelines.engine.promises.history import PastRun, Progress
from pipelines.engine.promises.values import Task
from pipelines.engine.promises.verdicts import Forecast


def forecast(
    tasks: Sequence[Task],
    past: Sequence[PastRun],
    progress: Progress,
    *,
    now: float,
    due_at: float,
    delivers: str | None,
) -> Forecast | None:
    """Nothing yet."""
    return None


def is_at_risk(foreseen: Forecast) -> bool:
    """Nothing yet."""
    return False
