"""What the views ask the ledger's database: few columns of many keys, in few statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select

from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.schema import dag_runs, database_now, incidents, outcomes, task_events, task_keys
from pipelines.engine.ledger.store import entry_of
from pipelines.engine.ledger.values import Entry, Event
from pipelines.engine.steps import NIGHT_STEPS
from pipelines.engine.views.models import Scored
from pipelines.engine.views.strip import Due, Publication, Touch

AFTER_NIGHTS = "A"
"""Partitions that are nights begin with a digit; others, such as `all` or `version-3`, come after them in every collation."""

FEW = 10
"""Pipelines that are looked for one by one."""

PUBLISH, DONE = literal("publish", literal_execute=True), literal("done", literal_execute=True)
CHAMPIONS = [literal(step, literal_execute=True) for step in ("register", "promote", "move")]
"""Written out in the statement: only so is an index on a part of the keys found to hold what is asked for."""

_keys = task_keys.c
_touched = case((_keys.finished_at > _keys.claimed_at, _keys.finished_at), else_=_keys.claimed_at)


class Reading(Database):
    """Reads for the views from the ledger's database. Times are seconds since 1970 by its clock."""

    def newest_nights(self) -> dict[str, str]:
        """Return the newest night of each pipeline that has any key of a night."""
        wanted = (
            select(_keys.pipeline, func.max(_keys.partition)).where(_keys.step == "validate").group_by(_keys.pipeline)
        )
        return dict(map(tuple, self._all(wanted)))

    def nights(self, pipeline: str, *, last: int | None = None) -> list[str]:
        """Return the nights that a pipeline has keys of, oldest first; the newest `last` of them."""
        wanted = (
            select(_keys.partition)
            .where(_keys.pipeline == pipeline, _keys.step == "validate")
            .distinct()
            .order_by(_keys.partition.desc())
            .limit(last)
        )
        return [night for (night,) in reversed(self._all(wanted))]

    def publications(self, since: Mapping[str, str], *, until: str | None = None) -> dict[str, dict[str, Publication]]:
        """Return the last publication of each night, by pipeline and night.

        Args:
            since: By pipeline: the first night.
            until: The last one of all of them.
        """
        names = ("rows_in", "rows_scored", "rows_quarantined", "delta_version")
        numbers = [_keys.result[name].as_integer() for name in names]
        model = _keys.result["model_version"].as_string()
        wanted = select(_keys.pipeline, _keys.partition, _keys.finished_at, *numbers, model).where(
            _keys.step == PUBLISH, _keys.state == DONE, _within(since, until)
        )
        found: dict[str, dict[str, Publication]] = {pipeline: {} for pipeline in since}
        for pipeline, night, at, rows_in, scored, refused, version, scorer in self._all(wanted):
            if night >= since.get(pipeline, AFTER_NIGHTS):
                mine = found[pipeline]
                if night not in mine or at >= mine[night].at:
                    mine[night] = Publication(at, rows_in, scored, refused, scorer, version)
        return found

    def begun(self) -> dict[str, list[str]]:
        """Return the nights of which anything was ever done, by pipeline, oldest first."""
        wanted = select(_keys.pipeline, _keys.partition).where(_keys.step == "validate").distinct()
        found: dict[str, list[str]] = {}
        for pipeline, night in self._all(wanted.order_by(_keys.pipeline, _keys.partition)):
            found.setdefault(pipeline, []).append(night)
        return found

    def running(self, dag_ids: Mapping[str, str]) -> dict[str, set[str]]:
        """Return the nights that a run in Airflow works on now, as far as it was heard of, by pipeline.

        Args:
            dag_ids: By pipeline: its scoring DAG.
        """
        pipelines = {dag_id: pipeline for pipeline, dag_id in dag_ids.items()}
        column = dag_runs.c
        wanted = select(column.dag_id, column.partition_key).where(
            column.state == "running", column.ended_at.is_(None), column.partition_key.is_not(None)
        )
        found: dict[str, set[str]] = {}
        for dag_id, night in self._all(wanted):
            if dag_id in pipelines:
                found.setdefault(pipelines[dag_id], set()).add(night)
        return found

    def touches(self, since: Mapping[str, str]) -> dict[str, dict[str, list[Touch]]]:
        """Return the keys of nights on which something is not done, by pipeline and night; others need no telling.

        Args:
            since: By pipeline: the first night.
        """
        unfinished = select(_keys.pipeline, _keys.partition).where(_keys.state != DONE, _within(since))
        nights = {
            (pipeline, partition.partition("#")[0])
            for pipeline, partition in self._all(unfinished)
            if partition >= since.get(pipeline, AFTER_NIGHTS)
        }
        found = self.touches_of(nights)
        return {pipeline: found.get(pipeline, {}) for pipeline in since}

    def touches_of(self, nights: Collection[tuple[str, str]]) -> dict[str, dict[str, list[Touch]]]:
        """Return how the keys of some nights stand, by pipeline and night.

        Shards that are scored are left out: there may be many, and the shards that are not say how the night stands.

        Args:
            nights: Pairs of pipeline and night.
        """
        if not nights:
            return {}
        held = and_(_keys.state == "claimed", _keys.lease_until > database_now())
        error = case((_keys.state != "done", _keys.error), else_=None)
        columns = select(_keys.pipeline, _keys.partition, _keys.step, _keys.state, _touched, held, error)
        oldest = min(night for _, night in nights)
        whole = columns.where(*_any_of(nights), _keys.step.in_(NIGHT_STEPS))
        shards = columns.where(_keys.state != DONE, _keys.step == "score", _keys.partition >= oldest)
        found: dict[str, dict[str, list[Touch]]] = {}
        for pipeline, partition, step, state, at, is_held, why in (*self._all(whole), *self._all(shards)):
            night = partition.partition("#")[0]
            if (pipeline, night) in nights:
                touch = Touch(step, state, at, bool(is_held), why)
                found.setdefault(pipeline, {}).setdefault(night, []).append(touch)
        return found

    def dues(
        self, dag_ids: Mapping[str, str], since: Mapping[str, str], *, until: str | None = None
    ) -> dict[str, dict[str, Due]]:
        """Return until when nights were promised, and whether they were late, by pipeline and night.

        Args:
            dag_ids: By pipeline: its scoring DAG.
            since: By pipeline: the first night.
            until: The last one of all of them.
        """
        pipelines = {dag_id: pipeline for pipeline, dag_id in dag_ids.items() if pipeline in since}
        found: dict[str, dict[str, Due]] = {pipeline: {} for pipeline in since}
        if not pipelines:
            return found
        column = outcomes.c
        promises = [promise for dag_id in pipelines for promise in _run_promises(dag_id)]
        wanted = select(column.dag_id, column.night, column.due_at, column.finished_at, column.outcome).where(
            column.promise_id.in_(promises), column.night >= min(since.values())
        )
        wanted = wanted if until is None else wanted.where(column.night <= until)
        for dag_id, night, due_at, finished_at, outcome in self._all(wanted):
            found[pipelines[dag_id]][night] = Due(due_at, finished_at, outcome == "late")
        return found

    def seconds_of_steps(self, pipeline: str, nights: Sequence[str]) -> dict[str, list[float]]:
        """Return how long each step took on some nights, from the first claim of its keys to the last finish."""
        if not nights:
            return {}
        wanted = select(_keys.step, _keys.partition, _keys.claimed_at, _keys.finished_at).where(
            _keys.pipeline == pipeline,
            _keys.state == "done",
            _keys.step.in_(NIGHT_STEPS),
            or_(*(_of_night(night) for night in nights)),
        )
        latest: dict[tuple[str, str], tuple[float, float]] = {}
        for step, partition, claimed_at, finished_at in self._all(wanted.order_by(_keys.claimed_at)):
            latest[step, partition] = (claimed_at, finished_at)
        spans: dict[tuple[str, str], tuple[float, float]] = {}
        for (step, partition), (begun, ended) in latest.items():
            night = (step, partition.partition("#")[0])
            earlier = spans.get(night, (begun, ended))
            spans[night] = (min(begun, earlier[0]), max(ended, earlier[1]))
        found: dict[str, list[float]] = {}
        for (step, _), (begun, ended) in sorted(spans.items()):
            found.setdefault(step, []).append(max(0.0, ended - begun))
        return found

    def results(self, pipeline: str, step: str, nights: Sequence[str]) -> list[dict[str, Any]]:
        """Return the last result of a step for each of some nights that have one, oldest night first."""
        wanted = (
            select(_keys.partition, _keys.result)
            .where(_keys.pipeline == pipeline, _keys.step == step, _keys.state == "done", _keys.partition.in_(nights))
            .order_by(_keys.finished_at)
        )
        last = dict(map(tuple, self._all(wanted)))
        return [last[night] for night in sorted(last)]

    def entries_of(self, pipeline: str, step: str, *, since: str) -> list[Entry]:
        """Return the keys of a step of nights from one on, the latest claimed first."""
        wanted = (
            select(task_keys)
            .where(_keys.pipeline == pipeline, _keys.step == step, _keys.partition >= since)
            .order_by(_keys.claimed_at.desc())
        )
        return [entry_of(row) for row in self._all(wanted)]

    def entries_of_all(self, step: str, since: Mapping[str, str]) -> dict[str, list[Entry]]:
        """Return the keys of a step of each pipeline's nights from its first one on, by pipeline."""
        wanted = select(task_keys).where(_keys.step == step, _within(since))
        found: dict[str, list[Entry]] = {}
        for row in self._all(wanted):
            if row.partition >= since.get(row.pipeline, AFTER_NIGHTS):
                found.setdefault(row.pipeline, []).append(entry_of(row))
        return found

    def moves(self) -> list[tuple[str, str, str, float, str, bool | None, str | None]]:
        """Return every registration and move of champions, oldest first.

        Returns:
            Pipeline, step (`register`, `promote` or `move`), partition, when, version, whether a promotion promoted, and
            the version that was replaced.
        """
        result = _keys.result
        wanted = (
            select(
                _keys.pipeline,
                _keys.step,
                _keys.partition,
                _keys.finished_at,
                result["version"].as_string(),
                result["promoted"].as_boolean(),
                result["replaced"].as_string(),
            )
            .where(_keys.step.in_(CHAMPIONS), _keys.state == "done")
            .order_by(_keys.finished_at)
        )
        return [tuple(row) for row in self._all(wanted)]

    def trained(self, which: Collection[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the last training's result of some pipelines as of some nights, by both.

        Args:
            which: Pairs of pipeline and night.
        """
        if not which:
            return {}
        wanted = (
            select(_keys.pipeline, _keys.partition, _keys.result)
            .where(*_any_of(which), _keys.step == "train", _keys.state == "done")
            .order_by(_keys.finished_at)
        )
        found = {(pipeline, night): result for pipeline, night, result in self._all(wanted)}
        return {pair: found[pair] for pair in which if pair in found}

    def scored(self, pipeline: str) -> dict[str, Scored]:
        """Return which nights each version scored, as they are published now."""
        version = _keys.result["model_version"].as_string()
        wanted = (
            select(_keys.partition, version)
            .where(_keys.pipeline == pipeline, _keys.step == "publish", _keys.state == "done")
            .order_by(_keys.finished_at)
        )
        return _by_version(dict(map(tuple, self._all(wanted))))

    def all_scored(self) -> dict[str, dict[str, Scored]]:
        """Return which nights each version scored, as they are published now, by pipeline and version."""
        wanted = (
            select(_keys.pipeline, _keys.partition, _keys.result["model_version"].as_string())
            .where(_keys.step == PUBLISH, _keys.state == DONE)
            .order_by(_keys.finished_at)
        )
        shown: dict[str, dict[str, str]] = {}
        for pipeline, night, version in self._all(wanted):
            shown.setdefault(pipeline, {})[night] = version
        return {pipeline: _by_version(nights) for pipeline, nights in shown.items()}

    def histories(self, keys: Sequence[str]) -> dict[str, list[Event]]:
        """Return what happened to each of some keys, oldest first."""
        column = task_events.c
        wanted = select(task_events).where(column.key.in_(keys)).order_by(column.id)
        found: dict[str, list[Event]] = {key: [] for key in keys}
        for row in self._all(wanted):
            found[row.key].append(Event(row.key, row.at, row.event, row.fence, row.generation, row.holder, row.detail))
        return found

    def open_incidents(self) -> dict[str, int]:
        """Return how many incidents of each DAG are open."""
        column = incidents.c
        wanted = select(column.dag_id, func.count()).where(column.resolved_at.is_(None)).group_by(column.dag_id)
        return dict(map(tuple, self._all(wanted)))

    def run_of(self, dag_id: str, night: str) -> str | None:
        """Return the last run of a DAG for a night, as far as it was heard of."""
        column = dag_runs.c
        wanted = (
            select(column.run_id)
            .where(column.dag_id == dag_id, column.partition_key == night)
            .order_by(column.told_at.desc())
            .limit(1)
        )
        run = self._all(wanted)
        return str(run[0][0]) if run else None

    def newest_keys(self, beginning: str, *, most: int, digits: int) -> list[str]:
        """Return the first digits of keys that begin so, the latest claimed first."""
        wanted = (
            select(func.substr(_keys.key, 1, digits))
            .where(_keys.key.startswith(beginning, autoescape=True))
            .order_by(_keys.claimed_at.desc())
            .limit(most)
        )
        return [key for (key,) in self._all(wanted)]

    def versions(self, pipeline: str) -> list[str]:
        """Return the numbers of a pipeline's registered versions, the newest first."""
        wanted = (
            select(_keys.result["version"].as_string())
            .where(_keys.pipeline == pipeline, _keys.step == "register", _keys.state == "done")
            .order_by(_keys.finished_at.desc())
        )
        return list(dict.fromkeys(version for (version,) in self._all(wanted)))

    def incident_ids(self) -> list[str]:
        """Return the open incidents, the newest first."""
        column = incidents.c
        wanted = select(column.id).where(column.resolved_at.is_(None)).order_by(column.opened_at.desc())
        return [incident for (incident,) in self._all(wanted)]

    def _all(self, wanted: Select[Any]) -> Sequence[Any]:
        def read(connection: Connection) -> Sequence[Any]:
            return connection.execute(wanted).all()

        return self.do(read)


def _by_version(shown: Mapping[str, str]) -> dict[str, Scored]:
    nights: dict[str, list[str]] = {}
    for night in sorted(shown):
        nights.setdefault(shown[night], []).append(night)
    return {version: Scored(len(mine), mine[0], mine[-1]) for version, mine in nights.items()}


def _within(since: Mapping[str, str], until: str | None = None) -> ColumnElement[bool]:
    """Say which keys can be of nights from the first one of any pipeline on; each pipeline's own is for the reader to hold.

    One range for all pipelines lets the database read one index from there on; a few pipelines are named beside it.
    """
    last = _keys.partition < AFTER_NIGHTS if until is None else _keys.partition <= until
    nights = and_(_keys.partition >= min(since.values()), last)
    return and_(_keys.pipeline.in_(sorted(since)), nights) if len(since) <= FEW else nights


def _any_of(nights: Collection[tuple[str, str]]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Say which keys can be of some pipelines' nights; pairs that were not meant are for the reader to leave out.

    Pairs themselves would make SQLite read the whole table.
    """
    pipelines, partitions = ({pair[place] for pair in nights} for place in (0, 1))
    return _keys.pipeline.in_(sorted(pipelines)), _keys.partition.in_(sorted(partitions))


def _of_night(night: str) -> ColumnElement[bool]:
    return and_(_keys.partition >= night, or_(_keys.partition == night, _keys.partition.startswith(f"{night}#")))


def _run_promises(dag_id: str) -> list[str]:
    """Names of the promises about a whole run; a DAG makes one of them."""
    return [f"{dag_id}/{kind}" for kind in ("finish_by", "finish_within")]
