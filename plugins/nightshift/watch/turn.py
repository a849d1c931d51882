"""Once around: gather what is known, judge it, settle incidents, measure, and say that the watch is alive."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from nightshift.alerts.context import context_of
from nightshift.alerts.routes import Routing, read_routes, routes_for
from nightshift.alerts.sinks import open_sink
from nightshift.watch.gathering import Gathering
from nightshift.watch.standing import Measuring
from nightshift.watch.tables import Tables
from pipelines.engine.clock import REAL
from pipelines.engine.errors import DeclarationError
from pipelines.engine.incidents.lifecycle import Change, Policy
from pipelines.engine.incidents.outbox import Outbox
from pipelines.engine.incidents.past import ESCALATED
from pipelines.engine.incidents.sender import Sender
from pipelines.engine.incidents.sinks import Sink, SinkError
from pipelines.engine.incidents.store import Incidents
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.ledger.promise_outcomes import PromiseOutcome, PromiseOutcomes
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.promises.cases import SLOWEST_START_SECONDS
from pipelines.engine.promises.facts import Facts
from pipelines.engine.promises.judge import judge
from pipelines.engine.promises.values import Declaration
from pipelines.engine.promises.verdicts import Verdict
from pipelines.engine.replay import Replay, as_replayed, read_replay

if TYPE_CHECKING:
    from nightshift.watch.metrics import Metrics
    from pipelines.engine.incidents.values import Message
    from pipelines.engine.settings import Settings

log = logging.getLogger(__name__)
NAME = "watch"
"""Of its heartbeat in the ledger's database."""
PATIENCE_SECONDS = 5.0
ALIVE_SECONDS = 60.0
"""A watch that was not heard for so long does not send messages."""
COUNTED = ("finish_by", "finish_within")
"""What makes a night one that was on time, or not: the first of these that its DAG promises."""


@dataclass(frozen=True)
class Turn:
    """What came of one turn.

    Attributes:
        now: When it was, in seconds since 1970 by the clock that the nights are in.
        declarations: What is promised.
        facts: What was known.
        verdicts: What the judge said.
        changes: What became of incidents.
    """

    now: float
    declarations: Sequence[Declaration]
    facts: Facts = field(repr=False)
    verdicts: Sequence[Verdict] = field(repr=False)
    changes: Sequence[Change] = field(repr=False)


class Watch:
    """Looks at promises.

    Args:
        settings: Where things are.
        metrics: What it measures, if somebody wants to know.
        patience: For how many seconds the ledger's database is asked again while it does not answer.
    """

    def __init__(
        self, settings: Settings, *, metrics: Metrics | None = None, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self.observations = Observations(settings.ledger_url, patience=patience)
        self.outbox = Outbox(settings.ledger_url, patience=patience)
        self._outcomes = PromiseOutcomes(settings.ledger_url, patience=patience)
        self._incidents = Incidents(settings.ledger_url, patience=patience)
        self._gathering = Gathering(
            Ledger(settings.ledger_url, patience=patience), self.observations, Tables(settings).shown
        )
        self._patience = patience
        self._measuring = Measuring(settings, patience=patience)
        self.clock = REAL
        self._routing: Routing | None = None
        self._recorded: set[PromiseOutcome] = set()

    def turn(self, *, only: str | None = None) -> Turn:
        """Look at all promises once.

        Args:
            only: Look at this DAG alone.

        Raises:
            LedgerError: The database does not answer, or refused.
        """
        replay = self._look_at_the_clock()
        now = self.clock.shows(self.observations.now())
        declarations, since = self._gathering.declarations(self.clock)
        opened = self._incidents.open_nights()
        if replay is not None and replay.driven:  # other DAGs are not in the time that its clock shows
            replayed = (one for one in declarations if one.pipeline == replay.pipeline)
            declarations = [as_replayed(declaration, replay) for declaration in replayed]
            opened = _about(opened, [declaration.dag_id for declaration in declarations])
        if only is not None:
            declarations = [declaration for declaration in declarations if declaration.dag_id == only]
            opened = _about(opened, [only])
        facts = self._gathering.facts(declarations, since, self.clock)
        slowest_start = SLOWEST_START_SECONDS * self.clock.speed
        verdicts = judge(declarations, facts, now, opened, slowest_start=slowest_start)
        changes = self._settle(declarations, verdicts, now)
        self._outcomes_of(verdicts, now)
        turn = Turn(now, declarations, facts, verdicts, changes)
        if only is None:
            self._measure(turn)
            self.observations.beat(NAME, {"declarations": len(declarations), "verdicts": len(verdicts)})
        return turn

    @property
    def routing(self) -> Routing:
        """Who is told what. A file with a mistake is said, and the last one that was right is used.

        Raises:
            DeclarationError: The file has a mistake, and there was none before it.
        """
        try:
            self._routing = read_routes(self._settings)
        except DeclarationError as error:
            if self._routing is None:
                raise
            log.error("%s\nThe routes stay as they were.", error)
        return self._routing

    def _look_at_the_clock(self) -> Replay | None:
        replay = read_replay(self._settings)
        clock = REAL if replay is None else replay.clock
        if clock != self.clock:
            self.clock = clock
            self._incidents = Incidents(self._settings.ledger_url, clock=clock, patience=self._patience)
        return replay

    def _settle(self, declarations: Sequence[Declaration], verdicts: Sequence[Verdict], now: float) -> list[Change]:
        routing = self.routing
        known = {declaration.dag_id: declaration for declaration in declarations}

        def owner_of(dag_id: str) -> str:
            return known[dag_id].owner if dag_id in known else ""

        def tells(message: Message) -> Sequence[str]:
            escalation = message.occasion.partition("-")[0] == ESCALATED
            return routes_for(routing.routes, message.owner, message.severity, message.alert, escalation)

        return self._incidents.settle(
            verdicts,
            owner_of=owner_of,
            routes_for=tells,
            context=context_of(self._settings, routing, known),
            policy=Policy(routing.cooldown_seconds, routing.escalate_after_seconds),
            as_of=now,
        )

    def _outcomes_of(self, verdicts: Sequence[Verdict], now: float) -> None:
        fresh = [outcome for outcome in outcomes_of(verdicts, now) if outcome not in self._recorded]
        self._outcomes.record(fresh)
        self._recorded.update(fresh)

    def _measure(self, turn: Turn) -> None:
        if self._metrics is None:
            return
        pending = self.outbox.pending()
        self._metrics.show_verdicts(turn.verdicts, turn.now)
        self._metrics.show_incidents(self._incidents.counts())
        self._metrics.show_ages(turn.facts, turn.now)
        oldest = max((one.oldest_seconds for one in pending), default=0.0)
        self._metrics.show_outbox({one.route: one.waiting for one in pending}, oldest)
        self._metrics.show_standing(self._measuring.look(), self.observations.now())
        self._metrics.show_nights(nights_of(turn.declarations, self._outcomes.counts()))


def _about(opened: Mapping[str, list[str]], dag_ids: Sequence[str]) -> dict[str, list[str]]:
    return {promise_id: nights for promise_id, nights in opened.items() if promise_id.partition("/")[0] in dag_ids}


def outcomes_of(verdicts: Sequence[Verdict], now: float) -> Iterator[PromiseOutcome]:
    """Say how nights ended: in time, or late from the moment they are, whatever became of them. Freshness has no end."""
    for verdict in verdicts:
        due = verdict.due_at
        if due is None or verdict.state == "stale" or verdict.promise_id.endswith("/fresh_within"):
            continue
        done = verdict.state == "done"
        if not done and now <= due:
            continue
        outcome: Literal["on_time", "late"] = "on_time" if done and verdict.late_by is None else "late"
        finished_at = verdict.at if done else None
        yield PromiseOutcome(verdict.promise_id, verdict.dag_id, verdict.night, outcome, due, finished_at)


def nights_of(
    declarations: Sequence[Declaration], counts: Mapping[tuple[str, str, str], int]
) -> dict[tuple[str, str], int]:
    """Return how many nights of each DAG ended how: each night once, by the first of its promises that is counted."""
    counted = {}
    for declaration in declarations:
        kinds = {promise.kind: promise.id for promise in declaration.promises}
        leading = next((kinds[kind] for kind in COUNTED if kind in kinds), None)
        for outcome in ("on_time", "late"):
            if leading is not None:
                counted[declaration.dag_id, outcome] = counts.get((leading, declaration.dag_id, outcome), 0)
    return counted


def judge_now(settings: Settings, dag_id: str) -> Turn:
    """Look at one DAG at once, as the watch does: for a deadline of Airflow that has passed.

    What comes of it is the same incident, whoever is first. Messages are sent by the watch; if none is alive, here.

    Raises:
        LedgerError: The database does not answer, or refused.
    """
    watch = Watch(settings)
    turn = watch.turn(only=dag_id)
    if not is_alive(watch.observations):
        log.warning("no watch is alive, so messages are sent from here")
        with closing(open_sender(settings, watch.outbox)) as sender:
            sender.send_due(wait_seconds=ALIVE_SECONDS / 2)
    return turn


def is_alive(observations: Observations) -> bool:
    """Whether a watch was heard lately."""
    heard = observations.heartbeat(NAME)
    return heard is not None and observations.now() - heard[0] < ALIVE_SECONDS


def open_sender(settings: Settings, outbox: Outbox) -> Sender:
    """Return what sends the messages of an outbox along the routes."""

    def open_route(name: str) -> Sink:
        route = read_routes(settings).route(name)
        if route is None:
            raise SinkError(
                f"routes.toml has no route {name!r} any more; put it back, or leave the message to be given up",
                retryable=False,
            )
        return open_sink(route, settings)

    return Sender(outbox, open_route)
