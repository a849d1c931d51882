"""`nightshift up --live`: data until now, Airflow, a champion, last week's nights; then the clock begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from datetime import time as time_of_day
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nightshift.embedded import background
from nightshift.live.driver import ROLE, replayed_dags, run_id_of
from nightshift.live.orders import Orders, give_orders, read_orders
from pipelines.engine import replay as replays
from pipelines.engine.errors import UsageError
from pipelines.engine.nights import span
from pipelines.engine.promises.schedule import night_of, ticks
from pipelines.engine.replay import DAY_SECONDS, Replay, keep, read_kept, read_replay
from pipelines.engine.replaying import Delivery, Folders, deliveries, due_until

if TYPE_CHECKING:
    from nightshift.embedded.background import Running
    from nightshift.embedded.client import AirflowClient
    from nightshift.embedded.records import DagRun
    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.pipeline import Pipeline, Progress, Recording
    from pipelines.engine.promises.values import Declaration
    from pipelines.engine.settings import Settings

    Say = Callable[[str], None]

PIPELINE = "flights"
HISTORY_NIGHTS = 7
DECLARED_WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Wanted:
    """What `nightshift up --live` was asked for.

    Attributes:
        speed: Replayed seconds for each second; None: as the replay that goes on, or 1.
        at: What local clocks show when a new replay begins; None: the present time.
        restart: Begin anew, though there is a replay that could go on.
        history: How many of the last nights are scored before it begins.
        port: Of the UI, or None.
        tasks: How many run at the same time.
        companions: Further processes of the tree.
        login: Whether Airflow asks for a name and a password.
    """

    speed: float | None = None
    at: time_of_day | None = None
    restart: bool = False
    history: int = HISTORY_NIGHTS
    port: int | None = None
    tasks: int = 2
    companions: dict[str, Sequence[str]] | None = None
    login: bool = False


def go_live(settings: Settings, wanted: Wanted, say: Say, progress: Progress) -> tuple[Replay, Running]:
    """Begin a replay, or go on with the one that there is, and come back when its clock runs.

    It can be interrupted and asked for again at any moment: what was done is not done again.

    Raises:
        UsageError: What was asked for cannot be, or does not fit the replay that is on.
        EmbeddedError: Airflow cannot be started, or a run of the preparation failed.
        NightshiftError: The data cannot be made.
    """
    from nightshift.demonstration import prepare_data
    from nightshift.embedded.client import AirflowClient
    from nightshift.embedded.layout import Layout
    from nightshift.embedded.logins import admin_of
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.ledger.migrate import migrate
    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.settings import REPOSITORY

    pipeline = load_pipeline(PIPELINE)
    if pipeline.recording is None:
        raise UsageError(f"{PIPELINE} has no recorded past to replay. Declare `recording=` in its Pipeline.")
    _refuse_what_runs(background.running(settings.home, REPOSITORY), wanted)
    migrate(settings.ledger_url)
    observations = Observations(settings.ledger_url)
    replay = _choose(settings, pipeline, pipeline.recording, observations, wanted)
    prepare_data(settings)
    _deliver_until_now(settings, pipeline, replay, observations, progress)
    keep(settings, replay)
    running = background.up(
        settings.home,
        REPOSITORY,
        port=wanted.port,
        parallelism=wanted.tasks,
        login=wanted.login,
        companions={**(wanted.companions or {}), ROLE: ("nightshift.live", "--pipeline", PIPELINE)},
        on_progress=say,
    )
    if not replay.running:
        login = admin_of(Layout(settings.home, REPOSITORY).logins)
        with AirflowClient(running.url, login=login) as client:
            if replay.clock.before is None:  # else it was running before, and has its history
                _make_history(client, observations, replay, wanted.history, say)
        replay = keep(settings, replays.run(replay, observations.now()))
    return replay, running


def _refuse_what_runs(running: Running | None, wanted: Wanted) -> None:
    if running is None:
        return
    if ROLE not in running.roles:
        raise UsageError(f"Airflow runs already at {running.url}, without a replay. Stop it first: nightshift down")
    if wanted.restart:
        raise UsageError(f"a replay is running at {running.url}. To begin a new one, stop it first: nightshift down")


def _choose(
    settings: Settings, pipeline: Pipeline, recording: Recording, observations: Observations, wanted: Wanted
) -> Replay:
    """Return the replay that goes on, or a new one."""
    kept, now = read_kept(settings), observations.now()
    if kept is None or wanted.restart:
        if kept is not None:
            _folders(settings, pipeline, kept).withdraw()
        give_orders(settings, Orders())
        speed = wanted.speed if wanted.speed is not None else 1.0
        showed = _first_moment(settings, recording, now, speed, wanted.at)
        return replays.begin(recording, pipeline.name, now=now, speed=speed, showed=showed)
    if wanted.speed not in (None, kept.speed) or wanted.at is not None:
        raise UsageError(
            f"there is a replay at speed {kept.speed:g} that goes on where it was. "
            "Leave --speed and --at out, or begin a new one with --restart."
        )
    if read_replay(settings) is not None and kept.running and _lives(settings):
        return kept
    beat = observations.heartbeat(ROLE)
    replay = replays.go_on(kept, now, beat[0] if beat is not None else None)
    if replay.clock.shows(now) >= replay.over_at:
        raise UsageError(
            f"the replay is over: its last night was {replay.last}. Begin a new one: nightshift up --live --restart"
        )
    return replay


def _lives(settings: Settings) -> bool:
    from pipelines.engine.settings import REPOSITORY

    return background.running(settings.home, REPOSITORY) is not None


def _first_moment(
    settings: Settings, recording: Recording, now: float, speed: float, at: time_of_day | None
) -> float | None:
    """Return what the clock of a new replay shows; None for the real time.

    An earlier replay may have run ahead of it: a new one that is sped up begins in the evening after its last night.
    """
    asked = replays.at_time(now, at, recording.timezone) if at is not None else None
    if speed == 1.0:
        return asked
    ahead = [night for night in _published(settings) if night > recording.last]
    after = replays.evening_after(max(ahead), recording.timezone) if ahead else now
    if after <= (asked if asked is not None else now):
        return asked if asked is not None else now
    return replays.at_time(after + DAY_SECONDS, at, recording.timezone) if at is not None else after


def _published(settings: Settings) -> list[str]:
    from pipelines.engine.ledger.store import Ledger

    entries = Ledger(settings.ledger_url).entries(pipeline=PIPELINE, step="publish")
    return [entry.partition for entry in entries if entry.state == "done"]


def _folders(settings: Settings, pipeline: Pipeline, replay: Replay) -> Folders:
    from nightshift.connections import open_storage

    return Folders(open_storage(settings).at(settings.data) / pipeline.name, pipeline, replay)


def _deliver_until_now(
    settings: Settings, pipeline: Pipeline, replay: Replay, observations: Observations, progress: Progress
) -> None:
    assert pipeline.recording is not None  # noqa: S101 - looked at before
    shown = replay.clock.shows(observations.now())
    due = list(due_until(deliveries(pipeline.recording, replay), shown, read_orders(settings).held))
    _folders(settings, pipeline, replay).deliver(due, progress)


def _make_history(client: AirflowClient, observations: Observations, replay: Replay, wanted: int, say: Say) -> None:
    """Have a champion, and last week's nights: the beginning of what forecasts rest upon.

    One night after the other: a history of nights that got in each other's way would foretell the wrong thing.
    """
    from nightshift.demonstration import AS_OF, train, watch_runs

    if not _has_champion(observations):
        say(f"no champion yet: training as of {AS_OF}")
        train(client)
    declaration = _declared(observations, replay, say)
    nights = last_nights(declaration, replay, observations.now(), wanted)
    if nights:
        say(f"the last nights, {span(nights)}")
    for night in nights:
        run = client.trigger(declaration.dag_id, partition_key=night, run_id=run_id_of(replay, night))
        watch_runs(client, partial(_again, client, run), 1, fail=False)
        if not client.dag_run(run.dag_id, run.run_id).succeeded:
            say(f"night {night} failed; the replay begins without it")


def _again(client: AirflowClient, run: DagRun) -> list[DagRun]:
    return [client.dag_run(run.dag_id, run.run_id)]


def _has_champion(observations: Observations) -> bool:
    from pipelines.engine.ledger.store import Ledger

    ledger = Ledger(observations.engine.url.render_as_string(hide_password=False))
    return any((entry.result or {}).get("promoted") for entry in ledger.entries(pipeline=PIPELINE, step="promote"))


def _declared(observations: Observations, replay: Replay, say: Say) -> Declaration:
    """Return the scoring DAG as its file declares it; whoever reads the files may need a moment.

    Raises:
        UsageError: Nobody has read it.
    """
    deadline = time.monotonic() + DECLARED_WITHIN_SECONDS
    said = False
    while True:
        found = [one for one in replayed_dags(observations, replay) if one.kind == "scoring"]
        if found:
            return found[0]
        if time.monotonic() > deadline:
            raise UsageError(
                f"nobody has read what the DAG {replay.pipeline}_scoring declares, so its schedule is not known. "
                "Run `nightshift promises sync`, which says why, and then this again."
            )
        if not said:
            say("reading what the DAGs declare")
            said = True
        time.sleep(0.2)


def last_nights(declaration: Declaration, replay: Replay, now: float, wanted: int) -> list[str]:
    """Return the last nights whose runs should have begun by now, by the schedule as it is without a replay."""
    shown = replay.clock.shows(now)
    always = replace(declaration, starts=None, ends=None)
    found = ticks(always, shown - (wanted + 1) * DAY_SECONDS, shown)
    return [night_of(declaration, tick) for tick in found][len(found) - min(wanted, len(found)) :]


def in_words(replay: Replay, recording: Recording, dags: Sequence[Declaration], now: float) -> list[str]:
    """Say where a replay is: what its clock shows, what comes next, and when it is over. A pure rule."""
    shown = replay.clock.shows(now)
    pace = "in real time" if not replay.driven else f"{replay.speed:g} times as fast as real time"
    lines = [f"Replay of {replay.pipeline}, {pace}: it is {_local(shown, replay)} there."]
    if shown >= replay.over_at:
        return [
            *lines,
            f"It is over: {replay.last} was its last night. Begin a new one: nightshift up --live --restart",
        ]
    lines.append(f"Today's flights are those of {replay.recorded(str(replay.day_at(shown)))}.")
    upcoming = [one for one in deliveries(recording, replay) if one.at > shown]
    for kind in ("rows", "labels"):
        lines += _next_delivery(kind, upcoming, replay, shown)
    for declaration in dags:
        following = ticks(declaration, shown, min(shown + 8 * DAY_SECONDS, replay.over_at))
        if following:
            when = _when(following[0], replay, shown)
            lines.append(f"Next run of {declaration.dag_id}: night {night_of(declaration, following[0])}, {when}.")
    lines.append(f"It is over after night {replay.last}.")
    return lines


def _next_delivery(kind: str, upcoming: Sequence[Delivery], replay: Replay, shown: float) -> list[str]:
    following = next((one for one in upcoming if one.kind == kind), None)
    if following is None:
        return []
    return [f"Next {kind}: of night {following.night}, {_when(following.at, replay, shown)}."]


def _when(moment: float, replay: Replay, shown: float) -> str:
    seconds = (moment - shown) / replay.speed
    wait = (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )
    return f"{_local(moment, replay)} (in {wait})"


def _local(moment: float, replay: Replay) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(replay.timezone)).strftime("%A %Y-%m-%d %H:%M")
