"""The live replay: a pipeline's recorded past, moved by whole weeks, so that tonight, last week and tomorrow exist.

At speed 1 the nights happen in real time, and Airflow's own scheduler starts them. At any other speed the clock of the
nights runs faster than the ledger's; a scheduler cannot be sped up, so `nightshift.live` starts the runs instead. Leases,
messages and whatever else the ledger decides stay in the ledger's own time either way.

`live.json` in the home says that a replay is on. Nothing heavy is imported here: DAG files look at it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipelines.engine.clock import REAL, Clock
from pipelines.engine.errors import UsageError
from pipelines.engine.home import private_folder, replace_json_privately

if TYPE_CHECKING:
    from pipelines.engine.pipeline import Recording
    from pipelines.engine.promises.values import Declaration
    from pipelines.engine.settings import Settings

FILE = "live.json"
WEEK = 7
DAY_SECONDS = 86_400
MOST_SPEED = 3600.0
"""A day in 24 seconds; any faster, and a night's tasks take longer than the night."""
EVENING = time(17, 0)


@dataclass(frozen=True)
class Replay:
    """One replay.

    Attributes:
        pipeline: Whose past is replayed.
        name: Tells it from other replays: when it was begun, in UTC.
        days: By how many days it is moved: whole weeks.
        speed: How many seconds pass for nights in one second.
        clock: Translates the ledger's time. It shows real time while the replay is prepared or its speed is 1.
        starts: From when on nights are due, in seconds since 1970 by the replayed clock; earlier ones are its history.
        first, last: The first and the last night, as they are called in the replay.
        timezone: In which days begin.
        running: Whether it has begun: its history is there and its clock runs at its speed.
        on: Whether it goes on; it is off while it is interrupted.
    """

    pipeline: str
    name: str
    days: int
    speed: float
    clock: Clock
    starts: float
    first: str
    last: str
    timezone: str
    running: bool = False
    on: bool = True

    @property
    def driven(self) -> bool:
        """Whether the replay starts the runs, instead of Airflow's scheduler."""
        return self.speed != 1.0

    @property
    def over_at(self) -> float:
        """When the day of the last night ends, by the replayed clock."""
        return _local(date.fromisoformat(self.last) + timedelta(days=1), time(0), self.timezone)

    def recorded(self, night: str) -> str:
        """Return what a night of the replay is called in the recording."""
        return str(date.fromisoformat(night) - timedelta(days=self.days))

    def day_at(self, shown: float) -> date:
        """Return the local date at a time of the replayed clock."""
        return datetime.fromtimestamp(shown, ZoneInfo(self.timezone)).date()

    def span(self, starts: float | None, ends: float | None) -> tuple[float, float]:
        """Return when a schedule begins and ends in the replay that began and ended then when it was recorded.

        Args:
            starts: Seconds since 1970, or None for always; `ends` likewise.
            ends: Likewise.
        """
        shift = self.days * DAY_SECONDS
        return (
            self.starts if starts is None else max(self.starts, starts + shift),
            self.over_at if ends is None else min(self.over_at, ends + shift),
        )


def begin(recording: Recording, pipeline: str, *, now: float, speed: float, showed: float | None = None) -> Replay:
    """Return a replay that begins now: its day is the same day of the week in the recording's week of `tonight`.

    Args:
        recording: What is replayed.
        pipeline: Whose it is.
        now: The ledger's time.
        speed: Replayed seconds for each second; 1: in real time.
        showed: What the replayed clock shows at the beginning; the real time, if not given.

    Raises:
        UsageError: The speed cannot be, or real time should be another.
    """
    if not 1.0 <= speed <= MOST_SPEED:
        raise UsageError(f"--speed {speed:g} cannot be; expected 1 (real time) to {MOST_SPEED:g} (a day in 24 seconds)")
    if speed == 1.0 and showed is not None:
        raise UsageError("at speed 1 the clock shows the real time; give a --speed as well, such as 600")
    shown = now if showed is None else showed
    today = datetime.fromtimestamp(shown, ZoneInfo(recording.timezone)).date()
    tonight = date.fromisoformat(recording.tonight)
    source = tonight + timedelta(days=(today.weekday() - tonight.weekday()) % WEEK)
    days = (today - source).days
    return Replay(
        pipeline=pipeline,
        name=datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S"),
        days=days,
        speed=speed,
        clock=REAL if speed == 1.0 else Clock(began=now, showed=shown),
        starts=shown,
        first=str(date.fromisoformat(recording.first) + timedelta(days=days)),
        last=str(date.fromisoformat(recording.last) + timedelta(days=days)),
        timezone=recording.timezone,
    )


def run(replay: Replay, now: float) -> Replay:
    """Return the replay, prepared: its clock runs at its speed from now on.

    What happened while it was prepared is seen at that speed, too: steps of its history took as long as later ones will.
    """
    if replay.running:
        return replay
    shown = replay.clock.shows(now)
    clock = replay.clock
    if replay.driven:
        clock = Clock(began=now, showed=shown, speed=replay.speed, before=replay.clock.before)
    return replace(replay, clock=clock, starts=replay.starts if clock.before else shown, running=True)


def go_on(replay: Replay, now: float, last_seen: float | None) -> Replay:
    """Return an interrupted replay that is prepared to go on from where it was.

    Args:
        replay: As it was kept.
        now: The ledger's time.
        last_seen: When it was seen running last, in the ledger's time; None if never.
    """
    if not replay.driven or not replay.running:
        return replace(replay, on=True)
    shown = replay.clock.shows(min(now, last_seen if last_seen is not None else replay.clock.began))
    clock = replay.clock.going_on(now, max(shown, replay.clock.showed), 1.0)
    return replace(replay, clock=clock, running=False, on=True)


def as_replayed(declaration: Declaration, replay: Replay | None) -> Declaration:
    """Return what a DAG's declaration means while a replay is on: its schedule reaches from the beginning to the end of it.

    A replay in real time says so in the DAG itself, because Airflow's scheduler must know. A declaration whose schedule
    ended before such a replay began is one that was read before, so it is moved here.
    """
    if replay is None or declaration.pipeline != replay.pipeline:
        return declaration
    if not replay.driven and (declaration.ends is None or declaration.ends >= replay.starts):
        return declaration
    starts, ends = replay.span(declaration.starts, declaration.ends)
    return replace(declaration, starts=starts, ends=ends)


def evening_after(night: str, timezone: str) -> float:
    """Return 17:00 of a night's day: soon after, the rows of the next night come."""
    return _local(date.fromisoformat(night), EVENING, timezone)


def at_time(now: float, at: time, timezone: str) -> float:
    """Return when local clocks show a time of day on the day of `now`."""
    return _local(datetime.fromtimestamp(now, ZoneInfo(timezone)).date(), at, timezone)


def _local(day: date, at: time, timezone: str) -> float:
    return datetime.combine(day, at, ZoneInfo(timezone)).astimezone(UTC).timestamp()


def read_replay(settings: Settings) -> Replay | None:
    """Return the replay that is on, or None.

    Raises:
        UsageError: The file is not one of ours.
    """
    replay = read_kept(settings)
    return replay if replay is not None and replay.on else None


def read_kept(settings: Settings) -> Replay | None:
    """Return the replay, on or interrupted; None if there is none.

    Raises:
        UsageError: The file is not one of ours.
    """
    file = file_of(settings)
    try:
        value: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return Replay(**{**value, "clock": Clock.from_json(value["clock"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{file} does not say which replay is on: {type(error).__name__}. "
            "Delete it, and begin a new one with `nightshift up --live`."
        ) from error


def read_clock(settings: Settings) -> Clock:
    """Return the clock of nights: the replay's, or the real one.

    Raises:
        UsageError: As `read_replay`.
    """
    replay = read_replay(settings)
    return REAL if replay is None else replay.clock


def keep(settings: Settings, replay: Replay) -> Replay:
    """Write a replay down in one step, and return it."""
    file = file_of(settings)
    private_folder(file.parent)
    replace_json_privately(file, asdict(replay))
    return replay


def interrupt(settings: Settings) -> bool:
    """Switch the replay off until it goes on; return whether it was on."""
    replay = read_replay(settings)
    if replay is not None:
        keep(settings, replace(replay, on=False))
    return replay is not None


def file_of(settings: Settings) -> Path:
    """Return the file that says which replay is on."""
    return settings.home / FILE
