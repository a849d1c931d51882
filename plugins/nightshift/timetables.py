"""What Airflow's timetables say about when nights begin, as far as a cron expression can say it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pipelines.engine.promises.declare import is_zone
from pipelines.engine.promises.values import Declaration

PARTITIONED = "CronPartitionTimetable"
ONE_CRON = ("CronTriggerTimetable", "CronDataIntervalTimetable", PARTITIONED)
"""Timetables that begin a run at each tick of one expression; several expressions, or assets, are something else."""


def schedule_of(dag_id: str, timetable: Any) -> Declaration:
    """Return a DAG of which only the schedule is known.

    Args:
        dag_id: The DAG.
        timetable: As its author gave it, or as Airflow's scheduler reads it.
    """
    kind = type(timetable).__name__
    expression = getattr(timetable, "expression", None) or getattr(timetable, "_expression", None)
    zone = zone_name(getattr(timetable, "timezone", None) or getattr(timetable, "_timezone", None))
    if kind not in ONE_CRON or not isinstance(expression, str) or zone is None:
        return Declaration(dag_id)
    return Declaration(dag_id, schedule=expression, timezone=zone, partitioned=kind == PARTITIONED)


def zone_name(zone: Any) -> str | None:
    """Return the name of a time zone as this machine knows it, or None for one that has no name."""
    name = zone if isinstance(zone, str) else getattr(zone, "name", None) or getattr(zone, "key", None)
    if isinstance(name, str) and is_zone(name):
        return name
    offset = None if isinstance(zone, str) or zone is None else zone.utcoffset(datetime(2026, 1, 1))  # noqa: DTZ001
    hours = None if offset is None else offset / timedelta(hours=1)
    if hours is None or hours != int(hours) or not -14 <= hours <= 14:
        return None
    return f"Etc/GMT{-int(hours):+d}" if hours else "UTC"  # the names count the other way round
