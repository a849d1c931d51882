"""Reads the ledger for every view: nights, a night, models, checks and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from pipelines.engine.catalog import load_pipeline, pipeline_names
from pipelines.engine.durations import duration
from pipelines.engine.errors import UnknownNight, UnknownPipeline, nearest
from pipelines.engine.incidents.outbox import Outbox
from pipelines.engine.incidents.store import Incidents
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.ledger.values import Entry, iso
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.promises.values import Declaration, Promise
from pipelines.engine.publication.superseded import CHAINING, differences, superseded_by
from pipelines.engine.replay import read_clock
from pipelines.engine.settings import Settings
from pipelines.engine.steps import CHAMPION_STEPS, NIGHT_STEPS, TRAINING_STEPS
from pipelines.engine.views.checks import SuiteView, below, suite_view
from pipelines.engine.views.cost import NightCost, cost_of_night, night_costs
from pipelines.engine.views.incidents import (
    IncidentsView,
    IncidentView,
    history_lines,
    incident_line,
    incidents_view,
)
from pipelines.engine.views.measured import Measured
from pipelines.engine.views.models import ModelLine, ModelView, Scored, model_view, roles_of
from pipelines.engine.views.night import (
    USUAL_NIGHTS,
    NightView,
    checked_of,
    distribution_of,
    shard_lines,
    step_times,
    table_versions,
)
from pipelines.engine.views.reading import Reading
from pipelines.engine.views.stories import Story, story
from pipelines.engine.views.strip import NO_LONGER_DECLARED, Strip, cells, touches_of

NIGHTS_SHOWN = 60
WEEK = 7
LONGEST_GAP = 14
"""Days between two nights; what lies between two that are further apart is no gap, but a time without nights."""
NAMED = 12
"""Pipelines that are named to who asks for one that is not there."""


class House:
    """Everything that is shown, of one ledger.

    Args:
        settings: Where the ledger and the reports are.
        patience: For how many seconds an unreachable database is asked again.
    """

    def __init__(self, settings: Settings, *, patience: float = 2.0) -> None:
        self._settings = settings
        self._patience = patience
        self.ledger = Ledger(settings.ledger_url, patience=patience)
        self._reading = Reading(settings.ledger_url, patience=patience)
        self._measured = Measured(settings.ledger_url, patience=patience)
        self._observations = Observations(settings.ledger_url, patience=patience)

    def strips(self, *, last: int = NIGHTS_SHOWN, only: str | None = None) -> list[Strip]:
        """Return a strip for each pipeline that is declared or has nights, by name.

        Args:
            last: How many nights of each, up to its newest.
            only: Of this pipeline alone.

        Raises:
            UnknownPipeline: There is none of that name.
            LedgerError: The ledger cannot be read.
        """
        begun = self._reading.begun()
        names = sorted({*pipeline_names(), *begun})
        if only is not None:
            check_known(only, names)
            names = [only]
        scoring = _scoring(self._declarations())
        since = {name: begun[name][-last:][0] for name in names if name in begun}
        dags = {name: declared.dag_id for name, declared in scoring.items()}
        publications = self._reading.publications(since) if since else {}
        touches = self._reading.touches(since) if since else {}
        dues = self._reading.dues(dags, since) if since else {}
        running = self._reading.running(dags)
        incidents = self._reading.open_incidents()
        all_dags = self.dags()
        # Every key done, and no publication: such a night is, or stopped, between two steps.
        bare = {name: set(nights[-last:]) for name, nights in begun.items() if name in since}
        told = {name: publications[name].keys() | touches[name].keys() for name in bare}
        between = self._reading.touches_of({(name, night) for name in bare for night in bare[name] - told[name]})
        strips = []
        for name in names:
            published, touched = publications.get(name, {}), {**touches.get(name, {}), **between.get(name, {})}
            nights = _between({*published, *touched, *begun.get(name, ())[-last:]})[-last:]
            question, trouble = _declared(name)
            declared = scoring.get(name)
            strips.append(
                Strip(
                    name,
                    question,
                    declared.owner if declared else "",
                    declared.dag_id if declared else None,
                    _promise_words(declared),
                    sum(incidents.get(dag, 0) for dag in all_dags.get(name, ())),
                    cells(nights, touched, published, dues.get(name, {}), running.get(name, ())),
                    trouble,
                )
            )
        return strips

    def night(self, pipeline: str, night: str, *, finishing: tuple[str, Mapping[str, Any]] | None = None) -> NightView:
        """Return everything about one night.

        Args:
            pipeline: Whose.
            night: Which.
            finishing: A key that its holder is about to finish, and with what: it is shown as if that were done.

        Raises:
            UnknownPipeline, UnknownNight: There is none of that name, or nothing was ever done for that night.
            LedgerError: The ledger cannot be read.
        """
        now = self.ledger.now()
        found = self.ledger.entries(pipeline=pipeline, partition=night)
        entries = [_finished(entry, finishing, now) for entry in found if entry.step in NIGHT_STEPS]
        nights = self._reading.nights(pipeline)
        if not entries or night not in nights:
            check_known(pipeline, self.names())
            raise UnknownNight(_no_night(pipeline, night, nights))
        at = nights.index(night)
        earlier = nights[max(0, at - USUAL_NIGHTS) : at]
        scoring = _scoring(self._declarations()).get(pipeline)
        dues = self._reading.dues({pipeline: scoring.dag_id} if scoring else {}, {pipeline: night}, until=night)
        if finishing:
            touched = {night: touches_of(entries, now)}
        else:
            touched = self._reading.touches_of({(pipeline, night)}).get(pipeline, {})
        published = self._reading.publications({pipeline: night}, until=night)[pipeline]
        running = self._reading.running({pipeline: scoring.dag_id} if scoring else {})
        [cell] = cells([night], touched, published, dues[pipeline], running.get(pipeline, ()))
        last = {entry.step: entry.result or {} for entry in reversed(entries) if entry.state == "done"}
        checked = last.get("validate")
        week = self._reading.results(pipeline, "publish", earlier[-WEEK:])
        return NightView(
            pipeline,
            night,
            cell,
            step_times(entries, self._reading.seconds_of_steps(pipeline, earlier), now),
            shard_lines(entries),
            checked_of(checked, self._report(checked.get("report"))) if checked else None,
            self._table(checked.get("quarantine")) if checked else None,
            distribution_of(last.get("publish", {}), last.get("monitor", {}), week),
            table_versions(entries, _because(entries)),
            tuple(last.get("monitor", {}).get("warnings", ())),
            self._stories(entries),
            scoring.dag_id if scoring else None,
            self._reading.run_of(scoring.dag_id, night) if scoring else None,
            nights[at - 1] if at else None,
            nights[at + 1] if at + 1 < len(nights) else None,
            self._report(last.get("monitor", {}).get("night_report")),
            scoring.owner if scoring else "",
            _promise_words(scoring),
            cost_of_night(entries),
        )

    def costs(self, pipeline: str | None, first: str, last: str) -> tuple[NightCost, ...]:
        """Return what the nights and trainings from one night to another cost, by pipeline and night.

        Args:
            pipeline: Of this one alone; None for all.
            first: Night.
            last: Night, included.

        Raises:
            UnknownPipeline: There is none of that name.
            LedgerError: The ledger cannot be read.
        """
        if pipeline is not None:
            check_known(pipeline, self.names())
        return night_costs(self._measured.spent(pipeline=pipeline, first=first, last=last))

    def newest_nights(self) -> dict[str, str]:
        """Return the newest night of each pipeline that has any key of a night.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        return self._reading.newest_nights()

    def models(self) -> list[ModelLine]:
        """Return every pipeline's model in a line, by name, also of those that have none yet.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        registered: dict[str, dict[str, str]] = {}
        moves: dict[str, list[tuple[float, str | None, str]]] = {}
        for pipeline, step, partition, at, version, promoted, replaced in self._reading.moves():
            if step == "register":
                registered.setdefault(pipeline, {})[version] = partition
            elif step == "move" or promoted:
                moves.setdefault(pipeline, []).append((at, replaced, version))
        names = sorted({*pipeline_names(), *self._reading.newest_nights(), *registered})
        roles = {name: roles_of(list(registered.get(name, ())), moves.get(name, ())) for name in names}
        as_of = {
            name: registered.get(name, {}).get(parts.champion)
            for name, parts in roles.items()
            if parts.champion is not None
        }
        trained = self._reading.trained([(name, night) for name, night in as_of.items() if night])
        lines = []
        for name, parts in roles.items():
            declared = _load(name)
            metric = declared.gate.metric if declared else None
            metrics = trained.get((name, as_of.get(name) or ""), {}).get("metrics", {})
            lines.append(
                ModelLine(
                    name,
                    declared.question if declared else "",
                    parts.champion,
                    parts.previous,
                    parts.challenger,
                    iso(parts.since) if parts.since is not None else None,
                    as_of.get(name),
                    metric,
                    metrics.get(metric),
                    len(registered.get(name, ())),
                )
            )
        return lines

    def scored(self) -> dict[str, dict[str, Scored]]:
        """Return by pipeline and version which nights are published by it.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        return self._reading.all_scored()

    def model(self, pipeline: str, *, finishing: tuple[str, Mapping[str, Any]] | None = None) -> ModelView:
        """Return a pipeline's model.

        Args:
            pipeline: Whose.
            finishing: A key that its holder is about to finish, and with what: it is shown as if that were done.

        Raises:
            UnknownPipeline: There is none of that name.
            LedgerError: The ledger cannot be read.
        """
        now = self.ledger.now() if finishing else 0.0
        entries = [
            _finished(entry, finishing, now)
            for step in (*TRAINING_STEPS, *CHAMPION_STEPS)
            for entry in self.ledger.entries(pipeline=pipeline, step=step)
        ]
        if not entries:
            check_known(pipeline, sorted({*pipeline_names(), *self._reading.newest_nights()}))
        question, _ = _declared(pipeline)
        declared = _load(pipeline)
        gate = (declared.gate.metric, declared.gate.threshold) if declared else None
        return model_view(pipeline, question, entries, self._reading.scored(pipeline), self._files(entries), gate)

    def checks(self, pipeline: str, *, last: int = NIGHTS_SHOWN) -> SuiteView:
        """Return how a pipeline's suite for rows did on its newest nights.

        Raises:
            UnknownPipeline: There is none of that name.
            LedgerError: The ledger cannot be read.
        """
        nights = self._reading.nights(pipeline, last=last)
        if not nights:
            check_known(pipeline, sorted({*pipeline_names(), *self._reading.newest_nights()}))
        entries = self._reading.entries_of(pipeline, "validate", since=nights[0]) if nights else []
        return suite_view(pipeline, entries, self._settings.reports)

    def suites(self, *, last: int = NIGHTS_SHOWN) -> list[SuiteView]:
        """Return how every pipeline's suite for rows did on its newest nights, by name.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        since = {name: nights[-last:][0] for name, nights in self._reading.begun().items()}
        looked = self._reading.entries_of_all("validate", since) if since else {}
        names = sorted({*pipeline_names(), *since})
        return [suite_view(name, looked.get(name, ()), self._settings.reports) for name in names]

    def incidents(self, *, resolved: int = 50) -> IncidentsView:
        """Return open incidents, and the newest resolved ones, with what the outbox has not delivered.

        Args:
            resolved: At most how many that are over.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        store = self._incidents()
        found = {one.id: one for one in (*store.find(limit=1000), *store.find(resolved=True, limit=resolved))}
        pending = Outbox(self._settings.ledger_url, patience=self._patience).pending()
        return incidents_view(
            list(found.values()), store.silences(), pending, self.declarations(), self._now(), self._secrets
        )

    def incident(self, which: str) -> IncidentView:
        """Return one incident by the first digits of its id, with its history.

        Raises:
            UsageError: There is none, or more than one.
            LedgerError: The ledger cannot be read.
        """
        store = self._incidents()
        found = store.get(which)
        declared = self.declaration(found.dag_id)
        line = incident_line(found, store.silences(), declared, self._now(), self._secrets)
        return IncidentView(line, history_lines(store.history(found.id), self._secrets))

    def key(self, digest: str) -> tuple[Entry, Story] | None:
        """Return a key by its digest or the beginning of it, and its story; None if the ledger has none.

        Raises:
            UsageError: The beginning fits more than one key, or cannot be one.
            LedgerError: The ledger cannot be read.
        """
        entry = self.ledger.entry(digest)
        if entry is None:
            return None
        return entry, story(entry, self.ledger.history(entry.key), superseded_by(entry, self.ledger.alike(entry)))

    def names(self) -> list[str]:
        """Return the pipelines that are declared, or have nights or DAGs, by name.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        return sorted({*pipeline_names(), *self._reading.newest_nights(), *self.dags()})

    def dags(self) -> dict[str, list[str]]:
        """Return the DAGs of each pipeline that ever had any; one whose file is gone is still whose it was.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        dags: dict[str, list[str]] = {}
        for seen in self._observations.declarations(gone=True):
            declared = Declaration.from_json(seen.content)
            if declared.pipeline:
                dags.setdefault(declared.pipeline, []).append(declared.dag_id)
        return dags

    def declarations(self) -> dict[str, Declaration]:
        """Return every DAG as it was declared last, by id.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        seen = self._observations.declarations()
        return {one.dag_id: Declaration.from_json(one.content) for one in seen}

    def training_dag(self, pipeline: str) -> str | None:
        """Return the DAG that trains a pipeline's model, or None if none is declared.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        mine = (one for one in self._declarations() if one.pipeline == pipeline and one.kind == "training")
        return next((one.dag_id for one in mine), None)

    def newest_night(self, pipeline: str) -> str | None:
        """Return the newest night that a pipeline has any key of, or None before the first one.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        return next(iter(self._reading.nights(pipeline, last=1)), None)

    def declaration(self, dag_id: str) -> Declaration | None:
        """Return a DAG as it was declared last, or None if it never was.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        seen = self._observations.declarations(gone=True)
        return next((Declaration.from_json(one.content) for one in seen if one.dag_id == dag_id), None)

    def key_of_task(self, declared: Declaration, task_id: str, partition: str, shard: int | None) -> str | None:
        """Return the digest of the key that a task of a DAG worked under last, or None before its first claim.

        Args:
            declared: The DAG.
            task_id: The task; its step has the same name.
            partition: Of the run.
            shard: Of a mapped task: which one.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        step = f"{task_id}_training" if (task_id, declared.kind) == ("validate", "training") else task_id
        numbered = f"{partition}#{shard}" if shard is not None else partition
        found = self.ledger.entries(pipeline=declared.pipeline, step=step, partition=numbered)
        newest = max(found, key=lambda entry: entry.claimed_at, default=None)
        return newest.key if newest else None

    def owner(self, pipeline: str, kind: str) -> str:
        """Return who answers for a pipeline's `scoring` or `training` DAG; empty if nobody was named.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        declared = [each for each in self._declarations() if (each.pipeline, each.kind) == (pipeline, kind)]
        return declared[0].owner if declared else ""

    def _incidents(self) -> Incidents:
        return Incidents(self._settings.ledger_url, clock=read_clock(self._settings), patience=self._patience)

    def _now(self) -> float:
        return read_clock(self._settings).shows(self.ledger.now())

    @property
    def _secrets(self) -> tuple[str, ...]:
        return (self._settings.ledger_url, self._settings.tracking_uri)

    def _stories(self, entries: Sequence[Entry]) -> tuple[Story, ...]:
        histories = self._reading.histories([entry.key for entry in entries])
        return tuple(story(entry, histories[entry.key], superseded_by(entry, entries)) for entry in entries)

    def _files(self, entries: Sequence[Entry]) -> dict[str, dict[str, str | None]]:
        files: dict[str, dict[str, str | None]] = {}
        for entry in entries:
            result: Mapping[str, Any] = entry.result or {}
            if entry.step == "train" and result:
                files.setdefault(entry.key, {})["pictures"] = self._report(result.get("report"))
            if entry.step == "validate_training" and result:
                files[entry.key] = {of: self._report(path) for of, path in result.get("reports", {}).items()}
            if entry.step == "register" and result:
                files.setdefault(entry.identity["inputs"]["trained"], {})["card"] = self._report(result.get("card"))
        return files

    def _report(self, path: str | None) -> str | None:
        return below(self._settings.reports, path)

    def _table(self, path: str | None) -> str | None:
        return below(self._settings.tables, path)

    def _declarations(self) -> list[Declaration]:
        return [Declaration.from_json(seen.content) for seen in self._observations.declarations()]


def _scoring(declarations: Sequence[Declaration]) -> dict[str, Declaration]:
    return {
        declared.pipeline: declared for declared in declarations if declared.pipeline and declared.kind == "scoring"
    }


def check_known(pipeline: str, names: Sequence[str]) -> None:
    """Make sure that there is a pipeline of that name.

    Raises:
        UnknownPipeline: With the nearest name that there is.
    """
    if pipeline not in names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        there = f"there are: {', '.join(names[:NAMED])}{more}" if names else "there are none"
        raise UnknownPipeline(f"no pipeline {pipeline!r}; {there}.{nearest(pipeline, names)}")


def _load(name: str) -> Pipeline | None:
    try:
        return load_pipeline(name)
    except Exception:  # a file of somebody else, which may do anything when it is imported
        return None


def _declared(name: str) -> tuple[str, str | None]:
    """Return a pipeline's question, or why it cannot be read."""
    if name not in pipeline_names():  # without asking which name is nearest: there may be many such pipelines
        return "", NO_LONGER_DECLARED
    try:
        return load_pipeline(name).question, None
    except Exception as error:  # a file of somebody else, which may do anything when it is imported
        return "", f"its declaration cannot be read: {error}"


def _promise_words(declared: Declaration | None) -> str | None:
    for promise in declared.promises if declared else ():
        if words := _words_of(promise):
            return words
    return None


def _words_of(promise: Promise) -> str | None:
    if promise.kind == "finish_by":
        return f"by {promise.at} {promise.timezone}"
    if promise.kind == "finish_within" and promise.within_seconds:
        return f"within {duration(promise.within_seconds)}"
    return None


def _finished(entry: Entry, finishing: tuple[str, Mapping[str, Any]] | None, now: float) -> Entry:
    if finishing is None or entry.key != finishing[0]:
        return entry
    return replace(entry, state="done", finished_at=now, result=dict(finishing[1]), error=None)


def _because(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    published = sorted(
        (entry for entry in entries if entry.step == "publish" and entry.state == "done"),
        key=lambda entry: entry.finished_at or 0.0,
    )
    return {
        new.key: tuple(name for name in differences(old.identity, new.identity) if name != CHAINING)
        for old, new in pairwise(published)
    }


def _no_night(pipeline: str, night: str, nights: Sequence[str]) -> str:
    known = f" Its nights go from {nights[0]} to {nights[-1]}." if nights else ""
    return (
        f"nothing was ever done for night {night[:80]!r} of {pipeline}.{nearest(night, nights)}{known} "
        f"To score it: nightshift score {pipeline} {night[:80]}"
    )


def _between(nights: set[str]) -> list[str]:
    """Return the nights with those that are missing between them, oldest first; where many are, nobody wanted them."""
    known = sorted(nights)
    try:
        days = [date.fromisoformat(night) for night in known]
    except ValueError:
        return known
    missing = [
        (early + timedelta(days=more)).isoformat()
        for early, late in pairwise(days)
        if (late - early).days <= LONGEST_GAP
        for more in range(1, (late - early).days)
    ]
    return sorted({*known, *missing})
