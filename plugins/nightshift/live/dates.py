"""When do the schedules of a replayed pipeline begin and end? Looked up when a DAG file is parsed: a small file is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.engine.pipeline import Pipeline


def live_dates(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, datetime]:
    """Return the `start_date` and `end_date` of a pipeline's DAG while its past is replayed in real time, else nothing.

    A replay that is faster starts the runs itself: the DAG keeps its own dates then, and Airflow's scheduler lets it be.

    Args:
        pipeline: Whose DAG it is.
        given: What the DAG would be made with.
    """
    if pipeline.recording is None:
        return {}
    from pipelines.engine.replay import read_replay
    from pipelines.engine.settings import read_settings

    replay = read_replay(read_settings())
    if replay is None or replay.pipeline != pipeline.name or replay.driven:
        return {}
    starts, ends = replay.span(_seconds(given.get("start_date")), _seconds(given.get("end_date")))
    return {"start_date": datetime.fromtimestamp(starts, UTC), "end_date": datetime.fromtimestamp(ends, UTC)}


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None
